"""Rank-k and average precision by the Market-1501 rules, exact under random tie-breaking.

For each query the gallery pictures of the same person *and* the same camera are dropped (junk);
what is left is the query's valid gallery. Rank-k (CMC) is 1 if one of the person's pictures is
among the k nearest; average precision (AP) is the mean of the precisions at the person's pictures
(Zheng et al., "Scalable Person Re-identification", ICCV 2015). A query without a picture to find is
unscored: NaN.

Methods that remove people give many pictures exactly equal distances. Whatever order a sort leaves
them in (that of the files) would then be scored; instead every value is the exact expectation over
all orders of the tied pictures (McSherry & Najork, "Computing Information Retrieval Performance
Measures Efficiently in the Presence of Tied Scores", ECIR 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

RANKS = (1, 5, 10)
METRICS = (*(f"R@{rank}" for rank in RANKS), "mAP")
"""Keys of every table of values; ``mAP`` of one query is its AP."""

DISTRACTOR = -1
"""The pid of gallery pictures that nobody looks for; they match no query."""

BLOCK = 256
"""Queries handled at once: 256 rows of 20 000 float64 distances are 40 MB."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """How one set of queries did.

    Attributes:
        values: metric → float64 (Q,), expectation under random tie-breaking; NaN for queries
            without a match in their valid gallery.
        chance: metric → float64 (Q,), expectation under a uniform ranking of the valid gallery;
            NaN where ``values`` is.
        n_valid: int64 (Q,), pictures in the query's valid gallery.
        n_positive: int64 (Q,), those of them that show the query's person.
    """

    values: dict[str, NDArray[np.float64]]
    chance: dict[str, NDArray[np.float64]]
    n_valid: NDArray[np.int64]
    n_positive: NDArray[np.int64]

    @property
    def unscored(self) -> int:
        """Queries without a match in their valid gallery."""
        return int((self.n_positive == 0).sum())


def rank(
    queries: NDArray[np.floating[Any]],
    gallery: NDArray[np.floating[Any]],
    *,
    query_pids: ArrayLike,
    gallery_pids: ArrayLike,
    query_camids: ArrayLike,
    gallery_camids: ArrayLike,
    block: int = BLOCK,
) -> Ranking:
    """Rank the gallery for every query by Euclidean distance of embeddings.

    Args:
        queries: float (Q, D), finite.
        gallery: float (G, D), finite. Rows that are equal bit for bit tie exactly.
        query_pids: int (Q,).
        gallery_pids: int (G,), -1 for distractors.
        query_camids: int (Q,).
        gallery_camids: int (G,).
        block: queries handled at once; memory grows with ``block * G``, not with ``Q * G``.

    Raises:
        ValueError: shapes disagree, the gallery is empty or an embedding is not finite.
    """
    query_rows, gallery_rows = _matrix("queries", queries), _matrix("gallery", gallery)
    if query_rows.shape[1] != gallery_rows.shape[1]:
        raise ValueError(
            f"queries have {query_rows.shape[1]} dimensions, the gallery {gallery_rows.shape[1]}"
        )
    # A matrix product may round equal columns differently, by where they lie in its blocking.
    # Distances are therefore computed once per distinct gallery row: equal rows tie exactly.
    first, inverse = _distinct(gallery_rows)
    distinct = gallery_rows[first]
    squares = (distinct**2).sum(1)

    def distances(start: int, stop: int) -> NDArray[np.float64]:
        # Squared, and without the query's own square: neither changes the order within a row.
        compact: NDArray[np.float64] = squares - 2 * (query_rows[start:stop] @ distinct.T)
        return compact[:, inverse]

    return _rank(
        distances,
        query_pids=_ids("query_pids", query_pids, len(query_rows)),
        gallery_pids=_ids("gallery_pids", gallery_pids, len(gallery_rows)),
        query_camids=_ids("query_camids", query_camids, len(query_rows)),
        gallery_camids=_ids("gallery_camids", gallery_camids, len(gallery_rows)),
        block=block,
    )


def rank_distances(
    distances: NDArray[np.floating[Any]],
    *,
    query_pids: ArrayLike,
    gallery_pids: ArrayLike,
    query_camids: ArrayLike,
    gallery_camids: ArrayLike,
    block: int = BLOCK,
) -> Ranking:
    """As :func:`rank`, from distances: float (Q, G), without NaN or inf; exactly equal ones tie.

    Raises:
        ValueError: shapes disagree, the gallery is empty or a distance is not finite.
    """
    table = np.asarray(distances)
    if table.ndim != 2:
        raise ValueError(f"distances must have shape (queries, gallery), not {table.shape}")
    return _rank(
        lambda start, stop: table[start:stop],
        query_pids=_ids("query_pids", query_pids, table.shape[0]),
        gallery_pids=_ids("gallery_pids", gallery_pids, table.shape[1]),
        query_camids=_ids("query_camids", query_camids, table.shape[0]),
        gallery_camids=_ids("gallery_camids", gallery_camids, table.shape[1]),
        block=block,
    )


def chance(n_valid: ArrayLike, n_positive: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """What a uniformly random ranking is expected to reach, in closed form.

    Rank-k is one minus the hypergeometric probability that k pictures drawn without replacement
    hold none of the person's; AP is that of one single group of ties.

    Args:
        n_valid: int (Q,), pictures in each query's valid gallery.
        n_positive: int (Q,), those of them that show the query's person.

    Returns:
        Metric → float64 (Q,); NaN where ``n_positive`` is 0.

    >>> {metric: float(value[0].round(4)) for metric, value in chance([4], [1]).items()}
    {'R@1': 0.25, 'R@5': 1.0, 'R@10': 1.0, 'mAP': 0.5208}
    """
    valid = np.atleast_1d(np.asarray(n_valid, dtype=np.int64))
    positive = np.atleast_1d(np.asarray(n_positive, dtype=np.int64))
    if valid.shape != positive.shape or (positive > valid).any() or (positive < 0).any():
        raise ValueError("need 0 <= n_positive <= n_valid, one of each per query")
    nothing_before = np.zeros_like(valid)
    values = {f"R@{k}": _hit(k, nothing_before, valid, positive) for k in RANKS}
    values["mAP"] = _precisions(nothing_before, nothing_before, valid, positive) / _or_nan(positive)
    return {metric: np.where(positive > 0, value, np.nan) for metric, value in values.items()}


def _rank(
    distances: Callable[[int, int], NDArray[np.floating[Any]]],
    *,
    query_pids: NDArray[np.int64],
    gallery_pids: NDArray[np.int64],
    query_camids: NDArray[np.int64],
    gallery_camids: NDArray[np.int64],
    block: int,
) -> Ranking:
    """Find every positive's group of ties, then sum over groups (all queries at once)."""
    n_queries, n_gallery = query_pids.size, gallery_pids.size
    if n_gallery == 0:
        raise ValueError("the gallery is empty")
    if block < 1:
        raise ValueError(f"block must be at least 1, not {block}")
    n_valid = np.full(n_queries, n_gallery, dtype=np.int64)
    n_positive = np.zeros(n_queries, dtype=np.int64)
    owners, lefts, rights = [], [], []  # per positive: query, places before and up to its ties
    same_pid = _same_pid(query_pids, gallery_pids)
    for start in range(0, n_queries, block):
        stop = min(start + block, n_queries)
        rows = np.array(distances(start, stop))  # a copy, to be sorted in place
        if not np.isfinite(rows).all():
            raise ValueError("distances must be finite")
        found = []
        for row, query in zip(rows, range(start, stop), strict=True):
            same = same_pid(query)
            junk = gallery_camids[same] == query_camids[query]
            found.append(row[same[~junk]])
            row[same[junk]] = np.inf  # behind the valid gallery
            n_valid[query] -= int(junk.sum())
            n_positive[query] = found[-1].size
        rows.sort(axis=1)
        for row, wanted, query in zip(rows, found, range(start, stop), strict=True):
            owners.append(np.full(wanted.size, query, dtype=np.int64))
            lefts.append(np.searchsorted(row, wanted, side="left"))
            rights.append(np.searchsorted(row, wanted, side="right"))
    values = _expected(
        np.concatenate([*owners, np.empty(0, np.int64)]),
        np.concatenate([*lefts, np.empty(0, np.int64)]),
        np.concatenate([*rights, np.empty(0, np.int64)]),
        n_positive,
    )
    return Ranking(values, chance(n_valid, n_positive), n_valid, n_positive)


def _same_pid(
    query_pids: NDArray[np.int64], gallery_pids: NDArray[np.int64]
) -> Callable[[int], NDArray[np.int64]]:
    """Look-up: query → gallery places of the same person (none for a distractor's pid)."""
    order = np.argsort(gallery_pids, kind="stable")
    ordered = gallery_pids[order]
    first = np.searchsorted(ordered, query_pids, side="left")
    last = np.searchsorted(ordered, query_pids, side="right")
    last[query_pids == DISTRACTOR] = first[query_pids == DISTRACTOR]
    return lambda query: order[first[query] : last[query]]


def _expected(
    owners: NDArray[np.int64],
    lefts: NDArray[np.int64],
    rights: NDArray[np.int64],
    n_positive: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """Expected values per query from its positives' places (one entry per positive)."""
    order = np.lexsort((lefts, owners))
    keys = np.stack([owners[order], lefts[order], rights[order]])
    new = np.ones(order.size, dtype=bool)
    new[1:] = (keys[:2, 1:] != keys[:2, :-1]).any(axis=0)
    starts = np.flatnonzero(new)  # of the groups of ties that hold a positive
    owner, before, end = keys[:, starts]
    positives = np.diff(np.append(starts, order.size))
    first_of_query = np.cumsum(n_positive) - n_positive
    found_before = starts - first_of_query[owner]
    tied = end - before

    precisions = np.bincount(
        owner,
        weights=_precisions(before, found_before, tied, positives),
        minlength=n_positive.size,
    )
    nearest = found_before == 0
    scored = n_positive > 0
    values = {}
    for k in RANKS:
        values[f"R@{k}"] = np.full(n_positive.size, np.nan)
        values[f"R@{k}"][scored] = _hit(k, before[nearest], tied[nearest], positives[nearest])
    values["mAP"] = precisions / _or_nan(n_positive)
    return values


def _hit(
    k: int, before: NDArray[np.int64], tied: NDArray[np.int64], positives: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Probability that the k nearest hold a positive, all nearer ones being of other people.

    ``k - before`` of the ``tied`` are drawn without replacement; the chance that none of them is
    among the ``positives`` is a product of at most k factors.
    """
    drawn = k - before
    misses = np.ones(tied.shape)
    for i in range(k):
        left = np.maximum(tied - i, 1)
        factor = np.maximum(tied - positives - i, 0) / left
        misses *= np.where(i < drawn, factor, 1.0)
    return 1.0 - misses


def _precisions(
    before: NDArray[np.int64],
    found_before: NDArray[np.int64],
    tied: NDArray[np.int64],
    positives: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Expected sum of the precisions at the positives of a group of ties.

    With t tied, p of them positive, after n pictures of which r were positive, McSherry & Najork's
    sum over the group's places i = 1 … t::

        (p / t) (r + 1 + (i - 1) (p - 1) / (t - 1)) / (n + i)

    With c = (p - 1) / (t - 1) the terms are c + (r + 1 - c (n + 1)) / (n + i), and the sum needs
    only harmonic numbers: (p / t) (t c + (r + 1 - c (n + 1)) (H(n + t) - H(n))).
    """
    slope = (positives - 1) / np.maximum(tied - 1, 1)
    last = int((before + tied).max(initial=0))
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, last + 1))])
    reciprocals = harmonic[before + tied] - harmonic[before]
    mean_term = slope + (found_before + 1 - slope * (before + 1)) * reciprocals / np.maximum(
        tied, 1
    )
    total: NDArray[np.float64] = positives * mean_term
    return total


def _or_nan(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(counts > 0, counts, np.nan)


def _matrix(name: str, rows: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """As float64: in float32 the cancellation of near neighbours could change their order."""
    matrix = np.asarray(rows, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must have shape (pictures, dimensions), not {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} hold values that are not finite")
    return matrix


def _distinct(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first place of every distinct row, and for every row which distinct one it equals."""
    seen: dict[bytes, int] = {}
    inverse = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in rows], dtype=np.int64)
    _, first = np.unique(inverse, return_index=True)
    return first.astype(np.int64), inverse


def _ids(name: str, values: ArrayLike, length: int) -> NDArray[np.int64]:
    ids = np.asarray(values)
    if ids.shape != (length,) or (length and not np.issubdtype(ids.dtype, np.integer)):
        raise ValueError(f"{name} must be {length} whole numbers")
    return ids.astype(np.int64)

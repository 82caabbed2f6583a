"""From pseudonymized queries to the re-identification table.

The attack of the paper's table: pseudonymized query against original gallery, Market-1501 rules.
:func:`score_queries` yields one record per query; :func:`summarise` computes the table from those
records alone, so that it can be computed again from a run folder.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from humangenai.records import Difference, QueryRecord, Score
from humangenai.reid.ranking import METRICS, rank
from humangenai.statistics import clustered_mean, paired_difference
from humangenai.store import atomic_write, image_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.datasets import Item
    from humangenai.reid.attackers import Attacker

Subset = Literal["all", "processed"]
SUBSETS: tuple[Subset, ...] = ("all", "processed")

CHUNK = 512
"""Pictures loaded and cached at once; 256 x 128 pixels each, that is 50 MB."""


@dataclass(frozen=True, eq=False)
class Query:
    """One query picture under one method.

    Attributes:
        item: its place in the dataset; pid and camid must be known.
        processed: False where a true person of the picture was missed, or the item failed.
        image: loads the pseudonymized picture, uint8 (H, W, 3); None where the item failed, and
            the query is then unscored (NaN).
    """

    item: Item
    processed: bool
    image: Callable[[], NDArray[np.uint8]] | None


def score_queries(
    attackers: Sequence[Attacker],
    gallery: Sequence[Item],
    gallery_image: Callable[[Item], NDArray[np.uint8]],
    methods: Mapping[str, Sequence[Query]],
    *,
    cache: Path,
    advance: Callable[[int], None] | None = None,
) -> Iterator[QueryRecord]:
    """Let every attacker look for every method's queries in the original gallery.

    The gallery is embedded once per attacker; embeddings are kept in ``cache``.

    Args:
        attackers: see :func:`humangenai.reid.load_attacker`.
        gallery: the original gallery's items; pid (-1 for distractors) and camid known.
        gallery_image: loads an original picture, uint8 (H, W, 3).
        methods: method name → its queries.
        cache: folder for embeddings (inside ``private/``); made if missing.
        advance: called with the number of pictures done, for a progress bar; in total
            ``len(attackers) * (len(gallery) + number of queries of all methods)``.

    Yields:
        One record per attacker, method and query, in that order.

    Raises:
        ValueError: a pid or camid is unknown, or the gallery is empty.
    """
    if not gallery:
        raise ValueError("the gallery is empty: there is nobody to be found")
    gallery_pids, gallery_camids = _identities(gallery)
    for attacker in attackers:
        loaders = [partial(gallery_image, item) for item in gallery]
        gallery_rows = embed_cached(attacker, loaders, cache, advance)
        for method, queries in methods.items():
            loaded = [query for query in queries if query.image is not None]
            query_rows = embed_cached(
                attacker, [query.image for query in loaded if query.image], cache, advance
            )
            if advance is not None:
                advance(len(queries) - len(loaded))
            query_pids, query_camids = _identities([query.item for query in loaded])
            ranking = rank(
                query_rows if loaded else np.empty((0, gallery_rows.shape[1])),
                gallery_rows,
                query_pids=query_pids,
                gallery_pids=gallery_pids,
                query_camids=query_camids,
                gallery_camids=gallery_camids,
            )
            places = {query.item.key: place for place, query in enumerate(loaded)}
            for query in queries:
                place = places.get(query.item.key)
                yield QueryRecord(
                    method=method,
                    attacker=attacker.name,
                    key=query.item.key,
                    pid=_known(query.item, query.item.pid),
                    camid=_known(query.item, query.item.camid),
                    processed=query.processed,
                    values=_at(ranking.values, place),
                    chance=_at(ranking.chance, place),
                )


def summarise(
    records: Iterable[QueryRecord],
    *,
    against: Sequence[str] = ("MaskOut", "Original"),
    seed: int = 0,
) -> tuple[dict[str, tuple[Score, ...]], tuple[Difference, ...]]:
    """Compute the table from the lines.

    Args:
        records: what :func:`score_queries` yielded, in any order; of several lines about one query
            the last one counts.
        against: methods that every other method is compared with, where they are among the records.
        seed: of the bootstrap.

    Returns:
        Method name → its scores (attacker x metric x subset), and the paired differences.
    """
    lines: dict[tuple[str, str], dict[str, QueryRecord]] = {}  # (method, attacker) → key → line
    for record in records:
        lines.setdefault((record.method, record.attacker), {})[record.key] = record
    scores: dict[str, list[Score]] = {method: [] for method, _ in lines}
    differences = []
    for (method, attacker), queries in lines.items():
        scores[method] += [
            _score(queries, attacker, metric, subset, seed)
            for metric in METRICS
            for subset in SUBSETS
        ]
        differences += [
            _difference(queries, lines[other, attacker], metric, subset, seed)
            for other in against
            if other != method and (other, attacker) in lines
            for metric in METRICS
            for subset in SUBSETS
        ]
    return {method: tuple(rows) for method, rows in scores.items()}, tuple(differences)


def _score(
    queries: Mapping[str, QueryRecord], attacker: str, metric: str, subset: Subset, seed: int
) -> Score:
    lines = [queries[key] for key in sorted(queries)]
    lines = [line for line in lines if subset == "all" or line.processed]
    estimate = clustered_mean(
        [line.values[metric] for line in lines], [line.pid for line in lines], seed=seed
    )
    scored = [line.chance[metric] for line in lines if not math.isnan(line.values[metric])]
    return Score(
        metric=metric,
        attacker=attacker,
        subset=subset,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        chance=float(np.mean(scored)) if scored else math.nan,
        n=estimate.n,
        clusters=estimate.clusters,
    )


def _difference(
    queries: Mapping[str, QueryRecord],
    others: Mapping[str, QueryRecord],
    metric: str,
    subset: Subset,
    seed: int,
) -> Difference:
    """Over the queries that both methods have; of the processed, those that both processed."""
    pairs = [(queries[key], others[key]) for key in sorted(queries.keys() & others.keys())]
    pairs = [(a, b) for a, b in pairs if subset == "all" or (a.processed and b.processed)]
    estimate = paired_difference(
        [a.values[metric] for a, _ in pairs],
        [b.values[metric] for _, b in pairs],
        [a.pid for a, _ in pairs],
        seed=seed,
    )
    one, other = next(iter(queries.values())), next(iter(others.values()))
    return Difference(
        metric=metric,
        attacker=one.attacker,
        subset=subset,
        method=one.method,
        against=other.method,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        n=estimate.n,
        clusters=estimate.clusters,
    )


def embed_cached(
    attacker: Attacker,
    loaders: Sequence[Callable[[], NDArray[np.uint8]]],
    cache: Path,
    advance: Callable[[int], None] | None = None,
) -> NDArray[np.float32]:
    """Embed pictures, or take their embeddings from the cache.

    Files hold a chunk of pictures each and are named after the attacker's fingerprint and the
    pixels, so they can never be out of date; a damaged one is made again. Within a chunk equal
    pictures are embedded once.

    Args:
        attacker: who embeds.
        loaders: load one picture each, uint8 (H, W, 3).
        cache: folder of the npz files; made, for its owner only, if missing.
        advance: called with the number of pictures done.

    Returns:
        float32 (len(loaders), D); (0, 0) without pictures.
    """
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    chunks = []
    for start in range(0, len(loaders), CHUNK):
        images = [load() for load in loaders[start : start + CHUNK]]
        hashes = [image_hash(image) for image in images]
        content = hashlib.sha256("\n".join([attacker.fingerprint(), *hashes]).encode())
        path = cache / f"{content.hexdigest()[:32]}.npz"
        rows = _read_rows(path, len(images))
        if rows is None:
            distinct = dict(zip(hashes, images, strict=True))
            embedded = attacker.embed(list(distinct.values()))
            place = {name: i for i, name in enumerate(distinct)}
            rows = embedded[[place[name] for name in hashes]]
            buffer = io.BytesIO()
            np.savez(buffer, embeddings=rows)
            atomic_write(path, buffer.getvalue())
        chunks.append(rows)
        if advance is not None:
            advance(len(images))
    return np.concatenate(chunks) if chunks else np.empty((0, 0), dtype=np.float32)


def _read_rows(path: Path, count: int) -> NDArray[np.float32] | None:
    """A chunk's embeddings; None if the file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            rows: NDArray[np.float32] = file["embeddings"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return rows if rows.ndim == 2 and len(rows) == count else None


def _identities(items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Person and camera ids, int64 (len(items),) each."""
    pids = [_known(item, item.pid) for item in items]
    camids = [_known(item, item.camid) for item in items]
    return np.array(pids, dtype=np.int64), np.array(camids, dtype=np.int64)


def _known(item: Item, value: int | None) -> int:
    if value is None:
        raise ValueError(f"re-identification needs person and camera id of {item.key!r}")
    return value


def _at(values: Mapping[str, NDArray[np.float64]], place: int | None) -> dict[str, float]:
    """One query's values; NaN for a query that was not ranked."""
    return {
        metric: math.nan if place is None else float(column[place])
        for metric, column in values.items()
    }

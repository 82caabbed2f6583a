"""How far annotators agree: Krippendorff's α, Gwet's AC2 and raw agreement, with intervals.

All three are functions of one table: how many annotators gave an item each of the answers. The
intervals resample items (rows of that table), as another study would show other items. Items that
show the same person hang together: with ``clusters`` such items are drawn together.

- α: Krippendorff, *Content Analysis: An Introduction to Its Methodology*, 4th ed. (2018), chapter
  12; ordinal differences.
- AC2: Gwet, *Handbook of Inter-Rater Reliability*, 4th ed. (2014), chapters 3 to 5; ordinal
  weights.

An answer that was not given is NaN. Items with a single answer say nothing about agreement: α and
the raw agreement leave them out; AC2 uses them for the shares of the answers only, as Gwet does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from humangenai.statistics import CROSSED_RESAMPLES, Estimate, resample_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LIKERT = (1, 2, 3, 4, 5)
"""The answers of a worded 5-point scale."""

Level = Literal["nominal", "ordinal"]

PARADOX_RAW = 0.7
PARADOX_ALPHA = 0.4
"""α is explained where it is at most this although the raw agreement is at least that."""


class _Draws(TypedDict):
    clusters: ArrayLike | None
    resamples: int
    seed: int


@dataclass(frozen=True)
class Agreement:
    """What the annotators of one question agree on.

    Attributes:
        alpha: Krippendorff's α, 1 at perfect agreement, 0 at chance.
        ac2: Gwet's AC2 with ordinal weights, on the same scale.
        raw: share of pairs of answers to one item that are equal, in [0, 1].
        near: share of pairs that are at most one step apart, in [0, 1].
        remark: a sentence where α must be read with care, else empty.
    """

    alpha: Estimate
    ac2: Estimate
    raw: Estimate
    near: Estimate
    remark: str


def agreement(
    ratings: ArrayLike,
    scale: Sequence[float] = LIKERT,
    *,
    clusters: ArrayLike | None = None,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """Everything about the agreement on one question.

    Args:
        ratings: float (annotators, items), NaN where not answered.
        scale: all possible answers in order, also those that nobody gave.
        clusters: (items,) labels of what is resampled together; None: every item by itself.
        resamples: how often to resample the items.
        seed: of the resamples.

    Raises:
        ValueError: the table is not two-dimensional or holds an answer that is not on the scale, or
            there is not one cluster per item.
    """
    draws: _Draws = {"clusters": clusters, "resamples": resamples, "seed": seed}
    return Agreement(
        alpha=krippendorff_alpha(ratings, scale, **draws),
        ac2=gwet_ac2(ratings, scale, **draws),
        raw=raw_agreement(ratings, scale, **draws),
        near=raw_agreement(ratings, scale, within=1, **draws),
        remark=explain(ratings, scale),
    )


def rating_table(answers: pd.DataFrame) -> tuple[Floats, NDArray[np.str_]]:
    """Answers, one a row, as the functions here take them.

    Args:
        answers: columns ``annotator``, ``source``, ``item``, ``question`` and ``value``; one row
            at most per annotator, item and question. An item asked two questions counts as two.

    Returns:
        float64 (annotators, items), NaN where not answered; and str (items,), the sources.
    """
    if answers.empty:
        return np.empty((0, 0)), np.empty(0, dtype=str)
    columns = ["source", "item", "question"]
    table = answers.pivot(index="annotator", columns=columns, values="value")
    sources = table.columns.get_level_values("source").to_numpy(dtype=str)
    return table.to_numpy(dtype=np.float64), sources


def krippendorff_alpha(
    ratings: ArrayLike,
    scale: Sequence[float] = LIKERT,
    *,
    level: Level = "ordinal",
    clusters: ArrayLike | None = None,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Krippendorff's α: one minus observed over expected disagreement.

    Args:
        ratings: float (annotators, items), NaN where not answered.
        scale: all possible answers in order.
        level: ``ordinal``: answers further apart disagree more, by how many answers lie between;
            ``nominal``: answers are equal or not.
        clusters: (items,) labels of what is resampled together; None: every item by itself.
        resamples: how often to resample the items.
        seed: of the resamples.

    Returns:
        α with its 95 % interval; ``n`` answers and ``clusters`` that were used. NaN where all
        answers are equal: nothing could be disagreed upon.

    Raises:
        ValueError: as in :func:`agreement`.

    >>> krippendorff_alpha([[1, 2, 5, 4], [1, 2, 5, 4], [1, 3, 5, float("nan")]]).value
    0.9...
    """
    counts, together = _drawn_together(_counts(ratings, scale), clusters, fewest=2)
    answers = counts.sum(axis=1)
    # An item's coincidences: its ordered pairs of answers, together weighing as its answers do.
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(scale))
    coincidences = pairs / (answers - 1)[:, None, None]

    def alpha(weights: Floats) -> Floats:
        total = np.tensordot(weights, coincidences, axes=(1, 0))
        return _alpha(total, level)

    return _resampled(alpha, counts, together, resamples, seed)


def _alpha(coincidences: Floats, level: Level) -> Floats:
    """α of tables of coincidences, float64 (tables, answers, answers) → (tables,)."""
    marginals = coincidences.sum(axis=2)
    n = marginals.sum(axis=1)
    differences = _squared_differences(marginals, level)
    observed = (coincidences * differences).sum(axis=(1, 2))
    expected = np.einsum("tc,tk,tck->t", marginals, marginals, differences)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = 1 - (n - 1) * observed / expected
    return np.where(expected > 0, alpha, math.nan)


def _squared_differences(marginals: Floats, level: Level) -> Floats:
    """How far answers lie apart, float64 (tables, answers, answers).

    Ordinal: the number of answers from c to k, both ends half, squared.
    """
    if level == "nominal":
        return np.broadcast_to(
            1 - np.eye(marginals.shape[1]), (*marginals.shape, marginals.shape[1])
        )
    middle = np.cumsum(marginals, axis=1) - marginals / 2
    return (middle[:, :, None] - middle[:, None, :]) ** 2


def gwet_ac2(
    ratings: ArrayLike,
    scale: Sequence[float] = LIKERT,
    *,
    weights: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Gwet's AC2: agreement corrected for chance in a way that survives near-constant answers.

    Args:
        ratings: float (annotators, items), NaN where not answered.
        scale: all possible answers in order; those that nobody gave count as well.
        weights: float (answers, answers), how much two answers agree, 1 on the diagonal; None:
            Gwet's ordinal weights. The identity gives AC1.
        clusters: (items,) labels of what is resampled together; None: every item by itself.
        resamples: how often to resample the items.
        seed: of the resamples.

    Returns:
        AC2 with its 95 % interval; NaN where no item has two answers.

    Raises:
        ValueError: as in :func:`agreement`, or the scale has fewer than two answers.
    """
    q = len(scale)
    if q < 2:
        raise ValueError("a scale needs at least two answers")
    agrees = ordinal_weights(q) if weights is None else np.asarray(weights, dtype=np.float64)
    counts, together = _drawn_together(_counts(ratings, scale), clusters, fewest=1)
    answers = counts.sum(axis=1)
    several = answers >= 2
    observed = _pairs_that_agree(counts, agrees)
    shares = counts / np.maximum(answers, 1)[:, None]
    chance = agrees.sum() / (q * (q - 1))

    def ac2(drawn: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            pa = drawn @ observed / (drawn @ several)
            pi = drawn @ shares / drawn.sum(axis=1, keepdims=True)
            pe = chance * (pi * (1 - pi)).sum(axis=1)
            return np.asarray((pa - pe) / (1 - pe))

    return _resampled(ac2, counts, together, resamples, seed)


def ordinal_weights(answers: int) -> Floats:
    """Gwet's ordinal weights, float64 (answers, answers) in [0, 1].

    One minus the number of pairs of answers between (and including) the two, over the largest such
    number.

    >>> ordinal_weights(3).round(2).tolist()
    [[1.0, 0.67, 0.0], [0.67, 1.0, 0.67], [0.0, 0.67, 1.0]]
    """
    apart = np.abs(np.subtract.outer(np.arange(answers), np.arange(answers)))
    pairs = (apart + 1) * apart / 2
    return np.asarray(1 - pairs / pairs.max())


def raw_agreement(
    ratings: ArrayLike,
    scale: Sequence[float] = LIKERT,
    *,
    within: int = 0,
    clusters: ArrayLike | None = None,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Share of pairs of answers to one item that agree: per item, then over items.

    Args:
        ratings: float (annotators, items), NaN where not answered.
        scale: all possible answers in order.
        within: steps that two answers may lie apart.
        clusters: (items,) labels of what is resampled together; None: every item by itself.
        resamples: how often to resample the items.
        seed: of the resamples.

    Raises:
        ValueError: as in :func:`agreement`.

    >>> raw_agreement([[1, 5], [1, 5], [1, 4]]).value
    0.66...
    """
    steps = np.abs(np.subtract.outer(np.arange(len(scale)), np.arange(len(scale))))
    counts, together = _drawn_together(_counts(ratings, scale), clusters, fewest=2)
    shares = _pairs_that_agree(counts, (steps <= within).astype(np.float64))

    def mean(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(weights @ shares / weights.sum(axis=1))

    return _resampled(mean, counts, together, resamples, seed)


def explain(ratings: ArrayLike, scale: Sequence[float] = LIKERT) -> str:
    """A sentence where α says little although annotators agree; else nothing.

    α compares disagreement with what answers drawn from the same pot would show. Where nearly all
    answers are the same, that is nearly nothing, and a few strays make α small or negative
    (the paradox that Feinstein & Cicchetti, *J. Clin. Epidemiol.* 43(6), 1990, described for κ).

    Args:
        ratings: float (annotators, items), NaN where not answered.
        scale: all possible answers in order.

    >>> explain([[5, 5, 5, 5, 5, 5], [5, 5, 5, 5, 5, 4]])
    '92 % of the answers are 5, ...
    """
    counts = _counts(ratings, scale)
    counts = counts[counts.sum(axis=1) >= 2]
    totals = counts.sum(axis=0)
    if not totals.sum():
        return "No item has answers of two annotators, so agreement cannot be computed."
    share = totals.max() / totals.sum()
    commonest = f"{scale[int(totals.argmax())]:g}"
    if share == 1:
        return (
            f"Every answer is {commonest}: α is undefined, as there is nothing to disagree on. "
            "Read AC2 and the raw agreement."
        )
    once = np.ones((1, len(counts)))
    raw = float((once @ _pairs_that_agree(counts, np.eye(len(scale))) / len(counts))[0])
    alpha = krippendorff_alpha(ratings, scale, resamples=1).value
    if raw < PARADOX_RAW or alpha > PARADOX_ALPHA:
        return ""
    return (
        f"{100 * share:.0f} % of the answers are {commonest}, and {100 * raw:.0f} % of the pairs "
        f"of answers are equal; α is {alpha:.2f} all the same, because it measures against chance, "
        "and by chance nearly constant answers would agree as often. Read AC2 and the raw "
        "agreement; α would need items that differ more."
    )


def _counts(ratings: ArrayLike, scale: Sequence[float]) -> Floats:
    """How many annotators gave each item each answer: float64 (items, answers)."""
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings must be (annotators, items), not of shape {table.shape}")
    answers = np.asarray(scale, dtype=np.float64)
    given = table[:, :, None] == answers
    stray = table[~np.isnan(table) & ~given.any(axis=2)]
    if stray.size:
        raise ValueError(f"the answer {stray[0]:g} is not on the scale {tuple(scale)}")
    return np.asarray(given.sum(axis=0), dtype=np.float64)


def _drawn_together(
    counts: Floats, clusters: ArrayLike | None, fewest: int
) -> tuple[Floats, NDArray[np.intp]]:
    """The items that have so many answers, and the number of the cluster of each."""
    items = len(counts)
    labels = np.arange(items) if clusters is None else np.asarray(clusters)
    if labels.shape != (items,):
        raise ValueError(f"clusters must be of shape ({items},), not {labels.shape}")
    enough = counts.sum(axis=1) >= fewest
    _, index = np.unique(labels[enough], return_inverse=True)
    return counts[enough], index


def _pairs_that_agree(counts: Floats, agrees: Floats) -> Floats:
    """Per item the weighted share of its pairs of answers that agree; 0 without a pair."""
    answers = counts.sum(axis=1)
    pairs = (counts * (counts @ agrees - 1)).sum(axis=1)
    return np.asarray(pairs / np.maximum(answers * (answers - 1), 1))


def _resampled(
    statistic: Callable[[Floats], Floats],
    counts: Floats,
    together: NDArray[np.intp],
    resamples: int,
    seed: int,
) -> Estimate:
    """A statistic of weighted items, with its interval from resampling them.

    Args:
        statistic: takes float64 (draws, items), how often each item was drawn.
        counts: the items, (items, answers).
        together: (items,), the number of each item's cluster.
        resamples: how often to resample.
        seed: of the resamples.
    """
    n, items = int(counts.sum()), len(counts)
    if not items:
        return Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    value = float(statistic(np.ones((1, items)))[0])
    low = high = math.nan
    clusters = int(together.max()) + 1
    if clusters >= 2 and not math.isnan(value):
        drawn = statistic(resample_weights(clusters, resamples, seed)[:, together])
        # A resample may hold equal answers only, of which α says nothing.
        drawn = drawn[~np.isnan(drawn)]
        if drawn.size:
            low, high = (float(end) for end in np.percentile(drawn, [2.5, 97.5]))
    return Estimate(value, low, high, n=n, clusters=clusters)

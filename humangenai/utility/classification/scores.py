"""How good classifiers are, and whether one is better than another.

A configuration (S, R, S+R, S→R) is trained several times, with several seeds, and all its models
are tested on the same pictures. Everything here follows from three arrays: the true classes, what
each model predicts, and who is in the pictures. A score is the mean of the models' scores; its
interval says how much it would move with other test pictures of other people *and* with other
trainings (``humangenai.statistics.repeated_share``). Each model's scores equal scikit-learn's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from humangenai.statistics import (
    Estimate,
    Repeated,
    repeated_difference,
    repeated_share,
    resample_weights,
    share_difference,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

Metric = Literal["accuracy", "balanced accuracy", "macro-F1"]

UNLABELLED = -1
"""The true class of a picture that has no label for the task; it is left out, and counted."""

RESAMPLES = 2000
SHUFFLES = 500

SMALLEST_GROUP = 10
"""Groups of fewer labelled pictures have a score, but are left out of the gap."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What the models of one configuration say of the test pictures in one task.

    Attributes:
        true: int64 (items,): numbers of the classes; -1 where a picture has no label.
        predicted: int64 (seeds, items): what each model says.
        clusters: (items,): who is in the picture; a label per picture where nobody knows.
        classes: their names.

    Raises:
        ValueError: shapes do not fit, or a number is no class.

    >>> said = Predictions([0, 1, -1], [[0, 1, 1], [0, 0, 1]], ["a", "b", "b"], ("sad", "happy"))
    >>> score(said, "accuracy").value, said.unlabelled
    (0.75, 1)
    """

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    clusters: NDArray[Any]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("true", "predicted"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.int64))
        object.__setattr__(self, "clusters", np.asarray(self.clusters))
        items = self.true.shape
        if self.true.ndim != 1 or self.clusters.shape != items or self.predicted.shape[1:] != items:
            raise ValueError(
                "expected (items,), (seeds, items) and (items,), not "
                f"{self.true.shape}, {self.predicted.shape} and {self.clusters.shape}"
            )
        last = len(self.classes) - 1
        for name, least in (("true", UNLABELLED), ("predicted", 0)):
            values = getattr(self, name)
            if values.size and (values.min() < least or values.max() > last):
                raise ValueError(f"{name}: classes are {least} to {last}")

    @property
    def unlabelled(self) -> int:
        """Test pictures without a label."""
        return int((self.true == UNLABELLED).sum())


@dataclass(frozen=True, eq=False)
class GroupScores:
    """One score per group of people, and how far the groups are apart.

    Attributes:
        groups: group → its score.
        best: the group with the highest score, of those that are large enough; None with fewer
            than two of them. ``worst`` likewise.
        gap: best minus worst, with Newcombe's interval. It picks the extremes after the fact, so
            it is never 0: compare it with ``by_chance``.
        by_chance: the mean gap if people were put into groups by lot.
        p: how often that gap is as large as ``gap``.
        unknown: labelled pictures whose group nobody knows.
    """

    groups: Mapping[str, Repeated]
    best: str | None
    worst: str | None
    gap: Estimate
    by_chance: float
    p: float
    unknown: int


# ---- metrics: of confusion matrices (…, true, predicted) --------------------------------------


def _accuracy(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of pictures that are told right."""
    right = np.trace(matrices, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(right / matrices.sum(axis=(-2, -1)))


def _balanced_accuracy(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean recall of the classes that occur."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    there = matrices.sum(axis=-1)
    return _mean_where(right, there, there > 0)


def _macro_f1(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean F1 of the classes that occur or are predicted."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    both = matrices.sum(axis=-1) + matrices.sum(axis=-2)
    return _mean_where(2 * right, both, both > 0)


def _mean_where(
    above: NDArray[np.float64], below: NDArray[np.float64], counts: NDArray[np.bool_]
) -> NDArray[np.float64]:
    ratios = np.where(counts, above / np.where(counts, below, 1), 0)
    with np.errstate(invalid="ignore"):
        return np.asarray(ratios.sum(axis=-1) / counts.sum(axis=-1))


METRICS: Mapping[Metric, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "accuracy": _accuracy,
    "balanced accuracy": _balanced_accuracy,
    "macro-F1": _macro_f1,
}
"""Metric → function of confusion matrices float64 (…, classes, classes), true classes in rows."""


# ---- scores -----------------------------------------------------------------------------------


def confusion(predictions: Predictions) -> NDArray[np.float64]:
    """Pictures by true class (rows) and predicted class, mean over models: float64 (K, K)."""
    return np.asarray(_Counts.of(predictions).by_seed().mean(axis=0))


def score(
    predictions: Predictions, metric: Metric, *, resamples: int = RESAMPLES, seed: int = 0
) -> Repeated:
    """A configuration's score over the labelled test pictures.

    Args:
        predictions: of all its models.
        metric: name of one in ``METRICS``.
        resamples: of people, for the interval.
        seed: of the resamples.
    """
    counts = _Counts.of(predictions)
    measure = METRICS[metric]
    return repeated_share(
        measure(counts.by_seed()),
        measure(counts.resampled(resamples, seed)).mean(axis=1),
        n=counts.items,
        clusters=len(counts.table),
    )


def difference(
    predictions: Predictions,
    against: Predictions,
    metric: Metric,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Repeated:
    """``predictions`` minus ``against``, paired by picture and by training.

    Models are paired in their order: the first with the first, which began from the same seed.

    Raises:
        ValueError: they were not tested on the same pictures, or have not equally many models.
    """
    for name in ("true", "clusters"):
        if not np.array_equal(getattr(predictions, name), getattr(against, name)):
            raise ValueError("only predictions on the same test pictures can be compared")
    if len(predictions.predicted) != len(against.predicted):
        raise ValueError("only equally many trainings can be compared pairwise")
    one, other = _Counts.of(predictions), _Counts.of(against)
    measure = METRICS[metric]
    drawn = [measure(counts.resampled(resamples, seed)).mean(axis=1) for counts in (one, other)]
    return repeated_difference(
        measure(one.by_seed()) - measure(other.by_seed()),
        drawn[0] - drawn[1],
        n=one.items,
        clusters=len(one.table),
    )


def by_group(
    predictions: Predictions,
    groups: NDArray[np.str_],
    metric: Metric,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> GroupScores:
    """Scores of groups of people, such as ethnicities, and their gap.

    Args:
        predictions: of all models of a configuration.
        groups: str (items,): the group of who is in the picture; empty: nobody knows.
        metric: name of one in ``METRICS``.
        resamples: of people, for the intervals.
        seed: of resamples and lots.

    Raises:
        ValueError: the length differs, or one person is in several groups.
    """
    groups = np.asarray(groups).astype(str)
    if groups.shape != predictions.true.shape:
        raise ValueError(f"expected a group per item, not {groups.shape}")
    labelled = predictions.true != UNLABELLED
    known = labelled & (groups != "")
    names = sorted(set(groups[known].tolist()))
    parts = {name: _part(predictions, known & (groups == name)) for name in names}
    scores = {
        name: score(part, metric, resamples=resamples, seed=seed) for name, part in parts.items()
    }
    large = [name for name in names if scores[name].n >= SMALLEST_GROUP]
    best = worst = None
    gap = Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    by_chance = p = math.nan
    if len(large) >= 2:
        best = max(large, key=lambda name: scores[name].value)
        worst = min(large, key=lambda name: scores[name].value)
        gap = share_difference(_estimate(scores[best]), _estimate(scores[worst]))
        among = _part(predictions, known & np.isin(groups, large))
        lots = _gaps_by_lot(among, groups[known & np.isin(groups, large)], metric, seed)
        by_chance = float(lots.mean())
        # The observed one counts among the lots, so that p is never 0.
        p = float((1 + (lots >= gap.value - 1e-12).sum()) / (1 + lots.size))
    return GroupScores(
        scores, best, worst, gap, by_chance, p, unknown=int((labelled & ~known).sum())
    )


def _part(predictions: Predictions, chosen: NDArray[np.bool_]) -> Predictions:
    return Predictions(
        predictions.true[chosen],
        predictions.predicted[:, chosen],
        predictions.clusters[chosen],
        predictions.classes,
    )


def _estimate(score: Repeated) -> Estimate:
    return Estimate(score.value, score.low, score.high, n=score.n, clusters=score.clusters)


def _gaps_by_lot(
    predictions: Predictions, groups: NDArray[np.str_], metric: Metric, seed: int
) -> NDArray[np.float64]:
    """The gap when people are put into groups of the same sizes by lot: float64 (SHUFFLES,)."""
    _, first, index = np.unique(predictions.clusters, return_index=True, return_inverse=True)
    if (groups[first][index] != groups).any():
        raise ValueError("a person is in several groups; groups must be of people")
    _, group = np.unique(groups[first], return_inverse=True)
    table = _Counts.of(predictions).table.astype(np.float64)
    rng = np.random.default_rng(seed)
    gaps = np.empty(SHUFFLES)
    for at in range(SHUFFLES):
        member = np.eye(group.max() + 1)[rng.permutation(group)].T  # (groups, people)
        matrices = np.tensordot(member, table, axes=1)
        scores = METRICS[metric](matrices).mean(axis=1)
        gaps[at] = scores.max() - scores.min()
    return gaps


@dataclass(frozen=True, eq=False)
class _Counts:
    """Confusion matrices person by person: all that scores and their resamples are made of.

    Attributes:
        table: int64 (people, seeds, classes, classes), in the order of the sorted cluster labels.
        items: labelled pictures.
    """

    table: NDArray[np.int64]
    items: int

    @classmethod
    def of(cls, predictions: Predictions) -> _Counts:
        labelled = predictions.true != UNLABELLED
        true = predictions.true[labelled]
        people, person = np.unique(predictions.clusters[labelled], return_inverse=True)
        seeds, classes = len(predictions.predicted), len(predictions.classes)
        table = np.zeros((people.size, seeds, classes, classes), dtype=np.int64)
        for seed, said in enumerate(predictions.predicted[:, labelled]):
            np.add.at(table[:, seed], (person, true, said), 1)
        return cls(table, items=int(labelled.sum()))

    def by_seed(self) -> NDArray[np.float64]:
        """One matrix per model: float64 (seeds, classes, classes)."""
        return np.asarray(self.table.sum(axis=0), dtype=np.float64)

    def resampled(self, resamples: int, seed: int) -> NDArray[np.float64]:
        """The same over people drawn anew: float64 (resamples, seeds, classes, classes)."""
        if not len(self.table):
            return np.zeros((resamples, *self.table.shape[1:]))
        weights = resample_weights(len(self.table), resamples, seed)
        return np.tensordot(weights, self.table.astype(np.float64), axes=1)

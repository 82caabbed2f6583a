"""From what models say of the test pictures to what a record holds: pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai.records import (
    UtilityConfusion,
    UtilityDifference,
    UtilityGap,
    UtilityScore,
)
from humangenai.utility.classification.scores import (
    METRICS,
    UNLABELLED,
    Predictions,
    by_group,
    confusion,
    difference,
    score,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets.tasks import Task
    from humangenai.records import Ends, Training
    from humangenai.statistics import Repeated
    from humangenai.utility.classification.scores import Metric

BASELINE: Training = "R"
"""What all others are compared with."""

GROUPED_BY = ("age group", "gender", "ethnicity")
"""Labels that put people into groups, among which models may not be equally good."""

GAP_METRIC: Metric = "accuracy"


@dataclass(frozen=True, eq=False)
class Tested:
    """Models of one recipe, and the test pictures.

    Attributes:
        model: as tables call it.
        tasks: what is told.
        labels: int64 (N, tasks), -1 without a label.
        people: str (N,), who is in each picture.
        usual: int64 (tasks,), the commonest class of the training originals.
        said: training → int64 (seeds, tasks, N); empty where the model could not be trained.
    """

    model: str
    tasks: Sequence[Task]
    labels: NDArray[np.int64]
    people: NDArray[np.str_]
    usual: NDArray[np.int64]
    said: Mapping[Training, NDArray[np.int64]]

    def of(self, training: Training, task: int) -> Predictions:
        """What its models say in one task."""
        return Predictions(
            self.labels[:, task],
            self.said[training][:, task],
            self.people,
            self.tasks[task].names,
        )


def scores(tested: Tested, trainings: Sequence[Training]) -> Iterator[UtilityScore]:
    """A cell per training, task and metric; NaN where there is no model."""
    for training in trainings:
        for at, task in enumerate(tested.tasks):
            for metric in METRICS:
                if training not in tested.said:
                    yield UtilityScore(
                        training=training, model=tested.model, task=task.name, metric=metric,
                        value=_UNSCORED, chance=math.nan, n=0, clusters=0, seeds=0,
                    )  # fmt: skip
                    continue
                predictions = tested.of(training, at)
                value = score(predictions, metric)
                yield UtilityScore(
                    training=training,
                    model=tested.model,
                    task=task.name,
                    metric=metric,
                    value=_ends(value),
                    per_seed=tuple(
                        _plain(_one(predictions, seed), metric) for seed in range(value.seeds)
                    ),
                    chance=_chance(tested, at, metric),
                    n=value.n,
                    clusters=value.clusters,
                    seeds=value.seeds,
                )


def differences(tested: Tested, trainings: Sequence[Training]) -> Iterator[UtilityDifference]:
    """Every training minus R, paired by picture and seed; none where one of both is missing."""
    if BASELINE not in tested.said:
        return
    for training in trainings:
        if training == BASELINE or training not in tested.said:
            continue
        for at, task in enumerate(tested.tasks):
            for metric in METRICS:
                gap = difference(tested.of(training, at), tested.of(BASELINE, at), metric)
                yield UtilityDifference(
                    training=training,
                    against=BASELINE,
                    model=tested.model,
                    task=task.name,
                    metric=metric,
                    value=_ends(gap),
                    p=gap.p,
                    n=gap.n,
                    clusters=gap.clusters,
                    seeds=gap.seeds,
                )


def confusions(tested: Tested, trainings: Sequence[Training]) -> Iterator[UtilityConfusion]:
    """A matrix per training and task."""
    for training in trainings:
        if training not in tested.said:
            continue
        for at, task in enumerate(tested.tasks):
            predictions = tested.of(training, at)
            rows = np.round(confusion(predictions), 3).tolist()
            yield UtilityConfusion(
                training=training,
                model=tested.model,
                task=task.name,
                classes=task.names,
                counts=tuple(tuple(row) for row in rows),
                unlabelled=predictions.unlabelled,
            )


def gaps(tested: Tested, trainings: Sequence[Training]) -> Iterator[UtilityGap]:
    """How far groups of people are apart, in all tasks but the one that groups them.

    Groups are of people: where a label differs between somebody's pictures it makes no groups.
    """
    names = [task.name for task in tested.tasks]
    for by in (name for name in GROUPED_BY if name in names):
        column = names.index(by)
        groups = _groups(tested, column)
        if groups is None:
            continue
        for training in trainings:
            if training not in tested.said:
                continue
            for at, task in enumerate(tested.tasks):
                if at == column:
                    continue
                found = by_group(tested.of(training, at), groups, GAP_METRIC)
                yield UtilityGap(
                    training=training,
                    model=tested.model,
                    task=task.name,
                    metric=GAP_METRIC,
                    by=by,
                    groups={name: _ends(value) for name, value in found.groups.items()},
                    sizes={name: value.n for name, value in found.groups.items()},
                    best=found.best,
                    worst=found.worst,
                    gap=(found.gap.value, found.gap.low, found.gap.high),
                    by_chance=found.by_chance,
                    p=found.p,
                )


def verdicts(found: Sequence[UtilityDifference]) -> list[str]:
    """One line per model: which differences to R are more than noise, in accuracy."""
    lines = []
    told = [one for one in found if one.metric == "accuracy"]
    for model in dict.fromkeys(one.model for one in told):
        mine = [one for one in told if one.model == model]
        if all(math.isnan(one.value[1]) for one in mine):
            lines.append(f"{model}: one training of each kind, so nobody knows what is noise")
            continue
        sure = [one for one in mine if one.value[1] > 0 or one.value[2] < 0]
        if not sure:
            lines.append(f"{model}: all differences to R are within noise")
            continue
        named = ", ".join(
            f"{one.training} {one.task} ({'better' if one.value[0] > 0 else 'worse'})"
            for one in sure
        )
        rest = len(mine) - len(sure)
        lines.append(f"{model}: apart from R beyond noise: {named}; {rest} others within noise")
    return lines


def usual_classes(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The commonest class of each task: int64 (tasks,) from (N, tasks); 0 where nobody knows."""
    usual = np.zeros(labels.shape[1], dtype=np.int64)
    for task, column in enumerate(labels.T):
        known = column[column != UNLABELLED]
        if known.size:
            usual[task] = np.bincount(known).argmax()
    return usual


_UNSCORED: Ends = (math.nan, math.nan, math.nan)


def _ends(value: Repeated) -> Ends:
    return value.value, value.low, value.high


def _one(predictions: Predictions, seed: int) -> Predictions:
    return Predictions(
        predictions.true,
        predictions.predicted[[seed]],
        predictions.clusters,
        predictions.classes,
    )


def _plain(predictions: Predictions, metric: Metric) -> float:
    """The score without an interval."""
    return float(METRICS[metric](confusion(predictions)[None])[0])


def _chance(tested: Tested, task: int, metric: Metric) -> float:
    """What a model scores that always says the commonest class of the training originals."""
    true = tested.labels[:, task]
    always = np.full((1, len(true)), tested.usual[task])
    return _plain(Predictions(true, always, tested.people, tested.tasks[task].names), metric)


def _groups(tested: Tested, column: int) -> NDArray[np.str_] | None:
    """The group of who is in each picture; None where somebody is in several."""
    numbers, names = tested.labels[:, column], tested.tasks[column].names
    known = [names[number] if number != UNLABELLED else "" for number in numbers]
    groups = np.array(known, dtype=np.str_)
    for person in np.unique(tested.people):
        if len(set(groups[tested.people == person].tolist())) > 1:
            return None
    return groups

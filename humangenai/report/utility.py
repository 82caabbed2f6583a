"""The tables of downstream utility, as data: S, R, S+R and S→R as the paper lays them out.

Made from ``records.UtilityRecord`` alone, whichever track it is of. What the paper printed stands
in a table of its own: its pictures, models and budgets are others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from humangenai.report.tables import UNSCORED, Cell, Table, originals, percent, points
from humangenai.report.utility_also import also_tables
from humangenai.utility.published import (
    CLASSIFICATION,
    DETECTION,
    PROTOCOL,
    TITLE,
    TRAININGS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from humangenai.records import (
        Ends,
        MethodRecord,
        RunRecord,
        UtilityDifference,
        UtilityModel,
        UtilityRecord,
        UtilityScore,
        UtilityTrack,
    )

Measured = tuple["MethodRecord", "UtilityRecord"]
Column = tuple[str, str]
"""A task and a metric."""

ACCURACY = "accuracy"

READ = (
    "S: learned from this method's pictures, R: from the originals, S+R: from both in as many "
    "updates, S→R: from S, then from R; tested on originals of other people; beneath: 95 % "
    "intervals over people and trainings"
)


def utility_tables(record: RunRecord, *, wide: bool = False) -> list[Table]:
    """The tables that people ask for first: scores, differences to R, the paper's own.

    Args:
        record: the run.
        wide: with all metrics, instead of the paper's.

    Returns:
        Nothing where nobody trained models.
    """
    made: list[Table] = []
    measured = utility_of(record)
    for method, utility in measured:
        made += [
            score_table(record, method.name, utility, wide=wide),
            utility_difference_table(record, method.name, utility, wide=wide),
            label_table(record, method.name, utility),
        ]
    made += also_tables(record)
    made += [published_table(track) for track in dict.fromkeys(one.track for _, one in measured)]
    return [table for table in made if table.rows]


def utility_details(record: RunRecord) -> list[tuple[str, tuple[Table, ...]]]:
    """Heading and tables that are folded away: confusion matrices, gaps, models."""
    made: list[tuple[str, tuple[Table, ...]]] = []
    for method, utility in utility_of(record):
        matrices = tuple(confusion_tables(utility))
        if matrices:
            made.append((f"{method.name}: which classes are taken for which", matrices))
        gaps = gap_table(utility)
        if gaps.rows:
            made.append((f"{method.name}: groups of people", (gaps,)))
    for _, utility in utility_of(record)[:1]:
        made.append((f"{utility.track}: models", (model_table(utility),)))
    return made


def utility_of(record: RunRecord) -> list[Measured]:
    """The methods whose pictures models learned from, a pair per track."""
    return [(method, one) for method in record.methods for one in method.utility]


def score_table(
    record: RunRecord, method: str, utility: UtilityRecord, *, wide: bool = False
) -> Table:
    """Rows are models and what they learned from, columns tasks."""
    columns = _columns(utility.scores, wide=wide)
    by_place = {(one.model, one.training, one.task, one.metric): one for one in utility.scores}
    rows: list[tuple[Cell, ...]] = []
    for model in utility.models:
        trainings = [t for t in TRAININGS if any(one.training == t for one in utility.scores)]
        if model.missing is not None:
            trainings = trainings[:1]
        for place, training in enumerate(trainings):
            cells = (by_place.get((model.name, training, *column)) for column in columns)
            called: str = training
            if training == "R" and utility.originals != "originals":
                called = f"R ({utility.originals})"  # nobody in them is real
            shown = UNSCORED if model.missing is not None else called
            rows.append(
                (Cell("" if place else model.name), Cell(shown), *(_score(one) for one in cells))
            )
        if model.missing is None:
            chances = (by_place.get((model.name, "R", *column)) for column in columns)
            rows.append((Cell(""), Cell("chance"), *(_chance(one) for one in chances)))
    counts = (
        f"S: {utility.synthetic} pictures, R: {utility.learned} {utility.originals}, tested on "
        f"{utility.tested}"
    )
    if utility.left_out:
        counts += f"; {utility.left_out} pictures are in no S"
    if utility.masked:
        counts += f"; masked people in S: {utility.masked}"
    missing = [f"{one.name}: {one.missing}" for one in utility.models if one.missing is not None]
    return Table(
        title=f"{originals(record)}: {utility.track}, {method}, {_metric(columns)}%",
        columns=("model", "learned from", *(_heading(one, columns) for one in columns)),
        rows=tuple(rows),
        note=". ".join([counts, READ, *missing]),
    )


def utility_difference_table(
    record: RunRecord, method: str, utility: UtilityRecord, *, wide: bool = False
) -> Table:
    """Every training minus R, in percentage points, and whether that is more than noise."""
    found = utility.differences
    columns = _columns(found, wide=wide)
    by_place = {(one.model, one.training, one.task, one.metric): one for one in found}
    rows: list[tuple[Cell, ...]] = []
    for model in dict.fromkeys(one.model for one in found):
        trainings = [t for t in TRAININGS if any(one.training == t for one in found)]
        for place, training in enumerate(trainings):
            cells = (by_place.get((model, training, *column)) for column in columns)
            rows.append(
                (
                    Cell("" if place else model),
                    Cell(f"{training} − R"),
                    *(_difference(one) for one in cells),
                )
            )
    return Table(
        title=f"{originals(record)}: {utility.track}, {method}, difference to R, "
        f"{_metric(columns)}percentage points",
        columns=("model", "learned from", *(_heading(one, columns) for one in columns)),
        rows=tuple(rows),
        note=". ".join(
            [
                "paired by test picture and training; noise: the 95 % interval holds 0",
                *utility.notes,
            ]
        ),
    )


def label_table(record: RunRecord, method: str, utility: UtilityRecord) -> Table:
    """Whether a judge sees in S what its labels say."""
    return Table(
        title=f"{originals(record)}: {method}, does S show its labels? mean recall of a judge, %",
        columns=("judge", "task", "in S", "in the originals", "chance", "pictures", "cannot"),
        rows=tuple(
            (
                Cell(one.judge),
                Cell(one.task),
                _ends(one.value),
                _ends(one.ceiling),
                Cell(percent(one.chance)),
                Cell(str(one.n)),
                Cell(str(one.unjudged)),
            )
            for one in utility.agreement
        ),
        note="cannot: pictures whose label this judge has no word for",
    )


def published_table(track: UtilityTrack) -> Table:
    """The paper's table, as printed."""
    rows_of = CLASSIFICATION if track == "classification" else DETECTION
    columns = list(dict.fromkeys((one.task, one.metric) for one in rows_of))
    by_place = {(one.model, one.training, one.task, one.metric): one for one in rows_of}
    rows: list[tuple[Cell, ...]] = []
    for model in dict.fromkeys(one.model for one in rows_of):
        for place, training in enumerate(TRAININGS):
            printed = [by_place.get((model, training, *column)) for column in columns]
            rows.append(
                (
                    Cell("" if place else model),
                    Cell(training),
                    *(Cell(UNSCORED if one is None else f"{one.percent:.1f}") for one in printed),
                )
            )
    return Table(
        title=f"{TITLE}: {track}, {rows_of[0].dataset}, {_metric(columns)}%",
        columns=("model", "learned from", *(_heading(one, columns) for one in columns)),
        rows=tuple(rows),
        note=f"copied, not measured: other pictures, models and budgets; {PROTOCOL}",
    )


def confusion_tables(utility: UtilityRecord) -> list[Table]:
    """A table per model, task and training; rows are true classes."""
    return [
        Table(
            title=f"{one.model}, {one.task}, learned from {one.training}: test pictures",
            columns=("true class", *(f"said {name}" for name in one.classes)),
            rows=tuple(
                (Cell(name), *(Cell(f"{count:.1f}") for count in row))
                for name, row in zip(one.classes, one.counts, strict=True)
            ),
            note="mean over trainings"
            + (f"; {one.unlabelled} pictures have no label" if one.unlabelled else ""),
        )
        for one in utility.confusions
    ]


def gap_table(utility: UtilityRecord) -> Table:
    """How far groups of people are apart."""
    return Table(
        title="best minus worst group of people, percentage points of accuracy",
        columns=("model", "learned from", "task", "groups by", "gap", "by lot", "p", "best, worst"),
        rows=tuple(
            (
                Cell(one.model),
                Cell(one.training),
                Cell(one.task),
                Cell(one.by),
                Cell(percent(one.gap[0]), _interval(one.gap)),
                Cell(percent(one.by_chance)),
                Cell(_p(one.p)),
                Cell(f"{one.best or UNSCORED}, {one.worst or UNSCORED}"),
            )
            for one in utility.gaps
        ),
        note="by lot: the mean gap if people were put into groups by lot, for a picked extreme is "
        "never 0; p: how often that is as large",
    )


def model_table(utility: UtilityRecord) -> Table:
    """What was trained, and how."""
    return Table(
        title=f"{utility.track}, preset {utility.preset}: models",
        columns=("model", "parameters", "trained", "settings"),
        rows=tuple(
            (
                Cell(model.name),
                Cell(f"{model.parameters:,}" if model.parameters else UNSCORED),
                Cell("no" if model.missing is not None else "yes", model.missing or ""),
                Cell(_settings(model)),
            )
            for model in utility.models
        ),
        words=True,
    )


def _settings(model: UtilityModel) -> str:
    return ", ".join(f"{name} {value}" for name, value in model.settings.items() if value != "")


def _columns(found: Iterable[UtilityScore | UtilityDifference], *, wide: bool) -> list[Column]:
    """Tasks with their metrics, in order; of classifiers the paper's metric only."""
    columns = list(dict.fromkeys((one.task, one.metric) for one in found))
    if wide or all(metric != ACCURACY for _, metric in columns):
        return columns
    return [column for column in columns if column[1] == ACCURACY]


def _heading(column: Column, columns: Sequence[Column]) -> str:
    task, metric = column
    return task if len({one for _, one in columns}) < 2 else f"{task}, {metric}"


def _metric(columns: Sequence[Column]) -> str:
    """For titles: the metric, where all columns have the same."""
    metrics = {metric for _, metric in columns}
    return f"{metrics.pop()}, " if len(metrics) == 1 else ""


def _score(score: UtilityScore | None) -> Cell:
    if score is None:
        return Cell(UNSCORED)
    return _ends(score.value)


def _chance(score: UtilityScore | None) -> Cell:
    return Cell(UNSCORED if score is None else percent(score.chance))


def _ends(ends: Ends) -> Cell:
    return Cell(percent(ends[0]), _interval(ends))


def _interval(ends: Ends) -> str:
    return "" if math.isnan(ends[1]) else f"{percent(ends[1])}–{percent(ends[2])}"


def _difference(difference: UtilityDifference | None) -> Cell:
    if difference is None or math.isnan(difference.value[0]):
        return Cell(UNSCORED)
    value, low, high = difference.value
    if math.isnan(low):
        return Cell(points(value), "noise unknown: one training")
    sure = low > 0 or high < 0
    return Cell(
        points(value),
        f"{points(low)} to {points(high)}, p {_p(difference.p)}{'' if sure else ', noise'}",
    )


def _p(p: float) -> str:
    if math.isnan(p):
        return UNSCORED
    return "< 0.001" if p < 0.001 else f"{p:.3f}"

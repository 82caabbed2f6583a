"""The tables of downstream utility, as data: S, R, S+R and S→R as the paper lays them out.

Made from ``records.UtilityRecord`` alone, whichever track it is of. What the paper printed stands
in a table of its own: its pictures, models and budgets are others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

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
    from collections.abc import Iterable, Iterator, Sequence

    from humangenai.records import (
        Ends,
        MethodRecord,
        RunRecord,
        Training,
        UtilityDifference,
        UtilityModel,
        UtilityRecord,
        UtilityScore,
        UtilityTrack,
    )

Measured = tuple["MethodRecord", "UtilityRecord"]
Column = tuple[str, str]
"""A task and a metric."""

Row = tuple[str, str, str, tuple[Cell, ...]]
"""A model, what it learned from, whose pictures these are, and the scores."""

Found = TypeVar("Found", "UtilityScore", "UtilityDifference")

ACCURACY = "accuracy"

WHOSE = "pictures of"
"""Heading of the column that stands where several methods share a table."""

RUNS = "run of: R is the same for all methods of a run; other runs have trained their own"

READ = (
    "S: learned from the method's pictures, R: from the originals, S+R: from both in as many "
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
    for one in measured:
        made += _tables(record, [one], wide=wide)
    made += also_tables(record)
    made += [published_table(track) for track in dict.fromkeys(one.track for _, one in measured)]
    return [table for table in made if table.rows]


def compared_tables(record: RunRecord, *, wide: bool = False) -> list[Table]:
    """The methods side by side, and what was trained; without the paper's own.

    Args:
        record: one whose methods have utility that was measured in one and the same way.
        wide: with all metrics, instead of the paper's.
    """
    measured = utility_of(record)
    if not measured:
        return []
    made = _tables(record, measured, wide=wide)
    for alike in _by_originals(record):
        made += also_tables(alike)
    made.append(model_table(measured[0][1]))
    return [table for table in made if table.rows]


def _by_originals(record: RunRecord) -> list[RunRecord]:
    """The record once per what the measures without training say of originals.

    Who looked is not in the record; where two runs saw the same in originals, it was the same.
    """
    groups: dict[str, list[MethodRecord]] = {}
    for method, utility in utility_of(record):
        said = str([(one.name, one.originals) for one in utility.also])
        groups.setdefault(said, []).append(method)
    return [record.model_copy(update={"methods": tuple(group)}) for group in groups.values()]


def _tables(record: RunRecord, measured: Sequence[Measured], *, wide: bool) -> list[Table]:
    """Scores, differences to R, and whether S shows its labels."""
    judges = dict.fromkeys(
        (one.judge, one.version) for _, utility in measured for one in utility.agreement
    )
    # A table for each: people scroll down rather than to the side.
    metrics = _metrics(measured) if wide else [None]
    return [
        *(score_table(record, measured, metric=metric) for metric in metrics),
        *(utility_difference_table(record, measured, metric=metric) for metric in metrics),
        *(label_table(record, measured, judge) for judge in judges),
    ]


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
    """The methods whose pictures models learned from, with each record of that."""
    return [(method, one) for method in record.methods for one in method.utility]


def score_table(
    record: RunRecord, measured: Sequence[Measured], *, metric: str | None = None
) -> Table:
    """Rows are models and what they learned from, columns tasks.

    Args:
        record: the run.
        measured: one method, or several that were measured in the same way: a column says then
            whose pictures S is.
        metric: which; None: the paper's.
    """
    columns = _columns((one for _, utility in measured for one in utility.scores), metric)
    models = [model for _, utility in measured for model in utility.models]
    missing = [
        f"unscored: {model.name}: {model.missing}" for model in models if model.missing is not None
    ]
    runs = [RUNS] if len(measured) > 1 else []
    rows = [
        row
        for name in dict.fromkeys(model.name for model in models)
        for row in _score_rows(name, measured, columns)
    ]
    return Table(
        title=f"{_title(record, measured)}, {_metric(columns)}%",
        columns=_headings(measured, columns),
        rows=_laid_out(measured, rows),
        note=". ".join([_counts(measured), READ, *runs, *dict.fromkeys(missing)]),
    )


def _score_rows(
    model: str, measured: Sequence[Measured], columns: Sequence[Column]
) -> Iterator[Row]:
    """One model: what it learned from, chance, and for which methods it was not trained."""
    trained = [(method, utility) for method, utility in measured if not _missing(utility, model)]
    for training in TRAININGS:
        rows = [
            (method.name, tuple(_score(found.get(column)) for column in columns))
            for method, utility in trained
            if any(one.training == training for one in utility.scores)
            for found in [_found(utility.scores, model, training)]
        ]
        if training == "R":
            called, rows = _called_r(measured), _once(rows)
        else:
            called = training
        for whose, cells in rows:
            yield model, called, whose, cells
    for whose, cells in _once(
        (method.name, _chances(one, model, columns)) for method, one in trained
    ):
        yield model, "chance", whose, cells
    without = [method.name for method, utility in measured if _missing(utility, model)]
    for whose in without if trained else [""]:
        yield model, UNSCORED, whose, (Cell(UNSCORED),) * len(columns)


def _found(scores: Iterable[Found], model: str, training: Training) -> dict[Column, Found]:
    """The cells of one row, by their column."""
    return {
        (one.task, one.metric): one
        for one in scores
        if (one.model, one.training) == (model, training)
    }


def _missing(utility: UtilityRecord, model: str) -> bool:
    return any(one.name == model and one.missing is not None for one in utility.models)


def _called_r(measured: Sequence[Measured]) -> str:
    """R, and what it is where nobody in it is real."""
    called = measured[0][1].originals
    return "R" if called == "originals" else f"R ({called})"


def _once(rows: Iterable[tuple[str, tuple[Cell, ...]]]) -> list[tuple[str, tuple[Cell, ...]]]:
    """What no method has a part in, once; where runs differ in it, with the methods of each."""
    names: dict[tuple[Cell, ...], list[str]] = {}
    for name, cells in rows:
        names.setdefault(cells, []).append(name)
    if len(names) < 2:
        return [("", cells) for cells in names]
    return [(f"run of {', '.join(those)}", cells) for cells, those in names.items()]


def utility_difference_table(
    record: RunRecord, measured: Sequence[Measured], *, metric: str | None = None
) -> Table:
    """Every training minus R, in percentage points, and whether that is more than noise."""
    found = [one for _, utility in measured for one in utility.differences]
    columns = _columns(found, metric)
    rows = [
        (
            model,
            f"{training} − R",
            method.name,
            tuple(_difference(row.get(column)) for column in columns),
        )
        for model in dict.fromkeys(one.model for one in found)
        for training in TRAININGS
        for method, utility in measured
        if (row := _found(utility.differences, model, training))
    ]
    return Table(
        title=f"{_title(record, measured)}, difference to R, {_metric(columns)}percentage points",
        columns=_headings(measured, columns),
        rows=_laid_out(measured, rows),
        note=". ".join(
            [
                "paired by test picture and training; noise: the 95 % interval holds 0",
                *(
                    f"{method.name}: {note}" if len(measured) > 1 else note
                    for method, utility in measured
                    for note in utility.notes
                ),
            ]
        ),
    )


def label_table(record: RunRecord, measured: Sequence[Measured], judge: tuple[str, str]) -> Table:
    """Whether a judge, of this name and version, sees in S what its labels say."""
    several = len(measured) > 1
    return Table(
        title=f"{_title(record, measured)}, does S show its labels? mean recall of a judge, %",
        columns=(
            *([WHOSE] if several else []),
            *("judge", "task", "in S", "in the originals", "chance", "pictures", "cannot"),
        ),
        rows=tuple(
            (
                *([Cell(method.name)] if several else []),
                Cell(one.judge),
                Cell(one.task),
                _ends(one.value),
                _ends(one.ceiling),
                Cell(percent(one.chance)),
                Cell(str(one.n)),
                Cell(str(one.unjudged)),
            )
            for method, utility in measured
            for one in utility.agreement
            if (one.judge, one.version) == judge
        ),
        note="cannot: pictures whose label this judge has no word for",
    )


def _title(record: RunRecord, measured: Sequence[Measured]) -> str:
    """What titles begin with: the pictures, track and preset, and the method if it is one."""
    _, first = measured[0]
    names = [method.name for method, _ in measured]
    said = [first.track, f"preset {first.preset}", *(names if len(names) == 1 else [])]
    return f"{originals(record)}: {', '.join(said)}"


def _headings(measured: Sequence[Measured], columns: Sequence[Column]) -> tuple[str, ...]:
    """Of tables whose rows :func:`_laid_out` makes."""
    names = ("model", "learned from", WHOSE) if len(measured) > 1 else ("model", "learned from")
    return (*names, *(_heading(one, columns) for one in columns))


def _laid_out(measured: Sequence[Measured], rows: Iterable[Row]) -> tuple[tuple[Cell, ...], ...]:
    """Rows as cells; a name that stands in the row above is left away."""
    made: list[tuple[Cell, ...]] = []
    above = ("", "")
    for model, learned, whose, cells in rows:
        names = [
            Cell("" if model == above[0] else model),
            Cell("" if (model, learned) == above else learned),
        ]
        if len(measured) > 1:
            names.append(Cell(whose))
        made.append((*names, *cells))
        above = model, learned
    return tuple(made)


def _counts(measured: Sequence[Measured]) -> str:
    """How many pictures were learned from, and who is missing in them."""
    _, first = measured[0]
    parts = [f"R: {first.learned} {first.originals}, tested on {first.tested}"]
    for method, utility in measured:
        whose = f"S of {method.name}" if len(measured) > 1 else "S"
        part = f"{whose}: {utility.synthetic} pictures"
        if utility.left_out:
            part += f", {utility.left_out} pictures are in no S"
        if utility.masked:
            part += f", masked people in S: {utility.masked}"
        parts.append(part)
    return "; ".join(parts)


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


def _metrics(measured: Sequence[Measured]) -> list[str | None]:
    """Of classifiers every metric; of detectors the paper's, which are few and stand together."""
    found = dict.fromkeys(one.metric for _, utility in measured for one in utility.scores)
    return list(found) if ACCURACY in found else [None]


def _columns(found: Iterable[UtilityScore | UtilityDifference], metric: str | None) -> list[Column]:
    """Tasks with their metrics, in order; with None the paper's metrics only."""
    columns = list(dict.fromkeys((one.task, one.metric) for one in found))
    known = {one for _, one in columns}
    wanted = known if metric is None and ACCURACY not in known else {metric or ACCURACY}
    return [column for column in columns if column[1] in wanted]


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


def _chances(utility: UtilityRecord, model: str, columns: Iterable[Column]) -> tuple[Cell, ...]:
    """The same whatever was learned from."""
    known = {
        (one.task, one.metric): one.chance
        for one in utility.scores
        if one.model == model and not math.isnan(one.chance)
    }
    return tuple(Cell(percent(known.get(column, math.nan))) for column in columns)


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

"""The tables of a run, as data; for the terminal, for Markdown and for the HTML report.

Shares are printed in percent, differences in percentage points; a dash is a number that nobody
measured, never a zero.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from rich import box
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from humangenai.records import NAIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType

    from humangenai.records import (
        Coverage,
        Difference,
        ItemRecord,
        MethodRecord,
        RatingDifference,
        RatingScore,
        RatingSummary,
        RunRecord,
        Score,
        StudyRecord,
    )

METRICS = ("R@1", "R@5", "R@10", "mAP")
FATES = ("replaced", "masked", "obscured", "kept", "missed")
UNSCORED = "–"
Subset = Literal["all", "processed"]
SUBSETS: tuple[Subset, ...] = ("all", "processed")
BOTH = "both"


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, and beneath it, smaller, an interval or a count."""

    value: str
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: one line.
        columns: headings; the first column names the row, the others hold numbers.
        rows: cells, one per column.
        note: what a reader must know to read it right.
        words: True where the cells hold words instead of numbers.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    words: bool = False


def percent(share: float, digits: int = 1) -> str:
    """A share in percent; a dash where it is unscored.

    >>> percent(0.1234), percent(float("nan"))
    ('12.3', '–')
    """
    return UNSCORED if math.isnan(share) else f"{100 * share:.{digits}f}"


def points(share: float) -> str:
    """A difference of shares in percentage points, with its sign.

    >>> points(0.0512), points(-0.0004), points(float("nan"))
    ('+5.1', '0.0', '–')
    """
    if math.isnan(share):
        return UNSCORED
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def tables(record: RunRecord, against: Sequence[str] | None = None) -> list[Table]:
    """The tables of a run: what became of the people, then re-identification by each attacker.

    Args:
        record: the run.
        against: the methods to which differences are shown; None: all that there are.
    """
    from humangenai.report.fidelity import fidelity_tables  # they build on this module
    from humangenai.report.utility import utility_tables

    others = compared(record) if against is None else against
    made = [coverage_table(record), review_table(record), pose_table(record)]
    for attacker in attackers(record):
        made.append(reid_table(record, attacker))
        made.extend(difference_table(record, attacker, other) for other in others)
    made += fidelity_tables(record)
    made += utility_tables(record)
    for study in record.studies:
        made += [ratings_table(record.methods, study), agreement_table(study)]
    return [table for table in made if table.rows]


def attackers(record: RunRecord) -> list[str]:
    """Names of the attackers who have scores, in order."""
    scores = (score for method in record.methods for score in method.scores)
    return list(dict.fromkeys(score.attacker for score in scores))


def compared(record: RunRecord) -> list[str]:
    """The methods that others were compared with, in order."""
    return list(dict.fromkeys(difference.against for difference in record.differences))


def scores_of(method: MethodRecord, attacker: str, subset: Subset) -> dict[str, Score]:
    """Metric → score of one method under one attacker, over one subset of the queries."""
    return {
        score.metric: score
        for score in method.scores
        if score.attacker == attacker and score.subset == subset
    }


def chance_of(record: RunRecord, attacker: str, metric: str) -> float:
    """What guessing gives over all queries, in [0, 1]; NaN where nothing was scored."""
    for method in record.methods:
        score = scores_of(method, attacker, "all").get(metric)
        if score is not None and not math.isnan(score.chance):
            return score.chance
    return math.nan


def originals(record: RunRecord) -> str:
    """What the pictures are, e.g. ``crowd (rendered originals)``."""
    return record.dataset.name + (" (rendered originals)" if record.dataset.rendered else "")


def coverage_table(record: RunRecord) -> Table:
    """What became of the people, per method."""
    truth = all(method.coverage.truth for method in record.methods)
    whom = "true people" if truth else "people who were found (nobody knows who was missed)"
    return Table(
        title=f"{originals(record)}: what became of the people, % of {whom}",
        columns=(
            "method",
            "people",
            *FATES,
            *("pixels left", "pictures", "s each"),
        ),
        rows=tuple(
            (
                Cell(method.name),
                Cell(str(method.coverage.people)),
                *coverage_cells(method.coverage),
                *_effort(method),
            )
            for method in record.methods
        ),
        note=""
        if not truth
        else "pixels left: mean share of a person's true pixels outside the "
        "region that was processed, %; beneath it the 95th percentile",
    )


def review_table(record: RunRecord) -> Table:
    """What a reviewer corrected before any method saw the people; no rows without a review."""
    review = record.review
    return Table(
        title=f"{originals(record)}: people corrected by hand",
        columns=("pictures reviewed", "corrected", "people added", "removed", "redrawn"),
        rows=()
        if review is None
        else (
            (
                Cell(str(review.reviewed), f"of {record.methods[0].coverage.items}"),
                Cell(str(review.corrected)),
                Cell(str(review.added)),
                Cell(str(review.removed)),
                Cell(str(review.redrawn)),
            ),
        ),
        note="the same for all methods; without a review more people may be missed",
    )


def coverage_cells(coverage: Coverage) -> tuple[Cell, ...]:
    """Replaced, masked, obscured, kept and missed, in percent of the people."""
    counts = (
        coverage.replaced,
        coverage.masked,
        coverage.obscured,
        coverage.kept,
        coverage.missed,
    )
    return tuple(_count(count, coverage.people) for count in counts)


def _count(count: int | None, people: int) -> Cell:
    if count is None or people == 0:
        return Cell(UNSCORED)
    return Cell(percent(count / people), str(count))


def _effort(method: MethodRecord) -> tuple[Cell, ...]:
    cover = method.coverage
    done = cover.items - cover.failed_items
    seconds = sum(method.seconds.values()) / done if done else math.nan
    detail = "" if math.isnan(cover.leak_p95) else percent(cover.leak_p95, 2)
    failed = f"{cover.failed_items} failed" if cover.failed_items else ""
    return (
        Cell(percent(cover.leak_mean, 2), detail),
        Cell(str(cover.items), failed),
        Cell(UNSCORED if math.isnan(seconds) else f"{seconds:.3g}"),
    )


def pose_table(record: RunRecord) -> Table:
    """Whether people's poses survive in their avatars; no rows where nobody measured that."""
    return Table(
        title=f"{originals(record)}: the pose of avatars against the true one",
        columns=("method", "avatars", "MPJPE, mm", "PA-MPJPE, mm", "IoU", "IoU > 0.6, %"),
        rows=tuple(
            (
                Cell(method.name),
                Cell(
                    str(method.poses.n),
                    f"of {method.poses.clusters} people, {method.poses.unscored} unscored",
                ),
                _ranged(method.poses.mpjpe, lambda value: f"{value:.0f}"),
                _ranged(method.poses.pa_mpjpe, lambda value: f"{value:.0f}"),
                _ranged(method.poses.iou, lambda value: f"{value:.2f}"),
                _ranged(method.poses.well_placed, percent),
            )
            for method in record.methods
            if method.poses is not None
        ),
        note="MPJPE: mean distance of 14 joints, hips laid on each other; PA-MPJPE: the same after "
        "the best rotation, shift and scale; IoU: of the silhouettes that are seen. Avatars have "
        "their own proportions, so none of these can be perfect; beneath: 95 % intervals",
    )


def _ranged(estimate: tuple[float, float, float], shown: Callable[[float], str]) -> Cell:
    value, low, high = estimate
    if math.isnan(value):
        return Cell(UNSCORED)
    return Cell(shown(value), "" if math.isnan(low) else f"{shown(low)} to {shown(high)}")


def reid_table(record: RunRecord, attacker: str, *, wide: bool = False) -> Table:
    """How well one attacker finds the people again: a row over all, one over processed queries.

    Args:
        record: the run.
        attacker: who attacks.
        wide: with all of the coverage beside the scores, instead of its sum.
    """
    beside = FATES if wide else ("people processed",)
    rows: list[tuple[Cell, ...]] = []
    for method in record.methods:
        cover = coverage_cells(method.coverage) if wide else (_covered(method.coverage),)
        for subset in SUBSETS:
            scores = scores_of(method, attacker, subset)
            if scores:
                first = subset == SUBSETS[0]
                rows.append(
                    (
                        Cell(method.name if first else ""),
                        Cell(subset, str(max(score.n for score in scores.values()))),
                        *(_interval(scores.get(metric)) for metric in METRICS),
                        *(cover if first else [Cell("")] * len(beside)),
                    )
                )
    if rows:
        rows.extend(
            (
                Cell("chance" if subset == SUBSETS[0] else ""),
                Cell(subset),
                *(Cell(_chance(record, attacker, subset, metric)) for metric in METRICS),
                *[Cell("")] * len(beside),
            )
            for subset in SUBSETS
        )
    return Table(
        title=f"{originals(record)}: re-identification by {attacker}, % (lower is more private)",
        columns=("method", "queries", *METRICS, *beside),
        rows=_merged(rows),
        note=f"{NAIVE}; beneath each number its 95 % interval; processed queries: those in which "
        "nobody was missed; both: over all and over processed ones, the same"
        + ("" if wide else "; people processed: replaced, masked or obscured, % of true people"),
    )


def _merged(rows: Iterable[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows over all and over processed queries in one, where nobody was missed: they are equal."""
    merged: list[tuple[Cell, ...]] = []
    last = 2 + len(METRICS)
    for row in rows:
        above = merged[-1] if merged else row
        if (above[1].value, row[1].value) == SUBSETS and (
            (row[0].value or above[0].value, row[1].detail, row[2:last])
            == (above[0].value, above[1].detail, above[2:last])
        ):
            merged[-1] = (above[0], Cell(BOTH, above[1].detail), *above[2:])
        else:
            merged.append(row)
    return tuple(merged)


def _interval(score: Score | None) -> Cell:
    if score is None or math.isnan(score.value):
        return Cell(UNSCORED)
    return Cell(percent(score.value), f"{percent(score.low)}–{percent(score.high)}")


def _covered(coverage: Coverage) -> Cell:
    done = coverage.replaced + coverage.masked + coverage.obscured
    return _count(done if coverage.truth else None, coverage.people)


def _chance(record: RunRecord, attacker: str, subset: Subset, metric: str) -> str:
    """What guessing gives; processed queries may be other ones for every method: a range."""
    found = [
        score.chance
        for method in record.methods
        if (score := scores_of(method, attacker, subset).get(metric))
        and not math.isnan(score.chance)
    ]
    ends = dict.fromkeys(percent(end) for end in (min(found), max(found))) if found else (UNSCORED,)
    return "–".join(ends)


def difference_table(record: RunRecord, attacker: str, against: str) -> Table:
    """Paired differences to one method, on the same queries, in percentage points."""
    found: dict[tuple[str, Subset], dict[str, Difference]] = {}
    for difference in record.differences:
        if difference.attacker == attacker and difference.against == against:
            row = found.setdefault((difference.method, difference.subset), {})
            row[difference.metric] = difference
    return Table(
        title=f"{originals(record)}: difference to {against}, {attacker}, percentage points",
        columns=("method", "queries", *METRICS),
        rows=_merged(
            (
                Cell(method),
                Cell(subset, str(max(difference.n for difference in row.values()))),
                *(_difference(row.get(metric)) for metric in METRICS),
            )
            for (method, subset), row in found.items()
        ),
        note=f"{NAIVE}; paired: on the same queries; above 0 the attacker finds more people than "
        f"under {against}; an interval that holds 0 shows no difference",
    )


def _difference(difference: Difference | None) -> Cell:
    if difference is None or math.isnan(difference.value):
        return Cell(UNSCORED)
    return Cell(points(difference.value), f"{points(difference.low)} to {points(difference.high)}")


SYMBOLS = {
    "psi_A": "ψ_A privacy",
    "psi_B": "ψ_B pose",
    "psi_C": "ψ_C satisfaction",
    "phi": "ϕ attributes",
}
"""How scores by people are named in tables."""

AGREEMENT = (
    "α and AC2 (ordinal): 1 perfect, 0 chance; equal: pairs of answers to one question about one "
    "item that are equal; one step: at most one apart. Flagged annotators are left out. People: "
    "shown; beneath: 95 % intervals from resampling them."
)

TRACKS = {"face": "faces", "body": "whole people"}


class Rated(Protocol):
    """What people rated: a method's record, or a method of a study that is not over."""

    @property
    def name(self) -> str:
        """Of the method."""

    @property
    def ratings(self) -> tuple[RatingScore, ...]:
        """Its scores, of all studies."""


def ratings_table(methods: Iterable[Rated], study: StudyRecord) -> Table:
    """What people say about the methods in one study: over everyone, and without flagged ones."""
    of_study = {
        method.name: {score.symbol: score for score in method.ratings if score.study == study.name}
        for method in methods
    }
    rated = {name: scores for name, scores in of_study.items() if scores}
    symbols = [symbol for symbol in SYMBOLS if any(symbol in scores for scores in rated.values())]
    rows: list[tuple[Cell, ...]] = []
    for name, scores in rated.items():
        everyone = {symbol: score.everyone for symbol, score in scores.items()}
        trusted = {symbol: score.trusted for symbol, score in scores.items()}
        for whom, summaries in (("all", everyone), ("trusted", trusted)):
            if whom == "all" or study.flagged:
                rows.append(
                    (
                        Cell(name if whom == "all" else ""),
                        Cell(whom, str(max(part.annotators for part in summaries.values()))),
                        *(_rating(summaries.get(symbol)) for symbol in symbols),
                        Cell(str(sum(part.n for part in summaries.values()))),
                    )
                )
    flagged = f"trusted: without flagged annotators ({study.flagged})"
    return Table(
        title=f"study {study.name}, {TRACKS[study.track]}: what people say, 1 to 5 (higher is "
        "better), mean ± sd",
        columns=("method", "annotators", *(SYMBOLS[symbol] for symbol in symbols), "answers"),
        rows=tuple(rows),
        note="beneath: 95 % interval of the mean from resampling people shown and annotators, and "
        f"the mean over people shown; {flagged if study.flagged else 'no annotator was flagged'}",
    )


def _rating(summary: RatingSummary | None) -> Cell:
    if summary is None or math.isnan(summary.mean[0]):
        return Cell(UNSCORED)
    value, low, high = summary.mean
    spread = UNSCORED if math.isnan(summary.sd) else f"{summary.sd:.1f}"
    interval = "" if math.isnan(low) else f"{low:.2f}–{high:.2f}; "
    return Cell(f"{value:.1f} ± {spread}", f"{interval}per item {summary.per_item[0]:.2f}")


def agreement_table(study: StudyRecord) -> Table:
    """How far the annotators of a study agree, without flagged ones."""
    remarks = [f"{SYMBOLS[one.symbol]}: {one.remark}" for one in study.agreement if one.remark]
    return Table(
        title=f"study {study.name}: how far annotators agree",
        columns=("score", "Krippendorff's α", "Gwet's AC2", "equal, %", "one step, %", "people"),
        rows=tuple(
            (
                Cell(SYMBOLS[one.symbol]),
                _ranged(one.alpha, lambda value: f"{value:.2f}"),
                _ranged(one.ac2, lambda value: f"{value:.2f}"),
                _ranged(one.raw, percent),
                _ranged(one.near, percent),
                Cell(str(one.items)),
            )
            for one in study.agreement
        ),
        note=" ".join([AGREEMENT, *remarks]),
    )


def rating_differences_table(study: StudyRecord) -> Table:
    """Differences between methods in a study, in points, without flagged annotators."""
    pairs = dict.fromkeys((one.method, one.against) for one in study.differences)
    symbols = [
        symbol for symbol in SYMBOLS if any(one.symbol == symbol for one in study.differences)
    ]
    by_place = {(one.method, one.against, one.symbol): one for one in study.differences}
    return Table(
        title=f"study {study.name}: differences between methods, points",
        columns=("difference", *(SYMBOLS[symbol] for symbol in symbols)),
        rows=tuple(
            (
                Cell(f"{method} minus {against}"),
                *(_gap(by_place.get((method, against, symbol))) for symbol in symbols),
            )
            for method, against in pairs
        ),
        note="paired by people shown and annotators; flagged annotators are left out; an interval "
        "that holds 0 shows no difference",
    )


def _gap(difference: RatingDifference | None) -> Cell:
    if difference is None:
        return Cell(UNSCORED)
    ends = (difference.value, difference.low, difference.high)
    return _ranged(ends, lambda value: f"{value:+.2f}".replace("-", "−"))


def preference_table(study: StudyRecord) -> Table:
    """Which methods are preferred, where items show two."""
    return Table(
        title=f"study {study.name}: which picture is preferred",
        columns=("method", "strength", "comparisons"),
        rows=tuple(
            (
                Cell(one.method),
                _ranged(one.strength, lambda value: f"{value:+.2f}".replace("-", "−")),
                Cell(str(one.n)),
            )
            for one in study.preferences
        ),
        note="Bradley–Terry, in log odds: 0 is the average method, and one that is 1.1 above "
        "another is preferred to it three times out of four; ties count half; beneath: 95 % "
        "intervals",
    )


def reasons_table(lines: Iterable[ItemRecord]) -> Table:
    """Why people who should have been replaced were masked, counted."""
    counts = Counter(
        (line.method, person.reason)
        for line in lines
        for person in line.people
        if person.reason is not None
    )
    return Table(
        title="why people were masked instead of replaced",
        columns=("method", "reason", "people"),
        rows=tuple(
            (Cell(method), Cell(str(reason)), Cell(str(count)))
            for (method, reason), count in sorted(counts.items(), key=lambda entry: -entry[1])
        ),
        words=True,
    )


def failures_table(lines: Iterable[ItemRecord]) -> Table:
    """The pictures that failed, and why."""
    return Table(
        title="pictures that failed",
        columns=("method", "picture", "error"),
        rows=tuple(
            (Cell(line.method), Cell(line.key), Cell(line.error or ""))
            for line in lines
            if line.status == "failed"
        ),
        words=True,
    )


def render(record: RunRecord) -> RenderableType:
    """The tables of a run that people ask for first, and its notes, for the terminal.

    Differences are to MaskOut alone, or to whichever method comes first; the report has all.
    """
    others = compared(record)
    first = ["MaskOut"] if "MaskOut" in others else others[:1]
    notes = [Text(f"note: {note}") for note in record.notes]
    notes += [
        Text(f"note: judge '{judge.name}' is missing: {judge.missing}")
        for judge in record.judges
        if judge.missing is not None
    ]
    return Group(render_tables(tables(record, first)), *notes)


def render_tables(made: Iterable[Table]) -> RenderableType:
    """Tables for the terminal, an empty line above each."""
    return Group(*(part for table in made for part in (Text(), _rich(table))))


def _rich(table: Table) -> RenderableType:
    made = RichTable(
        title=Text(table.title),
        title_justify="left",
        caption=Text(table.note) if table.note else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        show_edge=False,
    )
    name = max((len(row[0].value) for row in table.rows), default=0)
    made.add_column(table.columns[0], overflow="fold", min_width=min(name, 12))
    for column in table.columns[1:]:
        # "R@1 processed" takes two lines, so that the table fits a narrow terminal.
        made.add_column(column.replace(" ", "\n"), justify="right", overflow="fold")
    for row in table.rows:
        made.add_row(*(_stacked(cell) for cell in row))
    return made


def _stacked(cell: Cell) -> RenderableType:
    if not cell.detail:
        return Text(cell.value)
    return Text.assemble(cell.value, "\n", (cell.detail, "dim"))


def markdown(table: Table) -> str:
    """A table as GitHub Markdown, with its title above and its note beneath."""
    lines = [
        f"**{_escape(table.title)}**",
        "",
        _row(table.columns),
        _row(("---", *("---:" for _ in table.columns[1:]))),
        *(_row([_flat(cell) for cell in row]) for row in table.rows),
    ]
    if table.note:
        lines += ["", _escape(table.note)]
    return "\n".join(lines) + "\n"


def _flat(cell: Cell) -> str:
    text = f"{cell.value} ({cell.detail})" if cell.detail else cell.value
    return _escape(text)


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, within a table too."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

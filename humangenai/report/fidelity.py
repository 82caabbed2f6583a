"""The tables of ϕ, as data: did pictures show what was asked for, by whom judged, how surely.

Every score stands beside its floor, its ceiling and who was not scored. Judges never share a
column: a number means nothing without who gave it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from humangenai.report.tables import UNSCORED, Cell, Table, originals, percent, points

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from humangenai.records import (
        CeilingRecord,
        Ends,
        GroupScore,
        JudgeRecord,
        MethodRecord,
        PairScore,
        PhiRecord,
        PhiScore,
        RunRecord,
    )

SUITES = {
    "phi_A": "ϕ_A prompt complexity, faces",
    "phi_B": "ϕ_B individual attributes, faces",
    "phi_C": "ϕ_C fine-grained translation, faces",
    "phi_D": "ϕ_D individual attributes, full body",
}
"""How suites are named in tables."""

READ = (
    "floor: the same prompts shuffled over the pictures; ceiling: the judge's own accuracy on "
    "labelled pictures; chance: guessing evenly; asked value: mean probability that the judge "
    "gives to it; ECE: how far its sureness is from its accuracy on these pictures; cannot: what "
    "this judge has no word for or is known not to see; did not: no picture, no face, no judge; "
    "beneath scores: 95 % intervals over source people"
)


def fidelity_tables(record: RunRecord, *, wide: bool = False) -> list[Table]:
    """The tables of ϕ that people ask for first: what was asked, then A, B, C and D.

    Args:
        record: the run.
        wide: with all columns, instead of those that a terminal has room for.

    Returns:
        Nothing where nobody measured ϕ.
    """
    made = [
        phi_coverage_table(record),
        suite_table(record, "phi_A", wide=wide),
        suite_table(record, "phi_B", wide=wide),
        pair_table(record, "group", wide=wide),
        suite_table(record, "phi_D", wide=wide),
    ]
    return [table for table in made if table.rows]


def measured(record: RunRecord) -> list[tuple[MethodRecord, PhiRecord]]:
    """The methods that have ϕ, with it."""
    return [(method, method.phi) for method in record.methods if method.phi is not None]


def phi_coverage_table(record: RunRecord) -> Table:
    """What became of the prompts, before any judge looks."""
    rows = [
        (
            Cell(method.name),
            Cell(one.suite.replace("phi", "ϕ")),
            Cell(str(one.prompts)),
            Cell(str(one.out_of_scope)),
            Cell(str(one.pictures), f"of {one.asked} prompts"),
            *(_count(count, one.pictures) for count in (one.replaced, one.masked, one.failed)),
        )
        for method, phi in measured(record)
        for one in phi.coverage
        if one.part == "suite"
    ]
    return Table(
        title=f"{originals(record)}: ϕ, which prompts were asked and what became of them",
        columns=(
            *("method", "suite", "prompts", "out of scope", "pictures"),
            *("replaced, %", "masked, %", "failed, %"),
        ),
        rows=without_repeats(rows),
        note="out of scope: prompts with words that the checkpoint was never taught; they are "
        "unscored, not zero",
    )


def _count(count: int, whole: int) -> Cell:
    return Cell(percent(count / whole, 0), str(count)) if whole else Cell(UNSCORED)


def suite_table(record: RunRecord, suite: str, *, wide: bool = False) -> Table:
    """One of ϕ_A, ϕ_B and ϕ_D: every method under every judge; ϕ_A level by level.

    Args:
        record: the run.
        suite: its name.
        wide: with all columns, instead of those that a terminal has room for.
    """
    parts = ("group", "suite") if suite == "phi_A" else ("suite",)
    rows = [
        (Cell(method.name), Cell(one.judge), Cell(one.name or "all"), *_score_cells(one, wide=wide))
        for method, phi in measured(record)
        for judge in phi.judges
        for part in parts
        for one in phi.scores
        if (one.suite, one.part, one.judge) == (suite, part, judge)
        # Who answered nothing at all has one row that says so, not one per level.
        and (part == "suite" or one.n or one.unjudgeable)
    ]
    return Table(
        title=f"{originals(record)}: {SUITES[suite]}: does the picture show what was asked for? %",
        columns=("method", "judge", "prompts", *(SCORE_COLUMNS if wide else NARROW_COLUMNS)),
        rows=without_repeats(rows),
        note=READ if wide else READ_NARROW,
    )


SCORE_COLUMNS = (
    *("top-1", "floor", "ceiling", "chance", "asked value", "ECE"),
    *("questions", "cannot", "did not"),
)


def _people(number: int) -> str:
    return f"{number} people" if number else ""


NARROW_COLUMNS = ("top-1", "floor", "ceiling", "questions", "unscored")

READ_NARROW = (
    "floor: the same prompts shuffled over the pictures; ceiling: the judge's own accuracy on "
    "labelled pictures; unscored: what the judge cannot tell, or did not look at; beneath scores: "
    "95 % intervals over source people; the report has more"
)


def _score_cells(one: PhiScore, *, wide: bool) -> tuple[Cell, ...]:
    questions = Cell(str(one.n), _people(one.people))
    if not wide:
        unscored = Cell(str(one.unjudgeable + one.unjudged))
        floor = Cell(percent(one.floor, 0))
        return share(one.top1), floor, share(one.ceiling), questions, unscored
    return (
        share(one.top1),
        Cell(percent(one.floor, 0)),
        share(one.ceiling),
        Cell(percent(one.chance, 0)),
        share(one.probability),
        Cell(percent(one.ece, 0)),
        questions,
        Cell(str(one.unjudgeable)),
        Cell(str(one.unjudged)),
    )


def share(ends: Ends) -> Cell:
    """A share in percent, beneath it its interval; a dash where it is unscored."""
    value, low, high = ends
    if math.isnan(value):
        return Cell(UNSCORED)
    return Cell(
        percent(value, 0), "" if math.isnan(low) else f"{percent(low, 0)}–{percent(high, 0)}"
    )


def gap(ends: Ends) -> Cell:
    """A difference of shares in percentage points, beneath it its interval."""
    value, low, high = ends
    if math.isnan(value):
        return Cell(UNSCORED)
    return Cell(points(value), "" if math.isnan(low) else f"{points(low)} to {points(high)}")


def number(ends: Ends) -> Cell:
    """A number with two digits, beneath it its interval."""
    value, low, high = (f"{end:.2f}".replace("-", "−") for end in ends)
    if math.isnan(ends[0]):
        return Cell(UNSCORED)
    return Cell(value, "" if math.isnan(ends[1]) else f"{low} to {high}")


def without_repeats(rows: Iterable[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows whose name is that of the row above lose it."""
    made: list[tuple[Cell, ...]] = []
    above = None
    for row in rows:
        made.append(row if row[0].value != above else (Cell(""), *row[1:]))
        above = row[0].value
    return tuple(made)


def part_table(record: RunRecord, suite: str, judge: str, part: str) -> Table:
    """One suite's groups or prompts under one judge, every method.

    Args:
        record: the run.
        suite: ``phi_A``, ``phi_B`` or ``phi_D``.
        judge: its name.
        part: ``group`` or ``prompt``.
    """
    rows = [
        (Cell(one.name), Cell(method.name), *_ranked(one, part), *_score_cells(one, wide=True))
        for method, phi in measured(record)
        for one in phi.scores
        if (one.suite, one.part, one.judge) == (suite, part, judge)
    ]
    order = {row[0].value: at for at, row in reversed(list(enumerate(rows)))}
    ranked = part == "prompt"
    return Table(
        title=f"{SUITES[suite]}, by {judge}: every {part}, %",
        columns=(part, "method", *(("place",) if ranked else ()), *SCORE_COLUMNS),
        rows=without_repeats(sorted(rows, key=lambda row: order[row[0].value])),
        note=READ
        + (
            "; place: within its group, as far as the intervals tell, 1 is the best"
            if ranked
            else ""
        ),
    )


def _ranked(one: PhiScore | PairScore, part: str) -> tuple[Cell, ...]:
    if part != "prompt":
        return ()
    if one.rank is None:
        return (Cell(UNSCORED),)
    low, high = one.rank
    return (Cell(str(low) if low == high else f"{low}–{high}"),)


def pair_table(record: RunRecord, part: str, *, wide: bool = True) -> Table:
    """ϕ_C: every method under every judge; the suite with its groups, or every pair.

    Args:
        record: the run.
        part: ``group`` or ``prompt``.
        wide: with all columns, instead of those that a terminal has room for.
    """
    shown = ("suite", "group") if part == "group" else ("prompt",)
    columns = PAIR_COLUMNS if wide else NARROW_PAIR_COLUMNS
    rows = [
        (
            *(Cell(method.name), Cell(one.judge), Cell(one.name or "all")),
            *(*_ranked(one, part), *_pair_cells(one, wide=wide)),
        )
        for method, phi in measured(record)
        for one in phi.pairs
        if one.part in shown and (one.part == "suite" or one.n or one.unjudgeable)
    ]
    return Table(
        title=f"{originals(record)}: {SUITES['phi_C']}: which of two pictures is which? %",
        columns=(
            *("method", "judge", "pairs", *(("place",) if part == "prompt" else ())),
            *columns,
        ),
        rows=without_repeats(rows),
        note="forced choice in both orders, chance 50; one person: same person and seed, where "
        "judges are soon all right; two people: different ones; ceiling: labelled pictures of two "
        "people; floor: shuffled sides; shift: how far the judge's probabilities move from one "
        "value to the other; shift / true: in units of the same between labelled pictures, 1 is "
        "as true ones; cannot: pairs whose two values are one to this judge"
        + ("; place: by two people, within its group" if part == "prompt" else ""),
    )


PAIR_COLUMNS = (
    *("one person", "two people", "ceiling", "floor", "shift, points", "shift / true"),
    *("comparisons", "cannot", "did not"),
)
NARROW_PAIR_COLUMNS = ("one person", "two people", "ceiling", "floor", "shift / true", "unscored")


def _pair_cells(one: PairScore, *, wide: bool) -> tuple[Cell, ...]:
    if not wide:
        return (
            *(share(one.same), share(one.different), Cell(percent(one.ceiling, 0))),
            *(Cell(percent(one.floor, 0)), number(one.ratio)),
            Cell(str(one.unjudgeable + one.unjudged)),
        )
    return (
        share(one.same),
        share(one.different),
        Cell(percent(one.ceiling, 0)),
        Cell(percent(one.floor, 0)),
        gap(one.shift),
        number(one.ratio),
        Cell(str(one.n), f"{one.n_different} of two, {one.people} people" if one.n else ""),
        Cell(str(one.unjudgeable)),
        Cell(str(one.unjudged)),
    )


def levels_table(record: RunRecord) -> Table:
    """ϕ_A: what more detail costs."""
    rows = [
        (
            Cell(method.name),
            Cell(one.judge),
            Cell(f"{one.level} minus {one.against}"),
            gap(one.value),
            Cell(str(one.n), f"{one.people} people"),
        )
        for method, phi in measured(record)
        for one in phi.levels
        if one.n
    ]
    return Table(
        title="ϕ_A: what more detail costs, percentage points of top-1",
        columns=("method", "judge", "levels", "difference", "attributes"),
        rows=without_repeats(rows),
        note="only attributes that both levels ask for: same subject, source person and seed; "
        "below 0 the more detailed prompt loses them; an interval that holds 0 shows no difference",
    )


def phi_differences_table(record: RunRecord) -> Table:
    """Which of two methods shows better what was asked for."""
    rows = [
        (
            Cell(f"{method.name} minus {one.against}"),
            Cell(one.judge),
            Cell(one.suite.replace("phi", "ϕ")),
            gap(one.value),
            Cell(str(one.n), f"{one.people} people"),
        )
        for method, phi in measured(record)
        for one in phi.differences
    ]
    return Table(
        title="ϕ: differences between methods, percentage points",
        columns=("difference", "judge", "suite", "points", "compared"),
        rows=without_repeats(rows),
        note="paired: same prompt, source person and seed, only what both were asked for and the "
        "judge answered of both; ϕ_C: one person's pairs; an interval that holds 0 shows no "
        "difference",
    )


def fairness_tables(record: RunRecord) -> list[Table]:
    """Each demographic group against all others: of the originals, then of the prompts."""
    headings = {
        "original": "who was replaced: the same prompts for everybody",
        "prompted": "who was asked for: groups come with different other attributes",
    }
    made = [
        Table(
            title=f"fairness by {words}, %",
            columns=("attribute", "group", "method", "measure", "score", "gap, points", "of"),
            rows=_fairness_rows(
                (method.name, one)
                for method, phi in measured(record)
                for one in phi.fairness
                if one.whose == whose
            ),
            note="coverage: share of pictures that were made; fidelity: top-1 by the judge named; "
            "gap: to all other groups of the attribute together; of: questions or pictures; "
            "beneath: 95 % intervals over source people; an interval that holds 0 shows no gap",
        )
        for whose, words in headings.items()
    ]
    return [table for table in made if table.rows]


def _fairness_rows(found: Iterable[tuple[str, GroupScore]]) -> tuple[tuple[Cell, ...], ...]:
    rows = [
        (
            Cell(one.attribute),
            Cell(one.value),
            Cell(method),
            Cell(one.measure, one.judge and f"by {one.judge}"),
            share(one.score),
            gap(one.gap),
            Cell(str(one.n), f"{one.people} people"),
        )
        for method, one in found
    ]
    order = {row[0].value: at for at, row in reversed(list(enumerate(rows)))}
    ordered = sorted(rows, key=lambda row: (order[row[0].value], row[1].value))
    return without_repeats(ordered)


def leakage_table(record: RunRecord, *, every: bool = False) -> Table:
    """Whether the original's attributes can be read off the new people.

    Args:
        record: the run.
        every: attribute by attribute, instead of all together.
    """
    asked = {"otherwise": "asks for another", "nothing": "does not speak of it"}
    rows = [
        (
            Cell(method.name),
            Cell(one.judge),
            Cell(one.attribute or "all"),
            Cell(asked[one.asked]),
            share(one.accuracy),
            Cell(percent(one.chance, 0)),
            gap(one.lift),
            Cell(str(one.n), f"{one.people} people"),
        )
        for method, phi in measured(record)
        for one in phi.leakage
        if every or not one.attribute
    ]
    return Table(
        title="identity against attribute: the original's value, guessed from the new person, %",
        columns=(
            *("method", "judge", "attribute", "the prompt", "right", "chance"),
            *("above chance, points", "pictures"),
        ),
        rows=without_repeats(rows),
        note="chance: how often pictures of the same prompt value are taken for that, whoever "
        "stood there; an interval wholly above 0 means that the original shows through; judges are "
        "no adaptive attackers, so an interval that holds 0 proves nothing",
    )


def judge_agreement_table(record: RunRecord) -> Table:
    """How far judges agree with each other and with people."""
    rows = [
        (
            Cell(method.name),
            Cell(f"{one.one}, {one.other}"),
            Cell(one.suite.replace("phi", "ϕ")),
            number(one.spearman),
            number((one.by_prompt, math.nan, math.nan)),
            number(one.alpha),
            Cell(str(one.n), f"{one.prompts} prompts"),
        )
        for method, phi in measured(record)
        for one in phi.agreement
    ]
    return Table(
        title="how far judges agree on the same pictures",
        columns=(
            *("method", "judges", "suite", "Spearman", "of prompts' means"),
            *("Krippendorff's α", "questions"),
        ),
        rows=without_repeats(rows),
        note="Spearman: order of pictures within an attribute, by how clearly they show what was "
        "asked for; α: shown or not, 1 perfect, 0 chance; beneath: 95 % intervals over source "
        "people",
    )


def judges_table(record: RunRecord) -> Table:
    """Who judged, and how often each judge is right where the truth is known."""
    return Table(
        title="judges of ϕ",
        columns=("judge", "version", "licence", "its own accuracy, %", "known not to see"),
        rows=tuple(_judge_row(judge) for judge in record.judges),
        note="accuracy: mean recall over the values of an attribute, on labelled pictures, "
        "attribute by attribute from the lowest to the highest; what a judge is known not to see "
        "is not scored",
        words=True,
    )


def _judge_row(judge: JudgeRecord) -> tuple[Cell, ...]:
    if judge.missing is not None:
        return Cell(judge.name), Cell("missing"), Cell(""), Cell(judge.missing), Cell("")
    known = [one for one in judge.ceilings if not math.isnan(one.value[0])]
    blind = {f"{one.attribute} ({one.crop})" for one in known if _is_blind(one)}
    seeing = sorted(one.value[0] for one in known if not _is_blind(one))
    measured_on = ", ".join(sorted({one.measured_on for one in known}))
    unknown = len(judge.ceilings) - len(known)
    accuracy = (
        f"{percent(seeing[0], 0)} to {percent(seeing[-1], 0)} on {measured_on}"
        if seeing
        else "not measured"
    )
    if seeing and unknown:
        accuracy += f"; {unknown} attributes not measured"
    return (
        Cell(judge.name),
        Cell(judge.version[:40]),
        Cell(judge.licence),
        Cell(accuracy),
        Cell(", ".join(sorted(blind)) or "–"),
    )


def phi_ratings_table(record: RunRecord, means: Mapping[str, float]) -> Table:
    """ϕ by people, on their scale, beside the paper's.

    Args:
        record: the run.
        means: prompt of ϕ_B → what the paper's people said.
    """
    rows = [
        (
            Cell(method.name),
            Cell(one.suite.replace("phi", "ϕ")),
            Cell(one.name or "all"),
            number(one.mean),
            Cell(UNSCORED if math.isnan(one.sd) else f"{one.sd:.1f}"),
            Cell(_published(one.suite, one.name, means)),
            Cell(str(one.n), f"{one.items} pictures, {one.people} people"),
        )
        for method, phi in measured(record)
        for one in phi.ratings
    ]
    return Table(
        title="ϕ by people, 1 to 5 (higher is better)",
        columns=("method", "suite", "prompts", "mean", "sd", "RefSD, the paper's", "answers"),
        rows=without_repeats(rows),
        note="the same scale, but other pictures, other people and other wording; the paper's "
        "means are read off its plot, to about 0.02; beneath: 95 % intervals over source people",
    )


def _published(suite: str, name: str, means: Mapping[str, float]) -> str:
    mean = means.get(name) if suite == "phi_B" else None
    return UNSCORED if mean is None else f"{mean:.2f}"


def blind_spots(record: RunRecord) -> Collection[tuple[str, str, str]]:
    """Judge, crop and attribute of what judges are known not to see."""
    return {
        (judge.name, one.crop, one.attribute)
        for judge in record.judges
        for one in judge.ceilings
        if _is_blind(one)
    }


def _is_blind(ceiling: CeilingRecord) -> bool:
    return not math.isnan(ceiling.value[0]) and not ceiling.value[1] > ceiling.chance


def answered_judges(record: RunRecord) -> Sequence[str]:
    """Judges who answered anything, in the order of the record."""
    names: dict[str, None] = {}
    for _, phi in measured(record):
        names.update((score.judge, None) for score in phi.scores if score.n)
        names.update((pair.judge, None) for pair in phi.pairs if pair.n)
    return list(names)

"""The HTML report of a run: one file, no network, made from what the run wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from humangenai.errors import UserError
from humangenai.records import NAIVE, RunRecord
from humangenai.report.fidelity_page import fidelity
from humangenai.report.pictures import examples, missed
from humangenai.report.plot import rank1_plot
from humangenai.report.tables import (
    agreement_table,
    attackers,
    compared,
    coverage_table,
    difference_table,
    failures_table,
    originals,
    pose_table,
    preference_table,
    rating_differences_table,
    ratings_table,
    reasons_table,
    reid_table,
    review_table,
)
from humangenai.report.templates import environment
from humangenai.report.utility import utility_details, utility_tables
from humangenai.store import atomic_write, read_items

if TYPE_CHECKING:
    from collections.abc import Iterable

    from humangenai.records import ItemRecord, StudyRecord
    from humangenai.report.tables import Table


@dataclass(frozen=True)
class Attack:
    """What the report shows of one attacker."""

    name: str
    trained_on: str
    scores: Table
    plot: Markup
    differences: tuple[Table, ...]


def write_report(run_folder: Path) -> Path:
    """Write ``private/report/index.html`` of a run; it shows originals, so it stays private.

    Args:
        run_folder: a run's folder with ``private/run.json`` and the item lines.

    Returns:
        The path of the page.

    Raises:
        UserError: the folder holds no finished run, or the page cannot be written.
    """
    private = run_folder / "private"
    record = _record(private / "run.json")
    lines = _lines(private)
    page = private / "report" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(page, _page(run_folder, record, lines).encode())
    return page


def _record(path: Path) -> RunRecord:
    try:
        return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: no finished run there: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is not the record of a run; run again") from error


def _lines(private: Path) -> list[ItemRecord]:
    """The lines of all items, and of gallery pictures that could not be read."""
    files = [*sorted(private.glob("items/*.jsonl")), private / "scores" / "gallery-failures.jsonl"]
    return [line for file in files for line in read_items(file).values()]


def _page(run_folder: Path, record: RunRecord, lines: list[ItemRecord]) -> str:
    names = [method.name for method in record.methods]
    template = environment().get_template("report.html.j2")
    return template.render(
        record=record,
        title=f"{originals(record)}: {', '.join(names)}",
        originals=originals(record),
        naive=NAIVE if NAIVE in record.notes else None,
        notes=[note for note in record.notes if note != NAIVE],
        coverage=coverage_table(record),
        review=review_table(record),
        poses=pose_table(record),
        studies=[(study, _study_tables(record, study)) for study in record.studies],
        attacks=[_attack(record, name) for name in attackers(record)],
        fidelity=fidelity(run_folder, record),
        utility=utility_tables(record, wide=True),
        utility_details=utility_details(record),
        examples=examples(run_folder / "private", names, _prompts(lines)),
        missed=missed(run_folder, lines),
        reasons=reasons_table(lines),
        failures=failures_table(lines),
    )


def _prompts(lines: Iterable[ItemRecord]) -> dict[str, str]:
    """What refinement was asked for, by the pictures' public names."""
    return {
        Path(line.output).stem: "; ".join(asked)
        for line in lines
        if line.output is not None
        and (asked := [person.prompt for person in line.people if person.prompt is not None])
    }


def _study_tables(record: RunRecord, study: StudyRecord) -> list[Table]:
    made = (
        ratings_table(record.methods, study),
        rating_differences_table(study),
        preference_table(study),
        agreement_table(study),
    )
    return [table for table in made if table.rows]


def _attack(record: RunRecord, name: str) -> Attack:
    trained_on = {attacker.name: attacker.trained_on for attacker in record.attackers}
    differences = (difference_table(record, name, against) for against in compared(record))
    return Attack(
        name=name,
        trained_on=trained_on.get(name, "unknown"),
        scores=reid_table(record, name, wide=True),
        plot=Markup(rank1_plot(record, name)),  # noqa: S704 - escapes all it is given
        differences=tuple(table for table in differences if table.rows),
    )

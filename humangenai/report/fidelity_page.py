"""What the HTML report shows of ϕ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from humangenai.attribute_fidelity.published import load_published
from humangenai.report.fidelity import (
    SUITES,
    answered_judges,
    fairness_tables,
    fidelity_tables,
    judge_agreement_table,
    judges_table,
    leakage_table,
    levels_table,
    measured,
    pair_table,
    part_table,
    phi_differences_table,
    phi_ratings_table,
)
from humangenai.report.fidelity_pictures import galleries
from humangenai.report.fidelity_plot import fidelity_plot, likert_plot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from humangenai.records import RunRecord
    from humangenai.report.fidelity_pictures import Gallery
    from humangenai.report.tables import Table

SINGLE = ("phi_A", "phi_B", "phi_D")
"""The suites of single prompts, not of pairs."""

Plot = tuple[str, Markup]


@dataclass(frozen=True)
class Fidelity:
    """The section on ϕ.

    Attributes:
        tables: that stand open.
        plots: heading and picture; people: the same of people's answers.
        judges: who judged.
        details: heading and tables that are folded away.
        galleries: a picture per prompt.
    """

    tables: tuple[Table, ...]
    plots: tuple[Plot, ...]
    people: tuple[Plot, ...]
    judges: Table
    details: tuple[tuple[str, tuple[Table, ...]], ...]
    galleries: tuple[Gallery, ...]


def fidelity(run_folder: Path, record: RunRecord) -> Fidelity | None:
    """The section; None where nobody measured ϕ.

    Args:
        run_folder: where the pictures are.
        record: the run.
    """
    if not measured(record):
        return None
    published = load_published()
    means = {name: one.mean for name, one in published.means("phi_B").items()}
    open_tables = (
        *fidelity_tables(record, wide=True),
        phi_differences_table(record),
        levels_table(record),
        leakage_table(record),
        judge_agreement_table(record),
        phi_ratings_table(record, means),
    )
    return Fidelity(
        tables=tuple(table for table in open_tables if table.rows),
        plots=tuple(_plots(record)),
        people=tuple(_people(record, means, published.reading_error)),
        judges=judges_table(record),
        details=tuple(_details(record)),
        galleries=tuple(galleries(run_folder, record)),
    )


def _plots(record: RunRecord) -> list[Plot]:
    """The groups of every suite, by every judge who answered anything of it."""
    made = []
    for suite in SINGLE:
        for method, phi in measured(record):
            for judge in answered_judges(record):
                scores = [
                    one
                    for one in phi.scores
                    if (one.suite, one.judge, one.part) == (suite, judge, "group")
                ]
                if any(one.n for one in scores):
                    plot = Markup(fidelity_plot(scores))  # noqa: S704 - escapes all it is given
                    made.append((f"{method.name}, {SUITES[suite]}, by {judge}", plot))
    return made


def _people(record: RunRecord, means: Mapping[str, float], error: float) -> list[Plot]:
    made = []
    for method, phi in measured(record):
        rated = [one for one in phi.ratings if (one.suite, one.part) == ("phi_B", "prompt")]
        if rated:
            plot = likert_plot(rated, means, error)
            made.append((method.name, Markup(plot)))  # noqa: S704 - escapes all it is given
    return made


def _details(record: RunRecord) -> list[tuple[str, tuple[Table, ...]]]:
    made: list[tuple[str, tuple[Table, ...]]] = []
    for judge in answered_judges(record):
        for suite in SINGLE:
            parts = ("prompt",) if suite == "phi_A" else ("group", "prompt")
            tables = tuple(part_table(record, suite, judge, part) for part in parts)
            if any(table.rows for table in tables):
                made.append((f"{SUITES[suite]}, by {judge}: groups and prompts", tables))
    pairs = pair_table(record, "prompt")
    if pairs.rows:
        made.append((f"{SUITES['phi_C']}: every pair", (pairs,)))
    leaks = leakage_table(record, every=True)
    if leaks.rows:
        made.append(("Identity against attribute: every attribute", (leaks,)))
    fair = tuple(fairness_tables(record))
    if fair:
        made.append(("Fairness: every demographic group against all others", fair))
    return made

"""What is measured of pseudonymized pictures without training: seen by others, how far from x."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from humangenai.report.tables import UNSCORED, Cell, Table, originals, percent

if TYPE_CHECKING:
    from humangenai.records import Ends, RunRecord, UtilityMeasure


def also_tables(record: RunRecord) -> list[Table]:
    """Shares of what is still seen, and distances; nothing where nobody measured them.

    Args:
        record: the run.
    """
    measured = [
        (method.name, measure)
        for method in record.methods
        for utility in method.utility
        for measure in utility.also
    ]
    made = []
    for better, title in (
        ("higher", "are people still seen by networks that were trained elsewhere? %"),
        ("lower", "how far the pictures are from the originals"),
    ):
        rows = [(name, measure) for name, measure in measured if measure.better == better]
        remarks = dict.fromkeys(f"{one.name}: {one.remark}" for _, one in rows if one.remark)
        if rows:
            made.append(
                Table(
                    title=f"{originals(record)}: {title}",
                    columns=("method", "measure", "value", "originals", "scored", "unscored"),
                    rows=tuple(_row(name, measure) for name, measure in rows),
                    note="; ".join([_READ[better], *remarks]),
                )
            )
    return made


_READ = {
    "higher": "the higher the better; originals: the same of the pictures before; unscored: who "
    "was not found in both pictures; beneath: 95 % intervals over pictures",
    "lower": "the lower the nearer; originals: what two halves of the originals have between them; "
    "beneath: 95 % intervals",
}


def _row(method: str, measure: UtilityMeasure) -> tuple[Cell, ...]:
    return (
        Cell(method),
        Cell(measure.name),
        _cell(measure, measure.value),
        _cell(measure, measure.originals),
        Cell(str(measure.n)),
        Cell(str(measure.unscored)),
    )


def _cell(measure: UtilityMeasure, ends: Ends) -> Cell:
    def text(value: float) -> str:
        if measure.better == "higher":
            return percent(value)
        return UNSCORED if math.isnan(value) else f"{value:.3g}"

    value, low, high = ends
    return Cell(text(value), "" if math.isnan(low) else f"{text(low)}–{text(high)}")

"""Rows that papers report: copied, marked so, and never ranked with what was measured here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from humangenai.errors import UserError
from humangenai.records import Number, Record
from humangenai.report.tables import METRICS

FOLDER = Path(__file__).parent / "reported"


class ReportedRow(Record):
    """One method's row.

    Attributes:
        values: metric → percent, as printed in the paper; NaN where it prints nothing.
        note: what the paper says about this row.
    """

    method: str
    values: dict[str, Number]
    note: str = ""

    @model_validator(mode="after")
    def _known_and_in_percent(self) -> ReportedRow:
        unknown = set(self.values) - set(METRICS)
        if unknown:
            raise ValueError(f"{self.method}: unknown metrics {sorted(unknown)}")
        bad = {metric: value for metric, value in self.values.items() if value < 0 or value > 100}
        if bad:
            raise ValueError(f"{self.method}: not percentages: {bad}")
        return self


class Reported(Record):
    """One table of one paper.

    Attributes:
        title: heading; says that the rows are reported.
        dataset: what the paper measured on.
        paper: a citation.
        url: where the table can be read.
        protocol: how the paper measured, in one line.
        notes: what a reader must know.
    """

    title: str = Field(pattern="(?i)reported")
    dataset: str
    paper: str
    url: str = Field(pattern="^https://")
    protocol: str
    notes: tuple[str, ...] = ()
    rows: tuple[ReportedRow, ...] = Field(min_length=1)


def load_reported(folder: Path = FOLDER) -> list[Reported]:
    """Every reported table, in the order of the file names.

    Raises:
        UserError: a file is not such a table.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append(Reported.model_validate_json(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UserError(f"{path}: {where}: {first['msg']}") from error
    return found

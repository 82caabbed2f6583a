"""What is measured without training, as tables: shares in percent, distances as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from humangenai.records import UtilityMeasure, UtilityRecord
from humangenai.report.utility_also import also_tables

if TYPE_CHECKING:
    from humangenai.records import RunRecord

NAN = math.nan
NOTHING = (NAN, NAN, NAN)


def measure(name: str, value: tuple[float, float, float], **more: object) -> UtilityMeasure:
    said = {"originals": NOTHING, "better": "higher", "n": 5, "unscored": 2, "clusters": 3}
    return UtilityMeasure(name=name, value=value, **{**said, **more})


def with_measures(record: RunRecord, *measures: UtilityMeasure) -> RunRecord:
    utility = UtilityRecord(
        track="detection",
        originals="rendered originals",
        preset="small",
        tasks=("person",),
        synthetic=1,
        learned=1,
        tested=1,
        left_out=0,
        masked=0,
        training_hash="0",
        also=measures,
    )
    first = record.methods[0].model_copy(update={"utility": (utility,)})
    return record.model_copy(update={"methods": (first, *record.methods[1:])})


def test_nothing_measured_gives_no_table(run_record: RunRecord) -> None:
    assert also_tables(run_record) == []


def test_shares_and_distances_stand_apart(run_record: RunRecord) -> None:
    record = with_measures(
        run_record,
        measure("recall", (0.5, 0.25, 0.75), originals=(0.875, 0.8, 0.95)),
        measure("FID", NOTHING, better="lower", remark="no weights"),
        measure("MMD", (0.0123, 0.01, 0.02), better="lower"),
    )
    seen, far = also_tables(record)
    assert [cell.value for cell in seen.rows[0]] == [
        record.methods[0].name, "recall", "50.0", "87.5", "5", "2"
    ]  # fmt: skip
    assert seen.rows[0][2].detail == "25.0–75.0"
    fid, mmd = far.rows
    assert fid[2].value == "–"
    assert fid[2].detail == ""
    assert "FID: no weights" in far.note
    assert mmd[2].value == "0.0123"
    assert "rendered originals" in far.title

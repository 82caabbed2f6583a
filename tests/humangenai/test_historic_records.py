"""Records of earlier versions must still load, and mean the same."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from humangenai.records import ItemRecord, QueryRecord, RunRecord

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent / "historic_records"
KINDS: dict[str, type[BaseModel]] = {"run": RunRecord, "item": ItemRecord, "query": QueryRecord}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_record_of_an_earlier_version_loads_with_all_it_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    record = KINDS[path.stem.split("-")[0]].model_validate_json(text)
    said, kept = json.loads(text), json.loads(record.model_dump_json())
    assert _all_of(said, kept)


def _all_of(said: object, kept: object) -> bool:
    """Whether everything that was said is kept, whatever later versions add beside it."""
    if isinstance(said, dict) and isinstance(kept, dict):
        return all(key in kept and _all_of(value, kept[key]) for key, value in said.items())
    if isinstance(said, list) and isinstance(kept, list):
        return len(said) == len(kept) and all(map(_all_of, said, kept))
    return said == kept


def test_there_is_a_record_of_every_kind() -> None:
    assert {path.stem.split("-")[0] for path in FOLDER.glob("*.json")} == set(KINDS)


def test_null_is_unscored_not_zero() -> None:
    text = (FOLDER / "query-v1.json").read_text(encoding="utf-8")
    assert math.isnan(QueryRecord.model_validate_json(text).values["mAP"])

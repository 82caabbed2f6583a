"""What a command line asks for, as runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from humangenai.commands import Request, again
from humangenai.config import DatasetConfig, MethodConfig, RunConfig

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.records import RunRecord


@pytest.mark.parametrize(
    ("made_with", "asked", "measured"),
    [
        (("phi",), None, ("phi",)),
        (("phi",), ("reid",), ("reid",)),
        (("reid",), (), ()),
        # What `generate` made was measured by nothing; `score` measures all that is possible.
        ((), None, None),
        (None, None, None),
    ],
)
def test_a_run_is_measured_as_before_unless_asked_otherwise(
    tmp_path: Path,
    run_record: RunRecord,
    made_with: tuple[str, ...] | None,
    asked: tuple[str, ...] | None,
    measured: tuple[str, ...] | None,
) -> None:
    config = RunConfig(
        dataset=DatasetConfig(dataset="crowd"),
        methods=(MethodConfig(method="maskout"),),
        tracks=made_with,
    )
    record = run_record.model_copy(update={"config": config.model_dump(mode="json")})
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "run.json").write_text(record.model_dump_json())
    (plan,) = again(tmp_path, Request(tracks=asked))
    assert plan.config.tracks == measured

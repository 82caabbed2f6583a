"""The annotator's benchmark runs, on a study of next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "annotator.py"


def test_waits_are_timed_and_nothing_is_wrong(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    size = ("--items", "20", "--answers", "90", "--annotators", "3", "--each", "3", "--think", "0")
    subprocess.run(
        [sys.executable, str(SCRIPT), *size, "--out", str(out)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    figures = json.loads(out.read_text())["sqlite"]
    assert {wait["calls"] for wait in figures["waits"].values()} == {9}
    assert set(figures["wrong"].values()) == {0}


def test_waits_at_windows(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    size = ("--items", "20", "--answers", "90", "--annotators", "3", "--each", "2", "--think", "0")
    subprocess.run(
        [sys.executable, str(SCRIPT), "--through", "web", *size, "--out", str(out)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    figures = json.loads(out.read_text())["sqlite through web"]
    assert figures["waits"]["answer to next question"]["calls"] == 6
    assert figures["waits_in_the_app"]["store answer"]["calls"] == 6
    assert set(figures["wrong"].values()) == {0}

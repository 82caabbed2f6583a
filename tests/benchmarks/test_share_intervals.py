"""The benchmark of intervals runs as a process, with next to nothing to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "share_intervals.py"


def test_the_table_is_printed_and_ours_hold_more_often() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--tries", "60"],
        check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert len(rows) == 5
    assert all(float(row[4]) >= float(row[3]) for row in rows[:4])

"""The benchmarks of studies run as processes, with next to nothing to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_power_is_simulated_and_drawn(tmp_path: Path) -> None:
    out, picture = tmp_path / "out.json", tmp_path / "picture.png"
    subprocess.run(
        [
            *(sys.executable, str(BENCHMARKS / "study_power.py"), "--small", "--studies", "8"),
            *("--out", str(out), "--picture", str(picture)),
        ],
        check=True,
        capture_output=True,
        timeout=300,
    )
    made = json.loads(out.read_text(encoding="utf-8"))
    assert list(made["power"]) == ["0.0", "0.3", "0.5"]
    assert all(0 <= share <= 1 for row in made["power"]["0.5"] for share in row)
    assert set(made["coverage"]) == {"2", "3"}
    assert picture.stat().st_size > 5000

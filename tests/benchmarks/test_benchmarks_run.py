"""The speed benchmarks run as processes, with next to nothing to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str, out: Path) -> dict[str, dict[str, object]]:
    subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments, "--out", str(out)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    made: dict[str, dict[str, object]] = json.loads(out.read_text(encoding="utf-8"))
    return made


def test_a_tiny_checkpoint_is_built_and_timed(tmp_path: Path) -> None:
    made = run(
        "full_size.py", "--family", "sd15", "--size", "tiny", "--steps", "2", "--plain",
        out=tmp_path / "out.json",
    )  # fmt: skip
    done = made["run"]
    stages = done["stages_s"]
    assert isinstance(stages, dict)
    assert stages["UNet"]["calls"] == stages["ControlNet"]["calls"] == done["steps"] == 2
    assert float(str(done["plain_loop_images_per_second"])) > 0
    assert done["gpu"] is not None or done["speedup_over_plain_loop"] is None

"""What must stay cheap: importing the packages, and the command line's help."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

HEAVY = frozenset(
    {
        *("torch", "torchvision", "torchreid", "diffusers", "transformers"),
        *("cv2", "anny", "moderngl", "streamlit"),
    }
)


def imported_by(*arguments: str) -> set[str]:
    """Top-level packages that a new Python loads when it is given ``arguments``."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


def seconds(*arguments: str) -> float:
    """The quickest of three starts of Python, wall-clock."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True, timeout=120)
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.parametrize(
    "package", ["humangenai", "refsd", "leaderboards", "annotator_ui", "humangenai.cli"]
)
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    loaded = imported_by("-c", f"import {package}")
    assert package.partition(".")[0] in loaded  # the list is what it seems
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "arguments", [("--help",), ("eval", "--help"), ("list", "methods")], ids=" ".join
)
def test_help_and_lists_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    loaded = imported_by("-m", "humangenai", *arguments)
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_help_answers_at_once() -> None:
    # Relative to a start of Python that loads Typer alone, as machines differ; a second of torch
    # or pandas would show.
    bare = seconds("-c", "import typer, rich.console, pydantic")
    assert seconds("-m", "humangenai", "--help") < 2 * bare + 0.5

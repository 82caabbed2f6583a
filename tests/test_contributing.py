"""CONTRIBUTING's examples run as they are, together, as a package of somebody else's."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from humangenai.config import DatasetConfig, MethodConfig, RunConfig
from humangenai.runner import run

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture
def my_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The examples, installed with their entry points."""
    package = tmp_path / "site" / "my_package"
    package.mkdir(parents=True)
    for block in blocks("python"):
        name = re.match(r"# my_package/(\w+\.py)", block)
        assert name
        (package / name.group(1)).write_text(block, encoding="utf-8")
    information = package.parent / "my_package-0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 0\n")
    (toml,) = blocks("toml")
    points = toml.replace('[project.entry-points."', "[").replace('"]', "]").replace('"', "")
    (information / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(package.parent)
    yield package
    for module in [name for name in sys.modules if name.startswith("my_package")]:
        del sys.modules[module]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Six people of one colour each, three cameras."""
    folder = tmp_path / "crops"
    for pid in range(6):
        (folder / str(pid)).mkdir(parents=True)
        for camid, split in ((0, "query"), (1, "gallery"), (2, "gallery")):
            noise = np.random.default_rng([pid, camid]).integers(0, 9, (32, 16, 3))
            picture = (noise + 20 + 40 * pid).astype(np.uint8)
            Image.fromarray(picture).save(folder / str(pid) / f"{camid}_{split}.png")
    return folder


def test_the_examples_run(my_package: Path, crops: Path, tmp_path: Path) -> None:
    config = RunConfig(
        dataset=DatasetConfig(dataset="per_person", options={"path": str(crops)}),
        methods=(MethodConfig(method="original"), MethodConfig(method="background")),
        tracks=("mean_colour",),
        seed=0,
    )
    record = run(config, tmp_path / "run").record
    rank1 = {
        method.name: score.value
        for method in record.methods
        for score in method.scores
        if score.metric == "R@1" and score.subset == "all"
    }
    # The method fills the whole crop with grey: every query is the same, and finds nobody but by
    # chance, which is 2 in 12 here.
    assert rank1["Original"] == 1.0
    assert rank1["Background"] == pytest.approx(2 / 12)
    assert {difference.against for difference in record.differences} == {"Original"}


def test_the_examples_are_short() -> None:
    for block in blocks("python"):
        lines = [line for line in block.splitlines() if line.strip()]
        assert len(lines) < 40


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs"])
def test_links_within_the_project_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for file in sorted(path.glob("*.md")) if path.is_dir() else [path]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (file.parent / target).exists(), f"{file.name}: {target}"

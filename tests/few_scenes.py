"""One shard of training and one of test scenes, rendered once per session."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from humangenai.datasets import Item
from humangenai.datasets.crowd_scenes import CrowdScenes, Options
from humangenai.datasets.crowd_scenes.dataset import SHARD, render_shard

if TYPE_CHECKING:
    from collections.abc import Sequence


class FewScenes(CrowdScenes):
    """Crowd's scenes, the first five of each part, rendered into another folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Options())
        self._folder = folder
        for part in ("train", "test"):
            if not self._path(part, 0).is_file():
                render_shard(self._path(part, 0), 0, part, 0)

    def items(self) -> Sequence[Item]:
        return [Item(f"test/{number:05d}", "all") for number in range(SHARD)]

    def train_items(self) -> Sequence[Item]:
        return [Item(f"train/{number:05d}", "train") for number in range(SHARD)]


@cache
def few_scenes() -> FewScenes:
    """The same ones for all tests of a process; rendering them takes some seconds."""
    return FewScenes(Path(mkdtemp(prefix="crowd-scenes-")))

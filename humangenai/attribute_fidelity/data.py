"""Labelled renders for the attribute probe: made once, in shards, resumed after a stop."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.wardrobe import Family

Crop = Literal["body", "head"]
"""``body``: the whole person, twice as high as wide; ``head``: head and shoulders, square."""

SIZES: Mapping[Crop, tuple[int, int]] = {"body": (128, 64), "head": (80, 80)}
"""Height and width in which the probe looks at each crop."""

SHARD = 128
"""Pictures in a shard."""

DATA_VERSION = 2
"""Changes with everything that changes what is rendered."""


@dataclass(frozen=True)
class Renders:
    """A set of renders; the same on every machine that has the same renderer.

    Attributes:
        family: whose people, clothes and poses.
        crop: which crop.
        pictures: how many; whole shards.
        seed: another seed is other people.
    """

    family: Family
    crop: Crop
    pictures: int
    seed: int

    def shards(self, folder: Path) -> list[Path]:
        """The files of this set, whether they are there or not."""
        height = SIZES[self.crop][0]
        name = f"v{DATA_VERSION}-{self.family}-{self.crop}-{height}-seed{self.seed}"
        return [folder / f"{name}-{n:04d}.safetensors" for n in range(-(-self.pictures // SHARD))]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures and what they show.

    Attributes:
        pictures: uint8 (N, H, W, 3), sRGB.
        labels: N mappings attribute → value, in the renderer's words.
    """

    pictures: NDArray[np.uint8]
    labels: list[Mapping[str, str]]


def render(renders: Renders, folder: Path, workers: int = 1) -> Iterator[Path]:
    """Render the shards that are missing.

    Args:
        renders: what to render.
        folder: where to; made if missing.
        workers: processes at once.

    Yields:
        Every shard, as it is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = list(enumerate(renders.shards(folder)))
    if workers == 1:
        for number, path in shards:
            if not path.exists():
                _render_shard(renders, number, path)
            yield path
        return
    with ProcessPoolExecutor(workers) as pool:
        made = {
            path: pool.submit(_render_shard, renders, number, path)
            for number, path in shards
            if not path.exists()
        }
        for _, path in shards:
            if path in made:
                made[path].result()
            yield path


def _render_shard(renders: Renders, number: int, path: Path) -> None:
    from refsd.rendering import make_renderer
    from refsd.training.pictures import sample_picture

    renderer = make_renderer("auto")
    height = SIZES[renders.crop][0]
    pictures, labels = [], []
    for at in range(number * SHARD, (number + 1) * SHARD):
        rng = np.random.default_rng([DATA_VERSION, renders.seed, renders.crop == "head", at])
        picture, shown = sample_picture(rng, renderer, renders.crop, height, renders.family)
        pictures.append(picture)
        labels.append(dict(shown))
    draft = path.with_name(f".part-{os.getpid()}-{path.name}")
    metadata = {"labels": json.dumps(labels), "renderer": renderer.name}
    save_file({"pictures": np.stack(pictures)}, draft, metadata=metadata)
    draft.replace(path)


def load(shards: list[Path]) -> Labelled:
    """Read shards into memory.

    Raises:
        OSError: one is missing.
    """
    pictures: list[NDArray[np.uint8]] = []
    labels: list[Mapping[str, str]] = []
    for path in shards:
        with safe_open(path, framework="numpy") as file:
            pictures.append(file.get_tensor("pictures"))
            labels += json.loads(file.metadata()["labels"])
    return Labelled(np.concatenate(pictures), labels)

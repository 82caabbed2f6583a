"""The training data on disk: shards of rendered pairs, made once, resumed after a stop."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.training.pictures import Composite
    from refsd.training.scenes import Crop
    from refsd.wardrobe import Family

HEIGHTS: Mapping[Crop, int] = {"body": 128, "head": 80}
"""Pixels, of the pictures that refsd-tiny learns from and paints."""

SHARD = 256
"""Pairs in a shard."""

DATA_VERSION = 2
"""Changes with everything that changes what is rendered."""


@dataclass(frozen=True)
class Part:
    """A part of the data.

    Attributes:
        crop: which crop.
        height: of the pictures, pixels.
        pairs: how many; whole shards.
        seed: another seed is other data.
        family: whose people, clothes and poses.
        composite: whom composites show.
    """

    crop: Crop
    height: int
    pairs: int
    seed: int = 0
    family: Family = "training"
    composite: Composite = "anew"

    def shards(self, folder: Path) -> list[Path]:
        """The files of this part, whether they are there or not."""
        family = "" if self.family == "training" else f"{self.family}-"
        composite = "" if self.composite == "anew" else f"{self.composite}-"
        name = f"v{DATA_VERSION}-{family}{composite}{self.crop}-{self.height}-seed{self.seed}"
        return [folder / f"{name}-{n:04d}.safetensors" for n in range(-(-self.pairs // SHARD))]


def render(part: Part, folder: Path, workers: int) -> Iterator[Path]:
    """Render the shards that are missing.

    Args:
        part: what to render.
        folder: where to.
        workers: processes at once.

    Yields:
        Every shard of the part, as it is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for number, path in enumerate(part.shards(folder)):
        if path.exists():
            yield path
        else:
            missing.append((number, path))
    if workers == 1:
        for number, path in missing:
            yield _render_shard(part, number, path)
        return
    with ProcessPoolExecutor(workers) as pool:
        futures = [pool.submit(_render_shard, part, number, path) for number, path in missing]
        for future in futures:
            yield future.result()


def _render_shard(part: Part, number: int, path: Path) -> Path:
    from refsd.rendering import make_renderer
    from refsd.training.pictures import sample_pair

    renderer = make_renderer("auto")
    targets, composites, masks, labels = [], [], [], []
    for at in range(number * SHARD, (number + 1) * SHARD):
        kind = 2 * (part.composite == "alike") + (part.crop == "head")
        rng = np.random.default_rng([DATA_VERSION, part.seed, kind, at])
        pair = sample_pair(
            rng, renderer, part.crop, part.height, part.family, composite=part.composite
        )
        targets.append(pair.target)
        composites.append(pair.composite)
        masks.append(np.packbits(pair.mask))
        labels.append(dict(pair.labels))
    arrays = {
        "target": np.stack(targets), "composite": np.stack(composites), "mask": np.stack(masks),
    }  # fmt: skip
    draft = path.with_name(f".part-{os.getpid()}-{path.name}")
    save_file(arrays, draft, metadata={"labels": json.dumps(labels), "renderer": renderer.name})
    draft.replace(path)
    return path


@dataclass(frozen=True, eq=False)
class Shard:
    """A shard in memory.

    Attributes:
        target: uint8 (N, H, W, 3), sRGB.
        composite: uint8 (N, H, W, 3), sRGB.
        mask: bool (N, H, W), where the composite's avatar is.
        labels: N mappings attribute → value.
    """

    target: NDArray[np.uint8]
    composite: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    labels: list[Mapping[str, str]]


def load_shard(path: Path) -> Shard:
    """Read a shard."""
    with safe_open(path, framework="numpy") as file:
        target, composite = file.get_tensor("target"), file.get_tensor("composite")
        packed = file.get_tensor("mask")
        labels = json.loads(file.metadata()["labels"])
    count, height, width = target.shape[:3]
    mask = np.unpackbits(packed, axis=1, count=height * width).reshape(count, height, width) > 0
    return Shard(target, composite, mask, labels)

"""Backgrounds of crowd: a wall and a ground, from the CC0 textures that scikit-image carries."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from humangenai.datasets.crowd.cameras import SurveillanceCamera


@cache
def texture(name: str) -> NDArray[np.float32]:
    """A grey texture of scikit-image's package data (``brick``, ``grass``, ``gravel``).

    Returns:
        float32 (512, 512), linear light, mean 1.
    """
    from PIL import Image

    spec = find_spec("skimage")
    assert spec is not None and spec.origin is not None  # noqa: S101
    with Image.open(Path(spec.origin).parent / "data" / f"{name}.png") as file:
        grey = np.asarray(file.convert("L"), dtype=np.float32) / 255
    linear = grey**2.2
    return np.asarray(linear / linear.mean(), dtype=np.float32)


def background(
    camera: SurveillanceCamera, height: int, width: int, horizon: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What stands behind one person: a piece of the camera's wall above a piece of its ground.

    Args:
        camera: whose scene it is.
        height: of the picture in pixels.
        width: of the picture in pixels.
        horizon: where wall and ground meet, as a share of the height from the top.
        rng: chooses the piece.

    Returns:
        float32 (height, width, 3), linear RGB, about 0.05 to 0.9.
    """
    edge = round(horizon * height)
    tint = np.asarray(camera.tint, dtype=np.float32)
    wall = _piece(texture(camera.wall), edge, width, 1.0, rng)
    ground = _piece(texture(camera.ground), height - edge, width, float(rng.uniform(1.5, 3.0)), rng)
    scene: NDArray[np.float32] = np.concatenate([wall * 0.30, ground * 0.22])[..., None] * tint
    # People pass at different places, so strips of other paint and shade cross the wall.
    for _ in range(int(rng.integers(0, 3))):
        left, right = sorted(rng.integers(0, width, 2))
        paint = rng.uniform(0.5, 1.6) * rng.uniform(0.85, 1.15, 3)
        scene[:edge, left:right] *= paint
    return np.clip(scene, 0.01, 0.95).astype(np.float32)


def _piece(
    grey: NDArray[np.float32], height: int, width: int, squeeze: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A random window of a texture at a random scale, ``squeeze`` times flatter than it is wide."""
    import cv2

    scale = float(rng.uniform(1.2, 2.4))
    rows = min(grey.shape[0], max(1, round(height * scale * squeeze)))
    columns = min(grey.shape[1], max(1, round(width * scale)))
    top = int(rng.integers(0, grey.shape[0] - rows + 1))
    left = int(rng.integers(0, grey.shape[1] - columns + 1))
    window = grey[top : top + rows, left : left + columns]
    size = (width, max(1, height))
    return np.asarray(cv2.resize(window, size, interpolation=cv2.INTER_AREA), dtype=np.float32)

"""Holes to learn from, for the ControlNet that fills them.

Holes are in whole cells of the latent grid, as ``refsd.diffusion.inpainting`` makes them at
inference. Some pictures show an empty background, described in the words with which RefSD's removal
asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd.diffusion.inpainting import CELL
from refsd.rendering.shading import to_srgb
from refsd.training.scenes import sample_background

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOBODY = 0.15
"""Share of the pictures that show nobody."""

_KINDS = (0.5, 0.8)
"""Up to the first share of holes are people, up to the second boxes, the rest half pictures."""


def sample_hole(rng: np.random.Generator, person: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Draw what is to be filled: the person, boxes, or half of the picture.

    Args:
        rng: all chance.
        person: bool (H, W), where somebody is; H and W are multiples of ``CELL``.

    Returns:
        bool (H, W), whole cells of ``refsd.diffusion.inpainting.CELL`` pixels, never empty.
    """
    height, width = person.shape
    hole = np.zeros((height, width), dtype=np.bool_)
    kind = rng.random()
    if kind < _KINDS[0]:
        size = 2 * round(rng.uniform(0.01, 0.06) * height) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        hole[cv2.dilate(person.astype(np.uint8), kernel) > 0] = True
    elif kind < _KINDS[1]:
        for _ in range(int(rng.integers(1, 4))):
            tall, wide = rng.uniform(0.15, 0.7, 2) * (height, width)
            top, left = rng.uniform(0, 1, 2) * (height - tall, width - wide)
            hole[int(top) : int(top + tall), int(left) : int(left + wide)] = True
    else:
        axis = int(rng.integers(2))
        middle = int(rng.uniform(0.35, 0.65) * person.shape[axis])
        np.moveaxis(hole, axis, 0)[:middle] = True
        if rng.random() < 0.5:
            np.logical_not(hole, out=hole)
    if not hole.any():  # There is nobody.
        hole[:] = True
    cells = hole.reshape(height // CELL, CELL, width // CELL, CELL).any(axis=(1, 3))
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)


def sample_empty(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Draw a background with nobody before it, uint8 (height, width, 3), sRGB."""
    picture = to_srgb(sample_background(rng, height, width)) * 255
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)

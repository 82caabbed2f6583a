"""What is finer than a checkpoint can paint stays as the composite has it.

A small checkpoint works on small crops: enlarged, they are soft where the avatar is sharp. So from
such a checkpoint only what is coarse is taken, the colours and large shapes that the prompt
decides, as a change of the avatar; its own folds, edges and features stay. The change is spread by
a guided filter with the composite as its guide (He, Sun and Tang, "Guided Image Filtering", PAMI
2013, equations 5, 6 and 8; computed small and applied large as in He and Sun, "Fast Guided Filter",
arXiv 1505.00996), so that it ends where the avatar's parts end. Beside the avatar nothing changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

EPSILON = 0.004
"""How even the guide must be for a change to be smoothed over it: a variance of luma in [0, 1]."""

EDGE = 3.0
"""Pixels of the size worked on: so far into the figure its outline may be painted wrong."""


def changed(
    large: NDArray[np.uint8],
    small: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    figure: NDArray[np.bool_],
    radius: float,
) -> NDArray[np.uint8]:
    """A part of x″ with what was painted of it, as far as that is coarse.

    Args:
        large: uint8 (H, W, 3), the part of x″.
        small: uint8 (h, w, 3), the same in the size that was worked on.
        painted: uint8 (h, w, 3), what became of it.
        figure: bool (H, W), where the avatar is; nothing else changes.
        radius: pixels of the small size; what is finer is the composite's.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = small.shape[:2]
    inside = cv2.resize(
        figure.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_AREA
    )
    if not inside.any():
        return large
    mean = _mean_inside(_trust(np.asarray(inside, dtype=np.uint8)), round(2 * radius) + 1)
    guide = _luma(small)
    change = painted.astype(np.float32) - small
    of_guide, of_change = mean(guide), mean(change)
    variance = mean(guide * guide) - of_guide**2
    covariance = mean(guide * change) - of_guide * of_change
    slope = covariance / (variance + EPSILON)
    level = of_change - slope * of_guide
    size = large.shape[1], large.shape[0]
    slope, level = (
        np.asarray(cv2.resize(mean(part), size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)
        for part in (slope, level)
    )
    share = np.asarray(cv2.GaussianBlur(figure.astype(np.float32), (3, 3), 0))[..., None]
    made = large + share * (slope * _luma(large) + level)
    return np.asarray(np.clip(np.rint(made), 0, 255), dtype=np.uint8)


def _luma(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (H, W, 1) in [0, 1], as ITU-R BT.601 weighs the channels."""
    weights = np.array([[0.299], [0.587], [0.114]], dtype=np.float32)
    return np.asarray((image.astype(np.float32) / 255) @ weights, dtype=np.float32)


def _trust(inside: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much a place counts: little at the figure's edge, where background may be painted.

    Args:
        inside: uint8 (h, w), 255 where all of a pixel is the figure's.

    Returns:
        float32 (h, w), 0 outside the figure, 1 from ``EDGE`` pixels inside it.
    """
    distance = cv2.distanceTransform((inside > 127).astype(np.uint8), cv2.DIST_L2, 3)
    depth = np.minimum(np.asarray(distance, dtype=np.float32) / EDGE, 1)
    return np.asarray((0.02 + 0.98 * depth**2) * (inside / 255), dtype=np.float32)


def _mean_inside(
    inside: NDArray[np.float32], side: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Means over squares of ``side`` pixels, of what lies inside; also for places just outside."""
    counted = cv2.boxFilter(inside, -1, (side, side), normalize=False)
    counted = np.maximum(np.asarray(counted, dtype=np.float32), 1e-3)[..., None]

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        summed = cv2.boxFilter(values * inside[..., None], -1, (side, side), normalize=False)
        return np.asarray(summed, dtype=np.float32).reshape(values.shape) / counted

    return mean

"""Textures at the size at which they are seen, so that fine patterns do not flicker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def has_holes(texture: NDArray[np.uint8]) -> bool:
    """Whether some texels are cut out (alpha below 128)."""
    return bool((texture[..., 3] < 128).any())


def shrink(texture: NDArray[np.uint8], density: float) -> NDArray[np.uint8]:
    """Halve a texture until a sample covers about one texel.

    Args:
        texture: uint8 (T, T, 4).
        density: texels per sample along one axis, at full size.

    Returns:
        uint8 (t, t, 4), each texel the mean of those it stands for; colours count by their alpha.
    """
    halvings = min(
        max(0, round(math.log2(max(density, 1e-6)))), int(math.log2(min(texture.shape[:2])))
    )
    if halvings == 0:
        return texture
    size = (texture.shape[1] >> halvings, texture.shape[0] >> halvings)
    if int(texture[..., 3].min()) == 255:
        return np.asarray(cv2.resize(texture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    alpha = texture[..., 3:].astype(np.float32)
    colours = cv2.resize(texture[..., :3] * alpha, size, interpolation=cv2.INTER_AREA)
    alphas = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None]
    small = np.concatenate([colours / np.maximum(alphas, 1e-3), alphas], axis=2)
    return np.asarray(np.clip(np.rint(small), 0, 255), dtype=np.uint8)


def sample(texture: NDArray[np.uint8], uv: NDArray[np.floating]) -> NDArray[np.float32]:
    """Look up texels with bilinear interpolation; outside [0, 1] the edge goes on.

    Args:
        texture: uint8 (T, T, 4).
        uv: (N, 2), v down.

    Returns:
        float32 (N, 4) in [0, 255].
    """
    height, width = texture.shape[:2]
    x = np.clip(uv[:, 0] * width - 0.5, 0, width - 1).astype(np.float32)
    y = np.clip(uv[:, 1] * height - 0.5, 0, height - 1).astype(np.float32)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = (x - left)[:, None], (y - top)[:, None]
    flat = texture.reshape(-1, 4)
    upper = flat[top * width + left] * (1 - across) + flat[top * width + right] * across
    lower = flat[bottom * width + left] * (1 - across) + flat[bottom * width + right] * across
    texels: NDArray[np.float32] = upper * (1 - down) + lower * down
    return texels

"""Surfaces to pictures: the one shading model that all renderers share.

A renderer only finds out which surface each sample sees (a :class:`Surfaces`); light, ambient
occlusion, antialiasing and the sRGB curve are the same for all, so that they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd.rendering.scene import Rendering

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.rendering.scene import Camera, Light

WRAP = 0.3
"""How far light reaches around a surface: skin and cloth scatter it, so shadows begin softly."""

OCCLUSION_RADIUS = 0.06
"""Metres around a point in which nearer surfaces take ambient light from it."""

OCCLUSION_DEPTH = 0.05
"""Metres behind the mean of the surroundings at which a point is occluded in full."""

OCCLUSION = 0.45
"""Share of the ambient light that full occlusion takes."""

SHOULDER = 0.75
"""Radiance up to which the picture is linear; above, it bends towards white as film does."""


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What each sample sees; ``samples`` × ``samples`` of them make a pixel.

    Attributes:
        albedo: uint8 (h, w, 3), sRGB colour of the surface without light.
        normals: float32 (h, w, 3), unit vectors in camera coordinates, towards the camera's side.
        depth: float32 (h, w), metres; inf where there is no surface.
        samples: how many samples a pixel has along one axis.
    """

    albedo: NDArray[np.uint8]
    normals: NDArray[np.float32]
    depth: NDArray[np.float32]
    samples: int


def to_linear(srgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """The sRGB curve undone (IEC 61966-2-1), [0, 1] to [0, 1]."""
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def to_srgb(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    """The sRGB curve (IEC 61966-2-1), [0, 1] to [0, 1]."""
    bright = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, bright).astype(np.float32)


_LINEAR = to_linear(np.arange(256) / 255)


def shade(surfaces: Surfaces, light: Light, camera: Camera) -> Rendering:
    """Light the surfaces and average the samples of each pixel in linear light.

    Args:
        surfaces: what the samples see.
        light: a directional light with wrap-around, above a hemispheric ambient one.
        camera: the camera of the *samples*, for how large a centimetre is.

    Returns:
        The picture; depth is the nearest sample's, the normal the mean of the covered ones'.
    """
    rows, columns = np.nonzero(np.isfinite(surfaces.depth))
    normals = surfaces.normals[rows, columns]
    occlusion = _occlusion(surfaces.depth, camera)[rows, columns, None]
    upward = (0.5 - 0.5 * normals[:, 1:2]).astype(np.float32)
    sky, ground = _vector(light.sky), _vector(light.ground)
    ambient = (ground + (sky - ground) * upward) * (1 - OCCLUSION * occlusion)
    facing = normals @ _vector(light.direction)[:, None]
    direct = np.clip((facing + WRAP) / (1 + WRAP), 0, None) ** 2 * _vector(light.colour)
    radiance = _LINEAR[surfaces.albedo[rows, columns]] * (ambient + direct)
    return _average(surfaces, rows, columns, radiance, normals)


def _vector(values: tuple[float, float, float]) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def _occlusion(depth: NDArray[np.float32], camera: Camera) -> NDArray[np.float32]:
    """How much each sample lies behind its surroundings, float32 (h, w) in [0, 1].

    A cheap stand-in for ambient occlusion: creases, armpits and the neck under the chin are
    deeper than the mean depth around them.
    """
    covered = np.isfinite(depth)
    if not covered.any():
        return np.zeros_like(depth)
    finite = np.where(covered, depth, 0).astype(np.float32)
    radius = OCCLUSION_RADIUS * camera.fx / float(np.median(depth[covered]))
    size = 2 * max(1, min(round(radius), max(depth.shape))) + 1
    weight = cv2.blur(covered.astype(np.float32), (size, size), borderType=cv2.BORDER_CONSTANT)
    mean = cv2.blur(finite, (size, size), borderType=cv2.BORDER_CONSTANT)
    behind = finite - mean / np.maximum(weight, 1e-6)
    occlusion: NDArray[np.float32] = np.clip(behind / OCCLUSION_DEPTH, 0, 1)
    return occlusion


def _average(
    surfaces: Surfaces,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    radiance: NDArray[np.float32],
    normals: NDArray[np.float32],
) -> Rendering:
    samples = surfaces.samples
    height, width = (side // samples for side in surfaces.depth.shape)
    pixel = rows // samples * width + columns // samples
    values = np.concatenate([radiance, normals], axis=1)
    sums = np.stack(
        [np.bincount(pixel, values[:, i], minlength=height * width) for i in range(6)], axis=1
    ).reshape(height, width, 6)
    counts = np.bincount(pixel, minlength=height * width).reshape(height, width, 1)
    mean = sums[..., :3] / np.maximum(counts, 1)
    bent = SHOULDER + (1 - SHOULDER) * (1 - np.exp((SHOULDER - mean) / (1 - SHOULDER)))
    colours = to_srgb(np.where(mean > SHOULDER, bent, mean))
    rgba = np.concatenate([colours, counts / samples**2], axis=2)
    lengths = np.linalg.norm(sums[..., 3:], axis=2, keepdims=True)
    parts = [
        surfaces.depth[row::samples, column::samples]
        for row in range(samples)
        for column in range(samples)
    ]
    return Rendering(
        rgba=np.rint(rgba * 255).astype(np.uint8),
        depth=np.minimum.reduce(parts),
        normals=(sums[..., 3:] / np.where(lengths > 0, lengths, 1)).astype(np.float32),
    )

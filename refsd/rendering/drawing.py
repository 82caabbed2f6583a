"""What renderers have in common: only the window that meshes cover is looked at, then shaded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from refsd.rendering import geometry, textures
from refsd.rendering.scene import Rendering
from refsd.rendering.shading import shade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.rendering.geometry import Triangles
    from refsd.rendering.scene import Camera, Light, Mesh
    from refsd.rendering.shading import Surfaces

FINE_PIXELS = 400 * 400
"""Windows up to this size get 3 × 3 samples a pixel, larger ones 2 × 2: their edges matter less."""

MOST_PIXELS = 1_500_000
"""Larger windows are drawn at this size and enlarged: textures have no more detail to show."""


class Look(Protocol):
    """Finds out what each sample sees; this is where renderers differ."""

    def __call__(
        self,
        triangles: Triangles,
        images: Sequence[NDArray[np.uint8]],
        camera: Camera,
        samples: int,
    ) -> Surfaces:
        """Look at triangles.

        Args:
            triangles: all in front of the camera.
            images: a texture per mesh, of about one texel a sample; alpha below 128 is a hole.
            camera: each of its pixels is a sample.
            samples: how many samples a pixel has along one axis.
        """
        ...


def draw(meshes: Sequence[Mesh], camera: Camera, light: Light, look: Look) -> Rendering:
    """Draw meshes; see :class:`refsd.rendering.Renderer`."""
    whole = Rendering(
        rgba=np.zeros((camera.height, camera.width, 4), dtype=np.uint8),
        depth=np.full((camera.height, camera.width), np.inf, dtype=np.float32),
        normals=np.zeros((camera.height, camera.width, 3), dtype=np.float32),
    )
    triangles = geometry.gather(meshes)
    window = geometry.visible_window(triangles, camera)
    if window is None:
        return whole
    x0, y0, x1, y1 = window
    pixels = (x1 - x0) * (y1 - y0)
    samples = 3 if pixels <= FINE_PIXELS else 2
    reduction = min(1.0, math.sqrt(MOST_PIXELS / pixels))
    pixel_camera = camera.window(*window, scale=reduction)
    sampling = pixel_camera.window(0, 0, pixel_camera.width, pixel_camera.height, scale=samples)
    densities = geometry.texel_densities(triangles, sampling, [mesh.texture for mesh in meshes])
    images = [
        textures.shrink(mesh.texture, density)
        for mesh, density in zip(meshes, densities, strict=True)
    ]
    part = shade(look(triangles, images, sampling, samples), light, sampling)
    if reduction < 1:
        part = _enlarge(part, (x1 - x0, y1 - y0))
    whole.rgba[y0:y1, x0:x1] = part.rgba
    whole.depth[y0:y1, x0:x1] = part.depth
    whole.normals[y0:y1, x0:x1] = part.normals
    return whole


def _enlarge(part: Rendering, size: tuple[int, int]) -> Rendering:
    """Resize to (width, height): colours smoothly, depth and normals by the nearest pixel."""
    alpha = part.rgba[..., 3:].astype(np.float32)
    premultiplied = np.concatenate([part.rgba[..., :3] * alpha / 255, alpha], axis=2)
    resized = cv2.resize(premultiplied, size, interpolation=cv2.INTER_LINEAR)
    large = np.asarray(resized, dtype=np.float32)
    large[..., :3] *= 255 / np.maximum(large[..., 3:], 1e-3)
    return Rendering(
        rgba=np.clip(np.rint(large), 0, 255).astype(np.uint8),
        depth=np.asarray(cv2.resize(part.depth, size, interpolation=cv2.INTER_NEAREST)),
        normals=np.asarray(cv2.resize(part.normals, size, interpolation=cv2.INTER_NEAREST)),
    )

"""How surfaces look: shared by all renderers, so that they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.rendering.scene import Light, Mesh

WRAP = 0.25
"""Light reaches this far around the terminator, as it does on skin and cloth."""


def decode(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB values in [0, 1] to linear light (IEC 61966-2-1)."""
    low = encoded / 12.92
    high = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, low, high).astype(np.float32)


def encode(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light to sRGB values in [0, 1], clipped (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0, 1)
    high = 1.055 * np.maximum(clipped, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, clipped * 12.92, high).astype(np.float32)


def shade(
    albedo: NDArray[np.float32], normals: NDArray[np.float32], light: Light
) -> NDArray[np.float32]:
    """Linear RGB that leaves a matt surface: hemispheric ambient and a wrapped Lambert term.

    Args:
        albedo: float32 (N, 3), sRGB in [0, 1].
        normals: float32 (N, 3), unit vectors towards the viewer's side.
        light: what shines.
    """
    up = (0.5 - 0.5 * normals[:, 1])[:, None]
    sky, ground = np.float32(light.sky), np.float32(light.ground)
    cosine = normals @ np.float32(light.direction)
    lambert = np.maximum(0, (cosine + WRAP) / (1 + WRAP))[:, None]
    arriving = ground + (sky - ground) * up + np.float32(light.colour) * lambert
    return (decode(albedo) * arriving).astype(np.float32)


def vertex_normals(mesh: Mesh) -> NDArray[np.float32]:
    """float32 (V, 3): means of the neighbouring faces' normals, weighted by area."""
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = mesh.faces.ravel()
    repeated = np.repeat(across, 3, axis=0)
    count = len(mesh.vertices)
    summed = np.stack([np.bincount(flat, repeated[:, c], count) for c in range(3)], axis=1)
    length = np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return (summed / length).astype(np.float32)


def texture_level(
    mesh: Mesh, area: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The texture, halved as often as its texels are smaller than samples (one level a mesh).

    Args:
        mesh: with its texture.
        area: (F,), twice their signed area.
    """
    uv = mesh.uv[mesh.uv_faces]
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    texels = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    texels *= mesh.texture.shape[0] * mesh.texture.shape[1]
    samples = max(float(np.abs(area).sum()), 1e-9)
    halvings = int(np.clip(np.floor(0.5 * np.log2(max(texels / samples, 1e-9))), 0, 8))
    texture = mesh.texture
    for _ in range(halvings):
        if min(texture.shape[:2]) < 2:
            break
        even = texture[: texture.shape[0] // 2 * 2, : texture.shape[1] // 2 * 2]
        parts = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, 4)
        texture = parts.mean(axis=(1, 3), dtype=np.float32).round().astype(np.uint8)
    return texture

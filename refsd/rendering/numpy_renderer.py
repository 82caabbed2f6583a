"""A z-buffer rasterizer in NumPy: no graphics driver, the same bytes on every call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering.scene import Rendering
from refsd.rendering.shading import encode, shade, texture_level, vertex_normals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.rendering.scene import Camera, Light, Mesh

_NEAR = 0.05
"""Metres; triangles with a corner nearer than this are not drawn."""


class NumpyRenderer:
    """Draws by enumerating, for all triangles at once, the samples inside their bounding boxes.

    Attributes:
        name: ``numpy``.
        samples: samples per pixel along each axis.
    """

    name = "numpy"

    def __init__(self, samples: int = 2) -> None:
        self.samples = samples

    def render(self, meshes: Sequence[Mesh], camera: Camera, light: Light) -> Rendering:
        """Draw the meshes as ``camera`` sees them; see ``refsd.rendering.Renderer``."""
        s = self.samples
        fine = camera.window(0, 0, camera.width, camera.height, scale=s)
        size = fine.width * fine.height
        depth = np.full(size, np.inf, dtype=np.float32)
        colour = np.zeros((size, 3), dtype=np.float32)
        normal = np.zeros((size, 3), dtype=np.float32)
        for mesh in meshes:
            hits = _rasterize(mesh, fine)
            nearer = hits.depth < depth[hits.pixel]
            hits = hits.keep(nearer)
            if not len(hits.pixel):
                continue
            faces = mesh.faces[hits.face]
            normals = mesh.normals if mesh.normals is not None else vertex_normals(mesh)
            facing = np.einsum("nc,ncd->nd", hits.weights, normals[faces])
            facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-9)
            points = np.einsum("nc,ncd->nd", hits.weights, mesh.vertices[faces])
            away = np.einsum("nd,nd->n", facing, points) > 0
            facing[away] *= -1
            albedo = _sample(hits.texture, hits.uv)
            depth[hits.pixel] = hits.depth
            normal[hits.pixel] = facing
            colour[hits.pixel] = shade(albedo, facing, light)
        return _resolve(depth, colour, normal, camera, s)


@dataclass(frozen=True, eq=False)
class _Hits:
    """The nearest surface of one mesh at each sample it covers; N samples."""

    pixel: NDArray[np.int64]
    depth: NDArray[np.float32]
    face: NDArray[np.int64]
    weights: NDArray[np.float32]
    uv: NDArray[np.float32]
    texture: NDArray[np.uint8]

    def keep(self, chosen: NDArray[np.bool_]) -> _Hits:
        return _Hits(
            self.pixel[chosen], self.depth[chosen], self.face[chosen],
            self.weights[chosen], self.uv[chosen], self.texture,
        )  # fmt: skip


def _rasterize(mesh: Mesh, camera: Camera) -> _Hits:
    z = mesh.vertices[:, 2]
    safe = np.where(z > _NEAR, z, 1).astype(np.float32)
    screen = np.stack(
        [
            mesh.vertices[:, 0] / safe * camera.fx + camera.cx,
            mesh.vertices[:, 1] / safe * camera.fy + camera.cy,
        ],
        axis=1,
    )
    corners = screen[mesh.faces].astype(np.float64)
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = edge1[:, 0] * edge2[:, 1] - edge1[:, 1] * edge2[:, 0]
    size = np.array([camera.width, camera.height])
    first = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, size).astype(np.int64)
    last = np.clip(np.floor(corners.max(axis=1) - 0.5) + 1, 0, size).astype(np.int64)
    extent = np.maximum(last - first, 0)
    drawn = (np.abs(area) > 1e-12) & (z[mesh.faces] > _NEAR).all(axis=1)
    counts = np.where(drawn, extent[:, 0] * extent[:, 1], 0)
    face = np.repeat(np.arange(len(counts)), counts)
    local = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = extent[face, 0]
    column = first[face, 0] + local % np.maximum(width, 1)
    row = first[face, 1] + local // np.maximum(width, 1)
    dx = column + 0.5 - corners[face, 0, 0]
    dy = row + 0.5 - corners[face, 0, 1]
    w1 = (dx * edge2[face, 1] - dy * edge2[face, 0]) / area[face]
    w2 = (dy * edge1[face, 0] - dx * edge1[face, 1]) / area[face]
    inside = (w1 >= 0) & (w2 >= 0) & (w1 + w2 <= 1)
    face, column, row, w1, w2 = (a[inside] for a in (face, column, row, w1, w2))
    # Perspective: 1 / z is linear on the screen, and so are attributes divided by z.
    inverse = np.stack([1 - w1 - w2, w1, w2], axis=1) / z[mesh.faces[face]]
    total = inverse.sum(axis=1)
    weights = (inverse / total[:, None]).astype(np.float32)
    texture = texture_level(mesh, area)
    hits = _Hits(
        pixel=row * camera.width + column,
        depth=(1 / total).astype(np.float32),
        face=face,
        weights=weights,
        uv=np.einsum("nc,ncd->nd", weights, mesh.uv[mesh.uv_faces[face]]),
        texture=texture,
    )
    if (mesh.texture[..., 3] < 128).any():
        hits = hits.keep(_nearest_alpha(texture, hits.uv) >= 128)
    return _nearest(hits, camera.width * camera.height)


def _nearest(hits: _Hits, size: int) -> _Hits:
    """Of all hits on one sample the nearest; of equally near ones the first triangle."""
    best = np.full(size, np.inf, dtype=np.float32)
    np.minimum.at(best, hits.pixel, hits.depth)
    winners = np.flatnonzero(hits.depth == best[hits.pixel])
    chosen = np.full(size, -1, dtype=np.int64)
    chosen[hits.pixel[winners[::-1]]] = winners[::-1]
    return hits.keep(chosen[chosen >= 0])  # type: ignore[arg-type]


def _nearest_alpha(texture: NDArray[np.uint8], uv: NDArray[np.float32]) -> NDArray[np.uint8]:
    height, width = texture.shape[:2]
    x = np.clip((uv[:, 0] * width).astype(np.int64), 0, width - 1)
    y = np.clip((uv[:, 1] * height).astype(np.int64), 0, height - 1)
    return texture[y, x, 3]


def _sample(texture: NDArray[np.uint8], uv: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bilinear sRGB values in [0, 1], float32 (N, 3)."""
    height, width = texture.shape[:2]
    x = np.clip(uv[:, 0] * width - 0.5, 0, width - 1)
    y = np.clip(uv[:, 1] * height - 0.5, 0, height - 1)
    x0, y0 = x.astype(np.int64), y.astype(np.int64)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    rgb = texture[..., :3]
    top = rgb[y0, x0] * (1 - fx) + rgb[y0, x1] * fx
    bottom = rgb[y1, x0] * (1 - fx) + rgb[y1, x1] * fx
    mixed: NDArray[np.float32] = ((top * (1 - fy) + bottom * fy) / 255).astype(np.float32)
    return mixed


def _resolve(
    depth: NDArray[np.float32],
    colour: NDArray[np.float32],
    normal: NDArray[np.float32],
    camera: Camera,
    s: int,
) -> Rendering:
    """Average the samples of each pixel: colours in linear light, depth the nearest."""
    shape = (camera.height, s, camera.width, s)
    hit = np.isfinite(depth).reshape(shape)
    covered = hit.sum(axis=(1, 3))
    divisor = np.maximum(covered, 1)[..., None]
    mean = colour.reshape(*shape, 3).sum(axis=(1, 3)) / divisor
    direction = normal.reshape(*shape, 3).sum(axis=(1, 3))
    length = np.linalg.norm(direction, axis=2, keepdims=True)
    rgba = np.empty((camera.height, camera.width, 4), dtype=np.uint8)
    rgba[..., :3] = np.rint(encode(mean) * 255)
    rgba[..., 3] = np.rint(covered * (255 / (s * s)))
    return Rendering(
        rgba=rgba,
        depth=depth.reshape(shape).min(axis=(1, 3)),
        normals=(direction / np.maximum(length, 1e-9)).astype(np.float32),
    )

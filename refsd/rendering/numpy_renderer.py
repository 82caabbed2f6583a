"""A rasteriser in NumPy: the same picture on every machine, without a graphics card.

Scanline rasterisation, all triangles at once: triangles → the rows they cross → the samples of
each row → the nearest surface per sample → shading of the samples that are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import geometry, textures
from refsd.rendering.scene import Rendering
from refsd.rendering.shading import Surfaces, samples_per_axis, shade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from refsd.rendering.geometry import Triangles
    from refsd.rendering.scene import Camera, Light, Mesh

_FRAGMENTS_AT_ONCE = 1_000_000
"""Bounds the memory of large pictures to some 100 MB."""


class NumpyRenderer:
    """Draws meshes with a depth buffer and supersampling; deterministic."""

    name = "numpy"

    def render(self, meshes: Sequence[Mesh], camera: Camera, light: Light) -> Rendering:
        """Draw the meshes as ``camera`` sees them under ``light``, antialiased.

        Args:
            meshes: what to draw; the nearest surface is seen.
            camera: through which.
            light: in which light.

        Returns:
            A picture of the camera's size.
        """
        triangles = geometry.gather(meshes) if meshes else None
        window = geometry.visible_window(triangles, camera) if triangles else None
        if triangles is None or window is None:
            return nothing(camera)
        x0, y0, x1, y1 = window
        samples = samples_per_axis((x1 - x0) * (y1 - y0))
        sampling = camera.window(*window, scale=samples)
        surfaces = _rasterise(triangles, [mesh.texture for mesh in meshes], sampling, samples)
        return paste(shade(surfaces, light, sampling), window, camera)


def nothing(camera: Camera) -> Rendering:
    """An empty picture of the camera's size."""
    shape = (camera.height, camera.width)
    return Rendering(
        rgba=np.zeros((*shape, 4), dtype=np.uint8),
        depth=np.full(shape, np.inf, dtype=np.float32),
        normals=np.zeros((*shape, 3), dtype=np.float32),
    )


def paste(part: Rendering, window: tuple[int, int, int, int], camera: Camera) -> Rendering:
    """Put the rendering of a window into an empty picture of the camera's size."""
    whole = nothing(camera)
    x0, y0, x1, y1 = window
    whole.rgba[y0:y1, x0:x1] = part.rgba
    whole.depth[y0:y1, x0:x1] = part.depth
    whole.normals[y0:y1, x0:x1] = part.normals
    return whole


@dataclass(frozen=True, eq=False)
class _Projected:
    """Triangles on the plane of the samples.

    Attributes:
        x, y: float64 (F, 3), position of the corners in samples.
        inverse: float64 (F, 3), 1 / z of the corners; linear on the plane, as z is not.
        plane: float64 (F, 3), a b c with 1 / z = a x + b y + c.
        doubled_area: float64 (F,), positive where the face is seen from behind.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    inverse: NDArray[np.float64]
    plane: NDArray[np.float64]
    doubled_area: NDArray[np.float64]

    def weights(
        self,
        faces: NDArray[np.int64],
        columns: NDArray[np.integer],
        rows: NDArray[np.integer],
    ) -> NDArray[np.float64]:
        """Perspective-correct weights of the corners, float64 (N, 3), at samples of faces."""
        x, y = self.x[faces] - (columns[:, None] + 0.5), self.y[faces] - (rows[:, None] + 0.5)
        weights = np.empty_like(x)
        for corner, (after, before) in enumerate(((1, 2), (2, 0), (0, 1))):
            weights[:, corner] = x[:, after] * y[:, before] - x[:, before] * y[:, after]
        # Slivers: a sample may lie outside by rounding; never extrapolate.
        weights *= np.sign(self.doubled_area[faces])[:, None]
        weights = np.maximum(weights, 1e-12) * self.inverse[faces]
        normalised: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
        return normalised


def _rasterise(
    triangles: Triangles, images: Sequence[NDArray[np.uint8]], camera: Camera, samples: int
) -> Surfaces:
    projected = _project(triangles, camera)
    images = [
        textures.shrink(image, _density(triangles, projected, index, image))
        for index, image in enumerate(images)
    ]
    seen = _nearest(triangles, images, projected, camera)
    rows, columns = np.divmod(np.flatnonzero(seen >= 0), camera.width)
    faces = seen[seen >= 0]
    weights = projected.weights(faces, columns, rows)
    corners = triangles.faces[faces]
    normals = np.einsum("nc,nca->na", weights, triangles.normals[corners])
    # Both sides are drawn: the normal belongs to the side that is seen.
    normals *= np.where(projected.doubled_area[faces] > 0, -1.0, 1.0)[:, None]
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    uv = np.einsum("nc,nca->na", weights, triangles.uv[faces])
    shape = (camera.height, camera.width)
    surfaces = Surfaces(
        albedo=np.zeros((*shape, 3), dtype=np.uint8),
        normals=np.zeros((*shape, 3), dtype=np.float32),
        depth=np.full(shape, np.inf, dtype=np.float32),
        samples=samples,
    )
    owner = triangles.mesh[faces]
    for index, image in enumerate(images):
        own = owner == index
        texels = textures.sample(image, uv[own])[:, :3]
        surfaces.albedo[rows[own], columns[own]] = np.rint(texels).astype(np.uint8)
    surfaces.normals[rows, columns] = normals
    surfaces.depth[rows, columns] = np.einsum("nc,nc->n", weights, triangles.vertices[corners, 2])
    return surfaces


def _project(triangles: Triangles, camera: Camera) -> _Projected:
    points = triangles.vertices
    safe = np.maximum(points[:, 2], geometry.NEAR)
    inverse = (1 / safe)[triangles.faces]
    x = (camera.fx * points[:, 0] / safe + camera.cx)[triangles.faces]
    y = (camera.fy * points[:, 1] / safe + camera.cy)[triangles.faces]
    dx, dy, dz = (side[:, 1:] - side[:, :1] for side in (x, y, inverse))
    area = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
    safe_area = np.where(area == 0, 1.0, area)
    a = (dz[:, 0] * dy[:, 1] - dz[:, 1] * dy[:, 0]) / safe_area
    b = (dx[:, 0] * dz[:, 1] - dx[:, 1] * dz[:, 0]) / safe_area
    c = inverse[:, 0] - a * x[:, 0] - b * y[:, 0]
    return _Projected(x, y, inverse, np.stack([a, b, c], axis=1), area)


def _density(
    triangles: Triangles, projected: _Projected, mesh: int, texture: NDArray[np.uint8]
) -> float:
    """Texels per sample along one axis, over the faces of a mesh that are seen from outside."""
    chosen = (triangles.mesh == mesh) & (projected.doubled_area < 0)
    sides = triangles.uv[chosen, 1:] - triangles.uv[chosen, :1]
    texels = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]).sum()
    samples = -projected.doubled_area[chosen].sum()
    if samples <= 0:
        return 1.0
    return float(np.sqrt(texels * texture.shape[0] * texture.shape[1] / samples))


def _nearest(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    projected: _Projected,
    camera: Camera,
) -> NDArray[np.int64]:
    """The face that each sample sees, int64 (h w,); -1 for none."""
    # Depth and face in one integer: positive floats sort like their bits. The largest 1 / z wins,
    # and of equal ones the later face, whatever the order of the fragments.
    buffer = np.full(camera.height * camera.width, -1, dtype=np.int64)
    holes = np.array([textures.has_holes(image) for image in images])
    for faces, columns, rows in _fragments(projected, camera):
        if holes.any():
            kept = _opaque(triangles, images, holes, projected, faces, columns, rows)
            faces, columns, rows = faces[kept], columns[kept], rows[kept]  # noqa: PLW2901
        plane = projected.plane[faces]
        inverse = plane[:, 0] * (columns + 0.5) + plane[:, 1] * (rows + 0.5) + plane[:, 2]
        corners = projected.inverse[faces]
        np.clip(inverse, corners.min(axis=1), corners.max(axis=1), out=inverse)
        key = (inverse.astype(np.float32).view(np.int32).astype(np.int64) << 32) | faces
        np.maximum.at(buffer, rows * camera.width + columns, key)
    return np.where(buffer >= 0, buffer & 0xFFFFFFFF, -1)


def _opaque(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    holes: NDArray[np.bool_],
    projected: _Projected,
    faces: NDArray[np.int64],
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Which fragments are not cut out by their texture's alpha."""
    kept = np.ones(len(faces), dtype=np.bool_)
    owner = triangles.mesh[faces]
    for mesh in np.flatnonzero(holes):
        own = np.flatnonzero(owner == mesh)
        weights = projected.weights(faces[own], columns[own], rows[own])
        uv = np.einsum("nc,nca->na", weights, triangles.uv[faces[own]])
        kept[own] = textures.sample(images[mesh], uv)[:, 3] >= 127.5
    return kept


def _fragments(
    projected: _Projected, camera: Camera
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Face, column and row of every sample whose centre lies in a triangle, in bounded batches.

    A centre on a shared edge belongs to exactly one of the two triangles: spans are half open,
    and both triangles compute an edge's position from the same numbers in the same order.
    """
    order = np.argsort(projected.y, axis=1)
    x = np.take_along_axis(projected.x, order, axis=1)
    y = np.take_along_axis(projected.y, order, axis=1)
    on_screen = (x.max(axis=1) > 0) & (x.min(axis=1) < camera.width)
    first = np.clip(np.ceil(y[:, 0] - 0.5), 0, camera.height).astype(np.int64)
    last = np.clip(np.ceil(y[:, 2] - 0.5), 0, camera.height).astype(np.int64)
    faces, rows = _expand(first, np.where(on_screen, last - first, 0))
    # Of the three edges, the long one (0-2) crosses every row, and one of the others does.
    lower = (rows + 0.5 >= y[faces, 1]).astype(np.int64)
    ends = [
        _cross(x, y, faces, 0 * lower, 0 * lower + 2, rows),
        _cross(x, y, faces, lower, lower + 1, rows),
    ]
    left = np.clip(np.ceil(np.minimum(*ends) - 0.5), 0, camera.width).astype(np.int64)
    right = np.clip(np.ceil(np.maximum(*ends) - 0.5), 0, camera.width).astype(np.int64)
    counts = right - left
    totals = np.cumsum(counts)
    cuts = np.searchsorted(
        totals, np.arange(_FRAGMENTS_AT_ONCE, totals[-1] if len(totals) else 0, _FRAGMENTS_AT_ONCE)
    )
    for spans in np.split(np.arange(len(counts)), cuts):
        span, columns = _expand(left[spans], counts[spans])
        yield faces[spans][span], columns, rows[spans][span]


def _cross(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    faces: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Where the edge from corner ``start`` to ``end`` crosses the middle of a row."""
    x0, y0 = x[faces, start], y[faces, start]
    height = y[faces, end] - y0
    along = (rows + 0.5 - y0) / np.where(height > 0, height, 1.0)
    crossing: NDArray[np.float64] = x0 + along * (x[faces, end] - x0)
    return crossing


def _expand(
    first: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count from each ``first`` on: indices int64 (N,) of who counts, and what they say."""
    index = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return index, np.arange(len(index)) - starts[index] + first[index]

"""Triangles to samples, all at once: triangles → the rows they cross → the samples of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import geometry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from refsd.rendering.geometry import Triangles
    from refsd.rendering.scene import Camera

_FRAGMENTS_AT_ONCE = 1_000_000
"""Bounds the memory of large pictures to some 100 MB."""


@dataclass(frozen=True, eq=False)
class Fragments:
    """Samples whose centre lies in a triangle; a sample occurs once per triangle that covers it.

    Attributes:
        faces: int64 (N,), the triangle.
        columns, rows: int64 (N,), the sample; its centre is at (column + 0.5, row + 0.5).
    """

    faces: NDArray[np.int64]
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]

    def __getitem__(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> Fragments:
        return Fragments(self.faces[chosen], self.columns[chosen], self.rows[chosen])


@dataclass(frozen=True, eq=False)
class Projection:
    """Triangles on the plane of the samples.

    Attributes:
        x, y: float64 (F, 3), position of the corners in samples.
        inverse: float64 (F, 3), 1 / z of the corners.
        plane: float64 (F, 3), a b c with 1 / z = a x + b y + c: linear here, as z is not.
        farthest, nearest: float64 (F,), the bounds of 1 / z on the face.
        doubled_area: float64 (F,), in samples; positive where the face is seen from behind.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    inverse: NDArray[np.float64]
    plane: NDArray[np.float64]
    farthest: NDArray[np.float64]
    nearest: NDArray[np.float64]
    doubled_area: NDArray[np.float64]

    def inverse_depth(self, at: Fragments) -> NDArray[np.float64]:
        """1 / z at samples of faces, float64 (N,)."""
        plane = self.plane[at.faces]
        inverse = plane[:, 0] * (at.columns + 0.5) + plane[:, 1] * (at.rows + 0.5) + plane[:, 2]
        # The plane of a sliver is ill-conditioned: never leave the face's own depths.
        return np.clip(inverse, self.farthest[at.faces], self.nearest[at.faces], out=inverse)

    def weights(self, at: Fragments) -> NDArray[np.float64]:
        """Perspective-correct weights of the corners at samples of faces, float64 (N, 3)."""
        x = self.x[at.faces] - (at.columns[:, None] + 0.5)
        y = self.y[at.faces] - (at.rows[:, None] + 0.5)
        weights = np.empty_like(x)
        for corner, (after, before) in enumerate(((1, 2), (2, 0), (0, 1))):
            weights[:, corner] = x[:, after] * y[:, before] - x[:, before] * y[:, after]
        weights *= np.sign(self.doubled_area[at.faces])[:, None]
        # A sample of a sliver may lie outside by rounding: never extrapolate.
        weights = np.maximum(weights, 1e-12) * self.inverse[at.faces]
        total = weights[:, 0] + weights[:, 1] + weights[:, 2]
        normalised: NDArray[np.float64] = weights / total[:, None]
        return normalised


def project(triangles: Triangles, camera: Camera) -> Projection:
    """Where the triangles fall in the camera's picture, whose pixels are the samples."""
    points = triangles.vertices
    depth = np.maximum(points[:, 2], geometry.NEAR)
    x = (camera.fx * points[:, 0] / depth + camera.cx)[triangles.faces]
    y = (camera.fy * points[:, 1] / depth + camera.cy)[triangles.faces]
    inverse = (1 / depth)[triangles.faces]
    dx, dy, dz = (corner[:, 1:] - corner[:, :1] for corner in (x, y, inverse))
    area = dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0]
    divisor = np.where(area == 0, 1.0, area)
    a = (dz[:, 0] * dy[:, 1] - dz[:, 1] * dy[:, 0]) / divisor
    b = (dx[:, 0] * dz[:, 1] - dx[:, 1] * dz[:, 0]) / divisor
    c = inverse[:, 0] - a * x[:, 0] - b * y[:, 0]
    return Projection(
        x=x,
        y=y,
        inverse=inverse,
        plane=np.stack([a, b, c], axis=1),
        farthest=inverse.min(axis=1),
        nearest=inverse.max(axis=1),
        doubled_area=area,
    )


def fragments(projection: Projection, height: int, width: int) -> Iterator[Fragments]:
    """Find every sample whose centre lies in a triangle, in batches of bounded size.

    A centre on a shared edge belongs to exactly one of the two triangles: spans are half open,
    and both triangles compute the edge's position from the same numbers in the same order.
    """
    order = np.argsort(projection.y, axis=1)
    x = np.take_along_axis(projection.x, order, axis=1)
    y = np.take_along_axis(projection.y, order, axis=1)
    first, last = _first_centre(y[:, 0], height), _first_centre(y[:, 2], height)
    faces, rows = _count_from(first, last - first)
    # Edges from top to bottom: 0 → 1, 1 → 2, and 0 → 2, which crosses every row.
    start, end = [0, 1, 0], [1, 2, 2]
    drop = y[:, end] - y[:, start]
    slope = (x[:, end] - x[:, start]) / np.where(drop > 0, drop, 1.0)
    short = (rows + 0.5 >= y[faces, 1]).astype(np.int64)
    crossings = [
        x[faces, top] + (rows + 0.5 - y[faces, top]) * slope[faces, edge]
        for edge, top in ((2, 0), (short, short))
    ]
    left = _first_centre(np.minimum(*crossings), width)
    counts = _first_centre(np.maximum(*crossings), width) - left
    total = np.cumsum(counts)
    batches = np.arange(_FRAGMENTS_AT_ONCE, total[-1] if len(total) else 0, _FRAGMENTS_AT_ONCE)
    for spans in np.split(np.arange(len(counts)), np.searchsorted(total, batches)):
        span, columns = _count_from(left[spans], counts[spans])
        yield Fragments(faces[spans][span], columns, rows[spans][span])


def _first_centre(position: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    """The first sample in [0, limit] whose centre is not before a position."""
    return np.clip(np.ceil(position - 0.5), 0, limit).astype(np.int64)


def _count_from(
    first: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Let each i count ``counts[i]`` numbers from ``first[i]`` on: (who counts, the number)."""
    who = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return who, np.arange(len(who)) + (first - starts)[who]

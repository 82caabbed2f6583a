"""Simple shapes that are fixed to a body: hair that hangs, buns, peaks, bags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import Mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """A sheet of points float32 (rows, columns, 3); a closed one joins its last and first column."""

    points: NDArray[np.float32]
    closed: bool

    def mesh(self, texture: NDArray[np.uint8]) -> Mesh:
        """The sheet as triangles; the texture runs once over it."""
        rows, columns = self.points.shape[:2]
        spans = columns if self.closed else columns - 1
        row, column = (a.ravel() for a in np.mgrid[0 : rows - 1, 0:spans])
        after = (column + 1) % columns

        def quads(width: int, next_column: NDArray[np.int64]) -> NDArray[np.int32]:
            a, b = row * width + column, row * width + next_column
            c, d = (row + 1) * width + next_column, (row + 1) * width + column
            return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)

        v, u = np.mgrid[0:rows, 0 : spans + 1]
        uv = np.stack([u / spans, v / (rows - 1)], axis=-1).reshape(-1, 2).astype(np.float32)
        return Mesh(
            vertices=np.ascontiguousarray(self.points.reshape(-1, 3)),
            faces=quads(columns, after),
            uv=uv,
            uv_faces=quads(spans + 1, column + 1),
            texture=texture,
        )


def rounded_box(
    centre: tuple[float, float, float], radii: tuple[float, float, float], roundness: float
) -> Grid:
    """A superellipsoid: 1 is an ellipsoid, towards 0 a box; metres, canonical coordinates."""
    polar, azimuth = np.meshgrid(
        np.linspace(0, np.pi, 13), np.linspace(0, 2 * np.pi, 20, endpoint=False), indexing="ij"
    )

    def power(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** roundness

    x = power(np.sin(polar)) * power(np.sin(azimuth))
    y = -power(np.cos(polar))
    z = power(np.sin(polar)) * power(np.cos(azimuth))
    points = np.stack([x, y, z], axis=-1) * radii + np.asarray(centre)
    return Grid(points.astype(np.float32), closed=True)


def curtain(bottom: float) -> Grid:
    """Hair that hangs from the crown to canonical height ``bottom``, open at the face."""
    rows = []
    for level in np.linspace(-0.80, bottom, 14):
        # Beside the face it reaches to the jaw; over the shoulders only the back carries on.
        opening = np.deg2rad(np.interp(level, [-0.80, -0.66, -0.58, -0.52], [112, 112, 95, 62]))
        angle = np.linspace(-opening, opening, 26)
        side = np.interp(
            level, [-0.80, -0.72, -0.60, -0.50, -0.34], [0.086, 0.104, 0.112, 0.135, 0.12]
        )
        back = np.interp(
            level, [-0.80, -0.72, -0.60, -0.50, -0.34], [0.098, 0.120, 0.118, 0.150, 0.165]
        )
        wave = 1 + 0.02 * np.sin(angle * 9 + level * 20)
        rows.append(
            np.stack(
                [
                    side * np.sin(angle) * wave,
                    np.full(26, level),
                    -0.03 + back * np.cos(angle) * wave,
                ],
                axis=1,
            )
        )
    return Grid(np.asarray(rows, dtype=np.float32), closed=False)


def peak() -> Grid:
    """The peak of a cap, above the brow."""
    angle = np.linspace(-1.1, 1.1, 15)
    inner = np.stack(
        [0.078 * np.sin(angle), np.full(15, -0.785), -0.045 - 0.098 * np.cos(angle)], axis=1
    )
    outer = np.stack(
        [0.080 * np.sin(angle), np.full(15, -0.770), -0.05 - 0.185 * np.cos(angle)], axis=1
    )
    return Grid(np.stack([inner, outer]).astype(np.float32), closed=False)

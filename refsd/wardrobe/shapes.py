"""Simple shapes that are fixed to a body: hair that hangs, buns, peaks, bags."""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import Mesh
from refsd.wardrobe.arrays import floats
from refsd.wardrobe.cutting import HEAD_AXIS, neck_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.wardrobe.avatar import Colour


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


def neck_ring(kind: str, thickness: float) -> Grid:
    """What lies around the root of the neck of a garment.

    Args:
        kind: ``collar`` (folded over, open in front), ``stand`` (upright) or ``hood`` (a roll of
            cloth that hangs behind).
        thickness: metres by which the garment stands off the skin.
    """
    gap = {"collar": 0.30, "stand": 0.16, "hood": 0.10}[kind]
    angle = np.linspace(-np.pi + gap, np.pi - gap, 36)
    behind = (0.5 + 0.5 * np.cos(angle)) ** 1.5
    # Rows as steps outwards and downwards from the root of the neck, metres.
    steps = {
        "collar": ((0.000, 0.012), (-0.002, -0.020), (0.001, -0.030), (0.009, -0.026), (0.022, -0.004), (0.030, 0.010)),
        "stand": ((0.004, 0.014), (0.002, -0.012), (0.004, -0.036), (0.010, -0.037), (0.014, 0.000), (0.016, 0.014)),
    }  # fmt: skip
    if kind == "hood":
        turn = np.linspace(-0.6 * np.pi, 0.9 * np.pi, 9)[:, None]
        thick = 0.014 + 0.034 * behind
        out, down = thick * (0.5 - np.cos(turn)), thick * (0.35 - 1.1 * np.sin(turn))
    else:
        out, down = (np.asarray(column)[:, None] for column in zip(*steps[kind], strict=True))
        down = down * (0.75 + 0.25 * behind) if kind == "collar" else down
    radius = thickness + out
    wide, deep = 0.072 + radius, 0.057 + radius
    z = -0.016 + deep * np.cos(angle)
    level = neck_level(-0.016 + 0.057 * np.cos(angle))
    points = np.stack(np.broadcast_arrays(wide * np.sin(angle), level + down, z), axis=-1)
    return Grid(points.astype(np.float32), closed=False)


def loose_hair(bottom: float) -> Grid:
    """Hair that hangs from above the ears to canonical height ``bottom``, as seen from near."""
    rows = []
    for level in np.linspace(-0.80, bottom, 18):
        opening = np.deg2rad(np.interp(level, [-0.80, -0.70, -0.60, -0.52], [118, 112, 100, 58]))
        angle = np.linspace(-opening, opening, 34)
        side = np.interp(
            level,
            [-0.80, -0.74, -0.66, -0.60, -0.50, -0.34],
            [0.080, 0.100, 0.101, 0.093, 0.125, 0.11],
        )
        back = np.interp(
            level,
            [-0.80, -0.74, -0.66, -0.60, -0.50, -0.34],
            [0.104, 0.126, 0.118, 0.106, 0.142, 0.155],
        )
        # The ends turn in.
        tucked = 1 - 0.10 * np.clip((level - bottom + 0.05) / 0.05, 0, 1) ** 2
        wave = (1 + 0.022 * np.sin(angle * 9 + level * 25) + 0.012 * np.sin(angle * 23)) * tucked
        x, z = side * np.sin(angle) * wave, HEAD_AXIS + back * np.cos(angle) * wave
        rows.append(np.stack([x, np.full(34, level), z], axis=1))
    return Grid(np.asarray(rows, dtype=np.float32), closed=False)


@lru_cache(maxsize=256)
def hair_texture(colour: Colour, cut_tips: bool, size: int = 128) -> NDArray[np.uint8]:
    """Locks that run down, their tips of uneven length cut out, uint8 (size, size, 4)."""
    v, u = np.mgrid[0:size, 0:size] / size
    sway = 0.006 * np.sin(v * 9 + u * 14)
    locks = np.sin((u + sway) * 190) + 0.7 * np.sin((u + 2 * sway) * 411 + 1)
    locks += 0.7 * np.sin((u + sway) * 77 + 2)
    light = (1 + 0.11 * locks) * np.interp(v, [0, 0.25, 0.5, 1], [0.95, 1.06, 0.95, 0.80])
    rgb = floats(colour) * light[..., None] + 0.01
    tips = 0.95 + 0.025 * np.sin(u * 60) + 0.03 * np.sin(u * 133 + 2)
    alpha = np.where(v < tips, 255, 0) if cut_tips else np.full((size, size), 255)
    return np.dstack([np.rint(np.clip(rgb, 0, 1) * 255), alpha]).astype(np.uint8)

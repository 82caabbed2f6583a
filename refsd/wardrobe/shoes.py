"""Shoes: lofted around the neutral body's feet, so that no toe shows."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats
from refsd.wardrobe.canonical import vertex_places
from refsd.wardrobe.shapes import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody
    from refsd.wardrobe.avatar import Colour
    from refsd.wardrobe.families import Shoe

_SECTIONS, _AROUND = 26, 28
_COLLAR = 0.085
"""Metres above the ground up to which a shoe is lofted; a boot's shaft is drawn on the leg."""

_TIP, _BACK = 0.014, 0.010
"""Metres by which a shoe is longer than the foot, in front and behind."""


def hidden_in_shoe(body: AnnyBody, shoe: Shoe) -> NDArray[np.bool_]:
    """Bool (V,): vertices of the feet which lie inside the shoe."""
    places = vertex_places(body)
    return (places.foot > 0.5) & (places.position[:, 1] > max(shoe.top, 0.91) + 0.012)


@cache
def shoe_grid(body: AnnyBody, shoe: Shoe, side: int) -> tuple[Grid, NDArray[np.float32]]:
    """A shoe on the neutral body.

    Args:
        body: whose foot it fits.
        shoe: which kind.
        side: 1 for the left foot (positive x), -1 for the right one.

    Returns:
        Its surface, rows from heel to toe and columns around from the top; and float32
        (rows, columns, 1), how much each point moves with the toes rather than with the foot.
    """
    places = vertex_places(body)
    position = places.position
    mine = (position[:, 0] * side > 0) & (places.leg > 0.5) & (position[:, 1] > 0.88)
    foot = position[mine]
    ground, heel, toe = foot[:, 1].max(), foot[:, 2].max(), foot[:, 2].min()
    length = heel - toe
    share = np.linspace(0, 1, _SECTIONS)
    # Sections lie denser at both ends, where the outline turns.
    z = heel + _BACK - (0.5 - 0.5 * np.cos(np.pi * share)) * (length + _BACK + _TIP)
    left, right, top = _outline(foot, z, ground - min(_COLLAR, ground - shoe.top), heel)
    behind = np.clip((heel + _BACK - z) / 0.035, 0, 1)
    ahead = np.clip((z - toe + _TIP) / 0.065, 0, 1)
    blunt = np.sqrt(1 - (1 - behind) ** 2) * np.sqrt(1 - (1 - ahead) ** (2.4 - 0.9 * shoe.point))
    half = np.maximum(((right - left) / 2 + 0.006) * blunt, 0.003)
    # The sole's tip rises a little.
    bottom = ground + shoe.sole - 0.012 * np.clip((share - 0.8) / 0.2, 0, 1) ** 2
    top = bottom - np.maximum((bottom - top) * np.clip(0.25 + 0.75 * blunt, 0, 1), 0.02)
    turn = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    across, up = np.sin(turn), -np.cos(turn)
    wide = np.sign(across) * np.abs(across) ** 0.75 * (1 - 0.2 * np.clip(-up, 0, 1))
    # A section is round above and flat below: the widest line lies low.
    tall = np.where(up < 0, -(np.abs(up) ** 0.95), np.abs(up) ** 0.4)
    middle = bottom - 0.34 * (bottom - top)
    reach = np.where(up[None] < 0, (middle - top)[:, None], (bottom - middle)[:, None])
    points = np.stack(
        np.broadcast_arrays(
            ((left + right) / 2)[:, None] + half[:, None] * wide,
            middle[:, None] + reach * tall,
            z[:, None],
        ),
        axis=2,
    )
    # Both ends close in a point low down, so that the sole does not show as a wedge.
    for end in (0, -1):
        points[end] = points[end].mean(axis=0)
        points[end, :, 1] = bottom[end] - 0.001
    bend = np.clip((toe + 0.36 * length - z) / (0.12 * length), 0, 1)
    with_toes = np.repeat(bend[:, None], _AROUND, axis=1)[..., None]
    return Grid(points.astype(np.float32), closed=True), with_toes.astype(np.float32)


def _outline(
    foot: NDArray[np.float32], z: NDArray[np.float64], collar: float, heel: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Left edge, right edge and top of the foot at each section, float64 (S,) each, metres."""
    from scipy.ndimage import gaussian_filter1d

    found = np.full((3, len(z)), np.nan)
    for index, level in enumerate(z):
        near = foot[(np.abs(foot[:, 2] - level) < 0.014) & (foot[:, 1] > collar)]
        if len(near) > 3:
            found[:, index] = near[:, 0].min(), near[:, 0].max(), near[:, 1].min() - 0.008
    known = np.flatnonzero(np.isfinite(found[0]))
    numbers = np.arange(len(z))
    left, right, top = (np.interp(numbers, known, row[known]) for row in found)
    # The collar closes around the ankle.
    top = np.where(z > heel - 0.105, collar, top)
    left, right, top = (gaussian_filter1d(row, 1.2, mode="nearest") for row in (left, right, top))
    return left, right, top


@lru_cache(maxsize=256)
def shoe_texture(shoe: Shoe, colour: Colour, sole: Colour, size: int = 128) -> NDArray[np.uint8]:
    """Uint8 (size, size, 4): rows run from heel to toe, columns around from the top."""
    v, u = (a.ravel() for a in np.meshgrid(*[np.linspace(0, 1, size)] * 2, indexing="ij"))
    from_top = np.minimum(u, 1 - u) * 2
    upper = floats(colour)
    painted = np.repeat(upper[None], size * size, axis=0)
    accent = floats([0.85, 0.85, 0.83]) if upper.mean() < 0.5 else upper * floats(0.35)
    if shoe.stripes:
        for place in (0.44, 0.51, 0.58):
            slant = np.abs(v - place + 0.15 * (from_top - 0.4))
            painted[(slant < 0.017) & (from_top > 0.26) & (from_top < 0.60)] = accent
    if shoe.laces:
        painted[(from_top < 0.20) & (v > 0.44) & (v < 0.70)] = upper * floats(0.7)
        rungs = (np.abs(v % 0.05 - 0.025) < 0.010) & (from_top < 0.20) & (v > 0.44) & (v < 0.70)
        painted[rungs] = accent
        painted[np.abs(v - 0.80 + 0.25 * from_top**2) < 0.006] *= 0.7
    else:
        painted[(np.abs(v - 0.60) < 0.05) & (from_top < 0.45)] *= 0.8
    # The opening around the ankle lies in shadow, the welt between upper and sole is dark.
    painted[(from_top < 0.18) & (v < 0.40) & (v > 0.06)] *= 0.4
    painted[np.abs(from_top - 0.60) < 0.02] *= 0.55
    painted[from_top > 0.62] = floats(sole)
    rgb = np.rint(np.clip(painted, 0, 1) * 255)
    opaque = np.full((len(rgb), 1), 255)
    return np.concatenate([rgb, opaque], axis=1).reshape(size, size, 4).astype(np.uint8)

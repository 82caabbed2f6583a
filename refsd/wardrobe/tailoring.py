"""What a tailor adds and wear leaves behind, as seen from near: hems, cuffs, pockets, folds.

Each finish darkens or lightens cloth that is already coloured, by canonical place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats
from refsd.wardrobe.cutting import ARM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.wardrobe.canonical import Places
    from refsd.wardrobe.families import Lower, Upper

    Floats = NDArray[np.float32]

_KNITTED = frozenset({"jumper", "hoodie", "pullover", "cardigan", "jacket"})
_COLLARED = frozenset({"shirt", "polo shirt", "blouse"})
_LAPELLED = frozenset({"coat", "raincoat"})


def finish_upper(cloth: Floats, places: Places, cut: Upper, trim: float) -> Floats:
    """Hem and cuffs, seams, the front, and folds of an upper garment.

    Args:
        cloth: float32 (N, 3), its colours.
        places: of the N points.
        cut: of the garment.
        trim: metres by which its hem and sleeves differ from the cut.

    Returns:
        float32 (N, 3).
    """
    x, y, z = places.position.T
    on_arm = places.arm > 0.4
    from_hem = cut.hem + trim - y if cut.skirt is None else cut.skirt + trim - y
    sleeve = cut.sleeve + (trim / ARM if cut.sleeve < 0.95 else 0.0)
    edge = np.where(on_arm, (sleeve - places.along_arm) * ARM, from_hem)
    front = (z < 0) & ~on_arm
    shade = np.ones(len(y), dtype=np.float32)
    if cut.caption in _KNITTED:
        ribs = 0.5 + 0.5 * np.cos(np.where(on_arm, z * 700, x * 700))
        shade *= 1 - np.where(edge < 0.055, 0.14 + 0.12 * ribs, 0)
        shade *= 1 - 0.25 * _line(edge - 0.055)
    else:
        shade *= 1 - 0.18 * _line(edge - 0.02, 0.0018)
    shade *= 1 - 0.30 * _line((places.arm - 0.42) * 0.10) * (y < -0.25)
    shade *= 1 - 0.15 * _line(z + 0.01) * ~on_arm
    if cut.caption in _COLLARED:
        reach = 1.0 if cut.caption != "polo shirt" else (y < -0.38)
        shade *= 1 - 0.25 * _line(np.abs(x) - 0.014, 0.0016) * front * reach
        spacing = (y % 0.085) - 0.042
        shade *= 1 - 0.45 * _dot(x, spacing, 0.0055) * front * reach
    if cut.caption == "shirt":
        box = np.minimum(0.042 - np.abs(x - 0.078), 0.05 - np.abs(y + 0.39))
        shade *= 1 - 0.25 * _line(box, 0.002) * front
    if cut.caption == "hoodie":
        slope = 0.115 - 0.35 * np.clip(-0.03 - y, 0, 0.12)
        pouch = np.minimum(slope - np.abs(x), np.minimum(y + 0.15, 0.0 - y))
        shade *= 1 - 0.35 * _line(pouch) * front
    if cut.caption == "jacket":
        shade *= 1 - 0.30 * _line(np.abs(x) - 0.012, 0.002) * front
    if cut.caption in _LAPELLED:
        shade *= 1 - 0.45 * _line(x - 0.012, 0.003) * front * (y > -0.30)
        outer = 0.03 + 0.09 * np.clip((-0.30 - y) / 0.22, 0, 1)
        shade *= 1 - 0.40 * _line(np.abs(x) - outer, 0.003) * front * (y < -0.30)
        shade *= 1 + 0.10 * (np.abs(x) < outer) * front * (y < -0.30)
        button = _dot(np.abs(x - 0.012) - 0.05, (y % 0.14) - 0.07, 0.009)
        shade *= 1 - 0.5 * button * front * (y > -0.30)
        pocket = np.abs(y + 0.02 - 0.4 * (np.abs(x) - 0.12))
        shade *= 1 - 0.35 * _line(pocket, 0.004) * front * (np.abs(np.abs(x) - 0.12) < 0.055)
    return cloth * (shade * _folds(places))[:, None]


def finish_lower(cloth: Floats, places: Places, cut: Lower, trim: float) -> Floats:
    """Waistband, pockets, fly, seams, hem and folds; see :func:`finish_upper`."""
    x, y, z = places.position.T
    front = z < 0
    shade = np.ones(len(y), dtype=np.float32)
    shade *= 1 - 0.25 * _line(y + 0.085, 0.002)
    if not cut.skirt:
        pocket = np.abs(x) - 0.088 - 0.55 * np.clip(y + 0.08, 0, 0.2)
        shade *= 1 - 0.35 * _line(pocket, 0.0025) * front * (y > -0.08) * (y < 0.05)
        shade *= 1 - 0.30 * _line(x - 0.012, 0.002) * front * (y < 0.07)
        patch = np.minimum(0.058 - np.abs(np.abs(x) - 0.088), 0.062 - np.abs(y - 0.04))
        shade *= 1 - 0.30 * _line(patch, 0.0025) * ~front
        shade *= 1 - 0.22 * _line(z + 0.012 - 0.02 * y, 0.0025)
    shade *= 1 - 0.25 * _line(cut.hem + trim - y - 0.022, 0.002)
    return cloth * (shade * _folds(places))[:, None]


def _line(distance: NDArray[np.floating], width: float = 0.0025) -> Floats:
    """A drawn line where a distance in metres passes through zero."""
    return floats(np.exp(-((distance / width) ** 2)))


def _dot(across: NDArray[np.floating], down: NDArray[np.floating], radius: float) -> Floats:
    return floats(np.clip((radius - np.hypot(across, down)) / 0.002 + 0.5, 0, 1))


def _folds(places: Places) -> Floats:
    """Light and shade of wrinkles, deepest at elbows, knees, waist and ankles."""
    y = places.position[:, 1]
    on_arm = places.arm > 0.4
    elbow = np.exp(-(((places.along_arm - 0.5) / 0.16) ** 2)) * on_arm
    low = np.exp(-(((y - 0.45) / 0.10) ** 2)) + np.exp(-(((y - 0.90) / 0.09) ** 2))
    waist = 0.7 * np.exp(-(((y + 0.08) / 0.11) ** 2)) + 0.6 * np.exp(-(((y - 0.08) / 0.06) ** 2))
    depth = 0.35 + elbow + np.where(on_arm, 0, low + waist)
    # Ridges across the limb, bent by slower waves and fading out here and there.
    x, _, z = places.position.T
    bend = 0.030 * np.sin(x * 27 + 1.3) + 0.024 * np.sin(z * 39 + x * 17)
    along = np.where(on_arm, places.along_arm * ARM, y) + bend
    patches = 0.5 + 0.5 * np.sin(x * 31 + y * 19 + 2 * np.sin(z * 25 + y * 9))
    ridges = patches * np.sin(along * 118 + 3 * np.sin(x * 23)) + 0.5 * np.sin(along * 61 + x * 40)
    ridges += 0.6 * np.sin(x * 38 + z * 29 + y * 12)
    return floats(1 + 0.036 * np.clip(depth, 0, 1.4) * ridges)

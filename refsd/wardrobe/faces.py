"""Faces as they look from near: eyes, brows, lids, lips, blood under the skin, beards, age.

All is painted by canonical place (the neutral face's eyes lie at y = -0.732, its mouth at -0.662).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.wardrobe.avatar import Colour, Look
    from refsd.wardrobe.canonical import Places

    Floats = NDArray[np.float32]

EYE = (0.0322, -0.732)
MOUTH = -0.662
_MOUTH_HALF = 0.0255
EYE_REACH = 0.020
"""Half the width of the eye's texture, metres on the neutral body."""


def paint_face(colours: Floats, places: Places, look: Look, age: float) -> None:
    """Paint a face onto skin, in place.

    Args:
        colours: float32 (N, 3) in [0, 1], the skin.
        places: of the N texels.
        look: of whom.
        age: the body's phenotype in [0, 1].
    """
    head = np.flatnonzero((places.head > 0.5) & (places.position[:, 2] < 0.02))
    x, y, z = places.position[head].T
    side = np.abs(x)
    ball = places.eye[head] > 0.5
    skin = colours[head]
    tone = floats(look.skin)
    grain = np.sin(places.position[head] @ floats([[2100, -900], [1700, 2300], [800, 1500]]))
    hairs = np.clip(0.8 + 0.25 * grain.sum(axis=1), 0.3, 1).astype(np.float32)
    front = z < -0.06

    red = tone * floats([1.0, 0.76, 0.74])
    cheeks = 0.75 * _blob(side - 0.042, y + 0.700, 0.024, 0.020) * (z < -0.05)
    nose = 0.55 * _blob(side, y + 0.697, 0.016, 0.013) * (z < -0.11)
    ears = 0.5 * np.clip((side - 0.074) / 0.008, 0, 1)
    skin = _mix(skin, red, np.clip(cheeks + nose + ears, 0, 1) * 0.45)
    shadow = tone * floats([0.72, 0.68, 0.66])
    socket = _blob(side - 0.030, y + 0.740, 0.019, 0.008) * front
    below = _blob(side - 0.030, y + 0.717, 0.016, 0.006) * front
    wing = _blob(side - 0.0165, y + 0.6905, 0.004, 0.007) * (z < -0.10)
    nostril = _blob(side - 0.0085, y + 0.6835, 0.0042, 0.0028) * (z < -0.115)
    chin = _blob(side, y + 0.646, 0.016, 0.004) * (z < -0.10)
    older = float(np.clip((age - 0.70) / 0.2, 0, 1))
    skin = _mix(skin, shadow, np.clip(0.30 * socket + (0.18 + 0.3 * older) * below, 0, 1))
    skin = _mix(skin, shadow, np.clip(0.45 * wing + 0.30 * chin, 0, 1))
    skin = _mix(skin, tone * floats(0.35), 0.75 * nostril)
    if older > 0:
        skin = _mix(skin, shadow, older * _wrinkles(side, y, z))
    skin = _beard(skin, look, (side, y, z), hairs)
    skin = _makeup(skin, look, (side, y, z))
    skin = _lips(skin, look, tone, (side, y, z))
    skin = _brows_and_lids(skin, look, tone, (side, y), hairs * (front & ~ball))
    skin[ball] = floats([0.60, 0.58, 0.56])
    colours[head] = skin


def _mix(base: Floats, paint: Floats, amount: NDArray[np.floating]) -> Floats:
    mixed: Floats = base + (paint - base) * amount[:, None].astype(np.float32)
    return mixed


def _blob(across: Floats, down: Floats, width: float, height: float) -> Floats:
    return np.exp(-((across / width) ** 2) - (down / height) ** 2).astype(np.float32)


def _soft(metres: NDArray[np.floating], edge: float = 0.002) -> Floats:
    """Signed distance inside an outline to coverage."""
    return floats(np.clip(metres / edge + 0.5, 0, 1))


def _wrinkles(side: Floats, y: Floats, z: Floats) -> Floats:
    """From the nostrils past the mouth, and across the forehead."""
    fold = np.exp(-(((side - 0.019 - 0.38 * (y + 0.69)) / 0.0024) ** 2))
    fold *= (y > -0.695) & (y < -0.648) & (z < -0.05)
    lines = np.exp(-((((y + 0.9) % 0.012 - 0.006) / 0.0014) ** 2)) * (y < -0.768) * (side < 0.045)
    crow = np.exp(-((((y + 0.9) % 0.008 - 0.004) / 0.0012) ** 2))
    crow *= (np.abs(side - 0.059) < 0.007) & (np.abs(y + 0.732) < 0.010)
    return floats(np.clip(0.9 * fold + 0.5 * lines * (z < -0.05) + 0.5 * crow, 0, 1))


def _beard(skin: Floats, look: Look, at: tuple[Floats, Floats, Floats], hairs: Floats) -> Floats:
    side, y, z = at
    grown = _grown_beard(look.beard, at)
    if grown is not None:
        hair = floats(look.hair_colour) * floats(0.7)
        skin = _mix(skin, hair, np.clip(grown * (0.55 + 0.45 * hairs), 0, 1))
    if look.stubble <= 0:
        return skin
    azimuth = np.degrees(np.arctan2(side, -0.042 - z))
    top = np.interp(
        azimuth, [0, 8, 14, 30, 55, 80, 90], [-0.680, -0.680, -0.674, -0.664, -0.668, -0.70, -0.70]
    )
    region = _soft(y - top, 0.012) * _soft(-0.606 - y, 0.014) * (azimuth < 90) * (z < 0.0)
    hair = floats(look.hair_colour) * floats(0.8)
    return _mix(skin, hair, np.clip(region * hairs, 0, 1) * (0.12 + 0.75 * look.stubble))


def _grown_beard(kind: str, at: tuple[Floats, Floats, Floats]) -> Floats | None:
    """Cover of hair grown long, float32 (N,); None without any."""
    if not kind:
        return None
    side, y, z = at
    front = z < -0.05
    lip = _soft(0.0042 - np.abs(y + 0.6745 - 0.15 * side), 0.004) * _soft(0.028 - side, 0.008)
    chin = _soft(0.016 - np.hypot(side, (y + 0.634) * 0.7), 0.010) * _soft(y + 0.650, 0.006)
    link = _soft(0.0022 - np.abs(side - 0.027), 0.004) * _soft(y + 0.676) * _soft(-0.638 - y)
    if kind == "mustache":
        return floats(lip * front)
    if kind == "goatee":
        return floats(np.clip(0.9 * lip + 0.9 * chin + 0.6 * link, 0, 1) * front)
    azimuth = np.degrees(np.arctan2(side, -0.042 - z))
    top = np.interp(
        azimuth, [0, 18, 30, 55, 78, 86], [-0.653, -0.655, -0.672, -0.682, -0.715, -0.75]
    )
    jaw = _soft(y - top, 0.006) * _soft(-0.606 - y, 0.010) * (azimuth < 86) * (z < 0.0)
    mouth = _soft(1.25 - np.hypot(side / _MOUTH_HALF, (y - MOUTH) / 0.010), 0.4)
    return floats(np.clip(jaw + lip * front + link * front, 0, 1) * (1 - mouth))


def _makeup(skin: Floats, look: Look, at: tuple[Floats, Floats, Floats]) -> Floats:
    """Eye shadow and rouge; lipstick is painted with the lips."""
    if look.makeup <= 0:
        return skin
    side, y, z = at
    lid = _blob(side - 0.033, y + 0.7415, 0.018, 0.006) * (z < -0.08)
    cheek = _blob(side - 0.046, y + 0.703, 0.018, 0.013) * (z < -0.05)
    tone = floats(look.skin)
    skin = _mix(skin, tone * floats([0.42, 0.30, 0.46]), 0.8 * look.makeup * lid)
    return _mix(skin, tone * floats([1.0, 0.60, 0.62]), 0.5 * look.makeup * cheek)


def _lips(skin: Floats, look: Look, tone: Floats, at: tuple[Floats, Floats, Floats]) -> Floats:
    side, y, z = at
    across = side / _MOUTH_HALF
    arch = np.clip(1 - across**2, 0, 1)
    bow = 1 - 0.25 * np.exp(-((across / 0.16) ** 2))
    above = 0.0085 * arch**0.7 * bow - (MOUTH - y)
    below = 0.0100 * arch**0.6 - (y - MOUTH)
    lip = _soft(np.minimum(above, below), 0.003) * (z < -0.085) * (across < 1)
    red = tone * floats([0.88, 0.55, 0.54]) + floats(0.02)
    red = floats(red + (floats([0.66, 0.08, 0.14]) - red) * look.makeup)
    skin = _mix(skin, red, lip * (0.45 + 0.5 * look.lips))
    line = np.exp(-(((y - MOUTH) / 0.0015) ** 2)) * (across < 1.03) * (z < -0.06)
    skin = _mix(skin, tone * floats([0.40, 0.24, 0.23]), 0.8 * line)
    within = (side < 0.03) & (np.abs(y - MOUTH) < 0.022) & (z > -0.105) & (z < -0.03)
    return _mix(skin, floats([0.25, 0.10, 0.10]), within.astype(np.float32))


def _brows_and_lids(
    skin: Floats, look: Look, tone: Floats, at: tuple[Floats, Floats], amount: Floats
) -> Floats:
    side, y = at
    front = amount > 0
    opening = np.hypot((side - EYE[0]) / 0.0165, (y - EYE[1]) / 0.0070)
    rim = np.exp(-(((opening - 1.02) / 0.17) ** 2)) * front
    skin = _mix(skin, tone * floats([0.24, 0.20, 0.19]), rim * np.where(y < EYE[1], 0.85, 0.4))
    crease = np.exp(-(((opening - 1.75) / 0.13) ** 2)) * front * (y < EYE[1] - 0.006)
    skin = _mix(skin, tone * floats(0.60), 0.45 * crease)
    along = (side - 0.012) / 0.042
    arch = -0.7495 - 0.0055 * np.sin(np.clip(along, 0, 1) * np.pi * 0.85)
    thick = (0.0032 + 0.0022 * (1 - look.lips)) * np.clip(1.15 - along, 0.25, 1)
    brow = _soft(thick - np.abs(y - arch), 0.0025) * (along > 0) * (along < 1) * amount
    dark = np.minimum(floats(look.hair_colour) * floats(0.75), tone * floats(0.62))
    return _mix(skin, dark, 0.85 * brow)


@lru_cache(maxsize=256)
def eye_texture(iris: Colour, size: int = 64) -> NDArray[np.uint8]:
    """An eyeball seen from the front over ``2 * EYE_REACH`` metres, uint8 (size, size, 4)."""
    steps = (np.arange(size) + 0.5) / size * 2 - 1
    y, x = (a.ravel() * EYE_REACH for a in np.meshgrid(steps, steps, indexing="ij"))
    radius = np.hypot(x, y)
    spokes = 1 + 0.15 * np.sin(np.arctan2(y, x) * 22)
    eye = np.repeat(floats([[0.80, 0.78, 0.75]]), len(y), axis=0)
    eye = _mix(eye, floats(iris) * floats(0.45), _soft(0.0066 - radius, 0.0012))
    eye = _mix(eye, floats(iris) * spokes[:, None], _soft(0.0056 - radius, 0.0012))
    eye = _mix(eye, floats([0.03, 0.03, 0.03]), _soft(0.0027 - radius, 0.001))
    # The upper lid throws a shadow on the ball; a window is mirrored in the pupil's edge.
    eye = floats(eye * np.clip(0.62 + (y + 0.006) * 45, 0.45, 1)[:, None])
    eye = _mix(eye, floats([1, 1, 1]), 0.8 * _soft(0.0010 - np.hypot(x - 0.002, y + 0.0025)))
    rgb = np.rint(np.clip(eye, 0, 1) * 255)
    opaque = np.full((len(rgb), 1), 255)
    return np.concatenate([rgb, opaque], axis=1).reshape(size, size, 4).astype(np.uint8)

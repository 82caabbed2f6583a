"""Where clothes and hair are: how far each canonical place lies inside a garment.

A cover is float32 (N,): above 0.5 inside, 0 well outside, and rising through 0.5 over a few
centimetres at an edge, so that painter and tailor find the same edges.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.wardrobe.canonical import Places
    from refsd.wardrobe.families import Lower, Shoe, Upper

_EDGE = 0.02
"""Metres over which a cover falls from 1 to 0."""

ARM = 0.60
"""Metres from shoulder to wrist along the neutral body's arm."""


def _inside(metres: NDArray[np.floating]) -> NDArray[np.float32]:
    """Signed distance inside the edge, metres, to a cover."""
    return floats(np.clip(0.5 + metres / _EDGE, 0, 1))


def upper_cover(places: Places, cut: Upper, trim: float) -> NDArray[np.float32]:
    """Cover of an upper garment: torso from neckline to hem, and sleeves."""
    x, y, z = places.position.T
    sleeve = cut.sleeve + (trim / ARM if cut.sleeve < 0.95 else 0.0)
    arm = np.minimum((sleeve - places.along_arm) * ARM, 0.5)
    # The neckline is lowest in front and rises to the neck's side; at the back it is high.
    depth = cut.neck - 0.8 * np.abs(x)
    neckline = np.where(z < -0.01, depth, np.minimum(depth, -0.555))
    torso = np.minimum(cut.hem + trim - y, y - neckline)
    strap = np.where(cut.sleeve < 0.15, 0.155 - np.abs(x), 1.0)
    body = np.minimum(torso, strap)
    on_arm = places.arm > 0.35
    cover = _inside(np.where(on_arm, np.where(cut.sleeve < 0.15, -1, arm), body))
    cover[places.head > 0.7] = 0
    return np.asarray(cover * (places.hand < 0.75), dtype=np.float32)


def lower_cover(places: Places, cut: Lower, trim: float) -> NDArray[np.float32]:
    """Cover of trousers and shorts from the waist to the hem; of skirts, their waistband."""
    y = places.position[:, 1]
    hem = 0.16 if cut.skirt else cut.hem + trim
    cover = _inside(np.minimum(hem - y, y + 0.13))
    return np.asarray(cover * (places.arm < 0.5), dtype=np.float32)


def shoe_cover(places: Places, cut: Shoe) -> NDArray[np.float32]:
    """Cover of a shoe: everything below its top."""
    cover = _inside(places.position[:, 1] - cut.top)
    return np.asarray(cover * (places.leg > 0.5), dtype=np.float32)


_HAIRLINES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # z of the head from the brow to the nape, and how low hair grows there
    "usual": ((-0.15, -0.115, -0.075, -0.035, 0.00, 0.04, 0.07), (-0.815, -0.805, -0.765, -0.715, -0.68, -0.645, -0.625)),
    "low": ((-0.15, -0.115, -0.085, -0.05, 0.00, 0.04, 0.07), (-0.800, -0.790, -0.740, -0.640, -0.60, -0.60, -0.60)),
    "high": ((-0.15, -0.10, -0.06, -0.02, 0.02, 0.05, 0.07), (-0.90, -0.835, -0.775, -0.725, -0.69, -0.66, -0.64)),
    "cap": ((-0.16, -0.10, -0.05, 0.00, 0.07), (-0.785, -0.775, -0.755, -0.735, -0.715)),
}  # fmt: skip

HAIRSTYLES: dict[str, tuple[str, float, float, str]] = {
    # name: hairline, thickness at the sides, on top (metres), and what is attached
    "short back and sides": ("usual", 0.005, 0.022, ""),
    "side part": ("usual", 0.010, 0.026, ""),
    "chin bob": ("low", 0.024, 0.022, "bob"),
    "shoulder length": ("low", 0.020, 0.018, "long"),
    "bun": ("usual", 0.009, 0.012, "bun"),
    "cropped curls": ("usual", 0.014, 0.022, ""),
    "ponytail": ("usual", 0.008, 0.012, "ponytail"),
    "thinning": ("high", 0.006, 0.004, ""),
    "buzz cut": ("usual", 0.003, 0.004, ""),
    "flat top": ("usual", 0.006, 0.045, ""),
    "long straight": ("low", 0.018, 0.014, "very long"),
    "round afro": ("usual", 0.050, 0.060, ""),
    "top knot": ("usual", 0.007, 0.009, "knot"),
    "beanie": ("cap", 0.014, 0.030, ""),
    "cap": ("cap", 0.010, 0.020, "peak"),
    "ear-length": ("low", 0.018, 0.020, ""),
    "waist-length": ("low", 0.020, 0.016, "very long"),
    "slicked back": ("usual", 0.007, 0.010, ""),
    "small afro": ("usual", 0.028, 0.034, ""),
    "crew cut": ("usual", 0.004, 0.012, ""),
    "mid-length": ("low", 0.019, 0.018, "long"),
    "high bun": ("usual", 0.008, 0.010, "knot"),
    "pixie cut": ("usual", 0.012, 0.020, ""),
    "undercut": ("usual", 0.004, 0.032, ""),
    "bald": ("none", 0.0, 0.0, ""),
    "shaved head": ("none", 0.0, 0.0, ""),
    "receding crop": ("high", 0.007, 0.009, ""),
    "fringe": ("fringe", 0.018, 0.020, ""),
    "short waves": ("usual", 0.016, 0.026, ""),
    "long waves": ("low", 0.024, 0.020, "long"),
    "nape knot": ("usual", 0.008, 0.010, "bun"),
    "high ponytail": ("usual", 0.007, 0.011, "ponytail"),
    "shorn": ("none", 0.0, 0.0, ""),
    "cropped waves": ("usual", 0.015, 0.025, ""),
    "soft waves": ("low", 0.021, 0.021, "bob"),
    "full fringe": ("fringe", 0.019, 0.021, "bob"),
    "loose waves": ("low", 0.023, 0.019, "very long"),
    "loose curls": ("low", 0.027, 0.024, "long"),
    "sleek long": ("low", 0.017, 0.015, "very long"),
    "puffed afro": ("usual", 0.042, 0.050, ""),
}


def scalp(places: Places, style: str) -> NDArray[np.float32]:
    """Cover of hair, or of a hat, on the head."""
    x, y, z = places.position.T
    depths, lines = _HAIRLINES[HAIRSTYLES[style][0]]
    cover = _inside((np.interp(z, depths, lines) - y) * 1.5)
    ear = (np.abs(x) > 0.072) & (y > -0.755) & (y < -0.685) & (np.abs(z + 0.025) < 0.035)
    if HAIRSTYLES[style][0] != "low":
        cover[ear] = 0
    return np.asarray(cover * (places.head > 0.4) * (places.eye < 0.1), dtype=np.float32)


# Azimuth around the head in degrees (0 in front) and the height of the hairline there, metres.
_AZIMUTHS = (0, 25, 42, 55, 66, 74, 82, 90, 100, 112, 125, 150, 180)
_NEAR_HAIRLINES: dict[str, tuple[float, ...]] = {
    "usual": (-.800, -.802, -.793, -.775, -.760, -.716, -.700, -.745, -.748, -.735, -.685, -.660, -.655),
    "low": (-.796, -.796, -.782, -.755, -.735, -.690, -.660, -.650, -.640, -.630, -.620, -.615, -.610),
    "high": (-.838, -.838, -.826, -.785, -.762, -.720, -.706, -.745, -.748, -.735, -.690, -.665, -.660),
    "fringe": (-.760, -.762, -.768, -.755, -.735, -.690, -.660, -.650, -.640, -.630, -.620, -.615, -.610),
    "none": (-9.0,) * 13,
}  # fmt: skip


_OVER_EARS = ("low", "fringe")

HEAD_AXIS = -0.042
"""Canonical z of the upright axis through the head, metres."""


def under_hair(places: Places, style: str) -> NDArray[np.bool_]:
    """Bool (N,): the ears, where long hair hides them."""
    x, y, _ = places.position.T
    ears = (np.abs(x) > 0.0775) & (y > -0.752) & (y < -0.68)
    return np.asarray(ears & (HAIRSTYLES[style][0] in _OVER_EARS), dtype=np.bool_)


def neck_level(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """Canonical height of the root of the neck: low in front, high behind."""
    return -0.5855 - 0.36 * z


def near_upper_cover(places: Places, cut: Upper, trim: float) -> NDArray[np.float32]:
    """As :func:`upper_cover`, with a round neckline around the root of the neck."""
    x, y, z = places.position.T
    whole = upper_cover(places, replace(cut, neck=-0.75), trim)
    dip = 0.7 * max(cut.neck + 0.56, 0.0) * np.sqrt(np.clip(1 - (x / 0.09) ** 2, 0, 1))
    level = neck_level(z) + np.where(z < -0.02, dip, 0.0)
    neckline = np.where((places.arm < 0.3) & (y < -0.42), y - level, 1.0)
    return np.minimum(whole, _inside(neckline))


def near_scalp(places: Places, style: str) -> NDArray[np.float32]:
    """Cover of hair as seen from near: temples, sideburns, nape, ears free, an uneven edge."""
    kind = HAIRSTYLES[style][0]
    if kind not in _NEAR_HAIRLINES:
        return scalp(places, style)
    x, y, z = places.position.T
    azimuth = np.degrees(np.arctan2(np.abs(x), HEAD_AXIS - z))
    uneven = 0.0025 * np.sin(x * 310 + z * 270) + 0.002 * np.sin(x * 690 - y * 500 + z * 710)
    line = np.interp(azimuth, _AZIMUTHS, _NEAR_HAIRLINES[kind])
    cover = _inside(line + uneven - y)
    if kind not in _OVER_EARS:
        cover[(np.abs(x) > 0.0775) & (y > -0.752)] = 0
    return np.asarray(cover * (places.head > 0.4) * (places.eye < 0.1), dtype=np.float32)


def strands(places: Places, colour: tuple[float, float, float], style: str) -> NDArray[np.float32]:
    """Colours of combed or curly hair, float32 (N, 3): locks run from the crown downwards."""
    x, y, z = places.position.T
    z = z - HEAD_AXIS
    azimuth = np.arctan2(x, -z)
    if any(word in style for word in ("curl", "afro", "waves")):
        streak = np.sin(x * 520 + 2 * np.sin(y * 480)) * np.sin(y * 560 + 2 * np.sin(z * 500))
    else:
        from_crown = np.hypot(x, z)
        sway = 0.4 * np.sin(from_crown * 60 + y * 40)
        streak = (
            np.sin(azimuth * 61 + sway * 5)
            + 0.7 * np.sin(azimuth * 143 + sway * 9 + 1)
            + 0.6 * np.sin(azimuth * 23 + sway * 3 + 2)
        ) / 1.6  # fmt: skip
        # On top, where all azimuths meet, locks lie side by side.
        top = np.clip((0.05 - from_crown) / 0.03, 0, 1)
        streak = streak * (1 - top) + np.sin(x * 900 + 3 * np.sin(z * 60)) * top
    light = np.interp(y, [-0.85, -0.79, -0.66], [1.10, 1.0, 0.80])
    return floats(floats(colour) * (light * (1 + 0.16 * streak))[:, None] + 0.01)


def straps(places: Places, middle: float = 0.115, half: float = 0.022) -> NDArray[np.float32]:
    """Cover of a backpack's two straps, ``middle`` metres from the spine and 2 ``half`` wide."""
    x, y, z = places.position.T
    front = (z < 0.02) & (y < -0.22) & (places.arm < 0.5) & (places.head < 0.3)
    return np.asarray((front & (np.abs(np.abs(x) - middle) < half)) * 1.0, dtype=np.float32)


def cross_strap(places: Places) -> NDArray[np.float32]:
    """Cover of a strap from one shoulder to the other hip, front and back."""
    x, y, _ = places.position.T
    band = np.abs(0.83 * (x - 0.02) - 0.56 * (y + 0.27)) < 0.016
    return np.asarray(
        (band & (places.arm < 0.5) & (y < 0.05) & (places.head < 0.3)) * 1.0, dtype=np.float32
    )

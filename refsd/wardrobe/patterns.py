"""Patterns on cloth: how much of the second colour each place has.

A pattern takes canonical places and returns float32 (N,) in [0, 1]: 0 is the garment's first
colour, 1 its second. ``scale`` in [0, 1] makes it fine or coarse, ``shift`` in [0, 1] moves it.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.wardrobe.canonical import Places

Pattern = Callable[["Places", float, float], "NDArray[np.float32]"]


def height(places: Places) -> NDArray[np.float32]:
    """Metres down the garment: along the arm on sleeves, downwards elsewhere."""
    down = places.position[:, 1] + 0.5
    return np.where(places.arm > 0.5, 0.6 * places.along_arm, down).astype(np.float32)


def around(places: Places) -> NDArray[np.float32]:
    """Metres across the garment, measured round the body from its front."""
    x, z = places.position[:, 0], places.position[:, 2]
    return floats(0.16 * np.arctan2(x, -z + 0.01))


def girth(places: Places) -> NDArray[np.float32]:
    """Metres round the part that a place is on: torso, arm or leg.

    The lines that arms and legs turn around are those of the neutral body's joints.
    """
    x, y, z = places.position.T
    side, out = np.sign(x), np.abs(x)
    # Shoulder (0.187, -0.484) to elbow (0.378, -0.269); then forwards to the wrist.
    across = 0.747 * (out - 0.187) - 0.665 * (y + 0.484)
    beyond = np.clip(places.along_arm - 0.5, 0, 0.6) * 2
    arm = 0.05 * np.arctan2(across, -(z + 0.012 + 0.178 * beyond))
    leg_line = 0.115 + 0.09 * np.clip(y / 0.905, 0, 1)
    leg = 0.08 * np.arctan2(out - leg_line, -(z + 0.01))
    limb = np.where(places.arm > 0.4, arm, leg) * side
    return np.where((places.arm > 0.4) | (places.leg > 0.5), limb, around(places)).astype(
        np.float32
    )


def _wave(
    value: NDArray[np.float32], period: float, shift: float, duty: float
) -> NDArray[np.float32]:
    phase = (value / period + shift) % 1.0
    return (phase < duty).astype(np.float32)


def _none(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return np.zeros(len(places.arm), dtype=np.float32)


def _hoops(finest: float, coarsest: float, duty: float) -> Pattern:
    def draw(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
        return _wave(height(places), finest + scale * (coarsest - finest), shift, duty)

    return draw


def _uprights(finest: float, coarsest: float, duty: float) -> Pattern:
    def draw(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
        return _wave(around(places), finest + scale * (coarsest - finest), shift, duty)

    return draw


def _pinstripe(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    period = 0.024 + 0.016 * scale
    phase = (girth(places) / period + shift) % 1.0 - 0.5
    return np.asarray(0.75 * np.clip(1.5 - np.abs(phase) * period / 0.0018, 0, 1), np.float32)


def _gingham(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    period = 0.022 + 0.016 * scale
    rows, columns = (_wave(v, period, shift, 0.5) for v in (height(places), girth(places)))
    return (0.4 * (rows + columns)).astype(np.float32)


def _lattice(finest: float, coarsest: float, duty: float, strength: float) -> Pattern:
    """Crossing bands, each of half strength: gingham, tartan, window pane."""

    def draw(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
        period = finest + scale * (coarsest - finest)
        rows = _wave(height(places), period, shift, duty)
        columns = _wave(around(places), period, shift, duty)
        return (strength * (rows + columns) / 2).astype(np.float32)

    return draw


def _dots(finest: float, coarsest: float, radius: float) -> Pattern:
    def draw(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
        period = finest + scale * (coarsest - finest)
        row = np.floor(height(places) / period + shift)
        v = (height(places) / period + shift) % 1 - 0.5
        u = (around(places) / period + shift + 0.5 * (row % 2)) % 1 - 0.5
        return floats(u * u + v * v < radius * radius)

    return draw


def _slanted(finest: float, coarsest: float, slope: float, fold: float) -> Pattern:
    """Zigzags: bands whose height runs up and down with period ``fold``."""

    def draw(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
        period = finest + scale * (coarsest - finest)
        ramp = np.abs((around(places) / fold) % 1 - 0.5) * fold
        return _wave((height(places) + slope * ramp).astype(np.float32), period, shift, 0.5)

    return draw


def _on_torso(places: Places) -> NDArray[np.bool_]:
    return places.arm < 0.5


def _halves(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return (places.position[:, 0] > 0.08 * (scale - 0.5)).astype(np.float32) * (
        1 if shift < 2 else 0
    )


def _chest_block(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return (places.position[:, 1] < -0.38 + 0.16 * scale).astype(np.float32)


def _hem_block(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    low = (places.position[:, 1] > -0.20 + 0.14 * scale) & _on_torso(places)
    return (low | ((places.along_arm > 0.75) & ~_on_torso(places))).astype(np.float32)


def _sleeves(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return ((places.arm > 0.3) & (places.along_arm > 0.3 * scale - 0.2)).astype(np.float32)


def _sash(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y = places.position[:, 0], places.position[:, 1]
    side = 1 if shift < 0.5 else -1
    distance = np.abs(0.75 * side * x + 0.66 * (y + 0.27))
    return ((distance < 0.035 + 0.035 * scale) & _on_torso(places)).astype(np.float32)


def _disc(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y = places.position[:, 0], places.position[:, 1]
    centre = -0.36 + 0.16 * shift
    inside = x * x + (y - centre) ** 2 < (0.07 + 0.05 * scale) ** 2
    return (inside & _on_torso(places)).astype(np.float32)


def _cross(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y = places.position[:, 0], places.position[:, 1]
    half = 0.02 + 0.025 * scale
    bar = np.abs(y - (-0.36 + 0.14 * shift)) < half
    return floats(((np.abs(x) < half) | bar) & _on_torso(places))


def _quarters(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y = places.position[:, 0], places.position[:, 1]
    front = places.position[:, 2] < 0.0
    chosen = (x > 0.06 * (shift - 0.5)) ^ (y > -0.34 + 0.18 * scale)
    return (chosen ^ ~front).astype(np.float32)


def _side_panels(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return ((np.abs(places.position[:, 0]) > 0.07 + 0.05 * scale) & _on_torso(places)).astype(
        np.float32
    )


def _yoke(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return (places.position[:, 1] < -0.45 + 0.05 * scale).astype(np.float32) * 0.7


def _placket(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y, z = places.position.T
    front = (z < 0) & _on_torso(places)
    strip = (np.abs(x) < 0.014) & front
    button = (np.abs(x) < 0.004) & ((y % 0.08) < 0.008) & front
    return floats(0.18 * strip + 0.7 * button)


def _zip(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y, z = places.position.T
    line = (np.abs(x) < 0.006) & (z < 0) & _on_torso(places)
    pocket = (
        (np.abs(y + 0.04 - 0.5 * (np.abs(x) - 0.1)) < 0.006)
        & (np.abs(np.abs(x) - 0.10) < 0.045)
        & (z < 0)
    )
    cuffs = (places.along_arm > 0.95) & (places.arm > 0.5)
    return floats((0.9 * line + 0.5 * (pocket & _on_torso(places)) + 0.35 * cuffs).clip(0, 1))


def _dip(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return floats(np.clip((places.position[:, 1] + 0.35 - 0.1 * shift) / (0.2 + 0.3 * scale), 0, 1))


def _camouflage(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x, y, z = places.position.T * (18 - 8 * scale)
    blobs = np.sin(x + 7 * shift) * np.cos(1.3 * y) + np.sin(1.7 * z + y + 5 * shift) * np.cos(
        0.8 * x
    )
    return floats(blobs > 0.25)


def _waves(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    bent = height(places) + 0.02 * np.sin(around(places) * 60)
    return _wave(bent.astype(np.float32), 0.05 + 0.06 * scale, shift, 0.45)


def _side_band(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x = np.abs(places.position[:, 0])
    outside = x > 0.12 + 0.09 * np.clip(places.position[:, 1] / 0.9, 0, 1)
    return floats(outside & (np.abs(places.position[:, 2]) < 0.05 + 0.03 * scale))


def _knees(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return floats(np.abs(places.position[:, 1] - 0.45) < 0.08 + 0.05 * scale)


def _legs(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return (places.position[:, 0] * (1 if shift < 0.5 else -1) > 0).astype(np.float32) * (
        0.6 + 0.4 * scale
    )


def _crease(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    x = np.abs(places.position[:, 0])
    middle = 0.10 + 0.09 * np.clip(places.position[:, 1] / 0.9, 0, 1)
    return floats(0.25 * np.exp(-(((x - middle) / 0.006) ** 2)) * (places.position[:, 1] > 0.05))


def _wash(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    y, z = places.position[:, 1], places.position[:, 2]
    faded = np.exp(-(((y - 0.3) / 0.16) ** 2)) * (z < 0.0)
    return floats(0.35 * (0.4 + scale) * faded)


def _turn_ups(places: Places, scale: float, shift: float) -> NDArray[np.float32]:
    return (places.position[:, 1] > 0.82).astype(np.float32)


PATTERNS: dict[str, Pattern] = {
    # bank
    "plain weave": _none, "melange": _none, "pinstripe": _pinstripe,
    "gingham": _gingham, "fine hoops": _hoops(0.02, 0.04, 0.4),
    "yoke": _yoke, "placket": _placket, "zip front": _zip,
    "denim wash": _wash, "cotton twill": _none, "pressed crease": _crease,
    "herringbone": _slanted(0.05, 0.09, 1.0, 0.09), "diamonds": _lattice(0.055, 0.085, 0.45, 0.95),
    "woodland": _camouflage, "polka dots": _dots(0.045, 0.075, 0.30),
    # crowd
    "solid jersey": _none, "broad hoops": _hoops(0.09, 0.17, 0.5), "halves": _halves,
    "chest block": _chest_block, "hem block": _hem_block, "contrast sleeves": _sleeves,
    "sash": _sash, "disc": _disc, "big cross": _cross, "quarters": _quarters,
    "big dots": _dots(0.09, 0.14, 0.32), "side panels": _side_panels,
    "tartan": _lattice(0.09, 0.14, 0.4, 1.0),
    "solid drill": _none, "side band": _side_band, "knee patches": _knees, "two-tone legs": _legs,
    # training
    "flat cloth": _none, "zigzag": _slanted(0.06, 0.10, 1.2, 0.07), "argyle": _lattice(0.05, 0.08, 0.5, 0.9),
    "dip dye": _dip, "camouflage": _camouflage, "candy stripe": _uprights(0.04, 0.07, 0.5),
    "flat drill": _none, "faded front": _wash,
    # probe
    "even cloth": _none, "chevron": _slanted(0.08, 0.13, 0.9, 0.16), "waves": _waves,
    "spots": _dots(0.04, 0.07, 0.28), "window pane": _lattice(0.06, 0.09, 0.1, 1.0),
    "even drill": _none, "turn-ups": _turn_ups,
}  # fmt: skip

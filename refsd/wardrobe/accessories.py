"""What is worn on the head and round the neck: hats, glasses, earrings, necklaces.

Shapes are cut in canonical coordinates (``refsd.wardrobe.canonical``; the neutral face's eyes lie
at y = -0.732, its crown at -0.85, the head's axis at z = -0.042) and moved with the head or chest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.cutting import HEAD_AXIS, neck_level
from refsd.wardrobe.faces import EYE
from refsd.wardrobe.shapes import Grid, rounded_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from refsd.wardrobe.avatar import Colour, Look

    Floats = NDArray[np.float64]

HATS = ("straw hat", "bowler", "knitted hat", "headscarf")
GLASSES = ("round glasses", "square glasses", "sunglasses")
EARRINGS = ("studs", "hoops")
NECKLACES = ("chain", "beads")

HAT_BRIM = -0.775
"""Canonical height above which a hat covers the head, metres."""

_HEAD_WIDE = 0.090
_HEAD_DEEP = 0.118
_DARK: Colour = (0.05, 0.05, 0.06)


def accessories(look: Look) -> Iterator[tuple[Grid, str, Colour]]:
    """Every accessory of a look.

    Yields:
        Its shape in canonical coordinates, the part it hangs on (``head`` or ``chest``), and its
        colour.

    Raises:
        ValueError: the look names an accessory that nobody has made.
    """
    for kind, known in (
        ("hat", HATS), ("glasses", GLASSES), ("earrings", EARRINGS), ("necklace", NECKLACES),
    ):  # fmt: skip
        worn = getattr(look, kind)
        if worn and worn not in known:
            raise ValueError(f"unknown {kind} {worn!r}; known: {', '.join(known)}")
    if look.hat:
        yield from ((grid, "head", look.hat_colour) for grid in _hat(look.hat))
    if look.glasses:
        rim = _DARK if look.glasses == "sunglasses" else look.metal
        yield from ((grid, "head", rim) for grid in _glasses(look.glasses))
    if look.earrings:
        yield from ((grid, "head", look.metal) for grid in _earrings(look.earrings))
    if look.necklace:
        yield from ((grid, "chest", look.metal) for grid in _necklace(look.necklace))


def _turned(profile: list[tuple[float, float]], columns: int = 40) -> Grid:
    """A surface around the head's axis: (share of the head's width, canonical height) per row."""
    angle = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    rows = [
        np.stack(
            [
                share * _HEAD_WIDE * np.sin(angle),
                np.full(columns, level),
                HEAD_AXIS + 0.004 - share * _HEAD_DEEP * np.cos(angle),
            ],
            axis=1,
        )
        for share, level in profile
    ]
    return Grid(np.asarray(rows, dtype=np.float32), closed=True)


def _hat(kind: str) -> list[Grid]:
    crown = {
        "straw hat": [(0.02, -0.885), (0.55, -0.884), (0.86, -0.872), (1.0, -0.845), (1.05, -0.79)],
        "bowler": [(0.02, -0.912), (0.5, -0.906), (0.85, -0.884), (1.02, -0.845), (1.06, -0.79)],
        "knitted hat": [(0.02, -0.895), (0.45, -0.888), (0.82, -0.866), (1.05, -0.83),
                        (1.13, -0.79), (1.12, -0.765)],
        "headscarf": [(0.02, -0.878), (0.5, -0.873), (0.88, -0.852), (1.08, -0.80), (1.09, -0.785)],
    }[kind]  # fmt: skip
    parts = [_turned(crown)]
    if kind == "straw hat":
        parts.append(_turned([(1.05, -0.79), (1.4, -0.778), (1.85, -0.772)]))
    elif kind == "bowler":
        parts.append(_turned([(1.06, -0.79), (1.28, -0.785), (1.42, -0.797)]))
    elif kind == "headscarf":
        parts.append(_veil())
    return parts


def _veil() -> Grid:
    """The cloth of a headscarf: from the crown round cheeks and chin down to the shoulders."""
    rows = []
    for level in np.linspace(-0.80, -0.50, 12):
        # Open at the face, closed under the chin.
        opening = np.deg2rad(
            np.interp(level, [-0.80, -0.76, -0.66, -0.63, -0.60], [150, 128, 128, 150, 180])
        )
        angle = np.linspace(-opening, opening, 44)
        levels = [-0.80, -0.70, -0.62, -0.55, -0.50]
        side = np.interp(level, levels, [0.098, 0.108, 0.092, 0.104, 0.155])
        deep = np.interp(level, levels, [0.126, 0.130, 0.105, 0.098, 0.12])
        x, z = side * np.sin(angle), HEAD_AXIS + 0.012 + deep * np.cos(angle)
        rows.append(np.stack([x, np.full(44, level), z], axis=1))
    return Grid(np.asarray(rows, dtype=np.float32), closed=False)


def _ring(centre: Floats, across: Floats, down: Floats, thick: float, power: float = 1.0) -> Grid:
    """A closed wire: an ellipse (or, for ``power`` below 1, a rounded box) in a plane."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    c, s = np.sign(c) * np.abs(c) ** power, np.sign(s) * np.abs(s) ** power
    path = centre + np.outer(c, across) + np.outer(s, down)
    return _wire(path, thick, closed=True)


def _wire(path: Floats, thick: float, *, closed: bool) -> Grid:
    """A tube of four sides along a path, float64 (N, 3)."""
    along = np.gradient(path, axis=0)
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    up = np.cross(along, np.array([0.31, 0.17, 0.93]))
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, up)
    rows = [
        path + thick * (np.cos(turn) * up + np.sin(turn) * side)
        for turn in np.linspace(0, 2 * np.pi, 5)
    ]
    return Grid(np.asarray(rows, dtype=np.float32), closed=closed)


def _glasses(kind: str) -> list[Grid]:
    front = -0.146
    parts = []
    for sign in (1.0, -1.0):
        centre = np.array([sign * (EYE[0] + 0.001), EYE[1] + 0.002, front])
        wide, high = (0.021, 0.019) if kind == "round glasses" else (0.024, 0.017)
        across = np.array([wide, 0.0, sign * 0.006])
        down = np.array([0.0, high, -0.002])
        power = 1.0 if kind == "round glasses" else 0.55
        if kind == "sunglasses":
            parts.append(rounded_box((float(centre[0]), float(centre[1]), front + 0.002),
                                     (wide, high, 0.003), 0.6))  # fmt: skip
        parts.append(_ring(centre, across, down, 0.0016, power))
        temple = np.array(
            [
                [sign * (EYE[0] + wide), EYE[1] - 0.003, front + 0.006],
                [sign * 0.070, EYE[1] - 0.004, -0.120],
                [sign * 0.083, EYE[1] - 0.002, -0.065],
                [sign * 0.086, EYE[1] + 0.006, -0.025],
            ]
        )
        parts.append(_wire(temple, 0.0016, closed=False))
    bridge = np.array(
        [[x, EYE[1] - 0.004 - 0.004 * (1 - (x / 0.012) ** 2), front - 0.004] for x in
         np.linspace(-0.012, 0.012, 7)]
    )  # fmt: skip
    parts.append(_wire(bridge, 0.0016, closed=False))
    return parts


def _earrings(kind: str) -> list[Grid]:
    parts = []
    for sign in (1.0, -1.0):
        if kind == "studs":
            parts.append(rounded_box((sign * 0.0805, -0.687, -0.050), (0.005, 0.005, 0.005), 1.0))
        else:
            centre = np.array([sign * 0.083, -0.666, -0.048])
            across, down = np.array([0.0, 0.0, 0.016]), np.array([0.0, 0.019, 0.0])
            parts.append(_ring(centre, across, down, 0.0022))
    return parts


def _necklace(kind: str) -> list[Grid]:
    """Round the root of the neck, hanging lower in front."""
    angle = np.linspace(0, 2 * np.pi, 56, endpoint=False)
    front = np.clip(np.cos(angle), 0, 1)
    z = -0.016 - 0.078 * np.cos(angle) - 0.042 * front**2
    level = neck_level(z) - 0.010 + 0.072 * front**2
    path = np.stack([(0.088 - 0.018 * front) * np.sin(angle), level, z], axis=1)
    if kind == "chain":
        return [_wire(path, 0.0022, closed=True)]
    return [
        rounded_box((float(x), float(y), float(depth)), (0.006, 0.006, 0.006), 1.0)
        for x, y, depth in path[::2]
    ]

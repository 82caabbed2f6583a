"""Where to look: overlapping squares of several sizes, so that everybody fills one of them."""

from __future__ import annotations

import math

from refsd.people.squares import Square

OVERLAP = 0.6
"""Neighbouring squares share at least this part of their side: whoever is at most half as tall as
a square is whole in one of them."""

BEYOND = 0.1
"""Squares reach so far beyond the border, in sides, for people whom it cuts: detectors look for
what is whole, and black does not disturb them."""

LEAST_SIDE = 120
"""Squares are not smaller than this, in pixels: people of 40 pixels and more are looked for."""

SHRINK = 0.6
"""From one size of squares to the next. Detectors find people over a range of sizes of more than
1 : 2, so that nobody falls between two."""

MAX_SQUARES = 600
"""The smallest squares are left out when there would be more; 600 take 2 to 5 seconds."""


def squares(shape: tuple[int, int]) -> list[Square]:
    """Squares that cover a picture, from large to small.

    Args:
        shape: (height, width) of the picture in pixels.

    Returns:
        The first one holds the whole picture, the others are not larger than its shorter side.
    """
    height, width = shape
    found = [Square(width / 2, height / 2, max(height, width))]
    side = float(min(height, width))
    while True:
        row = _cover(width, side)
        column = _cover(height, side)
        if len(found) + len(row) * len(column) > MAX_SQUARES:
            return found
        found += [Square(x, y, side) for y in column for x in row]
        side *= SHRINK
        if side < LEAST_SIDE:
            return found


def _cover(length: int, side: float) -> list[float]:
    """Middles of overlapping pieces that cover a line, and a little more at both ends."""
    margin = BEYOND * side
    rest = length + 2 * margin - side
    count = 1 + math.ceil(rest / (side * (1 - OVERLAP)) - 1e-6)
    return [side / 2 - margin + rest * index / (count - 1) for index in range(count)]

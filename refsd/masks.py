"""Regions: where a picture may change, and where it must not be seen.

A person's *region* is their mask, dilated by a share of their size, because masks come from small
models and are soft at the edge. Regions work in windows, so that many people in a large picture
cost no more than their own pixels.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from refsd.people.person import Person

Window = tuple[int, int, int, int]
"""x0 y0 x1 y1 in whole pixels, x1 and y1 exclusive."""

DILATION = 0.04
"""Radius of the dilation, as a share of the longer side of the person's box."""

MIN_DILATION = 4
"""Least radius in pixels: small people have masks of few pixels, and JPEG smears them over 8."""

MIN_FILL = 0.15
"""A mask that covers less of its person's box than this is not believed: the box stands instead.
A standing person with arms spread covers about a quarter."""

GREY = 127
"""What regions are filled with before any stage sees a picture."""


def dilation_radius(person: Person) -> int:
    """Radius in pixels by which this person's mask is dilated."""
    x0, y0, x1, y1 = (float(value) for value in person.box)
    return max(MIN_DILATION, math.ceil(DILATION * max(x1 - x0, y1 - y0)))


def is_believable(person: Person) -> bool:
    """Whether the person's mask fills enough of their box to be taken for a person."""
    x0, y0, x1, y1 = (float(value) for value in person.box)
    return int(person.mask.sum()) > MIN_FILL * max(0.0, x1 - x0) * max(0.0, y1 - y0)


def window_region(person: Person, shape: tuple[int, int]) -> tuple[Window, NDArray[np.bool_]]:
    """A person's region within the window that holds it.

    Args:
        person: who.
        shape: (height, width) of the picture.

    Returns:
        The window, inside the picture, and bool (y1 - y0, x1 - x0): the dilated mask, or the
        whole dilated box where the mask is not believable.
    """
    if not is_believable(person):
        window = _box_window(person, shape)
        x0, y0, x1, y1 = window
        return window, np.ones((y1 - y0, x1 - x0), dtype=np.bool_)
    radius = dilation_radius(person)
    rows = np.flatnonzero(person.mask.any(axis=1))
    columns = np.flatnonzero(person.mask.any(axis=0))
    left, top = person.window[0], person.window[1]
    tight = (
        left + int(columns[0]), top + int(rows[0]),
        left + int(columns[-1]) + 1, top + int(rows[-1]) + 1,
    )  # fmt: skip
    window = grow(tight, radius, shape)
    background = np.ones((window[3] - window[1], window[2] - window[0]), dtype=np.uint8)
    background[
        tight[1] - window[1] : tight[3] - window[1], tight[0] - window[0] : tight[2] - window[0]
    ] = ~person.mask[tight[1] - top : tight[3] - top, tight[0] - left : tight[2] - left]
    distance = cv2.distanceTransform(background, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return window, np.asarray(distance <= radius)


def region(person: Person, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """A person's region: their mask dilated by ``DILATION`` of their size.

    Args:
        person: who.
        shape: (height, width) of the picture.

    Returns:
        bool (H, W). A person without a believable mask gets their whole dilated box.
    """
    return union([person], shape)


def box_region(person: Person, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The whole box of a person, dilated, joined with their region: nothing of them is outside.

    Args:
        person: who.
        shape: (height, width) of the picture.

    Returns:
        bool (H, W).
    """
    whole = region(person, shape)
    x0, y0, x1, y1 = _box_window(person, shape)
    whole[y0:y1, x0:x1] = True
    return whole


def union(people: Iterable[Person], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The regions of several people in one.

    Args:
        people: who; nobody gives an empty region.
        shape: (height, width) of the picture.

    Returns:
        bool (H, W).
    """
    whole = np.zeros(shape, dtype=np.bool_)
    for person in people:
        (x0, y0, x1, y1), part = window_region(person, shape)
        whole[y0:y1, x0:x1] |= part
    return whole


def fill(image: NDArray[np.uint8], region: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A copy of a picture with a region in mid-grey, so that nobody can see what was there.

    Args:
        image: uint8 (H, W, 3).
        region: bool (H, W).

    Returns:
        uint8 (H, W, 3).
    """
    filled = image.copy()
    np.copyto(filled, np.uint8(GREY), where=region[..., None])
    return filled


def bounds(region: NDArray[np.bool_]) -> Window | None:
    """The smallest window that holds a region; None where the region is empty.

    Args:
        region: bool (H, W).
    """
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def grow(window: Window, margin: int, shape: tuple[int, int]) -> Window:
    """A window with a margin on every side, as far as the picture (height, width) goes."""
    x0, y0, x1, y1 = window
    return (
        max(0, x0 - margin), max(0, y0 - margin),
        min(shape[1], x1 + margin), min(shape[0], y1 + margin),
    )  # fmt: skip


def merge(windows: Iterable[Window]) -> list[Window]:
    """Join windows that overlap until all are disjoint."""
    disjoint: list[Window] = []
    for window in windows:
        joined = window
        # A joined window may overlap others that its parts did not.
        while touching := [other for other in disjoint if _overlap(joined, other)]:
            disjoint = [other for other in disjoint if other not in touching]
            x0, y0, x1, y1 = zip(joined, *touching, strict=True)
            joined = (min(x0), min(y0), max(x1), max(y1))
        disjoint.append(joined)
    return disjoint


def _overlap(one: Window, other: Window) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _box_window(person: Person, shape: tuple[int, int]) -> Window:
    x0, y0, x1, y1 = (float(value) for value in person.box)
    whole = (math.floor(x0), math.floor(y0), math.ceil(x1), math.ceil(y1))
    return grow(whole, dilation_radius(person), shape)

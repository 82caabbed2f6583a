"""How large a person is, and where the region to process lies; for the simple baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people import Person


def size_of(person: Person) -> float:
    """Longer side of the person's box in pixels: the height, of people who stand."""
    x0, y0, x1, y1 = (float(value) for value in person.box)
    return max(x1 - x0, y1 - y0)


def region_window(
    person: Person, shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], tuple[int, int, int, int]] | None:
    """A person's dilated region, cut to the window that holds it.

    Args:
        person: who.
        shape: (height, width) of the picture.

    Returns:
        The region as bool (y1 - y0, x1 - x0), and its window x0 y0 x1 y1 in whole pixels of the
        picture; None where the region is empty.
    """
    from refsd import masks

    region = masks.region(person, shape)
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not rows.size:
        return None
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    return region[y0:y1, x0:x1], (x0, y0, x1, y1)

"""People found in a small copy of a picture, in pixels of the picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from refsd.people.person import Person


def enlarged(person: Person, small: tuple[int, int], large: tuple[int, int]) -> Person:
    """The same person in a larger version of the picture.

    Args:
        person: found in the small picture.
        small: its width and height.
        large: width and height of the large one.
    """
    factors = np.array(large, dtype=np.float64) / small
    corners = np.array(person.window, dtype=np.float64).reshape(2, 2) * factors
    # Outwards to whole pixels: none is to be lost.
    x0, y0 = (int(value) for value in np.floor(corners[0] + 1e-6))
    x1, y1 = (int(value) for value in np.ceil(corners[1] - 1e-6))
    mask = cv2.resize(
        person.mask.astype(np.float32), (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR
    )
    landmarks = person.landmarks
    return replace(
        person,
        box=(person.box.reshape(2, 2) * factors).reshape(4).astype(np.float32),
        window=(x0, y0, x1, y1),
        mask=mask >= 0.4,
        landmarks=None if landmarks is None else (landmarks * factors).astype(np.float32),
    )

"""Arrays of the one type that the wardrobe reckons in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def floats(values: ArrayLike) -> NDArray[np.float32]:
    """Numbers as float32 of the same shape."""
    return np.asarray(values, dtype=np.float32)

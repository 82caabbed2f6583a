"""What a detector is to find in a picture, where a dataset says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets.dataset import Item


@dataclass(frozen=True, eq=False)
class TrueObject:
    """One thing in a picture.

    Attributes:
        box: float32 (4,), x0 y0 x1 y1 pixels, x1 and y1 exclusive.
        category: its number in ``WithObjects.categories``.
        area: pixels, as the dataset says; COCO's sizes go by it.
        crowd: True for a region of many; what is found in it is neither right nor wrong.
        mask: bool (H, W) of the whole picture, None where only the box is known.
    """

    box: NDArray[np.float32]
    category: int
    area: float
    crowd: bool = False
    mask: NDArray[np.bool_] | None = None


@runtime_checkable
class WithObjects(Protocol):
    """A dataset that detectors can be trained and tested on."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of what is to be found."""
        ...

    def objects(self, item: Item) -> Sequence[TrueObject]:
        """Everything annotated in a picture, of all categories."""
        ...

    def train_items(self) -> Sequence[Item]:
        """Pictures to learn from, none of them among ``items()``."""
        ...

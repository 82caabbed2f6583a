"""What classifiers learn from and are tested on: faces of one size, and their classes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from humangenai.utility.labels import class_numbers, labels_of_items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item
    from humangenai.datasets.tasks import Task

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; may reach beyond the picture."""


@runtime_checkable
class Framed(Protocol):
    """A dataset that knows where the face is that a classifier shall look at.

    The window is the original's: it is cut out of originals and of pseudonymized pictures alike.
    """

    def face(self, item: Item) -> Window:
        """A square around the face."""
        ...


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled pictures.

    Attributes:
        pictures: uint8 (N, size, size, 3), sRGB.
        labels: int64 (N, tasks), the class's number; -1 without a label.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pictures)

    def content_hash(self) -> str:
        """sha256, in hex, of pictures and labels."""
        content = hashlib.sha256(repr((self.pictures.shape, self.labels.shape)).encode())
        content.update(np.ascontiguousarray(self.pictures).tobytes())
        content.update(np.ascontiguousarray(self.labels).tobytes())
        return content.hexdigest()

    def joined(self, other: Examples) -> Examples:
        """Both together."""
        return Examples(
            np.concatenate([self.pictures, other.pictures]),
            np.concatenate([self.labels, other.labels]),
        )


def collect(
    dataset: Dataset,
    items: Sequence[Item],
    image: Callable[[Item], NDArray[np.uint8]],
    tasks: Sequence[Task],
    size: int,
) -> Examples:
    """Read pictures and cut out what is to be looked at.

    Args:
        dataset: whose labels.
        items: which pictures.
        image: reads one: uint8 (H, W, 3), the original or what a method made of it.
        tasks: what is to be told.
        size: of the square pictures in pixels.
    """
    pictures = np.empty((len(items), size, size, 3), dtype=np.uint8)
    for place, item in enumerate(items):
        window = dataset.face(item) if isinstance(dataset, Framed) else None
        pictures[place] = cut(image(item), window, size)
    labels = labels_of_items(dataset, items)
    columns = [class_numbers(task, labels) for task in tasks]
    return Examples(pictures, np.stack(columns, axis=1))


def cut(image: NDArray[np.uint8], window: Window | None, size: int) -> NDArray[np.uint8]:
    """A window of a picture as a square of ``size`` pixels; beyond the edge its edge is repeated.

    Args:
        image: uint8 (H, W, 3).
        window: None: all of it.
        size: pixels.

    >>> cut(np.full((8, 4, 3), 7, np.uint8), (-2, 0, 6, 8), 2)[..., 0].tolist()
    [[7, 7], [7, 7]]
    """
    import cv2

    if window is not None:
        x0, y0, x1, y1 = window
        rows = np.clip(np.arange(y0, y1), 0, image.shape[0] - 1)
        columns = np.clip(np.arange(x0, x1), 0, image.shape[1] - 1)
        image = image[rows[:, None], columns]
    way = cv2.INTER_AREA if min(image.shape[:2]) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size, size), interpolation=way), dtype=np.uint8)

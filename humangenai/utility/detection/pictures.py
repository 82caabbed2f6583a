"""What detectors learn from and are tested on: pictures, and the boxes in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from humangenai.store import image_hash
from humangenai.utility.detection.scores import Truth
from refsd.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from humangenai.datasets.objects import TrueObject

CACHED_BYTES = 2_000_000_000
"""Pictures stay in memory up to here; the others are read again each time."""


class Loaded(Sequence["NDArray[np.uint8]"]):
    """Pictures that are read when they are first asked for.

    Args:
        loaders: one per picture, which reads it: uint8 (H, W, 3).
    """

    def __init__(self, loaders: Sequence[Callable[[], NDArray[np.uint8]]]) -> None:
        self._loaders = loaders
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._loaders)

    @overload
    def __getitem__(self, at: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[NDArray[np.uint8]]: ...
    def __getitem__(self, at: int | slice) -> NDArray[np.uint8] | Sequence[NDArray[np.uint8]]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if at not in self._kept:
            picture = self._loaders[at]()
            if self._bytes + picture.nbytes > CACHED_BYTES:
                return picture
            self._kept[at] = picture
            self._bytes += picture.nbytes
        return self._kept[at]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures with what is in them.

    Attributes:
        images: uint8 (H, W, 3) each, sRGB, any sizes.
        truth: one per picture, in its pixels.

    Raises:
        ValueError: not as many pictures as truths.
    """

    images: Sequence[NDArray[np.uint8]]
    truth: Sequence[Truth]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.truth):
            raise ValueError(f"{len(self.images)} pictures, but {len(self.truth)} truths")

    def __len__(self) -> int:
        return len(self.images)

    def __add__(self, other: Pictures) -> Pictures:
        """Both together."""
        loaders = [_reader(part.images, at) for part in (self, other) for at in range(len(part))]
        return Pictures(Loaded(loaders), [*self.truth, *other.truth])

    def readable(self) -> Pictures:
        """Those that can be read; all are tried."""
        kept = []
        for at in range(len(self)):
            try:
                self.images[at]
            except ImageError:
                continue
            kept.append(at)
        if len(kept) == len(self):
            return self
        return Pictures(
            Loaded([_reader(self.images, at) for at in kept]), [self.truth[at] for at in kept]
        )

    def content_hash(self) -> str:
        """sha256, in hex, over pixels and boxes."""
        digest = hashlib.sha256()
        for image, truth in zip(self.images, self.truth, strict=True):
            digest.update(image_hash(image).encode())
            for array in (truth.boxes, truth.categories, truth.crowd):
                digest.update(repr(array.shape).encode() + array.tobytes())
        return digest.hexdigest()


def _reader(images: Sequence[NDArray[np.uint8]], at: int) -> Callable[[], NDArray[np.uint8]]:
    return lambda: images[at]


def to_truth(objects: Sequence[TrueObject]) -> Truth:
    """A dataset's objects as boxes."""
    return Truth(
        np.array([one.box for one in objects], dtype=np.float64).reshape(-1, 4),
        np.array([one.category for one in objects], dtype=np.int64),
        np.array([one.crowd for one in objects], dtype=np.bool_),
    )

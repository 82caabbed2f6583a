"""Three ways to write down the shape of a person: a picture, polygons, run lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image, ImageDraw

from refsd.images import ImageError, image_size, load_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Mask(Protocol):
    """The shape of a person in a picture."""

    def check(self, height: int, width: int) -> None:
        """See that the mask is there and has the size of its picture, without decoding it.

        Raises:
            ImageError: it has not.
        """
        ...

    def decode(self, height: int, width: int) -> NDArray[np.bool_]:
        """The shape as bool (height, width) of the whole picture, True where the person is.

        Raises:
            ImageError: the mask cannot be read, or has another size.
        """
        ...


@dataclass(frozen=True)
class MaskFile:
    """A picture that is white where the person is."""

    path: Path

    def check(self, height: int, width: int) -> None:
        """See that the file is a picture of that size."""
        mask_width, mask_height = image_size(self.path)
        _check_size(str(self.path), (mask_height, mask_width), (height, width))

    def decode(self, height: int, width: int) -> NDArray[np.bool_]:
        """True where the brightest channel is above half."""
        self.check(height, width)
        image = load_image(self.path)
        inside: NDArray[np.bool_] = image.max(axis=2) > 127
        return inside


@dataclass(frozen=True)
class Polygons:
    """COCO's polygons; where they overlap, the person is there all the same.

    Attributes:
        rings: per polygon x, y, x, y … in pixels.
    """

    rings: tuple[tuple[float, ...], ...]

    @classmethod
    def from_coco(cls, segmentation: Sequence[Sequence[float]]) -> Polygons:
        """Read ``[[x, y, x, y, …], …]``.

        Raises:
            TypeError: an entry is not a list of numbers.
            ValueError: a polygon has fewer than three points, or half a point.
        """
        rings = tuple(tuple(float(value) for value in ring) for ring in segmentation)
        for ring in rings:
            if len(ring) < 6 or len(ring) % 2:
                raise ValueError(f"a polygon with {len(ring)} values")
        return cls(rings)

    def check(self, height: int, width: int) -> None:
        """Polygons fit every picture: what lies outside is cut off."""

    def decode(self, height: int, width: int) -> NDArray[np.bool_]:
        """True inside the polygons and on their edges."""
        canvas = Image.new("1", (width, height))
        draw = ImageDraw.Draw(canvas)
        for ring in self.rings:
            draw.polygon(ring, fill=1)
        return np.asarray(canvas, dtype=np.bool_)


@dataclass(frozen=True)
class RunLengths:
    """COCO's run lengths: how many pixels outside, inside, outside … column by column.

    Attributes:
        height: of the picture; width likewise.
        counts: the run lengths, beginning with those outside.
    """

    height: int
    width: int
    counts: tuple[int, ...]

    @classmethod
    def from_coco(cls, segmentation: Mapping[str, Any]) -> RunLengths:
        """Read ``{"size": [height, width], "counts": …}``, compressed (a string) or not (a list).

        Raises:
            KeyError: a key is missing.
            TypeError: a value is of another type.
            ValueError: the runs do not fill the picture.
        """
        height, width = (int(value) for value in segmentation["size"])
        counts = segmentation["counts"]
        runs = _decompressed(counts) if isinstance(counts, str) else [int(run) for run in counts]
        if min(runs, default=0) < 0 or sum(runs) != height * width:
            raise ValueError(f"runs of {sum(runs)} pixels in a picture of {height} x {width}")
        return cls(height, width, tuple(runs))

    def check(self, height: int, width: int) -> None:
        """See that the run lengths are for a picture of that size."""
        _check_size("the RLE mask", (self.height, self.width), (height, width))

    def decode(self, height: int, width: int) -> NDArray[np.bool_]:
        """True in every second run."""
        self.check(height, width)
        inside = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(inside, self.counts).reshape(width, height).T


def _decompressed(text: str) -> list[int]:
    """Run lengths from COCO's compressed string (``rleFrString`` of its ``maskApi.c``).

    Each number is written in groups of 5 bits, the lowest first, a character each (code minus 48);
    bit 6 says that more follow, bit 5 of the last group is the sign. From the third number on, the
    difference to the last but one is written.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise ValueError(f"the character {character!r} in an RLE")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("an RLE that is cut off")
    return runs


def _check_size(name: str, size: tuple[int, int], expected: tuple[int, int]) -> None:
    if size != expected:
        raise ImageError(
            f"{name}: is {size[1]} x {size[0]}, its picture {expected[1]} x {expected[0]} "
            "(upright); make them equal"
        )

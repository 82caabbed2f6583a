"""Squares of a picture, as networks see them: cut out, turned, at the network's size, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Window = tuple[int, int, int, int]
"""x0 y0 x1 y1 in whole pixels, x1 and y1 exclusive."""


@dataclass(frozen=True)
class Square:
    """A square in a picture; it may reach beyond the picture.

    Attributes:
        x: of the centre, in pixels of the picture ((0, 0) is the corner of the top left pixel).
        y: of the centre.
        size: length of a side, in pixels.
        angle: by which the square is turned, in radians, clockwise as seen (x right, y down).
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    def to_picture(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Points of the square, (..., 2) in [0, 1], as pixels of the picture."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        moved = (points - 0.5) * self.size @ turn.T + (self.x, self.y)
        return np.asarray(moved, dtype=np.float32)

    def window(self, shape: tuple[int, int]) -> Window:
        """The smallest window that holds what the square has of a picture (height, width)."""
        corners = self.to_picture(np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float32))
        height, width = shape
        x0, y0 = np.floor(corners.min(axis=0)).astype(int)
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int)
        return (
            min(max(int(x0), 0), width), min(max(int(y0), 0), height),
            min(max(int(x1), 0), width), min(max(int(y1), 0), height),
        )  # fmt: skip

    def matrix(self, side: int, scale: float = 1.0) -> NDArray[np.float64]:
        """Indices of a side x side image of the square → indices in the picture, scaled; (2, 3)."""
        step = self.size / side * scale
        cosine, sine = math.cos(self.angle) * step, math.sin(self.angle) * step
        # The image's middle lies at index (side - 1) / 2; pixel i covers [i, i + 1].
        middle = (side - 1) / 2
        return np.array(
            [
                [cosine, -sine, self.x * scale - 0.5 - (cosine - sine) * middle],
                [sine, cosine, self.y * scale - 0.5 - (sine + cosine) * middle],
            ]
        )


class Pyramid:
    """A picture at full, half, quarter … size, so that shrinking a square costs little.

    Args:
        image: uint8 (H, W, 3).
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.shape: tuple[int, int] = (image.shape[0], image.shape[1])
        # All levels at once: threads share a pyramid.
        self._levels: list[NDArray[np.uint8]] = [image]
        while min(self._levels[-1].shape[:2]) >= 2:
            last = self._levels[-1]
            # Odd sides lose their last line, so that the scale is exact.
            height, width = last.shape[0] // 2, last.shape[1] // 2
            even = last[: height * 2, : width * 2]
            half = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(half, dtype=np.uint8))

    def cut(self, square: Square, side: int) -> NDArray[np.float32]:
        """What a square shows.

        Args:
            square: where.
            side: of the result, in pixels.

        Returns:
            float32 (side, side, 3) in [0, 1]; black outside the picture.
        """
        halvings = max(0, math.floor(math.log2(max(square.size, 1) / side)))
        number = min(halvings, len(self._levels) - 1)
        cut = cv2.warpAffine(
            self._levels[number], square.matrix(side, 0.5**number), (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT,
        )  # fmt: skip
        return np.asarray(cut, dtype=np.float32) / np.float32(255)


def paste(values: NDArray[np.float32], square: Square, window: Window) -> NDArray[np.float32]:
    """Bring an image of a square back into the picture.

    Args:
        values: float32 (side, side).
        square: what it is an image of.
        window: which part of the picture is wanted; not empty.

    Returns:
        float32 (y1 - y0, x1 - x0); 0 outside the square.
    """
    x0, y0, x1, y1 = window
    matrix = square.matrix(values.shape[0])
    matrix[:, 2] -= (x0, y0)
    pasted = cv2.warpAffine(
        values, matrix, (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip
    return np.asarray(pasted, dtype=np.float32)

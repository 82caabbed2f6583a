"""Crops around regions: cut out with context, worked on in one of a few sizes, pasted back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd import masks
from refsd.diffusion.details import changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.masks import Window

SOFT = 0.02
"""Width of the soft edge inside a region, as a share of the crop's longer side."""


@dataclass(frozen=True)
class Crop:
    """Where a crop lies.

    Attributes:
        window: x0 y0 x1 y1 in whole pixels; it may leave the picture, which is then continued by
            its edge.
        size: (height, width) in which the crop is worked on.
    """

    window: Window
    size: tuple[int, int]


def crop_around(
    region: NDArray[np.bool_], sizes: Sequence[tuple[int, int]], context: float
) -> Crop:
    """The crop around a region.

    Args:
        region: bool (H, W), not empty.
        sizes: heights and widths to choose from; the one of the nearest shape is taken.
        context: surroundings on every side, as a share of the region's longer side.
    """
    bounds = masks.bounds(region)
    if bounds is None:
        raise ValueError("there is nothing to crop: the region is empty")
    x0, y0, x1, y1 = bounds
    margin = context * max(x1 - x0, y1 - y0)
    height, width = y1 - y0 + 2 * margin, x1 - x0 + 2 * margin
    size = min(sizes, key=lambda s: abs(np.log(s[0] / s[1]) - np.log(height / width)))
    # Made as wide or as high as the size's shape asks.
    height, width = max(height, width * size[0] / size[1]), max(width, height * size[1] / size[0])
    whole_width, whole_height = round(width), round(height)
    left = _kept_inside((x0 + x1 - whole_width) // 2, whole_width, region.shape[1])
    top = _kept_inside((y0 + y1 - whole_height) // 2, whole_height, region.shape[0])
    return Crop((left, top, left + whole_width, top + whole_height), size)


def _kept_inside(start: int, length: int, limit: int) -> int:
    """Shifted so that as little as possible is outside [0, limit)."""
    if length >= limit:
        return (limit - length) // 2
    return min(max(start, 0), limit - length)


def cut(image: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """A crop in its size: uint8 (h, w, 3); what is outside the picture repeats its edge.

    Args:
        image: uint8 (H, W, 3).
        crop: where.
    """
    return _resized(_part(image, crop), crop.size)


def _part(image: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """A crop as large as it is in the picture, whose edge is repeated outside."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = crop.window
    inside = image[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    padded = cv2.copyMakeBorder(
        inside,
        max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width),
        cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(padded, dtype=np.uint8)


def with_details(
    image: NDArray[np.uint8],
    made: NDArray[np.uint8],
    crop: Crop,
    figure: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.uint8]:
    """A crop as large as it is in the picture: what was painted, with x″'s details.

    Args:
        image: uint8 (H, W, 3), x″.
        made: uint8 (h, w, 3) of the crop's size.
        crop: where.
        figure: bool (H, W), where the avatar is seen.
        tolerance: see :func:`refsd.diffusion.details.changed`.

    Returns:
        uint8, of the window's height and width.
    """
    inside = _part(figure.astype(np.uint8), crop) > 0
    return changed(_part(image, crop), cut(image, crop), made, inside, tolerance)


def paste(
    image: NDArray[np.uint8], made: NDArray[np.uint8], crop: Crop, region: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """A picture with a worked-on crop laid into a region, with a soft edge inside the region.

    Args:
        image: uint8 (H, W, 3).
        made: uint8 (h, w, 3) of the crop's size, or of any other.
        crop: where.
        region: bool (H, W).

    Returns:
        uint8 (H, W, 3); outside the region bit for bit ``image``.
    """
    height, width = image.shape[:2]
    x0, y0, x1, y1 = crop.window
    large = _resized(made, (y1 - y0, x1 - x0))
    rows, columns = slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))
    part = large[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0]
    share = _softened(region[rows, columns], SOFT * max(y1 - y0, x1 - x0))
    result = image.copy()
    under = result[rows, columns]
    mixed = under + share[..., None] * (part.astype(np.float32) - under)
    # Where the share is 0 nothing is computed, so nothing can be rounded.
    np.copyto(under, np.rint(mixed).astype(np.uint8), where=share[..., None] > 0)
    return result


def _softened(region: NDArray[np.bool_], width: float) -> NDArray[np.float32]:
    """float32: 0 outside a region, rising to 1 within ``width`` pixels inside it."""
    if region.all():
        return np.ones(region.shape, dtype=np.float32)
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    share: NDArray[np.float32] = (np.asarray(distance) / max(width, 1.0)).astype(np.float32)
    return np.minimum(share, np.float32(1))


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """To (height, width): averaged where it shrinks, bicubic where it grows."""
    if image.shape[:2] == size:
        return image
    way = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size[::-1], interpolation=way), dtype=np.uint8)

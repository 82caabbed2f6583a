"""How a scene was lit and photographed, from what is visible around the people.

Pixels under the region are never read: they may still be a person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd import masks
from refsd.rendering import Light
from refsd.rendering.shading import to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.masks import Window

SURROUNDINGS = 0.5
"""How far around a window we look, as a share of its longer side."""

MIN_KNOWN = 200
"""Fewer visible pixels than this tell nothing: neutral light, no blur, no noise."""

MEAN_REFLECTANCE = 0.2
"""What cameras expose the mean of a scene to, in linear light: 18 % grey, rounded."""

_SAMPLES = 40_000
"""Colours are estimated from about this many pixels."""


@dataclass(frozen=True)
class Look:
    """What a camera adds to what it sees.

    Attributes:
        blur: standard deviation of the blur, pixels.
        noise: standard deviation of the noise, levels of 255.
        black: what black looks like, in [0, 1] of the sRGB range: haze and stray light.
    """

    blur: float = 0.0
    noise: float = 0.0
    black: float = 0.0


def estimate_light(image: NDArray[np.uint8], region: NDArray[np.bool_], window: Window) -> Light:
    """Estimate the light at a place from its surroundings outside the region.

    Exposure: the mean is what the camera made of mid-grey. Colour: Shades of Grey (Finlayson and
    Trezzi 2004), halved, as a lawn is green without green light. Direction: from the side that is
    brighter. From below comes what the ground around reflects.

    Args:
        image: uint8 (H, W, 3), sRGB.
        region: bool (H, W), pixels that must not be read.
        window: where the light is wanted.

    Returns:
        The light; ``Light()`` where next to nothing of the surroundings is visible.
    """
    shape = (image.shape[0], image.shape[1])
    x0, y0, x1, y1 = masks.grow(window, _margin(window), shape)
    step = max(1, round(((x1 - x0) * (y1 - y0) / _SAMPLES) ** 0.5))
    rows, columns = np.nonzero(~region[y0:y1:step, x0:x1:step])
    if len(rows) < MIN_KNOWN:
        return Light()
    colours = _LINEAR[image[y0:y1:step, x0:x1:step][rows, columns]]
    luminance = colours @ _LUMINANCE
    exposure = float(np.clip((luminance.mean() / MEAN_REFLECTANCE) ** 0.6, 0.4, 1.3))
    cast = _cast(colours)
    neutral = Light()
    ground = _side(colours, rows >= np.median(rows)).mean(axis=0)
    bounce = np.clip(ground / max(float(ground @ _LUMINANCE), 1e-3), 0.6, 1.5)
    right = _side(luminance, columns >= np.median(columns)).mean()
    left = _side(luminance, columns < np.median(columns)).mean()
    aside = float(np.clip(0.5 * np.log((right + 0.02) / (left + 0.02)), -0.6, 0.6))
    direction = np.array([aside, *neutral.direction[1:]])
    direction /= np.linalg.norm(direction)
    return Light(
        direction=_triple(direction),
        colour=_triple(np.array(neutral.colour) * exposure * cast),
        sky=_triple(np.array(neutral.sky) * exposure * cast),
        ground=_triple(np.array(neutral.ground) * exposure * cast * bounce**0.5),
    )


def estimate_look(image: NDArray[np.uint8], region: NDArray[np.bool_], window: Window) -> Look:
    """Estimate a camera's blur and noise around a window, and its black, outside the region.

    Blur: a strong edge, blurred again, loses the more of its gradient the sharper it was (Zhuo
    and Sim 2011); noise: the median response to a Laplacian that flat and sloping surfaces leave
    at zero (Immerkær 1996).

    Args:
        image: uint8 (H, W, 3), sRGB.
        region: bool (H, W), pixels that must not be read.
        window: where the look is wanted; black is that of the whole picture.
    """
    shape = (image.shape[0], image.shape[1])
    x0, y0, x1, y1 = masks.grow(window, _margin(window), shape)
    step = max(1, round((shape[0] * shape[1] / _SAMPLES) ** 0.5))
    some = image[::step, ::step][~region[::step, ::step]]
    image, region = np.ascontiguousarray(image[y0:y1, x0:x1]), region[y0:y1, x0:x1]
    known = cv2.erode((~region).astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0) > 0
    if int(known.sum()) < MIN_KNOWN:
        return Look()
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    laplacian = cv2.filter2D(grey, cv2.CV_32F, _LAPLACIAN)
    noise = float(np.median(np.abs(laplacian[known]))) * 1.4826 / 6
    black = float(np.percentile(some @ _LUMINANCE, 0.2)) / 255
    return Look(
        blur=_blur(grey, known),
        noise=min(noise, _MOST_NOISE),
        black=min(black, _MOST_BLACK),
    )


_LINEAR = to_linear(np.arange(256) / 255)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # ITU-R BT.709
_LAPLACIAN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_MOST_NOISE = 6.0
_MOST_BLACK = 0.10
_REBLUR = 1.0
_OWN_BLUR = 0.75  # measured: what sharp edges seem to have, in renderings as in photos


def _margin(window: Window) -> int:
    return round(SURROUNDINGS * max(window[2] - window[0], window[3] - window[1]))


def _cast(colours: NDArray[np.float32]) -> NDArray[np.float64]:
    """The light's colour, float64 (3,), of luminance 1: the 6-norm of the colours, halved."""
    norm = (colours.astype(np.float64) ** 6).mean(axis=0) ** (1 / 6) + 1e-6
    cast = np.sqrt(norm / float(norm @ _LUMINANCE))
    return np.asarray(np.clip(cast / float(cast @ _LUMINANCE), 0.75, 1.3))


def _blur(grey: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    gradient = _gradient(grey)
    again = _gradient(np.asarray(cv2.GaussianBlur(grey, (0, 0), _REBLUR), dtype=np.float32))
    strong = known & (gradient > max(12.0, float(np.percentile(gradient[known], 98))))
    if int(strong.sum()) < 20:
        return 0.0
    ratio = np.median(gradient[strong] / np.maximum(again[strong], 1e-3))
    sigma = _REBLUR / float(np.sqrt(max(ratio**2 - 1, 0.05)))
    return float(np.sqrt(max(0.0, min(sigma, 3.0) ** 2 - _OWN_BLUR**2)))


def _gradient(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down) / 4, dtype=np.float32)


def _side(values: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    return values[chosen] if chosen.any() else values


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue

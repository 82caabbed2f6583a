"""Avatars into the picture: x″ = x′ ⊕ m, the nearest on top, as if one camera had seen it all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd import masks
from refsd.lighting import Look, estimate_light, estimate_look
from refsd.rendering.shading import to_linear, to_srgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.masks import Window
    from refsd.rendering import Rendering

__all__ = ["Layer", "composite", "estimate_light"]

FEATHER = 0.008
"""Width of the soft edge inside a region, as a share of the layer's longer side."""

SHADOW = 0.55
"""Share of the light that is missing where a foot touches the ground."""

FEET = 0.07
"""The lowest share of an avatar's height casts the contact shadow."""

_LEAST_BLUR = 0.2
_FAR = np.float32(1e9)


@dataclass(frozen=True, eq=False)
class Layer:
    """One avatar, to be laid into a picture.

    Attributes:
        rendering: of the window's size.
        window: x0 y0 x1 y1, where the rendering lies in the picture; inside the picture.
        region: bool (H, W) of the whole picture, where this avatar's person was.
    """

    rendering: Rendering
    window: Window
    region: NDArray[np.bool_]


def composite(
    background: NDArray[np.uint8], layers: Sequence[Layer], *, match: bool = True
) -> NDArray[np.uint8]:
    """Lay avatars into a picture, ordered by depth in every pixel.

    Args:
        background: uint8 (H, W, 3), sRGB, without the people (x′).
        layers: the avatars. They are drawn within the union of their regions only, with a soft
            edge inside it.
        match: also give them the blur, the noise and the black of the picture around them, and a
            contact shadow. False shows the avatars as they were rendered.

    Returns:
        uint8 (H, W, 3); outside the union of the regions bit for bit ``background``.

    Raises:
        ValueError: a rendering does not have its window's size, or a window leaves the picture.
    """
    for layer in layers:
        _check(layer, background.shape)
    result = background.copy()
    union = np.zeros(background.shape[:2], dtype=np.bool_)
    for layer in layers:
        x0, y0, x1, y1 = layer.window
        union[y0:y1, x0:x1] |= layer.region[y0:y1, x0:x1]
    for window in masks.merge(layer.window for layer in layers):
        group = [layer for layer in layers if _inside(layer.window, window)]
        look = estimate_look(background, union, window) if match else None
        _composite_group(result, window, group, union, look)
    return result


def figures(layers: Sequence[Layer], shape: tuple[int, int]) -> list[NDArray[np.bool_]]:
    """Where each avatar is seen, before the others and within its region.

    Args:
        layers: the avatars.
        shape: (H, W) of the picture.

    Returns:
        bool (H, W) for each.
    """
    nearest = np.full(shape, np.inf, dtype=np.float32)
    whose = np.full(shape, -1, dtype=np.int16)
    for number, layer in enumerate(layers):
        x0, y0, x1, y1 = layer.window
        part = slice(y0, y1), slice(x0, x1)
        drawn = (layer.rendering.rgba[..., 3] >= 128) & layer.region[part]
        before = drawn & (layer.rendering.depth < nearest[part])
        nearest[part][before] = layer.rendering.depth[before]
        whose[part][before] = number
    return [whose == number for number in range(len(layers))]


def _composite_group(
    picture: NDArray[np.uint8],
    window: Window,
    layers: Sequence[Layer],
    union: NDArray[np.bool_],
    look: Look | None,
) -> None:
    """Lay the layers of one window into the picture, in place."""
    x0, y0, x1, y1 = window
    height, width = y1 - y0, x1 - x0
    edge = _soft_edge(union, window, layers)
    colour = np.zeros((height, width, 3), dtype=np.float32)
    cover = np.zeros((height, width, 1), dtype=np.float32)
    depth = np.full((height, width, 1), np.inf, dtype=np.float32)
    light = np.ones((height, width, 1), dtype=np.float32)
    for layer in layers:
        left, top, right, bottom = layer.window
        part = slice(top - y0, bottom - y0), slice(left - x0, right - x0)
        own_colour, own_cover, own_depth = _seen_by_camera(layer.rendering, look or Look())
        nearer = own_depth < depth[part]
        own_share = np.where(nearer, 1.0, 1.0 - cover[part])
        old_share = np.where(nearer, 1.0 - own_cover, 1.0)
        colour[part] = own_colour * own_share + colour[part] * old_share
        cover[part] = own_cover * own_share + cover[part] * old_share
        depth[part] = np.minimum(depth[part], own_depth)
        if look:
            light[part] *= 1.0 - _contact_shadow(layer.rendering)
    shadow = 1.0 - (1.0 - light) * edge
    behind = to_linear(picture[y0:y1, x0:x1].astype(np.float32) / 255) * shadow
    share = cover * edge
    mixed = to_srgb(behind * (1.0 - share) + colour * edge) * 255
    changed = (edge[..., 0] > 0) & ((share[..., 0] > 0) | (shadow[..., 0] < 1))
    if look:
        noise = np.random.default_rng(0).standard_normal((height, width, 1), dtype=np.float32)
        mixed += noise * np.float32(look.noise) * share
    picture[y0:y1, x0:x1][changed] = np.clip(np.rint(mixed[changed]), 0, 255).astype(np.uint8)


def _seen_by_camera(
    rendering: Rendering, look: Look
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Premultiplied linear colour (h, w, 3), coverage and depth (h, w, 1) through a camera."""
    cover = rendering.rgba[..., 3:].astype(np.float32) / 255
    colour = rendering.rgba[..., :3].astype(np.float32) / 255
    seen = np.concatenate(
        [to_linear(look.black + colour * (1 - look.black)) * cover, cover], axis=2
    )
    depth = np.minimum(rendering.depth, _FAR)
    if look.blur > _LEAST_BLUR:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), look.blur), dtype=np.float32)
        # The blurred rim lies as near as what it was blurred from.
        size = 2 * int(np.ceil(2 * look.blur)) + 1
        kernel = np.ones((size, size), dtype=np.uint8)
        depth = np.asarray(cv2.erode(depth, kernel), dtype=np.float32)
    return seen[..., :3], seen[..., 3:], depth[..., None]


def _soft_edge(
    union: NDArray[np.bool_], window: Window, layers: Sequence[Layer]
) -> NDArray[np.float32]:
    """float32 (h, w, 1) of the window: 0 outside the regions, rising to 1 inside them."""
    # One pixel more on every side, so that a region that ends with the window has an edge there;
    # at the border of the picture it has none.
    x0, y0, x1, y1 = masks.grow(window, 1, (union.shape[0], union.shape[1]))
    region = union[y0:y1, x0:x1]
    if region.all():
        return np.ones((window[3] - window[1], window[2] - window[0], 1), dtype=np.float32)
    sizes = [max(x.window[2] - x.window[0], x.window[3] - x.window[1]) for x in layers]
    width = max(1.5, FEATHER * float(np.median(sizes)))
    inside = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    edge = np.asarray(np.clip(inside / width, 0, 1), dtype=np.float32)[..., None]
    return edge[window[1] - y0 : window[3] - y0, window[0] - x0 : window[2] - x0]


def _contact_shadow(rendering: Rendering) -> NDArray[np.float32]:
    """Share of light that is missing, float32 (h, w, 1): blurred feet, flattened to the ground.

    Nothing is missing under an avatar that the rendering cuts off: its feet are not seen.
    """
    cover = rendering.rgba[..., 3].astype(np.float32) / 255
    rows = np.flatnonzero(cover.max(axis=1) > 0.5)
    if rows.size == 0 or rows[-1] == len(cover) - 1:
        return np.zeros((*cover.shape, 1), dtype=np.float32)
    height = int(rows[-1] - rows[0] + 1)
    lowest = rows[-1] + 1 - max(2, round(FEET * height))
    lower = max(1, round(0.012 * height))
    feet = np.zeros_like(cover)
    feet[lowest + lower :] = cover[lowest:-lower]
    across, down = max(1.0, 0.03 * height), max(0.7, 0.016 * height)
    shadow = cv2.GaussianBlur(feet, (0, 0), sigmaX=across, sigmaY=down)
    shadow = SHADOW * np.minimum(2.5 * shadow / max(float(shadow.max()), 1e-6), 1)
    return np.asarray(shadow, dtype=np.float32)[..., None]


def _inside(window: Window, other: Window) -> bool:
    return (
        other[0] <= window[0] and other[1] <= window[1]
        and window[2] <= other[2] and window[3] <= other[3]
    )  # fmt: skip


def _check(layer: Layer, shape: tuple[int, ...]) -> None:
    x0, y0, x1, y1 = layer.window
    if not (0 <= x0 < x1 <= shape[1] and 0 <= y0 < y1 <= shape[0]):
        raise ValueError(f"the window {layer.window} leaves the picture of {shape[1]}x{shape[0]}")
    if layer.rendering.depth.shape != (y1 - y0, x1 - x0):
        raise ValueError(
            f"a rendering of shape {layer.rendering.depth.shape} does not fit into the window "
            f"{layer.window}"
        )

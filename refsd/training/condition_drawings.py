"""How condition pictures are drawn, from renderings of an avatar and from its keypoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from refsd.rendering import Rendering

    Picture = NDArray[np.uint8]

Scalar = TypeVar("Scalar", bound=np.generic)

# -- skeletons ------------------------------------------------------------------------------------

KEYPOINTS = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
"""OpenPose's 18 keypoints in its order."""

_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
    (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip


def keypoint_colour(index: int) -> tuple[int, int, int]:
    """OpenPose's colour of keypoint and limb ``index``: once round the hues in steps of a third.

    >>> keypoint_colour(0), keypoint_colour(1), keypoint_colour(17)
    ((255, 0, 0), (255, 85, 0), (255, 0, 85))
    """
    sixth, step = divmod(index, 3)
    rising, falling = 85 * step, 255 - 85 * step
    return (
        (255, rising, 0), (falling, 255, 0), (0, 255, rising), (0, falling, 255), (rising, 0, 255),
        (255, 0, falling),
    )[sixth]  # fmt: skip


def draw_skeleton(
    points: NDArray[np.float32], found: NDArray[np.bool_], shape: tuple[int, ...]
) -> Picture:
    """Limbs and keypoints in OpenPose's colours on black, limbs at six tenths of their brightness.

    Args:
        points: float32 (18, 2), pixels.
        found: bool (18,).
        shape: height and width of the picture; lines are a sixty-fourth of the shorter side wide,
            as OpenPose's are, but at least two pixels.

    Returns:
        uint8 (H, W, 3).
    """
    import cv2

    height, width = shape[:2]
    scale = 4  # Drawn large and averaged, so that thin lines survive.
    radius = max(1.0, min(height, width) / 128) * scale
    large = np.zeros((height * scale, width * scale, 3), dtype=np.uint8)
    corners = np.rint(points * scale).astype(int).tolist()
    for index, (start, end) in enumerate(_LIMBS):
        if found[start] and found[end]:
            colour = [round(0.6 * value) for value in keypoint_colour(index)]
            cv2.line(large, corners[start], corners[end], colour, round(2 * radius))
    for index, corner in enumerate(corners):
        if found[index]:
            cv2.circle(large, corner, round(radius), keypoint_colour(index), -1)
    small = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


# -- surfaces -------------------------------------------------------------------------------------

FARTHEST = 0.3
"""Brightness, as a share, of the person's farthest point in a picture of depth."""


def draw_depth(depth: NDArray[np.float32]) -> Picture:
    """Nearness, linear in 1 / z: the nearest point white, nothing black.

    Args:
        depth: float32 (H, W), metres; inf where there is no surface.

    Returns:
        uint8 (H, W, 3).
    """
    nearness = 1 / depth
    seen = nearness > 0
    share = np.zeros(depth.shape, dtype=np.float32)
    if seen.any():
        least, most = nearness[seen].min(), nearness[seen].max()
        relative = (nearness[seen] - least) / max(most - least, 1e-9)
        share[seen] = FARTHEST + (1 - FARTHEST) * relative
    return np.repeat(_bytes(share)[..., None], 3, axis=2)


def draw_normals(normals: NDArray[np.float32]) -> Picture:
    """Normals as colours: red right, green up, blue towards the camera.

    Args:
        normals: float32 (H, W, 3), unit vectors in camera coordinates; 0 where there is no surface.

    Returns:
        uint8 (H, W, 3).
    """
    nothing = (normals == 0).all(axis=2, keepdims=True)
    turned = np.where(nothing, [0, 0, -1], normals) * [1, -1, -1]
    return _bytes((turned + 1) / 2)


def _bytes(shares: NDArray[np.floating]) -> Picture:
    return np.asarray(np.rint(np.clip(shares, 0, 1) * 255), dtype=np.uint8)


# -- parts ----------------------------------------------------------------------------------------

PARTS: Mapping[str, tuple[int, int, int]] = {
    "skin": (230, 160, 120), "hair": (120, 60, 20), "upper": (40, 110, 220),
    "lower": (40, 170, 80), "shoes": (220, 50, 50), "accessories": (240, 220, 60),
    "background": (0, 0, 0),
}  # fmt: skip
"""Parts of a segmentation and their sRGB colours, ours. Beards are hair; bags, hats, glasses and
jewellery are accessories; eyes and lips are skin."""

DYES: Mapping[str, tuple[int, int]] = {
    "skin": (0, 0), "hair": (0, 1), "upper": (0, 2), "lower": (1, 0), "shoes": (1, 1),
    "accessories": (1, 2),
}  # fmt: skip
"""Part → in which of two renderings it is dyed, and with which of red, green and blue."""

_UNDYED = 0.04
"""Linear light below which a dye was not found."""


def draw_parts(dyed: tuple[Picture, Picture], mask: NDArray[np.bool_], dark: str) -> Picture:
    """A segmentation: the strongest dye of a pixel counts.

    Dyes are added up in linear light when the samples of a pixel are averaged, so each pixel goes
    to the part that covers most of it. What has a colour of its own (eyes, laces) belongs to the
    part around it, unless it is black.

    Args:
        dyed: uint8 (H, W, 3) each, sRGB: the avatar with its parts dyed as :data:`DYES` says.
        mask: bool (H, W), where the avatar is.
        dark: the part that black belongs to; nothing for the part around it.

    Returns:
        uint8 (H, W, 3), colours of :data:`PARTS`.
    """
    from scipy.ndimage import distance_transform_edt

    from refsd.rendering.shading import to_linear

    light = to_linear(np.concatenate(dyed, axis=2).astype(np.float32) / 255)
    # Grey in both pictures is no dye.
    shares = light - light.min(axis=2, keepdims=True)
    part = shares.argmax(axis=2)
    known = mask & (shares.max(axis=2) >= _UNDYED)
    if dark:
        black = mask & (light.max(axis=2) < _UNDYED)
        part[black] = list(PARTS).index(dark)
        known |= black
    if known.any():
        nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
        part = part[tuple(nearest)]
    part[~mask] = list(PARTS).index("background")
    colours: Picture = np.array(list(PARTS.values()), dtype=np.uint8)[part]
    return colours


# -- lines ----------------------------------------------------------------------------------------

_JUMP = (0.05, 0.15)
"""Metres between neighbouring pixels from which on depth draws a line, and where it is black."""

_BEND = (0.25, 0.8)
"""The same of 1 - the cosine between neighbouring normals."""

_EDGE = (16.0, 64.0)
"""The same of the composite's sRGB values in [0, 255], the strongest channel."""


def draw_lines(rendering: Rendering, composite: Picture) -> Picture:
    """Where depth jumps, the surface bends or the colour changes, black on white.

    Args:
        rendering: of the avatar.
        composite: uint8 (H, W, 3), sRGB, the avatar before its background.

    Returns:
        uint8 (H, W, 3).
    """
    seen = np.isfinite(rendering.depth)
    depth = np.where(seen, rendering.depth, 1e3).astype(np.float32)
    values = composite.astype(np.float32)
    strongest = np.zeros(depth.shape, dtype=np.float32)
    for axis in (0, 1):
        one, other = _neighbours(rendering.normals, axis)
        both = np.logical_and(*_neighbours(seen, axis))
        bend = np.where(both, 1 - (one * other).sum(axis=2), 0)
        jump = np.abs(np.diff(depth, axis=axis))
        edge = np.abs(np.diff(values, axis=axis)).max(axis=2)
        line = np.maximum.reduce([_ramp(jump, _JUMP), _ramp(bend, _BEND), _ramp(edge, _EDGE)])
        first, _ = _neighbours(strongest, axis)
        np.maximum(first, line, out=first)
    return np.repeat(_bytes(1 - strongest)[..., None], 3, axis=2)


def _neighbours(array: NDArray[Scalar], axis: int) -> tuple[NDArray[Scalar], NDArray[Scalar]]:
    """Every value but the last along an axis, and the one that follows; views."""
    if axis == 0:
        return array[:-1], array[1:]
    return array[:, :-1], array[:, 1:]


def _ramp(values: NDArray[np.floating], ends: tuple[float, float]) -> NDArray[np.float32]:
    low, high = ends
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), dtype=np.float32)

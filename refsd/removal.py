"""People out: x, a → x′. The region is filled from what is around it.

Nothing under the region can show through: it is filled with grey before anything looks at the
picture (``cv2.inpaint`` alone reads a few pixels of what it should replace).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from refsd import masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

Engine = Literal["auto", "patchmatch", "opencv", "diffusion"]

CONTEXT = 0.5
"""How far around a region an engine looks, as a share of the region's longer side."""

MIN_CONTEXT = 24
"""Least context in pixels."""

SCALE = 0.5
"""PatchMatch works at this share of the resolution: it then sees large structures with small
patches, and is 4 times as fast. What it lacks in detail is given back as grain. At 0.375 bricks
and pebbles came out as noise; at 1 single textures grew over everything."""

GRAIN = 0.5
"""Grain for what resizing took away: about half of that is noise, the rest is structure."""

MAX_WORKING_PIXELS = 130_000
"""PatchMatch never works on more: about 2 s on one core."""

PATCH_RADIUS = 2
"""Radius of PatchMatch's patches. Of 2 to 7, 2 was the fastest and left the fewest seams in crops
of street scenes."""

TILE = 256
"""Pixels along a side of the tile of grain, which repeats."""

TELEA_RADIUS = 5
"""Pixels around a point that OpenCV's engine mixes."""


def remove(
    image: NDArray[np.uint8],
    region: NDArray[np.bool_],
    engine: Engine = "auto",
    *,
    inpainter: str = "sd15",
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Replace what is under a region by something that could have been behind it.

    Deterministic; pixels under the region have no influence on the result.

    Args:
        image: uint8 (H, W, 3), sRGB.
        region: bool (H, W), what to replace.
        engine: ``patchmatch`` copies structure from around the region (Barnes et al. 2009);
            ``opencv`` blurs inwards (Telea 2004), 10 times as fast and streaky. ``auto`` takes
            PatchMatch where its library can be loaded. ``diffusion`` invents (Stable Diffusion's
            inpainting checkpoints), slowly; ``auto`` never takes it.
        inpainter: checkpoint of ``diffusion``: a name in ``configs/inpainters``, or a path.
        seed: of ``diffusion``'s noise.

    Returns:
        uint8 (H, W, 3); outside the region bit for bit the input. Where nothing of the picture
        is outside the region, and where a safety checker refused what diffusion made, grey.

    Raises:
        ValueError: there is no such engine.
        RuntimeError: PatchMatch was asked for by name and cannot be loaded.
        refsd.diffusion.CheckpointError: the inpainter's weights are missing or wrong.
    """
    if engine == "diffusion":
        from refsd.diffusion.inpainting import shared_inpainter

        if region.all() or not region.any():
            return masks.fill(image, region)
        return shared_inpainter(inpainter).empty(image, region, seed).image
    chosen = resolve_engine(engine)
    fill_window = _patchmatch if chosen == "patchmatch" else _telea
    result = masks.fill(image, region)
    for x0, y0, x1, y1 in _windows(region):
        hole = region[y0:y1, x0:x1]
        part = result[y0:y1, x0:x1]
        if not hole.all():
            part[hole] = fill_window(np.ascontiguousarray(part), hole)[hole]
    return result


def resolve_engine(engine: Engine) -> Literal["patchmatch", "opencv", "diffusion"]:
    """The engine that a name stands for on this machine; see :func:`remove`."""
    if engine not in get_args(Engine):
        raise ValueError(f"unknown removal engine {engine!r}; known: {', '.join(get_args(Engine))}")
    if engine in ("opencv", "diffusion"):
        return engine
    from patchmatch import patch_match

    if patch_match.patchmatch_available:
        return "patchmatch"
    if engine == "patchmatch":
        raise RuntimeError(
            "PatchMatch's native library cannot be loaded; install pypatchmatch's wheel for this "
            "platform, or choose the removal engine 'opencv'"
        )
    return "opencv"


def _windows(region: NDArray[np.bool_]) -> list[masks.Window]:
    """Disjoint windows around the parts of a region, with context."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    shape = (region.shape[0], region.shape[1])
    windows = []
    for left, top, across, down, _ in stats[1:count].tolist():
        margin = max(MIN_CONTEXT, round(CONTEXT * max(across, down)))
        windows.append(masks.grow((left, top, left + across, top + down), margin, shape))
    return masks.merge(windows)


def _telea(part: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.asarray(
        cv2.inpaint(part, hole.astype(np.uint8), TELEA_RADIUS, cv2.INPAINT_TELEA), dtype=np.uint8
    )


def _patchmatch(part: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    from patchmatch import patch_match

    height, width = hole.shape
    scale = min(SCALE, math.sqrt(MAX_WORKING_PIXELS / (height * width)))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # A small pixel that holds any of the hole's grey belongs to the hole.
    small_hole = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    patch = np.ones((2 * PATCH_RADIUS + 1, 2 * PATCH_RADIUS + 1), dtype=np.uint8)
    whole_patches = cv2.erode((~small_hole).astype(np.uint8), patch, borderValue=0)
    if not whole_patches.any():  # nothing to copy from
        return _telea(part, hole)
    patch_match.set_random_seed(0)
    filled = patch_match.inpaint(small, small_hole.astype(np.uint8), patch_size=PATCH_RADIUS)
    large = cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)
    smooth = np.asarray(
        cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )
    near = cv2.dilate(hole.astype(np.uint8), np.ones((9, 9), dtype=np.uint8)) > 0
    rows, columns = np.nonzero(hole)
    filling = large[rows, columns] + _grain(part, smooth, ~near)[rows % TILE, columns % TILE]
    whole = part.copy()
    whole[rows, columns] = np.clip(np.rint(filling), 0, 255)
    return whole


def _grain(
    part: NDArray[np.uint8], smooth: NDArray[np.uint8], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """A tile of noise, ``GRAIN`` as strong as what resizing took away where the picture is known.

    Its deviation is the median absolute one, which edges do not inflate; 1.4826 makes it that of
    a normal distribution.

    Returns:
        float32 (TILE, TILE, 1).
    """
    step = max(1, round(math.sqrt(known.size / 250_000)))
    some = known[::step, ::step]
    detail = part[::step, ::step][some].astype(np.float32) - smooth[::step, ::step][some]
    deviation = 1.4826 * float(np.median(np.abs(detail))) if detail.size else 0.0
    noise = np.random.default_rng(0).standard_normal((TILE, TILE, 1), dtype=np.float32)
    return noise * np.float32(GRAIN * deviation)

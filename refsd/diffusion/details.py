"""What a checkpoint paints softly stays as the composite has it, where nothing changed.

A small checkpoint works on small crops, and paints softly: lids, seams and stripes come out fainter
than x″ has them, and enlarged everything is soft. That is no change that anybody asked for. What
was painted is therefore taken as a change of x″, of which only the coarse part counts, wherever
that is small: colours move, details stay. Where colours changed a lot, the old details belong to
what is gone, and everything is as it was painted. Beside the avatar nothing changes: its outline
stays, and with it the labels of the new person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COARSE = 3.0
"""Standard deviation, in pixels of the size worked on, of the blur that leaves the coarse part of a
change: a lid or a mouth in a head of 80 pixels is finer, a sleeve is not."""

FADES = 3.0
"""Changes this many times as large as the tolerance leave nothing of the old details."""


def changed(
    large: NDArray[np.uint8],
    small: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    figure: NDArray[np.bool_],
    tolerance: float,
) -> NDArray[np.uint8]:
    """A part of x″ as it was painted, with x″'s details where nothing changed.

    Args:
        large: uint8 (H, W, 3), the part of x″.
        small: uint8 (h, w, 3), the same in the size that was worked on.
        painted: uint8 (h, w, 3), what became of it.
        figure: bool (H, W), where the avatar is seen.
        tolerance: levels of 255 by which colours may change, coarsely, while details stay.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = small.shape[:2]
    size = large.shape[1], large.shape[0]
    cover = figure.astype(np.float32)
    inside = np.asarray(
        cv2.resize(cover, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32
    )
    change = painted.astype(np.float32) - small
    # Of the figure only: what was painted beside it would leak in.
    near = np.maximum(_blurred(inside, COARSE), 1e-3)[..., None]
    coarsely = _blurred(change * inside[..., None], COARSE) / near
    amount = np.abs(coarsely).mean(axis=2)
    share = np.clip((amount - tolerance) / ((FADES - 1) * tolerance), 0, 1)
    new = np.asarray(share * share * (3 - 2 * share), dtype=np.float32)[..., None]
    change = coarsely + new * (change - coarsely)
    if size != (width, height):  # x″ has what is finer than the size worked on
        change, new, coarse = (
            np.asarray(cv2.resize(part, size, interpolation=way), dtype=np.float32).reshape(
                *large.shape[:2], -1
            )
            for part, way in (
                (change, cv2.INTER_CUBIC), (new, cv2.INTER_LINEAR),
                (small.astype(np.float32), cv2.INTER_CUBIC),
            )
        )  # fmt: skip
        change -= np.clip(new, 0, 1) * (large - coarse)
    made = large + change * _blurred(cover, max(size[1] / height / 2, 0.5))[..., None] * (
        cover[..., None] > 0
    )
    return np.asarray(np.clip(np.rint(made), 0, 255), dtype=np.uint8)


def _blurred(values: NDArray[np.float32], pixels: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), pixels), dtype=np.float32)

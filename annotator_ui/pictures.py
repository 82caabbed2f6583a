"""What annotators see of a person: one frame for all methods, one size for the whole study.

The frame comes from the person in the original, so it is the same whatever a method made of them;
a picture's size or place tells nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from humangenai.human_ratings.questions import Track
    from refsd.people import Person

SIZE: dict[Track, tuple[int, int]] = {"face": (512, 512), "body": (640, 480)}
"""Height and width of all pictures of a study."""

GROUND = 225
"""Grey of the plain ground: outside a cut-out, and outside the picture."""

MARGIN = 0.08
"""Room around a person, as a share of the longer side of the box, on each side."""

SMALLEST: dict[Track, int] = {"face": 20, "body": 48}
"""Smaller heads and people (pixels of height) are not shown: nobody could judge them."""

HEAD_SIZE = 4.2
"""Side of a head's frame, in times half the width between the ears, or the way from eyes to mouth:
whichever is longer, as the one shrinks when a head turns and the other when it nods."""

Frame = tuple[float, float, float, float]
"""x0 y0 x1 y1 in pixels of the picture; may reach beyond it."""


def frame(person: Person, track: Track) -> Frame | None:
    """The part of a picture in which a person is shown.

    Args:
        person: as found in the original.
        track: whether the head or all of the person is shown.

    Returns:
        A frame of the study's aspect ratio; None where the person is too small to be judged, or
        the head was not found.
    """
    return _head_frame(person) if track == "face" else _body_frame(person)


def _body_frame(person: Person) -> Frame | None:
    x0, y0, x1, y1 = (float(value) for value in person.box)
    if y1 - y0 < SMALLEST["body"]:
        return None
    margin = MARGIN * max(x1 - x0, y1 - y0)
    height, width = SIZE["body"]
    tall = max(y1 - y0 + 2 * margin, (x1 - x0 + 2 * margin) * height / width)
    return _around((x0 + x1) / 2, (y0 + y1) / 2, tall * width / height, tall)


def _head_frame(person: Person) -> Frame | None:
    if person.landmarks is None:
        return None
    # BlazePose: 2 and 5 are the eyes, 7 and 8 the ears, 9 and 10 the corners of the mouth.
    points = person.landmarks.astype(np.float64)
    across = float(np.linalg.norm(points[7] - points[8]))
    down = float(np.linalg.norm(points[[2, 5]].mean(axis=0) - points[[9, 10]].mean(axis=0)))
    side = HEAD_SIZE * max(across / 2, down)
    if side < 2 * SMALLEST["face"]:
        return None
    x, y = points[[2, 5, 7, 8, 9, 10]].mean(axis=0).tolist()
    return _around(x, y - 0.06 * side, side, side)


def _around(x: float, y: float, width: float, height: float) -> Frame:
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def show(
    image: NDArray[np.uint8],
    where: Frame,
    track: Track,
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint8]:
    """What a frame holds, in the study's size.

    Args:
        image: uint8 (H, W, 3).
        where: what to show of it.
        track: decides the size.
        mask: bool (H, W): what to cut out; everything else becomes plain ground. None: show all.

    Returns:
        uint8 (height, width, 3) of ``SIZE``.
    """
    height, width = SIZE[track]
    if mask is not None:
        image = np.where(mask[..., None], image, np.uint8(GROUND))
    x0, y0 = int(np.floor(where[0])), int(np.floor(where[1]))
    x1, y1 = int(np.ceil(where[2])), int(np.ceil(where[3]))
    part = np.full((y1 - y0, x1 - x0, 3), GROUND, dtype=np.uint8)
    inside = image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
    top, left = max(-y0, 0), max(-x0, 0)
    part[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    resized = Image.fromarray(part).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.uint8)


def noise(track: Track, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture of nothing, whose quality anyone can tell: uint8 of ``SIZE``."""
    height, width = SIZE[track]
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), dtype=np.uint8))

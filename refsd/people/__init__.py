"""Who is in the picture: boxes, masks and pose landmarks.

Nothing is loaded but what a person is, until somebody looks for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refsd.people.person import NewPerson, Person, PersonOutcome, Source, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "PERCEPTION_VERSION",
    "NewPerson",
    "Person",
    "PersonOutcome",
    "Source",
    "Status",
    "find_people",
    "load_people",
    "people_from_boxes",
    "save_people",
]

PERCEPTION_VERSION = 3
"""Changes with everything that changes what is found; caches of people depend on it."""


def find_people(images: Sequence[NDArray[np.uint8]], *, crops: bool = False) -> list[list[Person]]:
    """Find the people of pictures.

    Args:
        images: uint8 (H, W, 3) each, sRGB, any sizes.
        crops: every picture is a crop around one person, as in re-identification data; then
            exactly one person is found in each, if need be the whole crop.

    Returns:
        The people of each picture, the surest first.

    Raises:
        refsd.weights.WeightsError: a model file is missing and cannot be fetched.
    """
    from refsd.people.finder import shared_finder
    from refsd.people.networks import at_once

    finder = shared_finder()
    if crops:
        return [[person] for person in at_once(finder.in_crop, images)]
    return [finder.find(image) for image in images]


def people_from_boxes(
    image: NDArray[np.uint8],
    boxes: NDArray[np.float32],
    masks: Sequence[NDArray[np.bool_] | None] | None = None,
) -> list[Person]:
    """The people in boxes that somebody else drew.

    Args:
        image: uint8 (H, W, 3), sRGB.
        boxes: float32 (N, 4), x0 y0 x1 y1 in pixels.
        masks: bool (H, W) each, None where it is not known; None: none is known.

    Returns:
        One person per box, in order, with landmarks where they were recognised.

    Raises:
        ValueError: a box has no pixel in common with the picture, or masks do not fit.
        refsd.weights.WeightsError: a model file is missing and cannot be fetched.
    """
    from refsd.people.finder import shared_finder

    finder = shared_finder()
    known = [None] * len(boxes) if masks is None else list(masks)
    return [finder.in_box(image, box, mask) for box, mask in zip(boxes, known, strict=True)]


def save_people(path: Path, people: Sequence[Person]) -> None:
    """Write the people of one picture to a file; see ``refsd.people.storage``."""
    from refsd.people.storage import save_people

    save_people(path, people)


def load_people(path: Path) -> list[Person]:
    """Read the people of one picture; see ``refsd.people.storage``."""
    from refsd.people.storage import load_people

    return load_people(path)

"""What became of the people who are truly in a picture, where a dataset knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import TruePerson
    from humangenai.records import Fate
    from refsd.people import Person, PersonOutcome

FOUND = 0.5
"""A true person counts as found if one found person's region covers at least this share of it."""


def fates_and_leaks(
    truth: Sequence[TruePerson],
    people: Sequence[Person],
    outcomes: Sequence[PersonOutcome],
    shape: tuple[int, int],
) -> tuple[tuple[Fate, ...], tuple[float, ...]]:
    """Compare what a method did with who is truly there.

    Args:
        truth: the true people.
        people: the people the method was told of.
        outcomes: what it did with each of them.
        shape: (height, width) of the picture.

    Returns:
        Per true person with a visible pixel: the status of the found person whose region covers
        most of it, or ``missed`` where none covers half of it; and the share of its pixels, in
        [0, 1], outside the regions of all people who were processed (everybody not ``kept``).
    """
    regions = [
        _region(person, outcome, shape) for person, outcome in zip(people, outcomes, strict=True)
    ]
    processed = np.zeros(shape, dtype=np.bool_)
    for region, outcome in zip(regions, outcomes, strict=True):
        if outcome.status != "kept":
            processed |= region
    fates: list[Fate] = []
    leaks: list[float] = []
    for true in truth:
        pixels = int(true.mask.sum())
        if pixels == 0:
            continue
        shares = [float((true.mask & region).sum()) / pixels for region in regions]
        best = int(np.argmax(shares)) if shares else -1
        found = best >= 0 and shares[best] >= FOUND
        fates.append(outcomes[best].status if found else "missed")
        leaks.append(float((true.mask & ~processed).sum()) / pixels)
    return tuple(fates), tuple(leaks)


def _region(person: Person, outcome: PersonOutcome, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """What was processed of a person: the dilated mask, or the whole box after a fallback."""
    from refsd import masks

    fallback = outcome.status == "masked" and outcome.reason is not None
    return masks.box_region(person, shape) if fallback else masks.region(person, shape)

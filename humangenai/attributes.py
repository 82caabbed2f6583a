"""Attributes and methods: who keeps the originals' labels, and who paints what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from humangenai.errors import UserError
from humangenai.fates import FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from humangenai.datasets import TruePerson
    from humangenai.methods import Method
    from refsd.people import Person
    from refsd.prompts import Scope


def preserves_labels(method: Method) -> bool:
    """Whether a method asks for the originals' labels: it has ``preserves`` and that is True."""
    return bool(getattr(method, "preserves", False))


def follows_prompts(method: Method) -> bool:
    """Whether a method paints what a suite asks for: it has ``prompted`` and that is True."""
    return bool(getattr(method, "prompted", False))


def scope_of(method: Method) -> Scope | None:
    """What the prompts of a method can speak of; None where nobody wrote it down."""
    scope: Scope | None = getattr(method, "scope", None)
    return scope


def labels_of(
    truth: Sequence[TruePerson] | None,
    people: Sequence[Person],
    dataset: str,
) -> list[Mapping[str, str]]:
    """The labels of each found person.

    True and found people are paired by the IoU of their masks, best pair first, each of them once,
    if the found mask covers at least half of the true one (as in ``humangenai.fates``).

    Args:
        truth: who is truly in the picture; None where the dataset knows nobody.
        people: who was found.
        dataset: its name, for the message.

    Returns:
        One mapping per found person, in order; empty for those who are nobody true.

    Raises:
        UserError: the dataset has no ground truth.
    """
    if truth is None:
        raise UserError(
            f"the dataset {dataset!r} has no labels of its people, and this method preserves "
            "attributes (prompt mode 'preserve'); choose mode 'random', or another dataset"
        )
    overlaps = np.zeros((len(people), len(truth)))
    for column, true in enumerate(truth):
        pixels = int(true.mask.sum())
        for row, person in enumerate(people):
            mask = person.full_mask(*true.mask.shape)
            shared = int((mask & true.mask).sum())
            if pixels and shared >= FOUND * pixels:
                overlaps[row, column] = shared / int((mask | true.mask).sum())
    labels: list[Mapping[str, str]] = [{} for _ in people]
    while overlaps.size and overlaps.max() > 0:
        row, column = divmod(int(overlaps.argmax()), overlaps.shape[1])
        labels[row] = dict(truth[column].attributes)
        overlaps[row, :] = overlaps[:, column] = 0.0
    return labels


def labels_of_largest(
    labels: Mapping[str, str], people: Sequence[Person]
) -> list[Mapping[str, str]]:
    """The labels of a picture, given to the largest person in it: nobody says whose they are.

    Args:
        labels: what the dataset says of the picture, in the vocabulary's words.
        people: who was found.

    Returns:
        One mapping per found person, in order; empty for all but the largest.
    """
    areas = [int(person.mask.sum()) for person in people]
    largest = int(np.argmax(areas)) if areas else -1
    return [labels if index == largest else {} for index in range(len(people))]

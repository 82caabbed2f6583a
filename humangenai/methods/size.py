"""How large a person is, for baselines whose strength is relative to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refsd.people import Person


def size_of(person: Person) -> float:
    """Longer side of the person's box in pixels: the height, of people who stand."""
    x0, y0, x1, y1 = (float(value) for value in person.box)
    return max(x1 - x0, y1 - y0)


def smallest_first(people: Sequence[Person]) -> list[Person]:
    """People by size: where regions overlap, the largest comes last and its strength holds."""
    return sorted(people, key=size_of)

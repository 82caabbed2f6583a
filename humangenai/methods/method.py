"""What every pseudonymization method offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from refsd.people import Person, PersonOutcome

Claim = Literal["none", "obscures", "removes"]
"""What a method says it does with a person's pixels: leaves them, hides them in a way that can be
undone in part (blur, pixelation), or lets none of them through."""


@dataclass(frozen=True, eq=False)
class Task:
    """One picture to pseudonymize.

    Attributes:
        key: the item's key, for matching outputs made elsewhere; a method must not let it
            influence pixels.
        image: uint8 (H, W, 3), sRGB.
        people: who is in it, the same for all methods of a run.
        seed: 64 bits, from the run's key, the item's place, and the method's configuration.
        crop: True where the picture is a crop around one person.
        attributes: per person, what is asked for: labels to preserve, or a suite's; may be empty.
        suite: True where the attributes are a suite's: they are asked for exactly as they are,
            whatever else the method is set to ask for.
    """

    key: str
    image: NDArray[np.uint8]
    people: Sequence[Person]
    seed: int
    crop: bool = False
    attributes: Sequence[Mapping[str, str]] = ()
    suite: bool = False


@dataclass(frozen=True, eq=False)
class Outcome:
    """A pseudonymized picture.

    Attributes:
        image: uint8 (H, W, 3), the input's size.
        people: what became of each person, in the order of ``Task.people``.
        stages: pictures of what happened in between, by name in order; empty unless asked for.
    """

    image: NDArray[np.uint8]
    people: Sequence[PersonOutcome]
    stages: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


class Method(Protocol):
    """A way to pseudonymize.

    Attributes:
        name: the leaderboard's name with what it ran with, e.g. ``refsd[none]`` or ``MaskOut``.
        claim: what the method says it does with a person's pixels.
        batch_size: how many tasks it likes at once.
    """

    name: str
    claim: Claim
    batch_size: int

    def settings(self) -> Mapping[str, object]:
        """All that influences the output, JSON-able; goes into the record and the seeds."""
        ...

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Pseudonymize a batch; an output never depends on its neighbours in the batch."""
        ...

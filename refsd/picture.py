"""What RefSD is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from refsd.people.person import Person, PersonOutcome
    from refsd.prompts import PromptConfig


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture to work on.

    Attributes:
        image: uint8 (H, W, 3), sRGB.
        people: who is in it.
        seed: decides which avatars come; never derive it from pixels.
        crop: True where the picture is a crop around one person, seen from afar.
        attributes: what is asked of each person, by the names of ``refsd.prompts``; empty: all is
            drawn by the seed. One mapping per person, or none at all.
        prompt: instead of the settings' own, for this picture.
    """

    image: NDArray[np.uint8]
    people: Sequence[Person]
    seed: int
    crop: bool = False
    attributes: Sequence[Mapping[str, str]] = ()
    prompt: PromptConfig | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.image.shape[0], self.image.shape[1]

    def asked(self, index: int) -> Mapping[str, str]:
        """What is asked of a person."""
        return self.attributes[index] if self.attributes else {}


@dataclass(frozen=True, eq=False)
class Result:
    """What became of one picture.

    Attributes:
        image: uint8 (H, W, 3), x̂.
        people: an outcome per person, in order.
        stages: ``x``, ``a``, ``x_prime``, ``m``, ``x_second``, ``e``, ``x_hat`` as uint8
            (H, W, 3), where asked for.
    """

    image: NDArray[np.uint8]
    people: Sequence[PersonOutcome]
    stages: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)

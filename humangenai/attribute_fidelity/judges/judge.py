"""What every judge of ϕ looks like from outside, and how well it is known to see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.data import Crop


@dataclass(frozen=True)
class Ceiling:
    """How often a judge is right about one attribute where the truth is known.

    No score that this judge gives can be read without it: a method whose pictures are all as
    prompted scores about this much.

    Attributes:
        value: mean recall over the attribute's values, in [0, 1]; NaN where not measured.
        low: lower end of the 95 % interval.
        high: its upper end.
        chance: what judging without looking scores.
        n: labelled pictures; 0 where not measured.
        measured_on: which pictures, in words, e.g. ``renders (training family)``.
    """

    value: float
    low: float
    high: float
    chance: float
    n: int
    measured_on: str

    @property
    def measured(self) -> bool:
        """Whether anybody knows how well this judge sees."""
        return not math.isnan(self.value)

    @property
    def blind(self) -> bool:
        """Whether it is known not to see: measured, and the interval is not wholly above chance.

        What a blind judge says is reported as *not judgeable* (NaN, counted), never as a score.
        """
        return self.measured and not self.low > self.chance


def unmeasured(chance: float, why: str = "not measured") -> Ceiling:
    """The ceiling of a judge that nobody has tried on labelled pictures: NaN.

    >>> unmeasured(0.5).measured, unmeasured(0.5).blind
    (False, False)
    """
    return Ceiling(math.nan, math.nan, math.nan, chance, 0, why)


class Unavailable(Exception):  # noqa: N818  (it is no mistake of anybody's)
    """A judge that cannot work here, with the reason in one line; its scores are NaN, counted."""


class Judge(Protocol):
    """Says what pictures of people show.

    Attributes:
        name: as tables print it, e.g. ``probe`` or ``clip``.
        version: changes with everything that changes what it says: the sha256 of its weights, and
            of its prompts where it has some.
        licence: of its weights (or of the ratings), in words.
    """

    name: str
    version: str
    licence: str

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        """Attribute (a key of ``refsd.prompts.VOCABULARY``) → the values that it tells apart.

        Values may be coarser than the vocabulary's; ``judges.mapping`` says which stands for which.
        Empty for a crop that it cannot look at.
        """
        ...

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        """How often it is right, for every attribute of ``values(crop)``."""
        ...

    def judge(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Say what pictures show.

        Args:
            pictures: uint8 (N, H, W, 3), sRGB.
            crop: what they show.

        Returns:
            Attribute → float32 (N, values), calibrated probabilities in the order of
            ``values(crop)``. A row sums to 1, or is NaN throughout where the judge says nothing
            of this picture (no face found, nobody rated it).

        Raises:
            ValueError: these are not pictures.
        """
        ...

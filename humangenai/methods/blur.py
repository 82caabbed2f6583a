"""WeakBlur and StrongBlur: a Gaussian over every person, as wide as the person is large.

The papers state no sigma. DeepPrivacy2's own Gaussian baseline uses 7 pixels on 288-pixel crops,
2.4 % of the height: WeakBlur takes 2.5 %, StrongBlur 8 %. A blur can be undone in part, so the
method claims to obscure people, not to remove them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.methods.method import Claim, Outcome, Task
from humangenai.methods.size import size_of, smallest_first
from refsd.people import PersonOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

_LARGEST_SIGMA = 8.0
"""Pixels; wider Gaussians are applied to a smaller picture, where they look the same and cost a
fixed amount per person."""


class Options(BaseModel):
    """How strong.

    Attributes:
        sigma: standard deviation of the Gaussian, as a share of the longer side of the person's
            box.
        name: what the table says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sigma: float = Field(default=0.025, gt=0, le=1)
    name: str = "Blur"


class Blur:
    """Blurs every person's dilated region; nothing outside the regions changes."""

    claim: Claim = "obscures"
    batch_size = 16

    def __init__(self, options: Options) -> None:
        self.name = options.name
        self._sigma = options.sigma

    def settings(self) -> Mapping[str, object]:
        """The sigma."""
        return {"sigma": self._sigma}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Blur everybody."""
        return [self._picture(task) for task in tasks]

    def _picture(self, task: Task) -> Outcome:
        image = task.image.copy()
        for person in smallest_first(task.people):
            self._person(task.image, image, person)
        outcomes = [PersonOutcome(index, "obscured") for index in range(len(task.people))]
        return Outcome(image=image, people=outcomes)

    def _person(
        self, original: NDArray[np.uint8], image: NDArray[np.uint8], person: Person
    ) -> None:
        """Write the blurred region of one person into ``image``."""
        from refsd import masks

        height, width = original.shape[:2]
        (x0, y0, x1, y1), region = masks.window_region(person, (height, width))
        if not region.any():
            return
        sigma = self._sigma * size_of(person)
        margin = math.ceil(3 * sigma)  # what lies further away weighs nothing
        left, top = max(x0 - margin, 0), max(y0 - margin, 0)
        right, bottom = min(x1 + margin, width), min(y1 + margin, height)
        blurred = gaussian(original[top:bottom, left:right], sigma)
        blurred = blurred[y0 - top : y1 - top, x0 - left : x1 - left]
        image[y0:y1, x0:x1][region] = blurred[region]


def gaussian(image: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    """Gaussian blur with mirrored borders.

    Args:
        image: uint8 (H, W, 3).
        sigma: standard deviation in pixels. Above 8 pixels the picture is first averaged down to
            where it is at most 8, and interpolated back afterwards.
    """
    import cv2

    factor = max(1, math.floor(sigma / _LARGEST_SIGMA))
    height, width = image.shape[:2]
    small_size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(image, small_size, interpolation=cv2.INTER_AREA) if factor > 1 else image
    small_sigma = sigma / factor
    side = 2 * math.ceil(3 * small_sigma) + 1
    blurred = cv2.GaussianBlur(small, (side, side), small_sigma, borderType=cv2.BORDER_REFLECT_101)
    if factor > 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred, dtype=np.uint8)


def load(options: Options) -> Blur:
    """Build the method."""
    return Blur(options)

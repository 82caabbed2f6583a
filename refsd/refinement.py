"""e = Canny(x″) and x̂ = diffusion(x″, prompt, ControlNet(e)), behind one interface.

``none`` gives x″ back as it is: whatever was made with it is named ``refsd[none]``, a rendering
that no diffusion has refined. All others are checkpoints for diffusers; see ``refsd.diffusion``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.prompts import Prompt, Scope


REFUSED = "the safety checker refused what was made"
"""Why a person is masked after refinement."""


@dataclass(frozen=True, eq=False)
class Composite:
    """One picture to refine; nothing in it comes from under the masks of the original.

    Attributes:
        image: x″, uint8 (H, W, 3), sRGB.
        regions: where each new person may be painted, bool (H, W) each.
        prompts: what each new person shall look like.
        seed: of the diffusion's noise.
        figures: where each avatar is seen, bool (H, W) each; none: anywhere in its region.
    """

    image: NDArray[np.uint8]
    regions: Sequence[NDArray[np.bool_]]
    prompts: Sequence[Prompt]
    seed: int
    figures: Sequence[NDArray[np.bool_]] = ()


@dataclass(frozen=True, eq=False)
class Refined:
    """What refinement made of one picture.

    Attributes:
        image: x̂, uint8 (H, W, 3), sRGB.
        flagged: places in ``Composite.regions`` whose new person a safety checker refused; there
            the picture still shows x″, and the caller masks the person.
    """

    image: NDArray[np.uint8]
    flagged: tuple[int, ...] = ()


class Refiner(Protocol):
    """Makes people of avatars.

    Attributes:
        name: what stands in brackets behind ``refsd`` wherever its outputs are shown.
        scope: what its prompts can speak of; None where nobody wrote it down.
    """

    name: str

    @property
    def scope(self) -> Scope | None:
        """See the class."""
        ...

    def settings(self) -> Mapping[str, object]:
        """What a run's record says of it, JSON-able, without anybody's paths."""
        ...

    def refine(self, composites: Sequence[Composite]) -> list[Refined]:
        """x̂ of every x″; what it changes outside the regions is discarded."""
        ...


class NoRefiner:
    """No diffusion: x̂ = x″."""

    name = "none"
    scope = None

    def settings(self) -> Mapping[str, object]:
        """Nothing to say."""
        return {}

    def refine(self, composites: Sequence[Composite]) -> list[Refined]:
        """The composites as they are."""
        return [Refined(composite.image) for composite in composites]


def make_refiner(name: str) -> Refiner:
    """The refiner of that name; its weights are loaded when the first picture comes.

    Args:
        name: ``none``, a name in ``configs/refiners``, the path of a YAML file like those, or of
            a folder that holds one as ``refiner.yaml``.

    Raises:
        refsd.diffusion.CheckpointError: there is no such checkpoint, or its settings are wrong.
    """
    if name == NoRefiner.name:
        return NoRefiner()
    from refsd.diffusion.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(name)
    from refsd.diffusion.refiner import DiffusionRefiner

    return DiffusionRefiner(checkpoint)


def canny(image: NDArray[np.uint8], low: int = 100, high: int = 200) -> NDArray[np.uint8]:
    """Edges as ControlNet takes them.

    Args:
        image: uint8 (H, W, 3); x″, never x.
        low: lower hysteresis threshold; 100 and 200 are what the diffusers documentation's Canny
            example takes, the paper states none.
        high: upper hysteresis threshold.

    Returns:
        uint8 (H, W, 3), 0 or 255.
    """
    import cv2

    return np.repeat(cv2.Canny(image, low, high)[..., None], 3, axis=2)

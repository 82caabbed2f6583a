"""x̂ = diffusion(x″, prompt, ControlNet(Canny(x″))): image-to-image on a crop around each person."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from refsd.diffusion import crops
from refsd.diffusion.loading import locate
from refsd.diffusion.running import Runner
from refsd.prompts import load_scope
from refsd.refinement import Refined, canny

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from refsd.diffusion.checkpoints import Checkpoint
    from refsd.diffusion.crops import Crop
    from refsd.prompts import Scope
    from refsd.refinement import Composite


class DiffusionRefiner:
    """Refines people with Stable Diffusion, or any checkpoint in its layout.

    Attributes:
        name: the checkpoint's.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name = checkpoint.name
        self._runner = Runner(checkpoint, "refine")

    @cached_property
    def scope(self) -> Scope | None:
        """What the checkpoint was taught, if that is written beside its weights.

        Raises:
            CheckpointError: local weights are missing or not whole.
            refsd.prompts.PromptError: the list cannot be read.
        """
        return load_scope(locate(self._runner.checkpoint, "base"))

    def settings(self) -> Mapping[str, object]:
        """Weights, how they are used, and on what; no paths.

        Raises:
            CheckpointError: local weights are missing or not whole.
        """
        return self._runner.settings()

    def refine(self, composites: Sequence[Composite]) -> list[Refined]:
        """x̂ of every x″, all people of all pictures in batches; see ``Runner.work_on``.

        Raises:
            CheckpointError: the weights are missing or wrong.
        """
        return self._runner.work_on(composites, self._edges)

    def _edges(self, composite: Composite, crop: Crop) -> NDArray[np.uint8]:
        """Edges of x″, never of x, at the resolution in which the crop is worked on."""
        return canny(crops.cut(composite.image, crop), *self._runner.checkpoint.canny)

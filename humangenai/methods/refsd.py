"""RefSD as a method of the benchmark: an adapter around ``refsd.pipeline``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.methods.method import Claim, Outcome, Task
from refsd.config import RefSDConfig
from refsd.picture import Picture
from refsd.pipeline import RefSD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Options = RefSDConfig


class RefSDMethod:
    """Removes people and puts avatars in their place.

    Its name says which refiner it ran with: ``refsd[none]`` is a rendering, not a diffusion.
    """

    claim: Claim = "removes"
    batch_size = 8

    def __init__(self, options: RefSDConfig) -> None:
        self.name = f"refsd[{options.refiner}]"
        self._refsd = RefSD(options)

    def settings(self) -> Mapping[str, object]:
        """RefSD's config, and the renderer that ``auto`` stands for here."""
        return {
            **self._refsd.config.model_dump(mode="json"),
            "renderer": self._refsd.renderer_name,
        }

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Run RefSD on a batch."""
        pictures = [
            Picture(task.image, task.people, task.seed, task.crop, task.attributes)
            for task in tasks
        ]
        return [
            Outcome(image=result.image, people=result.people, stages=result.stages)
            for result in self._refsd.batch(pictures, stages=stages)
        ]


def load(options: RefSDConfig) -> RefSDMethod:
    """Build the method; models are loaded when the first picture comes."""
    return RefSDMethod(options)

"""RefSD as a method of the benchmark: an adapter around ``refsd.pipeline``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.methods.method import Claim, Outcome, Task
from refsd.config import RefSDConfig
from refsd.picture import Picture
from refsd.pipeline import RefSD
from refsd.prompts import for_suite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refsd.prompts import Scope

Options = RefSDConfig


class RefSDMethod:
    """Removes people and puts avatars in their place.

    Its name says which refiner it ran with, and how people were prompted if not at random:
    ``refsd[none]`` is a rendering, not a diffusion.

    Attributes:
        preserves: asks for the originals' labels (``humangenai.attributes``).
        prompted: paints what a suite asks for; not where one text is said of everybody.
    """

    claim: Claim = "removes"
    batch_size = 8

    def __init__(self, options: RefSDConfig) -> None:
        self._refsd = RefSD(options)
        self.name = self._refsd.name
        self.preserves = options.prompt.mode == "preserve"
        self.prompted = options.prompt.text is None
        self._suite = for_suite(options.prompt)

    @property
    def scope(self) -> Scope | None:
        """What the checkpoint was taught, if that is written beside its weights."""
        return self._refsd.scope

    def settings(self) -> Mapping[str, object]:
        """RefSD's config with what ``auto`` stands for here, without the user's paths."""
        return self._refsd.settings()

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Run RefSD on a batch."""
        pictures = [
            Picture(
                task.image,
                task.people,
                task.seed,
                task.crop,
                task.attributes,
                self._suite if task.suite else None,
            )
            for task in tasks
        ]
        return [
            Outcome(image=result.image, people=result.people, stages=result.stages)
            for result in self._refsd.batch(pictures, stages=stages)
        ]


def load(options: RefSDConfig) -> RefSDMethod:
    """Build the method; models are loaded when the first picture comes."""
    return RefSDMethod(options)

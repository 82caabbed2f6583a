"""Mask-SD: Stable Diffusion paints somebody into every person's region, by a prompt alone.

The baseline that RefSD is compared with: no pose, no edges, nothing but the mask's outline. The
paper links the latent diffusion paper and states no checkpoint, prompt or dilation; ours are
RefSD's own regions and prompts, so that both differ in nothing but the rendering.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.methods.method import Claim, Outcome, Task
from refsd.people import PersonOutcome
from refsd.prompts import PromptConfig, make_prompt, mode_suffix, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.diffusion.inpainting import DiffusionInpainter
    from refsd.prompts import Prompt
    from refsd.refinement import Composite, Refined


class Options(BaseModel):
    """What can be chosen.

    Attributes:
        inpainter: a name in ``configs/inpainters``, the path of a YAML file like those, or of a
            folder that holds one as ``refiner.yaml``.
        prompt: how people's attributes become prompts; hair and clothes are always drawn, as
            there is no avatar to take them from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inpainter: str = "sd15"
    prompt: PromptConfig = PromptConfig(clothes="drawn")


class MaskSD:
    """Fills every region with grey, then paints a person of the prompt into it.

    Attributes:
        preserves: asks for the originals' labels (``humangenai.attributes``).
    """

    claim: Claim = "removes"
    batch_size = 8

    def __init__(self, options: Options) -> None:
        from refsd.diffusion.inpainting import shared_inpainter

        self._options = options
        self._inpainter: DiffusionInpainter = shared_inpainter(options.inpainter)
        self.name = f"Mask-SD[{self._inpainter.name}{mode_suffix(options.prompt)}]"
        self.preserves = options.prompt.mode == "preserve"

    @cached_property
    def _settings(self) -> Mapping[str, object]:
        return {
            "prompt": self._options.prompt.model_dump(mode="json"),
            "inpainter": {"name": self._inpainter.name, **self._inpainter.settings()},
        }

    def settings(self) -> Mapping[str, object]:
        """Prompts and checkpoint, without anybody's paths."""
        return self._settings

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Paint everybody anew, all people of all pictures in batches."""
        from refsd.refinement import Composite

        composites = [
            Composite(task.image, _regions(task), self._prompts(task), task.seed) for task in tasks
        ]
        return [
            _outcome(task, composite, refined, stages=stages)
            for task, composite, refined in zip(
                tasks, composites, self._inpainter.inpaint(composites), strict=True
            )
        ]

    def _prompts(self, task: Task) -> list[Prompt]:
        shape = (task.image.shape[0], task.image.shape[1])
        given = task.attributes or [{}] * len(task.people)
        return [
            make_prompt(
                self._options.prompt,
                asked,
                {},
                seed=task.seed,
                index=index,
                view="full" if person.landmarks is None else view_of(person.landmarks, shape),
            )
            for index, (person, asked) in enumerate(zip(task.people, given, strict=True))
        ]


def _regions(task: Task) -> list[NDArray[np.bool_]]:
    from refsd import masks

    shape = (task.image.shape[0], task.image.shape[1])
    return [masks.region(person, shape) for person in task.people]


def _outcome(task: Task, composite: Composite, refined: Refined, *, stages: bool) -> Outcome:
    """Whom the safety checker refused is masked, box and all."""
    from refsd import masks

    shape = (task.image.shape[0], task.image.shape[1])
    image, a = refined.image, np.zeros(shape, dtype=np.bool_)
    for region in composite.regions:
        a |= region
    for place in refined.flagged:
        region = masks.box_region(task.people[place], shape)
        image, a = masks.fill(image, region), a | region
    image = np.where(a[..., None], image, task.image)
    people = [
        _person(index, composite.prompts[index], refused=index in refined.flagged)
        for index in range(len(task.people))
    ]
    made = {"x_prime": masks.fill(task.image, a)} if stages else {}
    return Outcome(image=image, people=people, stages=made)


def _person(index: int, prompt: Prompt, *, refused: bool) -> PersonOutcome:
    if refused:
        return PersonOutcome(index, "masked", reason="the safety checker refused what was made")
    return PersonOutcome(index, "replaced", prompt=prompt.positive)


def load(options: Options) -> MaskSD:
    """Build the method; weights are loaded when the first picture comes."""
    return MaskSD(options)

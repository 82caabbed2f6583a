"""Mask-SD: Stable Diffusion paints somebody into every person's region, by a prompt alone.

The baseline that RefSD is compared with: no pose, no edges, nothing but the mask's outline. The
paper links the latent diffusion paper and states no checkpoint, prompt or dilation; ours are
RefSD's own regions and prompts, so that what differs is the rendering. Whoever has no pose, and is
masked by RefSD, is painted anew here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator

from humangenai.methods.method import Claim, Outcome, Task
from refsd.people import PersonOutcome
from refsd.prompts import PromptConfig, for_suite, make_prompt, mode_suffix, view_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refsd.diffusion.inpainting import DiffusionInpainter
    from refsd.prompts import Prompt
    from refsd.refinement import Composite, Refined


class Options(BaseModel):
    """What can be chosen.

    Attributes:
        inpainter: a name in ``configs/inpainters``, the path of a YAML file like those, or of a
            folder that holds one as ``refiner.yaml``.
        prompt: how people's attributes become prompts; hair and clothes are drawn, as there is no
            avatar to take them from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inpainter: str = "sd15"
    prompt: PromptConfig = PromptConfig(clothes="drawn")

    @field_validator("prompt")
    @classmethod
    def _without_avatars(cls, prompt: PromptConfig) -> PromptConfig:
        if "clothes" in prompt.model_fields_set and prompt.clothes == "avatar":
            raise ValueError("Mask-SD has no avatars to take 'clothes' from; leave the key out")
        return prompt.model_copy(update={"clothes": "drawn"})


class MaskSD:
    """Fills every region with grey, then paints a person of the prompt into it.

    Attributes:
        preserves: asks for the originals' labels (``humangenai.attributes``).
        prompted: paints what a suite asks for; not where one text is said of everybody.
    """

    claim: Claim = "removes"
    batch_size = 8

    def __init__(self, options: Options) -> None:
        from refsd.diffusion.inpainting import shared_inpainter

        self._options = options
        self._inpainter: DiffusionInpainter = shared_inpainter(options.inpainter)
        self.name = f"Mask-SD[{self._inpainter.name}{mode_suffix(options.prompt)}]"
        self.preserves = options.prompt.mode == "preserve"
        self.prompted = options.prompt.text is None

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
        composites = [self._composite(task) for task in tasks]
        return [
            _outcome(task, composite, refined, stages=stages)
            for task, composite, refined in zip(
                tasks, composites, self._inpainter.inpaint(composites), strict=True
            )
        ]

    def _composite(self, task: Task) -> Composite:
        """What is to be painted: nobody where no scene is left to paint them into."""
        from refsd import masks
        from refsd.refinement import Composite

        shape = _shape(task)
        regions = [masks.region(person, shape) for person in task.people]
        if np.logical_or.reduce(regions, axis=0).all():
            return Composite(task.image, [], [], task.seed)
        return Composite(task.image, regions, self._prompts(task), task.seed)

    def _prompts(self, task: Task) -> list[Prompt]:
        shape = _shape(task)
        given = task.attributes or [{}] * len(task.people)
        config = for_suite(self._options.prompt) if task.suite else self._options.prompt
        return [
            make_prompt(
                config,
                asked,
                {},
                seed=task.seed,
                index=index,
                view="full" if person.landmarks is None else view_of(person.landmarks, shape),
            )
            for index, (person, asked) in enumerate(zip(task.people, given, strict=True))
        ]


def _shape(task: Task) -> tuple[int, int]:
    return task.image.shape[0], task.image.shape[1]


def _outcome(task: Task, composite: Composite, refined: Refined, *, stages: bool) -> Outcome:
    """What was painted, laid into the picture; who was not painted is masked, box and all."""
    from refsd import masks
    from refsd.refinement import REFUSED

    shape = _shape(task)
    if composite.regions:
        reasons = dict.fromkeys(refined.flagged, REFUSED)
    else:
        reasons = dict.fromkeys(range(len(task.people)), "nothing of the scene is left to be seen")
    a, image = masks.union(task.people, shape), refined.image
    for index in reasons:
        region = masks.box_region(task.people[index], shape)
        image, a = masks.fill(image, region), a | region
    people = [
        PersonOutcome(index, "masked", reason=reasons[index])
        if index in reasons
        else PersonOutcome(index, "replaced", prompt=composite.prompts[index].positive)
        for index in range(len(task.people))
    ]
    made = {"filled": masks.fill(task.image, a)} if stages else {}
    return Outcome(image=np.where(a[..., None], image, task.image), people=people, stages=made)


def load(options: Options) -> MaskSD:
    """Build the method; weights are loaded when the first picture comes."""
    return MaskSD(options)

"""Running a checkpoint on many crops: full batches of equal size, one stream of noise per crop."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from refsd.diffusion import crops
from refsd.diffusion.checkpoints import CheckpointError
from refsd.diffusion.devices import make_plan
from refsd.diffusion.loading import identity, load_pipeline, quiet
from refsd.diffusion.prompting import Embeddings
from refsd.refinement import Refined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from refsd.diffusion.checkpoints import Checkpoint
    from refsd.diffusion.crops import Crop
    from refsd.diffusion.devices import Plan
    from refsd.diffusion.loading import Use
    from refsd.prompts import Prompt
    from refsd.refinement import Composite


@dataclass(frozen=True, eq=False)
class Job:
    """One crop to work on.

    Attributes:
        image: uint8 (h, w, 3), sRGB.
        guide: uint8 (h, w, 3): edges for a ControlNet, or 255 where there is a hole.
        prompt: what shall be seen.
        seed: of the noise.
    """

    image: NDArray[np.uint8]
    guide: NDArray[np.uint8]
    prompt: Prompt
    seed: int


class Runner:
    """A checkpoint on this machine; loaded when the first crop comes.

    Batches are always full, the last one with copies, and each crop's noise comes from a
    generator of its own. So what becomes of a crop depends neither on the crops beside it nor on
    how many there are.
    """

    def __init__(self, checkpoint: Checkpoint, use: Use) -> None:
        self.checkpoint = checkpoint
        self._use: Use = use

    @cached_property
    def plan(self) -> Plan:
        """Device, precision, batch."""
        return make_plan(self.checkpoint)

    @cached_property
    def _pipeline(self) -> Any:
        return load_pipeline(self.checkpoint, self.plan, self._use)

    @cached_property
    def _embeddings(self) -> Embeddings:
        return Embeddings(self._pipeline, guided=self.checkpoint.guidance > 1)

    def settings(self) -> dict[str, object]:
        """Weights, how they are used, and on what; JSON-able, no paths.

        Raises:
            CheckpointError: local weights are missing or not whole.
        """
        used = self.checkpoint.model_dump(
            mode="json", exclude={"name", "summary", "base", "controlnet", "lora", "dtype"}
        )
        return {"weights": identity(self.checkpoint), **used, **self.plan.settings()}

    def work_on(
        self,
        composites: Sequence[Composite],
        guide: Callable[[Composite, Crop], NDArray[np.uint8]],
    ) -> list[Refined]:
        """Work on a crop around every region, and paste what was made into it.

        Regions that overlap are pasted in the order of their sizes, the largest, which is likely
        the nearest, last.

        Args:
            composites: pictures with regions and prompts.
            guide: makes the guide of a crop.

        Raises:
            CheckpointError: the weights are missing or wrong.
        """
        places: list[tuple[int, int]] = []
        found: list[Crop] = []
        jobs: list[Job] = []
        for number, composite in enumerate(composites):
            for place, region in enumerate(composite.regions):
                crop = crops.crop_around(region, self.checkpoint.sizes, self.checkpoint.context)
                image = crops.cut(composite.image, crop)
                # Every region's own stream; numpy mixes the two numbers, torch would not.
                entropy = np.random.SeedSequence([composite.seed, place])
                seed = int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1))
                places.append((number, place))
                found.append(crop)
                jobs.append(Job(image, guide(composite, crop), composite.prompts[place], seed))
        made = dict(zip(places, zip(found, self.paint(jobs), strict=True), strict=True))
        return [
            _pasted(composite, number, made, self.checkpoint.tolerance)
            for number, composite in enumerate(composites)
        ]

    def paint(self, jobs: Sequence[Job]) -> list[NDArray[np.uint8] | None]:
        """What becomes of every crop, uint8 (h, w, 3); None where the safety checker refused it."""
        by_size: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, job in enumerate(jobs):
            by_size[job.image.shape].append(index)
        made: list[NDArray[np.uint8] | None] = [None] * len(jobs)
        for indices in by_size.values():
            for start in range(0, len(indices), self.plan.batch):
                some = indices[start : start + self.plan.batch]
                full = [*some, *[some[-1]] * (self.plan.batch - len(some))]
                painted = self._batch([jobs[index] for index in full])
                for index, picture in zip(some, painted, strict=False):
                    made[index] = picture
        return made

    def _batch(self, jobs: Sequence[Job]) -> list[NDArray[np.uint8] | None]:
        import torch

        settings = self.checkpoint
        negative = [
            job.prompt.negative if settings.negative is None else settings.negative for job in jobs
        ]
        words = self._embeddings([job.prompt.positive for job in jobs], negative)
        with quiet():
            done = self._pipeline(
                **words,
                **self._pictures(jobs),
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                generator=[torch.Generator("cpu").manual_seed(job.seed) for job in jobs],
                output_type="pt",
            )
        if not torch.isfinite(done.images).all():
            # Cast to a picture this would be black, and nobody would know why.
            raise CheckpointError(
                f"{settings.name!r} in {self.plan.dtype} made values that are not numbers; set "
                "'dtype: float32' in a copy of its YAML file"
            )
        pictures = done.images.float().clamp(0, 1).mul(255).round().to(torch.uint8)
        made = pictures.permute(0, 2, 3, 1).cpu().numpy()
        refused = getattr(done, "nsfw_content_detected", None) or [False] * len(jobs)
        return [None if no else picture for picture, no in zip(made, refused, strict=True)]

    def _pictures(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """What the pipeline is told of crops and guides, in the words of its call."""
        images = _tensor([job.image for job in jobs])
        guides = _tensor([job.guide for job in jobs])
        scale = {"controlnet_conditioning_scale": self.checkpoint.conditioning_scale}
        if self._use == "refine":
            strength = self.checkpoint.strength
            return {"image": images, "control_image": guides, "strength": strength, **scale}
        height, width = jobs[0].image.shape[:2]
        size = {"height": height, "width": width}
        if self.checkpoint.controlnet is not None:
            return {"image": with_holes(images, guides[:, :1] > 0), **size, **scale}
        # All of the noise: with less, what was under the hole would be where it starts from.
        return {"image": images, "mask_image": guides[:, :1], "strength": 1.0, **size}


def with_holes(images: Tensor, holes: Tensor) -> Tensor:
    """Pictures as ControlNets that fill holes take them (``control_v11p_sd15_inpaint`` does).

    Args:
        images: float32 (N, 3, h, w) in [0, 1].
        holes: bool (N, 1, h, w).

    Returns:
        float32 (N, 3, h, w): -1 in holes, elsewhere the pictures.
    """
    return images.masked_fill(holes, -1.0)


def _tensor(images: Sequence[NDArray[np.uint8]]) -> Any:
    """uint8 (h, w, 3) each to float32 (N, 3, h, w) in [0, 1], as diffusers' pipelines take them."""
    import torch

    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).to(torch.float32) / 255


def _pasted(
    composite: Composite,
    number: int,
    made: dict[tuple[int, int], tuple[Crop, NDArray[np.uint8] | None]],
    tolerance: float | None,
) -> Refined:
    """What was painted, laid into the picture."""
    image, flagged = composite.image, []
    for place in sorted(range(len(composite.regions)), key=lambda p: composite.regions[p].sum()):
        crop, painted = made[number, place]
        if painted is None:
            flagged.append(place)
            continue
        if tolerance is not None:
            figure = (composite.figures or composite.regions)[place]
            painted = crops.with_details(composite.image, painted, crop, figure, tolerance)
        image = crops.paste(image, painted, crop, composite.regions[place])
    return Refined(image, tuple(sorted(flagged)))

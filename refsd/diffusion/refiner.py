"""x̂ = diffusion(x″, prompt, ControlNet(Canny(x″))): image-to-image on a crop around each person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from refsd.diffusion import crops
from refsd.diffusion.devices import make_plan
from refsd.diffusion.loading import identity, load_pipeline, quiet
from refsd.diffusion.prompting import Embeddings
from refsd.refinement import Refined, canny

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.diffusion.checkpoints import Checkpoint
    from refsd.diffusion.crops import Crop
    from refsd.diffusion.devices import Plan
    from refsd.prompts import Prompt
    from refsd.refinement import Composite


@dataclass(frozen=True, eq=False)
class _Job:
    """One person to be refined: the picture's place in the batch, the person's in the picture."""

    picture: int
    place: int
    crop: Crop
    image: NDArray[np.uint8]
    prompt: Prompt
    seed: int


class DiffusionRefiner:
    """Refines people with Stable Diffusion, or any checkpoint in its layout.

    All people of all pictures that are given at once are worked on in full batches of equal size;
    the noise of each comes from a generator of its own. So an output depends neither on the
    people beside it nor on how many there are.

    Attributes:
        name: the checkpoint's.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name = checkpoint.name
        self._checkpoint = checkpoint

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self._checkpoint)

    @cached_property
    def _pipeline(self) -> Any:
        return load_pipeline(self._checkpoint, self._plan, "refine")

    @cached_property
    def _embeddings(self) -> Embeddings:
        return Embeddings(self._pipeline, guided=self._checkpoint.guidance > 1)

    def settings(self) -> Mapping[str, object]:
        """Weights, how they are used, and on what; no paths.

        Raises:
            CheckpointError: local weights are missing or not whole.
        """
        used = self._checkpoint.model_dump(
            mode="json", exclude={"name", "summary", "base", "controlnet", "lora", "dtype"}
        )
        return {"weights": identity(self._checkpoint), **used, **self._plan.settings()}

    def refine(self, composites: Sequence[Composite]) -> list[Refined]:
        """x̂ of every x″; see :class:`refsd.refinement.Refiner`.

        People whose regions overlap are pasted in the order of their regions' sizes, the largest,
        which is likely the nearest, last.

        Raises:
            CheckpointError: the weights are missing or wrong.
        """
        jobs = [
            self._job(number, composite, place)
            for number, composite in enumerate(composites)
            for place in range(len(composite.regions))
        ]
        by_size: dict[tuple[int, int], list[_Job]] = defaultdict(list)
        for job in jobs:
            by_size[job.crop.size].append(job)
        painted: dict[tuple[int, int], NDArray[np.uint8] | None] = {}
        for some in by_size.values():
            for start in range(0, len(some), self._plan.batch):
                batch = some[start : start + self._plan.batch]
                for job, made in zip(batch, self._paint(batch), strict=True):
                    painted[job.picture, job.place] = made
        windows = {(job.picture, job.place): job.crop for job in jobs}
        return [
            _pasted(composite, number, painted, windows)
            for number, composite in enumerate(composites)
        ]

    def _job(self, picture: int, composite: Composite, place: int) -> _Job:
        settings = self._checkpoint
        crop = crops.crop_around(composite.regions[place], settings.sizes, settings.context)
        # The person's own stream; numpy mixes the two numbers, which torch does not.
        seed = np.random.SeedSequence([composite.seed, place]).generate_state(1, np.uint64)[0]
        return _Job(
            picture,
            place,
            crop,
            crops.cut(composite.image, crop),
            composite.prompts[place],
            int(seed >> 1),
        )

    def _paint(self, jobs: Sequence[_Job]) -> list[NDArray[np.uint8] | None]:
        """Run a batch; None where the safety checker refused what was made."""
        import torch

        settings = self._checkpoint
        full = [*jobs, *[jobs[-1]] * (self._plan.batch - len(jobs))]
        images = np.stack([job.image for job in full])
        edges = np.stack([canny(job.image, *settings.canny) for job in full])
        positive = [job.prompt.positive for job in full]
        negative = [
            job.prompt.negative if settings.negative is None else settings.negative for job in full
        ]
        with quiet():
            done = self._pipeline(
                **self._embeddings(positive, negative),
                image=_tensor(images),
                control_image=_tensor(edges),
                strength=settings.strength,
                num_inference_steps=settings.steps,
                guidance_scale=settings.guidance,
                controlnet_conditioning_scale=settings.conditioning_scale,
                generator=[torch.Generator("cpu").manual_seed(job.seed) for job in full],
                output_type="pt",
            )
        flagged = getattr(done, "nsfw_content_detected", None) or [False] * len(full)
        pictures = done.images.float().clamp(0, 1).mul(255).round().to(torch.uint8)
        made = pictures.permute(0, 2, 3, 1).cpu().numpy()
        return [
            None if refused else picture
            for picture, refused, _ in zip(made, flagged, jobs, strict=False)
        ]


def _tensor(images: NDArray[np.uint8]) -> Any:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [0, 1], as diffusers' pipelines take them."""
    import torch

    return torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32) / 255


def _pasted(
    composite: Composite,
    number: int,
    painted: Mapping[tuple[int, int], NDArray[np.uint8] | None],
    windows: Mapping[tuple[int, int], Crop],
) -> Refined:
    """What was painted, laid into the picture."""
    image = composite.image
    flagged = []
    for place in sorted(range(len(composite.regions)), key=lambda p: composite.regions[p].sum()):
        made = painted[number, place]
        if made is None:
            flagged.append(place)
        else:
            image = crops.paste(image, made, windows[number, place], composite.regions[place])
    return Refined(image, tuple(sorted(flagged)))

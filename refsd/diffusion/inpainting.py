"""Holes filled by diffusion: RefSD's removal, and the baseline Mask-SD.

A hole is filled with grey before anything else looks at the picture, and the noise that the model
starts from is all noise (strength 1). So nothing of what was in the hole can reach the output:
the only latents that the model sees are those of the grey.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd import masks
from refsd.diffusion import crops
from refsd.diffusion.checkpoints import load_checkpoint
from refsd.diffusion.running import Runner
from refsd.prompts import Prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.diffusion.checkpoints import Checkpoint
    from refsd.diffusion.crops import Crop
    from refsd.refinement import Composite, Refined

EMPTY = Prompt(
    positive="empty background, nobody there, natural continuation of the surroundings",
    negative="person, people, man, woman, child, face, body, hands, statue, mannequin, silhouette, "
    "animal, text, watermark, blurry, low quality",
)
"""What removal asks for; ours, the paper states none."""


class DiffusionInpainter:
    """Fills holes with Stable Diffusion's inpainting checkpoints, or any in their layout.

    Attributes:
        name: the checkpoint's.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.name = checkpoint.name
        self._runner = Runner(checkpoint, "inpaint")

    def settings(self) -> Mapping[str, object]:
        """Weights, how they are used, and on what; no paths.

        Raises:
            CheckpointError: local weights are missing or not whole.
        """
        return self._runner.settings()

    def inpaint(self, pictures: Sequence[Composite]) -> list[Refined]:
        """Fill every region after its prompt.

        Args:
            pictures: regions of one picture may overlap; all are grey to all.

        Returns:
            The pictures; outside the regions bit for bit what they were. Where the safety checker
            refused what was made, the hole is grey.

        Raises:
            CheckpointError: the weights are missing or wrong.
        """
        unions = [_union(picture) for picture in pictures]
        emptied = [
            replace(picture, image=masks.fill(picture.image, union))
            for picture, union in zip(pictures, unions, strict=True)
        ]
        holes = {id(picture): union for picture, union in zip(emptied, unions, strict=True)}

        def hole(picture: Composite, crop: Crop) -> NDArray[np.uint8]:
            grown = np.repeat(holes[id(picture)][..., None], 3, axis=2).astype(np.uint8) * 255
            cut = crops.cut(grown, crop)
            # A pixel that holds any of the hole's grey belongs to the hole.
            return np.where(cut > 0, 255, 0).astype(np.uint8)

        return self._runner.work_on(emptied, hole)

    def empty(self, image: NDArray[np.uint8], region: NDArray[np.bool_], seed: int) -> Refined:
        """Fill a region with what could have been behind it.

        Args:
            image: uint8 (H, W, 3), sRGB.
            region: bool (H, W).
            seed: of the noise.
        """
        from refsd.refinement import Composite

        parts = _parts(region)
        return self.inpaint([Composite(image, parts, [EMPTY] * len(parts), seed)])[0]


def _union(picture: Composite) -> NDArray[np.bool_]:
    whole = np.zeros(picture.image.shape[:2], dtype=np.bool_)
    for region in picture.regions:
        whole |= region
    return whole


def _parts(region: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The connected parts of a region, bool (H, W) each."""
    count, numbers = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    return [np.asarray(numbers == number) for number in range(1, count)]


@lru_cache(maxsize=2)
def shared_inpainter(name: str) -> DiffusionInpainter:
    """The inpainter of a checkpoint, one per process: a name in ``configs/inpainters``, or a path.

    Raises:
        CheckpointError: there is no such checkpoint, or its settings are wrong.
    """
    return DiffusionInpainter(load_checkpoint(name, "inpainters"))

"""Holes filled by diffusion: RefSD's removal, and the baseline Mask-SD.

Before anything else looks at the picture a hole is filled with grey, then with what its rim
continues (``refsd.removal``'s ``opencv``): the edge of what is painted is mixed with that, where
mixing it with grey would draw an outline. The noise that the model starts from is all noise
(strength 1), so the outputs of FADM, whose code starts at 0.6 from latents of the person, are not
what these are.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd import masks, removal
from refsd.diffusion import crops
from refsd.diffusion.checkpoints import CheckpointError, load_checkpoint
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


CELL = 8
"""Pixels along the side of what one latent of Stable Diffusion's VAE stands for."""


class DiffusionInpainter:
    """Fills holes with Stable Diffusion's inpainting checkpoints, or any in their layout.

    UNets with nine input channels are told where the hole is; those with four, which were made for
    whole pictures, get everything around it put back after every step. Where the checkpoint has a
    ControlNet, that is shown the picture with its hole, and all of it is painted from noise.

    Attributes:
        name: the checkpoint's.

    Raises:
        CheckpointError: the checkpoint's strength is not 1.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        if checkpoint.strength != 1.0:
            raise CheckpointError(
                f"the inpainter {checkpoint.name!r} has strength {checkpoint.strength}: inpainting "
                "starts from pure noise; leave 'strength' out"
            )
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
            pictures: regions of one picture may overlap; none is seen while another is filled.

        Returns:
            The pictures; outside the regions bit for bit what they were. Where the safety checker
            refused what was made, the region is grey.

        Raises:
            CheckpointError: the weights are missing or wrong.
        """
        emptied = [
            replace(picture, image=removal.remove(picture.image, union(picture), "opencv"))
            for picture in pictures
        ]
        return [
            _refused_in_grey(picture, done)
            for picture, done in zip(pictures, self._runner.work_on(emptied, hole), strict=True)
        ]

    def empty(self, image: NDArray[np.uint8], region: NDArray[np.bool_], seed: int) -> Refined:
        """Fill a region with what could have been behind it.

        Args:
            image: uint8 (H, W, 3), sRGB.
            region: bool (H, W).
            seed: of the noise.

        Returns:
            The picture; ``flagged`` counts the parts of the region, see :func:`parts`.
        """
        from refsd.refinement import Composite

        found = parts(region)
        return self.inpaint([Composite(image, found, [EMPTY] * len(found), seed)])[0]


def union(picture: Composite) -> NDArray[np.bool_]:
    """All regions of a picture in one, bool (H, W)."""
    whole = np.zeros(picture.image.shape[:2], dtype=np.bool_)
    for region in picture.regions:
        whole |= region
    return whole


def hole(picture: Composite, crop: Crop) -> NDArray[np.uint8]:
    """Where a crop is to be filled: everybody's regions, not only that which it is around.

    Args:
        picture: with regions.
        crop: where.

    Returns:
        uint8 (h, w, 3) of the crop's size, 255 in the hole and 0 elsewhere, in whole cells of the
        latent grid. The pipelines take one pixel per cell to stand for it: a cell of which only
        another pixel is in the hole would count as seen, and its filling as the scene.
    """
    whole = np.repeat(union(picture)[..., None], 3, axis=2).astype(np.uint8) * 255
    touched = crops.cut(whole, crop)[..., 0] > 0
    height, width = touched.shape
    cells = touched.reshape(height // CELL, CELL, width // CELL, CELL).any(axis=(1, 3))
    mask = np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)
    return np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


def parts(region: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """A region in parts that are filled one by one.

    Connected parts whose windows overlap stay together: an arm beside its body costs no run of
    its own.

    Args:
        region: bool (H, W).

    Returns:
        bool (H, W) each; disjoint, and together the region.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    windows = [(left, top, left + w, top + h) for left, top, w, h, _ in stats[1:].tolist()]
    found = []
    for x0, y0, x1, y1 in masks.merge(windows):
        part = np.zeros_like(region)
        part[y0:y1, x0:x1] = region[y0:y1, x0:x1]
        found.append(part)
    return found


def _refused_in_grey(picture: Composite, done: Refined) -> Refined:
    """Nothing of a refused region is shown, be it the filling or a neighbour painted into it."""
    image = done.image
    for place in done.flagged:
        image = masks.fill(image, picture.regions[place])
    return replace(done, image=image)


@lru_cache(maxsize=2)
def shared_inpainter(name: str) -> DiffusionInpainter:
    """The inpainter of a checkpoint, one per process: a name in ``configs/inpainters``, or a path.

    Raises:
        CheckpointError: there is no such checkpoint, or its settings are wrong.
    """
    return DiffusionInpainter(load_checkpoint(name, "inpainters"))

"""Pixelate: a mosaic over every person, its blocks as large as the person is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.methods.method import Claim, Outcome, Task
from humangenai.methods.size import size_of, smallest_first
from refsd.people import PersonOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Options(BaseModel):
    """How coarse.

    Attributes:
        blocks: so many square blocks along the longer side of the person's box.
        name: what the table says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocks: int = Field(default=16, ge=1)
    name: str = "Pixelate"


class Pixelate:
    """Replaces every block of a person's dilated region by its mean colour."""

    claim: Claim = "obscures"
    batch_size = 16

    def __init__(self, options: Options) -> None:
        self.name = options.name
        self._blocks = options.blocks

    def settings(self) -> Mapping[str, object]:
        """The number of blocks."""
        return {"blocks": self._blocks}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Pixelate everybody."""
        return [self._picture(task) for task in tasks]

    def _picture(self, task: Task) -> Outcome:
        from refsd import masks

        image = task.image.copy()
        height, width = image.shape[:2]
        for person in smallest_first(task.people):
            (x0, y0, x1, y1), region = masks.window_region(person, (height, width))
            if not region.any():
                continue
            block = max(1, round(size_of(person) / self._blocks))
            tiles = mosaic(task.image[y0:y1, x0:x1], block)
            image[y0:y1, x0:x1][region] = tiles[region]
        outcomes = [PersonOutcome(index, "obscured") for index in range(len(task.people))]
        return Outcome(image=image, people=outcomes)


def mosaic(image: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Every block replaced by its mean colour.

    Args:
        image: uint8 (H, W, 3).
        block: side of a block in pixels; blocks at the right and lower border may be smaller.
    """
    height, width = image.shape[:2]
    rows, columns = np.arange(0, height, block), np.arange(0, width, block)
    sums = np.add.reduceat(image.astype(np.uint64), rows, axis=0)
    sums = np.add.reduceat(sums, columns, axis=1)
    counts = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means = np.rint(sums / counts[..., None]).astype(np.uint8)
    whole = means.repeat(block, axis=0).repeat(block, axis=1)
    return np.ascontiguousarray(whole[:height, :width])


def load(options: Options) -> Pixelate:
    """Build the method."""
    return Pixelate(options)

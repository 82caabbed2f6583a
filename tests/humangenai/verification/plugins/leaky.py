"""Methods that claim to remove people and do not keep to it, each in another way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.methods.maskout import MaskOut
from refsd import masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from humangenai.methods import Outcome, Task


class Options(BaseModel):
    """How it leaks.

    Attributes:
        kind: ``mean``: the fill is the mean colour of what was there. ``fails``: it gives up where
            it finds a dark person. ``says``: the name of the avatar tells. ``remembers``: the mean
            colour, and a memory of the pictures that were asked for before. ``chance``: nothing of
            the picture, but another fill every time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mean", "fails", "says", "remembers", "chance"]


class Leaky(MaskOut):
    """MaskOut with a hole."""

    def __init__(self, kind: str) -> None:
        self.name = f"leaky {kind}"
        self._kind = kind
        self._memory: dict[str, Outcome] = {}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        filled = super().pseudonymize(tasks)
        return [self._leak(task, outcome) for task, outcome in zip(tasks, filled, strict=True)]

    def _leak(self, task: Task, outcome: Outcome) -> Outcome:
        region = masks.union(task.people, task.image.shape[:2])
        mean = task.image[region].mean(axis=0)
        image = outcome.image.copy()
        if self._kind == "chance":
            image[region] = np.random.default_rng().integers(0, 256, 3)
            return replace(outcome, image=image)
        if self._kind == "says":
            people = [replace(p, status="replaced", avatar=str(mean[0])) for p in outcome.people]
            return replace(outcome, people=people)
        if self._kind == "fails":
            # Uniform noise has a mean of 127; one colour is far from it.
            if abs(mean[0] - 127) > 100:
                raise ValueError("too dark")
            return outcome
        image[region] = mean
        if self._kind == "remembers":
            return self._memory.setdefault(task.key, replace(outcome, image=image))
        return replace(outcome, image=image)


def load(options: Options) -> Leaky:
    return Leaky(options.kind)

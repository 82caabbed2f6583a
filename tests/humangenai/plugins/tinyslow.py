"""A method that takes its time, and notes down in a file every picture it is asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.methods import Outcome
from refsd.people import PersonOutcome


class Options(BaseModel):
    """How long a picture takes, and which one makes it fail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = 0.0
    fails_on: str = ""


class Slow:
    """Fills people with a colour drawn from the seed."""

    name = "slow"
    claim = "removes"
    batch_size = 2

    def __init__(self, options: Options) -> None:
        self._options = options

    def settings(self) -> dict[str, object]:
        return {}

    def pseudonymize(self, tasks, *, stages=False):
        if any(task.key == self._options.fails_on for task in tasks):
            raise RuntimeError("this picture\nis too hard")
        return [self._picture(task) for task in tasks]

    def _picture(self, task):
        time.sleep(self._options.seconds)
        if "TINYSLOW_LOG" in os.environ:
            with Path(os.environ["TINYSLOW_LOG"]).open("a") as log:
                log.write(task.key + "\n")
        image = task.image.copy()
        colour = np.random.default_rng(task.seed).integers(0, 256, 3)
        for person in task.people:
            image[person.full_mask(*image.shape[:2])] = colour
        people = [PersonOutcome(i, "replaced", avatar="bank/1") for i in range(len(task.people))]
        return Outcome(image, people, {"m": image})


def load(options: Options) -> Slow:
    return Slow(options)

"""MaskOut: every person filled with mid-grey. No pixel of the dilated region is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from humangenai.methods.method import Claim, Outcome, Task
from refsd.people import PersonOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Options(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MaskOut:
    """Fills the union of the dilated regions; nothing outside it changes."""

    name = "MaskOut"
    claim: Claim = "removes"
    batch_size = 32

    def settings(self) -> Mapping[str, object]:
        """Nothing to choose."""
        return {}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Fill everybody."""
        return [self._picture(task) for task in tasks]

    def _picture(self, task: Task) -> Outcome:
        from refsd import masks

        height, width = task.image.shape[:2]
        region = masks.union(task.people, (height, width))
        outcomes = [PersonOutcome(index, "masked") for index in range(len(task.people))]
        return Outcome(image=masks.fill(task.image, region), people=outcomes)


def load(options: Options) -> MaskOut:
    """Build the method."""
    return MaskOut()

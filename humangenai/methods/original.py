"""Original: the pictures as they are. What every method is compared with."""

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


class Original:
    """Leaves everybody in; its outputs are never stored in ``release/``."""

    name = "Original"
    claim: Claim = "none"
    batch_size = 32

    def settings(self) -> Mapping[str, object]:
        """Nothing influences the output."""
        return {}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Hand the pictures back."""
        return [
            Outcome(
                image=task.image,
                people=[PersonOutcome(index, "kept") for index in range(len(task.people))],
            )
            for task in tasks
        ]


def load(options: Options) -> Original:
    """Build the method."""
    return Original()

"""The judge ``probe``: the attribute probe that comes with the benchmark, on any machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.judges.judge import Ceiling, unmeasured
from humangenai.attribute_fidelity.probe import SHIPPED, Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop

MEASURED_ON = "training family"
"""Which of the accuracies in the probe's records is its ceiling: on renders of the family that
refsd-tiny learned from, not of the probe's own. A perfect picture of refsd-tiny looks like these.
"""


class ProbeJudge:
    """The probe behind the protocol of all judges.

    Attributes:
        version: the first 16 digits of the sha256 of both networks' weights, body then head.

    Args:
        probe: with its weights and its records.
    """

    name = "probe"
    licence = "Apache-2.0 (trained by this project on its own renders)"

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self.version = "-".join(
            str(probe.records[crop]["sha256"])[:16] for crop in sorted(probe.records)
        )

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        """Attribute → the values that it tells apart."""
        return self._probe.values[crop]

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        """From the record that training wrote beside the weights."""
        measured = self._probe.records[crop]["accuracy"].get(MEASURED_ON, {})
        return {
            key: Ceiling(**measured[key], measured_on=f"renders ({MEASURED_ON})")
            if key in measured
            else unmeasured(1 / len(values))
            for key, values in self.values(crop).items()
        }

    def judge(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Say what pictures show; temperatures fitted in training calibrate it."""
        return self._probe.judge(pictures, crop)


def load(weights: str = "") -> ProbeJudge:
    """The judge with the shipped weights, or with those in a folder that training wrote.

    Raises:
        UserError: the folder does not hold them.
    """
    return ProbeJudge(Probe.load(Path(weights).expanduser() if weights else SHIPPED))

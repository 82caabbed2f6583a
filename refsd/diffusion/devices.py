"""What runs where: device, precision and savings of memory, decided once and written down.

The decision depends on what the machine has, never on what is free at the moment: the plan is part
of a method's settings, and a run that goes on tomorrow must find the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from refsd.diffusion.checkpoints import Checkpoint

GIB = 2**30

WEIGHTS = {"sd15": 2.7, "sdxl": 9.0}
"""GiB that published weights with a ControlNet take in half precision: SD 1.5 has 1.4 and SDXL 4.7
thousand million parameters with theirs."""

WORK = {"sd15": 1.5, "sdxl": 4.0}
"""GiB beside the weights for one crop of 512² or 1024² with guidance, in half precision."""

MANY = 16
"""Crops at once where memory allows: more did not make graphics cards quicker per picture."""

SMALL = 128 * 128
"""Pixels of crops that processors, too, work on several at once; larger ones fill them alone."""


@dataclass(frozen=True)
class Plan:
    """How a checkpoint runs on this machine.

    Attributes:
        device: ``cuda`` or ``cpu``.
        dtype: a name of torch's.
        offload: parts of the model wait in main memory until their turn.
        slicing: attention one head at a time and the VAE tile by tile: slower, and smaller.
        batch: crops at once. Batches are always full, the last one with copies: then no crop's
            output depends on how many others there are.
        threads: torch's, where a processor does the work: another number gives other bytes.
    """

    device: Literal["cuda", "cpu"]
    dtype: str
    offload: bool
    slicing: bool
    batch: int
    threads: int | None = None

    def settings(self) -> dict[str, object]:
        """For the record."""
        return asdict(self)


def make_plan(checkpoint: Checkpoint) -> Plan:
    """Choose for the machine at hand."""
    import psutil
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / GIB
        half = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        return plan_for(checkpoint, "cuda", memory, half)
    memory = psutil.virtual_memory().total / GIB
    return replace(plan_for(checkpoint, "cpu", memory, "bfloat16"), threads=torch.get_num_threads())


def plan_for(
    checkpoint: Checkpoint, device: Literal["cuda", "cpu"], memory: float, half: str
) -> Plan:
    """The plan for a machine.

    Processors take single precision where it fits, because few are quick at half.

    Args:
        checkpoint: what shall run.
        device: on what.
        memory: GiB that it has in all; a fifth is left to others.
        half: the half precision that the device knows.
    """
    usable = 0.8 * memory
    pixels = max(height * width for height, width in checkpoint.sizes)
    usual = 1024**2 if checkpoint.family == "sdxl" else 512**2
    weights, work = WEIGHTS[checkpoint.family], WORK[checkpoint.family] * pixels / usual
    dtype: str = checkpoint.dtype
    if dtype == "auto":
        whole = device == "cpu" and usable > 2 * (weights + work)
        dtype = "float32" if whole else half
    scale = 2.0 if dtype == "float32" else 1.0
    offload = device == "cuda" and usable < scale * (weights + work)
    left = usable - scale * (0.4 if offload else 1.0) * weights
    most = MANY if device == "cuda" else 8 if pixels <= SMALL else 1
    batch = max(1, min(most, int(left / (scale * work))))
    return Plan(device, dtype, offload=offload, slicing=left < scale * work, batch=batch)

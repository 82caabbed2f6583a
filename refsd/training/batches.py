"""Batches of training pairs: all shards in memory, drawn by step, so that a resumed run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from refsd.training.data import load_shard
from refsd.training.hardware import DEVICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

HELD_OUT = 1
"""So many shards at the end of a part are never trained on."""


class Pairs:
    """The pairs of one part.

    Attributes:
        target, composite: uint8 (N, H, W, 3), sRGB.
        labels: N mappings attribute → value.
    """

    def __init__(self, shards: Sequence[Path]) -> None:
        loaded = [load_shard(path) for path in shards]
        self.target: NDArray[np.uint8] = np.concatenate([shard.target for shard in loaded])
        self.composite: NDArray[np.uint8] = np.concatenate([shard.composite for shard in loaded])
        self.labels: list[Mapping[str, str]] = [m for shard in loaded for m in shard.labels]

    def __len__(self) -> int:
        return len(self.target)

    def draw(self, step: int, count: int) -> NDArray[np.int64]:
        """The samples of a step: each once in an epoch, in an order that the step decides."""
        per_epoch = max(1, len(self) // count)
        order = np.random.default_rng([step // per_epoch, len(self)]).permutation(len(self))
        at = step % per_epoch * count
        return order[at : at + count]


def to_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [-1, 1], as diffusers' models take it."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
    return tensor.to(DEVICE, torch.float32) / 127.5 - 1


def to_images(tensor: torch.Tensor) -> NDArray[np.uint8]:
    """The inverse of :func:`to_tensor`; values outside [-1, 1] are clipped."""
    scaled = (tensor.detach().float().clamp(-1, 1) + 1) * 127.5
    return np.asarray(scaled.round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())

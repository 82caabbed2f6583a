"""What every training of the benchmark does at an update: its learning rate, its pictures.

Both come from the update's number alone, so that a training that was killed goes on as it was.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def schedule(done: float, warm_up: float, least: float) -> float:
    """The learning rate as a share of its highest: up a line, down a cosine.

    Args:
        done: share of the training in [0, 1].
        warm_up: share in which it rises.
        least: what it rises from.

    >>> [round(schedule(done, 0.1, 0.01), 2) for done in (0, 0.05, 0.1, 1)]
    [0.01, 0.5, 1.0, 0.0]
    """
    if done < warm_up:
        return max(done / warm_up, least)
    return 0.5 + 0.5 * math.cos(math.pi * (done - warm_up) / (1 - warm_up))


def batch(pictures: int, size: int, seed: int, update: int) -> NDArray[np.int64]:
    """Which pictures an update learns from.

    All come up equally often: one shuffled round follows the other, across the ends of batches.

    Args:
        pictures: how many there are.
        size: how many an update takes.
        seed: of the order, which is another one every time round.
        update: its number.

    Returns:
        int64 (size,).

    >>> sorted(int(at) for update in range(3) for at in batch(3, 2, 0, update))
    [0, 0, 1, 1, 2, 2]
    """
    places = np.arange(update * size, (update + 1) * size)
    return np.array([_order(pictures, seed, int(p) // pictures)[p % pictures] for p in places])


@lru_cache(maxsize=64)
def _order(pictures: int, seed: int, turn: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, turn]).permutation(pictures)

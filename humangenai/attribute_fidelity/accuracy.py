"""How often a judge is right, with the same weight for every value.

The mean over values of the share of pictures of that value which are judged to be of it. Whoever
judges without looking scores 1 / number of values, whatever the pictures show and whatever the
judge prefers; plain accuracy would reward calling everybody beardless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai.statistics import RESAMPLES, resample_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Accuracy:
    """A mean recall with its 95 % interval, pictures resampled.

    Attributes:
        value: mean over values, in [0, 1]; NaN without pictures.
        low: lower end of the interval.
        high: its upper end.
        chance: what judging without looking scores.
        n: pictures.
    """

    value: float
    low: float
    high: float
    chance: float
    n: int


def accuracy(wanted: NDArray[np.int64], said: NDArray[np.int64], *, seed: int = 0) -> Accuracy:
    """Mean recall over the values that occur, with its interval.

    Args:
        wanted: int (N,), the value of each picture as a number from 0.
        said: int (N,), what the judge says.
        seed: of the resamples.

    >>> result = accuracy(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
    >>> round(result.value, 3), result.chance, result.n
    (0.833, 0.5, 4)
    """
    if not len(wanted):
        return Accuracy(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    resampled = resampled_accuracies(wanted, said, seed=seed)
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    whole = _mean_recall(np.ones((1, len(wanted))), wanted, said)[0]
    chance = 1 / len(np.unique(wanted))
    return Accuracy(float(whole), float(low), float(high), chance, len(wanted))


def resampled_accuracies(
    wanted: NDArray[np.int64], said: NDArray[np.int64], *, seed: int = 0
) -> NDArray[np.float64]:
    """The mean recall of every bootstrap resample of the pictures: float64 (RESAMPLES,)."""
    return _mean_recall(resample_weights(len(wanted), RESAMPLES, seed), wanted, said)


def _mean_recall(
    weights: NDArray[np.float64], wanted: NDArray[np.int64], said: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean recall under each row of weights (R, N); values that a row lacks are left out."""
    is_value = (wanted[:, None] == np.unique(wanted)[None]).astype(np.float64)
    hits = is_value * (wanted == said)[:, None]
    with np.errstate(invalid="ignore"):
        recalls = (weights @ hits) / (weights @ is_value)
    return np.asarray(np.nanmean(recalls, axis=1), dtype=np.float64)

"""Whether a judge is as often right as it is sure: the expected calibration error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BINS = 10
"""Bins of confidence, equally wide; more would be nearly empty with hundreds of pictures."""


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> NDArray[np.float64]:
    """How sure and how often right, bin by bin: a reliability diagram as numbers.

    Args:
        confidence: float (N,) in [0, 1], probability of the likeliest value; NaN is left out.
        right: float (N,) in [0, 1], whether that value is the true one.
        bins: equally wide bins over [0, 1], each with its upper end.

    Returns:
        float64 (bins, 3): mean confidence, share that is right, and count; NaN, NaN and 0 where a
        bin is empty.

    Raises:
        ValueError: the lengths differ, or there is no bin.
    """
    sure, hits = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != hits.shape:
        raise ValueError(
            f"confidence and right must be (N,) each, not {sure.shape} and {hits.shape}"
        )
    if bins < 1:
        raise ValueError(f"there must be a bin, not {bins}")
    known = ~(np.isnan(sure) | np.isnan(hits))
    sure, hits = sure[known], hits[known]
    index = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean_sure = np.bincount(index, weights=sure, minlength=bins) / counts
        mean_hits = np.bincount(index, weights=hits, minlength=bins) / counts
    return np.stack([mean_sure, mean_hits, counts], axis=1)


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = BINS) -> float:
    """Mean gap between confidence and accuracy over bins, weighted by their counts.

    Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017. Biased upwards where there
    are few pictures: 30 in ten bins differ from their true rates by chance alone.

    Args:
        confidence: see :func:`reliability`.
        right: likewise.
        bins: likewise.

    Returns:
        In [0, 1]; NaN without observations.

    >>> round(expected_calibration_error([0.9, 0.9, 0.6, 0.6], [1, 1, 0, 1]), 3)
    0.1
    """
    table = reliability(confidence, right, bins)
    table = table[table[:, 2] > 0]
    if not len(table):
        return math.nan
    gaps = np.abs(table[:, 0] - table[:, 1])
    return float((gaps * table[:, 2]).sum() / table[:, 2].sum())

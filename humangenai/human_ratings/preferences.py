"""Who is preferred, from answers to "which of the two?": the Bradley–Terry model.

Every method has a strength θ, and A is preferred to B with probability 1 / (1 + exp(θ_B − θ_A))
(Bradley & Terry, *Biometrika* 39, 1952). A tie counts as half a win for both.

A method that was never (or always) preferred would get an infinite strength. A small penalty on θ²
keeps strengths finite; it is the same as a wide normal prior around equality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai.statistics import CROSSED_RESAMPLES, Estimate, crossed_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

PENALTY = 0.01
"""Times θ², subtracted from the log-likelihood: less than one comparison's worth."""

_STEPS = 100
_BLOCK = 256


@dataclass(frozen=True)
class Preferences:
    """How strongly methods are preferred.

    Attributes:
        strengths: method → θ in log odds, the mean of all methods 0; with 95 % intervals, whose
            ``n`` are comparisons and ``clusters`` items.
        wins: float64 (methods, methods): how often the row's method was preferred to the column's,
            a tie as half; in the order of ``strengths``.
    """

    strengths: dict[str, Estimate]
    wins: Floats

    def probability(self, method: str, against: str) -> float:
        """The chance in [0, 1] that ``method`` is preferred to ``against``."""
        apart = self.strengths[against].value - self.strengths[method].value
        return 1 / (1 + math.exp(apart))


def bradley_terry(
    first: Sequence[str],
    second: Sequence[str],
    outcomes: ArrayLike,
    items: ArrayLike,
    annotators: ArrayLike,
    *,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> Preferences:
    """Strengths of methods from comparisons of two.

    Args:
        first: str (N,), one of the two methods compared.
        second: str (N,), the other.
        outcomes: float (N,): 1 where the first was preferred, 0 where the second, 0.5 for a tie;
            NaN is left out.
        items: (N,) labels of what was compared; resampled.
        annotators: (N,) labels of who compared; resampled.
        resamples: how often to resample.
        seed: of the resamples.

    Returns:
        Strengths; their interval is NaN with fewer than two items or annotators. A method without
        any comparison does not appear.

    Raises:
        ValueError: the lengths differ, an outcome is none of the three, or a method is compared
            with itself.

    >>> found = bradley_terry("aab", "bbc", [1, 0.5, 1], [0, 1, 2], ["x", "y", "x"])
    >>> sorted(found.strengths, key=lambda name: -found.strengths[name].value)
    ['a', 'b', 'c']
    """
    outcome = np.asarray(outcomes, dtype=np.float64)
    labels = [np.asarray(part) for part in (list(first), list(second), items, annotators)]
    if outcome.ndim != 1 or any(part.shape != outcome.shape for part in labels):
        raise ValueError("all arguments must be one-dimensional and of one length")
    answered = ~np.isnan(outcome)
    outcome = outcome[answered]
    one, other, item_labels, annotator_labels = (part[answered] for part in labels)
    if not np.isin(outcome, (0, 0.5, 1)).all():
        raise ValueError("an outcome is 1 (the first), 0 (the second) or 0.5 (a tie)")
    if (one == other).any():
        raise ValueError("a method cannot be compared with itself")
    names, index = np.unique(np.concatenate([one, other]), return_inverse=True)
    if not names.size:
        return Preferences({}, np.zeros((0, 0)))
    a, b = index[: outcome.size], index[outcome.size :]
    item_names, item = np.unique(item_labels, return_inverse=True)
    annotator_names, annotator = np.unique(annotator_labels, return_inverse=True)
    # One comparison's wins, as a row of the flattened table.
    each = np.zeros((outcome.size, names.size**2))
    rows = np.arange(outcome.size)
    each[rows, a * names.size + b] = outcome
    each[rows, b * names.size + a] = 1 - outcome
    shape = (names.size, names.size)
    wins = each.sum(axis=0).reshape(shape)
    strengths = fit(wins[None])[0]
    low = high = np.full(names.size, math.nan)
    if min(item_names.size, annotator_names.size) >= 2:
        of_items, of_annotators = crossed_weights(
            item_names.size, annotator_names.size, resamples, seed
        )
        drawn = np.empty((resamples, names.size))
        for start in range(0, resamples, _BLOCK):
            block = slice(start, start + _BLOCK)
            weights = of_items[block][:, item] * of_annotators[block][:, annotator]
            drawn[block] = fit((weights @ each).reshape(-1, *shape))
        low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return Preferences(
        strengths={
            str(name): Estimate(
                float(strengths[at]),
                float(low[at]),
                float(high[at]),
                n=int(((a == at) | (b == at)).sum()),
                clusters=np.unique(item[(a == at) | (b == at)]).size,
            )
            for at, name in enumerate(names)
        },
        wins=wins,
    )


def fit(wins: Floats, penalty: float = PENALTY) -> Floats:
    """The strengths that make wins likeliest, by Newton's method.

    Args:
        wins: float64 (tables, methods, methods): how often the row's method beat the column's.
        penalty: times the sum of θ²; above 0, as otherwise strengths may be infinite.

    Returns:
        float64 (tables, methods), the mean of each row 0.
    """
    played = wins + wins.swapaxes(1, 2)
    won = wins.sum(axis=2)
    theta = np.zeros(won.shape)
    diagonal = np.arange(won.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(theta[:, None, :] - theta[:, :, None]))
        gradient = won - (played * chance).sum(axis=2) - 2 * penalty * theta
        curvature = played * chance * (1 - chance)
        hessian = -curvature
        hessian[:, diagonal, diagonal] += curvature.sum(axis=2) + 2 * penalty
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        # Far from the maximum a full step may leap beyond it, and back, for ever.
        theta = theta + np.clip(step, -1, 1)
        if np.abs(step).max(initial=0) < 1e-10:
            break
    return np.asarray(theta - theta.mean(axis=1, keepdims=True))

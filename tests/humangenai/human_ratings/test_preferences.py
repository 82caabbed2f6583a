"""Bradley–Terry against choix, with ties and without, and by its properties."""

from __future__ import annotations

import math

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humangenai.human_ratings.preferences import PENALTY, bradley_terry, fit

NAMES = ["a", "b", "c", "d"]


def _played(rng: np.random.Generator, n: int, theta: np.ndarray, ties: float):
    """Comparisons of random pairs, some tied: first, second, outcomes."""
    pairs = np.array([rng.choice(len(theta), 2, replace=False) for _ in range(n)])
    chance = 1 / (1 + np.exp(theta[pairs[:, 1]] - theta[pairs[:, 0]]))
    outcomes = (rng.random(n) < chance).astype(float)
    outcomes[rng.random(n) < ties] = 0.5
    return pairs[:, 0], pairs[:, 1], outcomes


def _twice(first, second, outcomes) -> list[tuple[int, int]]:
    """For choix, which knows no half wins: every comparison as two, a tie as one win for each."""
    data = []
    for a, b, outcome in zip(first, second, outcomes, strict=True):
        data += {1.0: [(a, b)] * 2, 0.0: [(b, a)] * 2, 0.5: [(a, b), (b, a)]}[float(outcome)]
    return data


@pytest.mark.parametrize("ties", [0.0, 0.3])
def test_strengths_are_those_of_choix(ties: float) -> None:
    rng = np.random.default_rng(0)
    first, second, outcomes = _played(rng, 300, np.array([1.0, 0.3, -0.2, -1.1]), ties)
    names = np.array(NAMES)
    ours = bradley_terry(
        names[first], names[second], outcomes, rng.integers(0, 30, 300), rng.integers(0, 9, 300)
    )
    # Twice the comparisons weigh as ours do under twice the penalty.
    theirs = choix.opt_pairwise(4, _twice(first, second, outcomes), alpha=2 * PENALTY, tol=1e-12)
    found = [ours.strengths[name].value for name in NAMES]
    np.testing.assert_allclose(found, theirs - theirs.mean(), atol=1e-5)
    assert all(
        estimate.low < estimate.value < estimate.high for estimate in ours.strengths.values()
    )


def test_hardly_any_penalty_gives_the_maximum_likelihood() -> None:
    first, second, outcomes = _played(np.random.default_rng(1), 400, np.linspace(-1, 1, 5), 0.2)
    wins = np.zeros((5, 5))
    np.add.at(wins, (first, second), outcomes)
    np.add.at(wins, (second, first), 1 - outcomes)
    theirs = choix.ilsr_pairwise(5, _twice(first, second, outcomes), max_iter=1000)
    np.testing.assert_allclose(fit(wins[None], 1e-9)[0], theirs - theirs.mean(), atol=1e-6)


def test_a_method_that_always_wins_stays_finite() -> None:
    for games in (1, 10, 100_000):
        found = bradley_terry("a" * games, "b" * games, [1] * games, range(games), [0] * games)
        assert 0 < found.strengths["a"].value < 10
        assert found.strengths["b"].value == pytest.approx(-found.strengths["a"].value)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=30), st.integers(0, 9))
def test_swapping_the_two_sides_changes_nothing(outcomes: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = [rng.choice(NAMES, 2, replace=False) for _ in outcomes]
    one, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    items, annotators = range(len(outcomes)), rng.integers(0, 3, len(outcomes))
    ours = bradley_terry(one, other, outcomes, items, annotators, resamples=20)
    swapped = bradley_terry(
        other, one, [1 - outcome for outcome in outcomes], items, annotators, resamples=20
    )
    for name, estimate in ours.strengths.items():
        assert swapped.strengths[name].value == pytest.approx(estimate.value)
        assert swapped.strengths[name].low == pytest.approx(estimate.low, nan_ok=True)


def test_only_ties_are_equality() -> None:
    found = bradley_terry("ab", "bc", [0.5, 0.5], [0, 1], [0, 1])
    assert all(estimate.value == pytest.approx(0) for estimate in found.strengths.values())
    assert found.probability("a", "c") == pytest.approx(0.5)


def test_probability_is_that_of_the_model() -> None:
    found = bradley_terry("a" * 8, "b" * 8, [1] * 6 + [0] * 2, range(8), range(8))
    assert found.probability("a", "b") == pytest.approx(0.75, abs=0.01)
    assert found.wins.tolist() == [[0, 6], [2, 0]]


def test_one_annotator_gives_no_interval_and_nothing_gives_nothing() -> None:
    found = bradley_terry("ab", "bc", [1, 0], [0, 1], [0, 0])
    assert math.isnan(found.strengths["a"].low)
    assert bradley_terry([], [], [], [], []).strengths == {}
    assert bradley_terry("a", "b", [math.nan], [0], [0]).strengths == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "b", [0.7], [0], [0]), "tie"),
        (("a", "a", [1], [0], [0]), "itself"),
        (("a", "b", [1, 0], [0], [0]), "length"),
    ],
)
def test_what_is_no_comparison_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bradley_terry(*arguments)

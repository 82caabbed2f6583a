"""Scores of classifiers: equal to scikit-learn's, with intervals that hold what they promise."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, f1_score

from humangenai.utility.classification import (
    METRICS,
    Predictions,
    by_group,
    confusion,
    difference,
    score,
)

NAMES = ("sad", "happy", "angry", "neutral")


def said(
    true: NDArray[np.int64], predicted: NDArray[np.int64], clusters: NDArray[np.int64] | None = None
) -> Predictions:
    people = np.arange(len(true)) if clusters is None else clusters
    return Predictions(true, predicted, people, NAMES)


def models(
    rng: np.random.Generator, people: int, seeds: int, skill: float = 0.7, spread: float = 0.03
) -> Predictions:
    """Models that differ in skill, on people that differ in how hard they are, 3 pictures each."""
    true = rng.integers(0, 4, people * 3)
    clusters = np.repeat(np.arange(people), 3)
    hard = np.repeat(rng.normal(0, 0.15, people), 3)
    chance = np.clip(skill + rng.normal(0, spread, (seeds, 1)) + hard, 0, 1)
    right = rng.random((seeds, true.size)) < chance
    wrong = (true + rng.integers(1, 4, right.shape)) % 4
    return said(true, np.where(right, true, wrong), clusters)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=30
    )
)  # fmt: skip
def test_scores_equal_those_of_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    true, *predicted = np.array(rows).T
    found = said(true, np.array(predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes that are predicted but do not occur
        theirs = {
            "accuracy": [accuracy_score(true, one) for one in predicted],
            "balanced accuracy": [balanced_accuracy_score(true, one) for one in predicted],
            "macro-F1": [f1_score(true, one, average="macro") for one in predicted],
        }
    for metric in METRICS:
        ours = score(found, metric, resamples=2)
        assert ours.value == pytest.approx(np.mean(theirs[metric]))
        assert ours.n == len(rows)
        assert ours.seeds == 2
    matrices = [confusion_matrix(true, one, labels=range(4)) for one in predicted]
    assert np.array_equal(confusion(found), np.mean(matrices, axis=0))


def test_what_has_no_label_is_left_out_and_counted() -> None:
    true = np.array([0, 1, -1, 2, -1])
    predicted = np.array([[0, 1, 3, 2, 0], [0, 1, 1, 2, 2]])
    found = said(true, predicted)
    assert found.unlabelled == 2
    assert score(found, "accuracy").value == 1
    assert score(found, "accuracy").n == 3
    nothing = said(np.array([-1]), np.array([[0], [1]]))
    assert math.isnan(score(nothing, "macro-F1").value)  # never 0
    assert math.isnan(difference(nothing, nothing, "accuracy").p)


def test_nothing_is_claimed_of_one_training_or_one_person() -> None:
    rng = np.random.default_rng(0)
    for found in (models(rng, 40, 1), models(rng, 1, 3)):
        one = score(found, "accuracy")
        assert 0 <= one.value <= 1
        assert math.isnan(one.low)
        assert math.isnan(one.high)
        assert difference(found, found, "accuracy").within_noise


def test_an_interval_at_the_end_has_a_width() -> None:
    true = np.arange(60) % 4
    perfect = score(said(true, np.stack([true] * 3)), "accuracy")
    assert (perfect.value, perfect.high) == (1, 1)
    assert 0.85 < perfect.low < 0.99


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_intervals_cover_over_people_and_trainings(spread: float) -> None:
    """Of 250 experiments 95 % must hold the truth, also where trainings differ; more may."""
    rng = np.random.default_rng(11)
    everybody = models(np.random.default_rng(1), 4000, 400, spread=spread)
    truth = float((everybody.predicted == everybody.true).mean())
    hits = 0
    for _ in range(250):
        one = score(models(rng, 50, 3, spread=spread), "accuracy", resamples=300)
        hits += one.low <= truth <= one.high
    assert hits / 250 >= 0.92


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(4)
    one = models(rng, 80, 3, skill=0.6, spread=0.01)
    better = one.predicted.copy()
    repaired = rng.random(better.shape) < 0.2  # of the same pictures, a fifth are put right
    better = np.where(repaired, one.true, better)
    gain = difference(said(one.true, better, one.clusters), one, "accuracy")
    expected = ((better == one.true).mean() - (one.predicted == one.true).mean()).item()
    assert gain.value == pytest.approx(expected)
    assert not gain.within_noise
    assert gain.p < 0.01
    apart = score(one, "accuracy")
    assert gain.high - gain.low < apart.high - apart.low  # the same pictures are hard for both
    same = difference(one, one, "macro-F1")
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert same.within_noise


def test_no_difference_is_rarely_called_one() -> None:
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(200):
        one = models(rng, 40, 3, spread=0.03)
        again = np.where(
            rng.random((3, one.true.size)) < np.clip(0.7 + rng.normal(0, 0.03, (3, 1)), 0, 1),
            one.true,
            (one.true + 1) % 4,
        )
        other = said(one.true, again, one.clusters)
        gap = difference(one, other, "accuracy", resamples=300)
        found += not gap.within_noise
        assert (gap.p < 0.05) == (not gap.within_noise)
    assert found / 200 <= 0.09


def test_only_like_is_compared_with_like() -> None:
    rng = np.random.default_rng(2)
    one, other = models(rng, 10, 3), models(rng, 10, 3)
    with pytest.raises(ValueError, match="same test pictures"):
        difference(one, other, "accuracy")
    with pytest.raises(ValueError, match="equally many"):
        difference(one, said(one.true, one.predicted[:2], one.clusters), "accuracy")
    with pytest.raises(ValueError, match="expected"):
        said(one.true, one.predicted[:, 1:])
    with pytest.raises(ValueError, match="predicted: classes are 0 to 3"):
        said(one.true, one.predicted + 1)


def test_a_planted_gap_between_groups_is_found_and_none_is_not() -> None:
    rng = np.random.default_rng(6)
    one = models(rng, 120, 3, skill=0.8)
    groups = np.where(one.clusters % 2 == 0, "Black", "White")
    groups[one.clusters == 0] = ""
    fair = by_group(one, groups, "accuracy")
    assert set(fair.groups) == {"Black", "White"}
    assert fair.unknown == 3
    assert fair.p > 0.05
    assert 0 < fair.by_chance < 0.1
    chosen = groups == "Black"
    direct = (one.predicted[:, chosen] == one.true[chosen]).mean()
    assert fair.groups["Black"].value == pytest.approx(direct)
    spoilt = one.predicted.copy()
    spoilt[:, chosen] = (spoilt[:, chosen] + (rng.random((3, chosen.sum())) < 0.3)) % 4
    unfair = by_group(said(one.true, spoilt, one.clusters), groups, "accuracy")
    assert (unfair.best, unfair.worst) == ("White", "Black")
    assert unfair.gap.low > 0
    assert unfair.gap.value > 3 * unfair.by_chance
    assert unfair.p < 0.01


def test_small_groups_have_a_score_but_no_part_in_the_gap() -> None:
    one = models(np.random.default_rng(6), 40, 2)
    groups = np.where(one.clusters < 2, "few", "many")
    scores = by_group(one, groups, "accuracy")
    assert scores.groups["few"].n == 6
    assert scores.best is None
    assert math.isnan(scores.gap.value)
    with pytest.raises(ValueError, match="a person is in several groups"):
        by_group(one, np.where(np.arange(120) % 2 == 0, "a", "b"), "accuracy")

"""The bootstrap against SciPy's, against a plain loop, and by its properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from humangenai.statistics import (
    Estimate,
    clustered_mean,
    clustered_share,
    clustered_t,
    crossed_means,
    paired_difference,
    share_between,
    share_difference,
)


def test_agrees_with_scipy_where_every_cluster_is_one_observation() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=200)
    ours = clustered_mean(values, np.arange(200), resamples=20_000)
    reference = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    )
    width = reference.confidence_interval.high - reference.confidence_interval.low
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(reference.confidence_interval.low, abs=0.03 * width)
    assert ours.high == pytest.approx(reference.confidence_interval.high, abs=0.03 * width)


def test_agrees_with_scipy_resampling_clusters() -> None:
    rng = np.random.default_rng(2)
    clusters = rng.integers(0, 40, 300)
    values = rng.normal(size=300) + rng.normal(size=40)[clusters]
    names = np.unique(clusters)
    sums = np.array([values[clusters == name].sum() for name in names])
    counts = np.array([(clusters == name).sum() for name in names])
    reference = scipy.stats.bootstrap(
        (sums, counts),
        lambda s, c, axis: s.sum(axis) / c.sum(axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(3),
    ).confidence_interval
    ours = clustered_mean(values, clusters, resamples=20_000)
    width = reference.high - reference.low
    assert ours.low == pytest.approx(reference.low, abs=0.03 * width)
    assert ours.high == pytest.approx(reference.high, abs=0.03 * width)
    # Observations of one cluster are alike here: taking them for independent would be too narrow.
    independent = clustered_mean(values, np.arange(300), resamples=20_000)
    assert ours.high - ours.low > 1.3 * (independent.high - independent.low)


def test_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(300):
        effects = rng.normal(size=60)
        values = (effects[:, None] + rng.normal(size=(60, 4))).ravel()
        interval = clustered_mean(values, np.repeat(np.arange(60), 4), resamples=500)
        covered += interval.low <= 0 <= interval.high
    assert 0.90 <= covered / 300 <= 0.99


values_and_clusters = st.lists(
    st.tuples(st.floats(-5, 5) | st.just(math.nan), st.integers(0, 5)), min_size=0, max_size=40
)


@given(values_and_clusters, st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_nan_is_left_out_and_order_does_not_matter(
    rows: list[tuple[float, int]], seed: int
) -> None:
    values = np.array([value for value, _ in rows])
    clusters = np.array([cluster for _, cluster in rows], dtype=int)
    whole = clustered_mean(values, clusters, resamples=200, seed=seed)
    scored = ~np.isnan(values)
    kept = clustered_mean(values[scored], clusters[scored], resamples=200, seed=seed)
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = clustered_mean(values[order], clusters[order], resamples=200, seed=seed)
    for name in ("value", "low", "high", "n", "clusters"):
        expected = getattr(whole, name)
        assert getattr(kept, name) == pytest.approx(expected, nan_ok=True, abs=1e-12)
        assert getattr(shuffled, name) == pytest.approx(expected, nan_ok=True, abs=1e-12)
    assert whole.n == scored.sum()
    assert whole.clusters == np.unique(clusters[scored]).size
    if whole.clusters >= 2:
        per_cluster = [values[scored & (clusters == c)] for c in np.unique(clusters[scored])]
        means = [part.mean() for part in per_cluster]
        assert min(means) - 1e-9 <= whole.low <= whole.high <= max(means) + 1e-9
    else:
        assert math.isnan(whole.low) and math.isnan(whole.high)


@given(values_and_clusters, st.floats(-2, 2))
@settings(max_examples=50, deadline=None)
def test_shifting_all_values_shifts_the_interval(
    rows: list[tuple[float, int]], shift: float
) -> None:
    values = np.array([value for value, _ in rows])
    clusters = np.array([cluster for _, cluster in rows], dtype=int)
    plain = clustered_mean(values, clusters, resamples=200)
    shifted = clustered_mean(values + shift, clusters, resamples=200)
    for name in ("value", "low", "high"):
        assert getattr(shifted, name) == pytest.approx(
            getattr(plain, name) + shift, nan_ok=True, abs=1e-9
        )


def test_pairing_removes_what_both_share() -> None:
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(50), 4)
    shared = rng.normal(size=200) * 10
    one, other = shared + 1 + 0.1 * rng.normal(size=200), shared + 0.1 * rng.normal(size=200)
    paired = paired_difference(one, other, clusters)
    assert paired.low > 0.9 and paired.high < 1.1
    separate = clustered_mean(one, clusters)
    assert separate.high - separate.low > 10 * (paired.high - paired.low)
    swapped = paired_difference(other, one, clusters)
    assert (swapped.low, swapped.high) == pytest.approx((-paired.high, -paired.low), abs=1e-9)


def test_only_pairs_with_both_scored_count() -> None:
    result = paired_difference([1, math.nan, 3, 5], [0, 0, math.nan, 3], [1, 2, 3, 4])
    assert result.value == pytest.approx(1.5)
    assert (result.n, result.clusters) == (2, 2)


def test_same_seed_same_interval_and_seeds_differ() -> None:
    values, clusters = np.random.default_rng(6).random(100), np.arange(100) // 4
    assert clustered_mean(values, clusters, seed=1) == clustered_mean(values, clusters, seed=1)
    assert clustered_mean(values, clusters, seed=1) != clustered_mean(values, clusters, seed=2)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        clustered_mean([1.0, 2.0], [1])
    with pytest.raises(ValueError, match="finite"):
        clustered_mean([1.0, math.inf], [1, 2])
    with pytest.raises(ValueError, match="resamples"):
        clustered_mean([1.0, 2.0], [1, 2], resamples=0)


def _rated(rng: np.random.Generator, items: int, annotators: int, means: tuple[float, ...]):
    """Answers of everyone to everything, (methods, items, annotators): effects of all, noise."""
    shape = (len(means), items, annotators)
    effects = rng.normal(0, 0.5, (items, 1)) + rng.normal(0, 0.4, annotators)
    return np.array(means)[:, None, None] + effects + rng.normal(0, 0.7, shape)


def _crossed(table: np.ndarray, **options):
    index = np.indices(table.shape).reshape(3, -1)
    names = np.array([f"m{number}" for number in range(len(table))])
    return crossed_means(table.ravel(), names[index[0]], index[1], index[2], **options)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("per_item", [False, True])
def test_crossed_means_are_those_of_a_plain_loop(per_item: bool) -> None:
    rng = np.random.default_rng(5)
    table = _rated(rng, 12, 6, (3.0, 4.0))
    table[rng.random(table.shape) < 0.3] = math.nan

    def difference(drawn: np.ndarray) -> float:
        means = np.nanmean(np.nanmean(drawn, axis=2) if per_item else drawn.reshape(2, -1), axis=1)
        return means[1] - means[0]

    loop = [
        difference(table[:, rng.integers(0, 12, 12)][:, :, rng.integers(0, 6, 6)])
        for _ in range(4000)
    ]
    low, high = np.percentile(loop, [2.5, 97.5])
    ours = _crossed(table, per_item=per_item, resamples=8000).difference("m1", "m0")
    assert ours.value == pytest.approx(difference(table))
    assert ours.low == pytest.approx(low, abs=0.05 * (high - low))
    assert ours.high == pytest.approx(high, abs=0.05 * (high - low))


def test_crossed_intervals_cover_the_truth() -> None:
    """Annotators' strictness moves both methods alike, so it must not widen their difference."""
    rng = np.random.default_rng(6)
    mean = difference = 0
    for _ in range(200):
        found = _crossed(_rated(rng, 30, 12, (3.0, 3.5)), resamples=400)
        mean += found.estimate("m0").low <= 3 <= found.estimate("m0").high
        gap = found.difference("m1", "m0")
        difference += gap.low <= 0.5 <= gap.high
        assert gap.high - gap.low < found.estimate("m0").high - found.estimate("m0").low
    assert mean / 200 > 0.87
    assert difference / 200 > 0.9


def test_answers_of_one_annotator_or_of_one_item_give_no_interval() -> None:
    rng = np.random.default_rng(7)
    for items, annotators in ((1, 5), (5, 1)):
        found = _crossed(_rated(rng, items, annotators, (3.0,)), resamples=50).estimate("m0")
        assert not math.isnan(found.value)
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_items_with_more_answers_weigh_more_only_where_that_is_asked_for() -> None:
    table = np.full((1, 2, 4), math.nan)
    table[0, 0, :] = 1
    table[0, 1, 0] = 5
    assert _crossed(table).means.tolist() == [1.8]
    assert _crossed(table, per_item=True).means.tolist() == [3.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 5), st.floats(0, 1))
def test_a_share_lies_in_its_interval_and_both_within_bounds(
    seed: int, people: int, each: int, true: float
) -> None:
    hits = np.random.default_rng(seed).random(people * each) < true
    share = clustered_share(hits, np.repeat(np.arange(people), each))
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert share.low < share.high  # few people are never certain
    assert (share.n, share.clusters) == (people * each, people)
    turned = clustered_share(~hits, np.repeat(np.arange(people), each))
    assert (turned.low, turned.high) == (
        pytest.approx(1 - share.high),
        pytest.approx(1 - share.low),
    )


@pytest.mark.parametrize(("people", "each", "true"), [(4, 2, 0.95), (8, 2, 0.9), (12, 4, 0.7)])
def test_intervals_of_shares_cover_with_few_people(people: int, each: int, true: float) -> None:
    """Answers about one person hang together: a correlation of 0.3."""
    rng = np.random.default_rng(7)
    tries = 300
    covered = resampled = 0
    labels = np.repeat(np.arange(people), each)
    for _ in range(tries):
        easy = rng.beta(true * 7 / 3, (1 - true) * 7 / 3, people)
        hits = (rng.random((people, each)) < easy[:, None]).ravel()
        share = clustered_share(hits, labels)
        covered += share.low <= true <= share.high
        mean = clustered_mean(hits, labels, resamples=200)
        resampled += mean.low <= true <= mean.high
    assert covered / tries >= 0.93
    assert resampled < covered  # which is why shares have intervals of their own


def test_independent_answers_give_wilsons_interval() -> None:
    """With one answer per person and many people: Wilson's, nearly."""
    hits = np.arange(2000) < 600
    share = clustered_share(hits, np.arange(2000))
    wilson = scipy.stats.binomtest(600, 2000).proportion_ci(method="wilson")
    assert (share.low, share.high) == (
        pytest.approx(wilson.low, abs=2e-4),
        pytest.approx(wilson.high, abs=2e-4),
    )


def test_share_difference_is_newcombes() -> None:
    """56 of 70 against 48 of 80: the example of Newcombe (1998), 0.0524 to 0.3339."""
    one = clustered_share(np.arange(70) < 56, np.arange(70))

    def exact(hits: int, n: int) -> Estimate:
        ends = scipy.stats.binomtest(hits, n).proportion_ci(method="wilson")
        return Estimate(hits / n, ends.low, ends.high, n, n)

    gap = share_difference(exact(56, 70), exact(48, 80))
    assert (gap.value, gap.low, gap.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )
    assert math.isnan(share_difference(one, Estimate(math.nan, math.nan, math.nan, 0, 0)).low)


def test_intervals_of_means_cover_with_few_people() -> None:
    rng = np.random.default_rng(3)
    tries = 400
    inside = 0
    for _ in range(tries):
        values = rng.normal(0, 1, 5)[:, None] + rng.normal(0, 1, (5, 3))
        mean = clustered_t(values.ravel(), np.repeat(np.arange(5), 3))
        inside += mean.low <= 0 <= mean.high
    assert 0.92 <= inside / tries <= 0.98


def test_comparisons_of_different_people_leave_out_the_same() -> None:
    wins = np.array([[9.0, 1, 1], [0, 9, 1], [1, 0, 9]])
    share = share_between(wins, np.ones((3, 3)), observations=6)
    assert (share.value, share.n, share.clusters) == (pytest.approx(4 / 6), 6, 3)
    assert math.isnan(share_between(np.ones((2, 2)), np.ones((2, 2)), observations=4).low)
    assert share_between(np.zeros((0, 0)), np.zeros((0, 0)), observations=0).n == 0

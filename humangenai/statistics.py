"""Means with intervals, and paired differences: the only place where uncertainty is computed.

Queries of one identity are not independent, so identities are resampled, not queries: the
clustered (block) bootstrap with percentile intervals (Efron & Tibshirani, *An Introduction to the
Bootstrap*, 1993, chapters 8 and 13). The gallery is held fixed; an interval says how much a figure
would move with other people in front of the cameras, not with another gallery.

People's answers hang together twice, by what was rated and by who rated it. Both are resampled, and
an answer counts as often as its item was drawn times as often as its annotator was: the pigeonhole
bootstrap (Owen, *Annals of Applied Statistics* 1(2), 2007), which errs to the side of wide
intervals.

NaN means unscored: such observations are left out, and how many were used is part of the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 5000
"""Enough that the ends of a 95 % interval move by less than a tenth of its width with the seed."""

CROSSED_RESAMPLES = 2000
"""Of items and annotators together: with few of either, more resamples would not sharpen it."""

_BLOCK = 256


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval.

    Attributes:
        value: mean of the observations; NaN without any.
        low: lower end of the interval; NaN with fewer than two clusters.
        high: its upper end; NaN with fewer than two clusters.
        n: observations used (those that are not NaN).
        clusters: clusters they belong to.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int


def clustered_mean(
    values: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean of all observations, with an interval from resampling whole clusters.

    Every resample draws as many clusters as there are, with replacement, and takes the mean of all
    their observations (large clusters weigh more, as they do in the mean itself).

    Args:
        values: float (N,); NaN is left out.
        clusters: (N,) labels, e.g. person ids.
        resamples: how often to resample.
        seed: the same seed and the same clusters give the same resamples.

    Returns:
        The mean, its 95 % percentile interval, and the counts.

    Raises:
        ValueError: the lengths differ, a value is infinite, or ``resamples`` is below 1.

    >>> clustered_mean([1.0, 0.0, 1.0, 1.0, float("nan")], [7, 7, 8, 9, 9])
    Estimate(value=0.75, low=0.5, high=1.0, n=4, clusters=3)
    """
    observed, labels = _checked(values, clusters)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    scored = ~np.isnan(observed)
    observed, labels = observed[scored], labels[scored]
    names, index = np.unique(labels, return_inverse=True)
    if not observed.size:
        return Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    value = float(observed.mean())
    if names.size < 2:
        return Estimate(value, math.nan, math.nan, n=observed.size, clusters=names.size)
    sums = np.bincount(index, weights=observed)
    counts = np.bincount(index)
    weights = resample_weights(names.size, resamples, seed)
    means = (weights @ sums) / (weights @ counts)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(value, float(low), float(high), n=observed.size, clusters=names.size)


def clustered_share(hits: ArrayLike, clusters: ArrayLike) -> Estimate:
    """A share with Wilson's interval for as many independent observations as clusters leave.

    With few people all of whom answer alike, resampling gives an interval without width. Wilson's
    does not, and stays within [0, 1]; it is taken at the *effective* number of observations: the
    share's binomial variance over its variance between clusters, never more than there are,
    shrunk by Student's t for few clusters. Korn & Graubard, *Survey Methodology* 24(2), 1998; Dean
    & Pagano, *Journal of Survey Statistics and Methodology* 3(4), 2015.

    Args:
        hits: float (N,) in [0, 1], usually 0 or 1; NaN is left out.
        clusters: (N,) labels, e.g. people.

    Returns:
        The share, its 95 % interval (NaN with fewer than two clusters), and the counts.

    Raises:
        ValueError: the lengths differ, or a value lies outside [0, 1].

    >>> share = clustered_share([1, 1, 1, 1, 0, 1], [0, 0, 1, 1, 2, 2])
    >>> round(share.value, 2), round(share.low, 2), share.high < 1, share.clusters
    (0.83, 0.15, True, 3)
    """
    observed, labels = _checked(hits, clusters)
    scored = ~np.isnan(observed)
    observed, labels = observed[scored], labels[scored]
    if ((observed < 0) | (observed > 1)).any():
        raise ValueError("hits must lie in [0, 1]")
    if not observed.size:
        return Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    names, index = np.unique(labels, return_inverse=True)
    share, n, groups = float(observed.mean()), observed.size, names.size
    if groups < 2:
        return Estimate(share, math.nan, math.nan, n=n, clusters=groups)
    sums = np.bincount(index, weights=observed - share)
    between = groups / (groups - 1) * float((sums**2).sum()) / n**2
    low, high = _share_interval(share, between, n, groups)
    return Estimate(share, low, high, n=n, clusters=groups)


def share_between(wins: ArrayLike, comparisons: ArrayLike, observations: int) -> Estimate:
    """A share of comparisons of two different people each, with an interval over people.

    The variance is the jackknife's, leaving out one person with all comparisons; the interval is
    that of :func:`clustered_share`.

    Args:
        wins: float (people, people): comparisons of one with another that were won; ties count
            half. The diagonal is ignored.
        comparisons: float (people, people): how many there were.
        observations: what was compared, e.g. pictures; the most that can be effective.

    Returns:
        The share, its 95 % interval (NaN with fewer than three people), the comparisons, and the
        people who take part in any.

    >>> estimate = share_between(np.ones((4, 4)), np.ones((4, 4)), observations=8)
    >>> estimate.value, estimate.n, estimate.clusters, estimate.low < 1
    (1.0, 12, 4, True)
    """
    won = np.array(wins, dtype=np.float64)
    n = np.array(comparisons, dtype=np.float64)
    np.fill_diagonal(won, 0)
    np.fill_diagonal(n, 0)
    takes_part = n.sum(axis=0) + n.sum(axis=1) > 0
    won, n = won[np.ix_(takes_part, takes_part)], n[np.ix_(takes_part, takes_part)]
    total, people = n.sum(), len(n)
    if not total:
        return Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    share = float(won.sum() / total)
    without = total - n.sum(axis=0) - n.sum(axis=1)
    if people < 3 or (without == 0).any():
        return Estimate(share, math.nan, math.nan, n=int(total), clusters=people)
    left = (won.sum() - won.sum(axis=0) - won.sum(axis=1)) / without
    between = (people - 1) / people * float(((left - left.mean()) ** 2).sum())
    low, high = _share_interval(share, between, observations, people)
    return Estimate(share, low, high, n=int(total), clusters=people)


def clustered_t(values: ArrayLike, clusters: ArrayLike) -> Estimate:
    """The mean of all observations with Student's interval over clusters: for few people.

    Args:
        values: float (N,); NaN is left out.
        clusters: (N,) labels.

    Returns:
        The mean, its 95 % interval (NaN with fewer than two clusters; without width where all
        observations are equal), and the counts.

    Raises:
        ValueError: the lengths differ, or a value is infinite.

    >>> mean = clustered_t([0.1, 0.3, 0.2, 0.2], ["a", "a", "b", "c"])
    >>> round(mean.value, 2), mean.low < 0.2 < mean.high, mean.clusters
    (0.2, True, 3)
    """
    observed, labels = _checked(values, clusters)
    scored = ~np.isnan(observed)
    observed, labels = observed[scored], labels[scored]
    if not observed.size:
        return Estimate(math.nan, math.nan, math.nan, n=0, clusters=0)
    names, index = np.unique(labels, return_inverse=True)
    mean, groups = float(observed.mean()), names.size
    if groups < 2:
        return Estimate(mean, math.nan, math.nan, n=observed.size, clusters=groups)
    sums = np.bincount(index, weights=observed - mean)
    error = math.sqrt(groups / (groups - 1) * float((sums**2).sum())) / observed.size
    half = student(groups - 1) * error
    return Estimate(mean, mean - half, mean + half, n=observed.size, clusters=groups)


def share_difference(share: Estimate, against: Estimate) -> Estimate:
    """The difference of two shares from their intervals: Newcombe's method.

    Takes the shares for independent; where the same people are behind both, it is on the safe side.
    Newcombe, *Statistics in Medicine* 17, 1998, method 10.

    Args:
        share: with its interval.
        against: what is subtracted.

    Returns:
        The difference; ``n`` and ``clusters`` of the smaller part.

    >>> one, other = Estimate(0.8, 0.7, 0.9, 50, 9), Estimate(0.5, 0.4, 0.6, 70, 9)
    >>> gap = share_difference(one, other)
    >>> round(gap.value, 2), round(gap.low, 2), round(gap.high, 2)
    (0.3, 0.16, 0.44)
    """
    below = math.hypot(share.value - share.low, against.high - against.value)
    above = math.hypot(share.high - share.value, against.value - against.low)
    value = share.value - against.value
    return Estimate(
        value,
        max(value - below, -1.0),
        min(value + above, 1.0),
        n=min(share.n, against.n),
        clusters=min(share.clusters, against.clusters),
    )


_NORMAL = NormalDist()


@lru_cache(maxsize=256)
def student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t: what 1.96 becomes with few clusters.

    >>> round(student(5), 2)
    2.57
    """
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))


def _share_interval(share: float, between: float, n: int, groups: int) -> tuple[float, float]:
    """Wilson's interval at the effective number of observations (see :func:`clustered_share`).

    Args:
        share: in [0, 1].
        between: its variance between clusters.
        n: observations, the most that can be effective.
        groups: clusters.
    """
    binomial = share * (1 - share)
    effective = min(n, binomial / between) if between > 0 and binomial > 0 else n
    z = _NORMAL.inv_cdf(0.975)
    return _wilson(share, effective * (z / student(groups - 1)) ** 2, z)


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's score interval (*JASA* 22, 1927) of a share of ``n`` observations."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not take the ends off 0 and 1.
    return (
        max(middle - half, 0.0) if share > 0 else 0.0,
        min(middle + half, 1.0) if share < 1 else 1.0,
    )


def paired_difference(
    values: ArrayLike,
    against: ArrayLike,
    clusters: ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean of ``values - against`` over the same observations, resampled together.

    An observation counts only where both are scored, so that nothing is compared with nothing.

    Args:
        values: float (N,); NaN is unscored.
        against: float (N,), of the same observations in the same order.
        clusters: (N,) labels.
        resamples: how often to resample.
        seed: of the resamples.

    Raises:
        ValueError: the lengths differ, a value is infinite, or ``resamples`` is below 1.
    """
    minuend, _ = _checked(values, clusters)
    subtrahend, labels = _checked(against, clusters)
    return clustered_mean(minuend - subtrahend, labels, resamples=resamples, seed=seed)


def _checked(values: ArrayLike, clusters: ArrayLike) -> tuple[NDArray[np.float64], NDArray[Any]]:
    observed = np.asarray(values, dtype=np.float64)
    labels = np.asarray(clusters)
    if observed.ndim != 1 or labels.shape != observed.shape:
        raise ValueError(
            "values and clusters must be one-dimensional and of one length, "
            f"not {observed.shape} and {labels.shape}"
        )
    if np.isinf(observed).any():
        raise ValueError("values must be finite or NaN")
    return observed, labels


@lru_cache(maxsize=4)
def resample_weights(clusters: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each resample draws each cluster: float64 (resamples, clusters), read-only.

    Drawing C of C clusters with replacement is one multinomial draw; a table of such counts turns
    all resampled means into one matrix product.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples)
    weights = drawn.astype(np.float64)
    weights.flags.writeable = False
    return weights


@dataclass(frozen=True, eq=False)
class CrossedMeans:
    """Means of groups over the same items and annotators, each mean resampled along with them.

    Attributes:
        groups: their names, sorted.
        means: float64 (groups,).
        resampled: float64 (resamples, groups); all groups of a row saw the same draw.
        n: int64 (groups,): observations.
        items: int64 (groups,): items that were observed.
        annotators: int64 (groups,): annotators who observed them.
    """

    groups: tuple[str, ...]
    means: NDArray[np.float64]
    resampled: NDArray[np.float64]
    n: NDArray[np.int64]
    items: NDArray[np.int64]
    annotators: NDArray[np.int64]

    def estimate(self, group: str) -> Estimate:
        """One group's mean with its interval; ``clusters`` are its items.

        The interval is NaN with fewer than two items or two annotators: what another draw of them
        would give cannot be known from one.
        """
        at = self.groups.index(group)
        return self._estimate(self.means[at], self.resampled[:, at], [at])

    def difference(self, group: str, against: str) -> Estimate:
        """``group`` minus ``against``, paired by item and annotator where they share them."""
        one, other = self.groups.index(group), self.groups.index(against)
        return self._estimate(
            self.means[one] - self.means[other],
            self.resampled[:, one] - self.resampled[:, other],
            [one, other],
        )

    def _estimate(self, value: float, resampled: NDArray[np.float64], used: list[int]) -> Estimate:
        enough = min(self.items[used].min(), self.annotators[used].min()) >= 2
        drawn = resampled[~np.isnan(resampled)]
        low, high = np.percentile(drawn, [2.5, 97.5]) if enough else (math.nan, math.nan)
        return Estimate(
            float(value),
            float(low),
            float(high),
            n=int(self.n[used].min()),
            clusters=int(self.items[used].min()),
        )


def crossed_means(
    values: ArrayLike,
    groups: ArrayLike,
    items: ArrayLike,
    annotators: ArrayLike,
    *,
    per_item: bool = False,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> CrossedMeans:
    """Means of groups, and of resamples which draw items and annotators anew.

    Args:
        values: float (N,); NaN is left out.
        groups: str (N,), e.g. methods.
        items: (N,) labels of what was rated; one label under several groups (the same person under
            several methods) is drawn for all of them together.
        annotators: (N,) labels of who rated.
        per_item: True: the mean of the items' means, so that an item with more answers weighs no
            more than others; False: the mean of all observations.
        resamples: how often to resample.
        seed: of the resamples.

    Raises:
        ValueError: the lengths differ, a value is infinite, or ``resamples`` is below 1.

    >>> made = crossed_means([1, 3, 2, 5], ["a", "a", "b", "b"], [0, 1, 0, 1], ["x", "y", "x", "y"])
    >>> made.means.tolist(), made.difference("b", "a").value
    ([2.0, 3.5], 1.5)
    """
    observed, item_labels = _checked(values, items)
    _, annotator_labels = _checked(values, annotators)
    _, group_labels = _checked(values, groups)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    scored = ~np.isnan(observed)
    names, group = np.unique(group_labels[scored].astype(str), return_inverse=True)
    item_names, item = np.unique(item_labels[scored], return_inverse=True)
    annotator_names, annotator = np.unique(annotator_labels[scored], return_inverse=True)
    shape = (names.size, item_names.size, annotator_names.size)
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (group, item, annotator), observed[scored])
    np.add.at(counts, (group, item, annotator), 1)
    mean = _mean_of_item_means if per_item else _mean_of_answers
    seen = counts > 0
    resampled = np.full((resamples, names.size), math.nan)
    if names.size:
        drawn = crossed_weights(shape[1], shape[2], resamples, seed)
        # In blocks: the work of one block is a matrix of resamples by items.
        for start in range(0, resamples, _BLOCK):
            block = slice(start, start + _BLOCK)
            for at in range(names.size):
                resampled[block, at] = mean(sums[at], counts[at], drawn[0][block], drawn[1][block])
    once = (np.ones((1, shape[1])), np.ones((1, shape[2])))
    return CrossedMeans(
        groups=tuple(names.tolist()),
        means=np.array([mean(sums[at], counts[at], *once)[0] for at in range(names.size)]),
        resampled=resampled,
        n=counts.sum(axis=(1, 2)).astype(np.int64),
        items=seen.any(axis=2).sum(axis=1),
        annotators=seen.any(axis=1).sum(axis=1),
    )


def crossed_weights(
    items: int, annotators: int, resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Independent draws of items and of annotators, as by :func:`resample_weights`."""
    return (
        resample_weights(items, resamples, seed),
        # Another stream of random numbers than the items', also where both are equally many.
        resample_weights(annotators, resamples, seed + 1_000_003),
    )


def _mean_of_answers(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    items: NDArray[np.float64],
    annotators: NDArray[np.float64],
) -> NDArray[np.float64]:
    """One mean per draw: (draws,) from (items, annotators) tables; NaN where nothing was drawn."""
    with np.errstate(invalid="ignore"):
        total = np.einsum("bi,ia,ba->b", items, sums, annotators, optimize=True)
        n = np.einsum("bi,ia,ba->b", items, counts, annotators, optimize=True)
        return np.asarray(total / n)


def _mean_of_item_means(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    items: NDArray[np.float64],
    annotators: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The same, every item weighing alike; items of which no annotator was drawn are left out."""
    n = annotators @ counts.T
    with np.errstate(invalid="ignore"):
        weights = items * (n > 0)
        means = np.where(n > 0, (annotators @ sums.T) / np.where(n > 0, n, 1), 0)
        return np.asarray((weights * means).sum(axis=1) / weights.sum(axis=1))


@dataclass(frozen=True)
class Repeated:
    """A figure of something that was trained several times, over test items and trainings.

    Attributes:
        value: mean over trainings; NaN where one of them is unscored.
        low: lower end of the 95 % interval; NaN with fewer than two clusters or trainings, since
            what another draw would give cannot be known from one.
        high: its upper end.
        p: of a difference, two-sided: how likely one as large would be if there were none; NaN
            where ``low`` is, and for what is no difference.
        n: test items.
        clusters: clusters they belong to, e.g. people.
        seeds: trainings.
    """

    value: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    seeds: int

    @property
    def within_noise(self) -> bool:
        """Of a difference: it may as well be none, or nobody knows."""
        return not (self.low > 0 or self.high < 0)


def repeated_share(per_seed: ArrayLike, resampled: ArrayLike, *, n: int, clusters: int) -> Repeated:
    """A score in [0, 1] of several trainings, with an interval over test items and trainings.

    Another test set and another training would both have given another figure. The variance of
    the first is that of resampled test items, of the second that between trainings, over their
    number; degrees of freedom after Satterthwaite, *Biometrics Bulletin* 2(6), 1946. With three
    trainings, resampling them would give intervals of which a quarter miss; Student's t does not.
    What one training gets wrong by chance in a picture counts in both variances, which errs to the
    side of wide intervals: in simulations with 3 and 5 trainings, 93 to 100 % held the truth.
    The interval is Wilson's at the effective number of items (:func:`clustered_share`), so that it
    stays within [0, 1] and has a width at its ends.

    Args:
        per_seed: float (S,): each training's score on all test items.
        resampled: float (R,): the mean of all trainings' scores on resampled clusters of items.
        n: test items.
        clusters: clusters they belong to.

    >>> resampled = 0.8 + 0.02 * np.random.default_rng(0).standard_normal(2000)
    >>> share = repeated_share([0.78, 0.8, 0.82], resampled, n=400, clusters=40)
    >>> round(share.value, 2), round(share.low, 2), round(share.high, 2), share.seeds
    (0.8, 0.75, 0.84, 3)
    """
    value, variance, degrees, seeds = _two_sources(per_seed, resampled, clusters)
    low = high = math.nan
    if not math.isnan(variance):
        low, high = _share_interval(value, variance, n, degrees + 1)
    return Repeated(value, low, high, math.nan, n=n, clusters=clusters, seeds=seeds)


def repeated_difference(
    per_seed: ArrayLike, resampled: ArrayLike, *, n: int, clusters: int
) -> Repeated:
    """A paired difference of two scores in [0, 1], with interval and p; see `repeated_share`.

    Args:
        per_seed: float (S,): differences on all test items, training by training.
        resampled: float (R,): their mean on resampled clusters of items.
        n: test items.
        clusters: clusters they belong to.
    """
    from scipy.stats import t

    value, variance, degrees, seeds = _two_sources(per_seed, resampled, clusters)
    low = high = p = math.nan
    if variance == 0:
        # Alike item by item; or apart by the same everywhere, which no test of this kind can judge.
        low, high, p = value, value, 1.0 if value == 0 else math.nan
    elif not math.isnan(variance):
        error = math.sqrt(variance)
        half = student(degrees) * error
        low, high = max(value - half, -1.0), min(value + half, 1.0)
        p = float(2 * t.sf(abs(value) / error, degrees))
    return Repeated(value, low, high, p, n=n, clusters=clusters, seeds=seeds)


def _two_sources(
    per_seed: ArrayLike, resampled: ArrayLike, clusters: int
) -> tuple[float, float, int, int]:
    """Mean, its variance over items and trainings (NaN: unknown), degrees of freedom, trainings."""
    scores = np.asarray(per_seed, dtype=np.float64)
    drawn = np.asarray(resampled, dtype=np.float64)
    drawn = drawn[~np.isnan(drawn)]
    value, seeds = float(scores.mean()) if scores.size else math.nan, scores.size
    if math.isnan(value) or seeds < 2 or clusters < 2 or drawn.size < 2:
        return value, math.nan, 0, seeds
    # A resample of C clusters varies less than C clusters do, by (C - 1) / C.
    items = float(drawn.var(ddof=1)) * clusters / (clusters - 1)
    trainings = float(scores.var(ddof=1)) / seeds
    variance = items + trainings
    # Rounding must not make noise of what does not vary.
    if variance < 1e-24:
        return value, 0.0, clusters - 1, seeds
    degrees = variance**2 / (items**2 / (clusters - 1) + trainings**2 / (seeds - 1))
    return value, variance, max(int(degrees), 1), seeds

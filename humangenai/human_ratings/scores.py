"""ψ from people's answers: per method and symbol, with intervals, with and without flagged people.

Two views of the same answers. *Mean ± sd* over all answers is what papers print. *Per item* first
averages the answers to each person shown, then these: items with more answers weigh no more. The
95 % intervals resample the people shown and the annotators (:func:`crossed_means`).

A person shown under several methods (``source``) is drawn for all of them together, and so is an
annotator: differences between methods are paired as far as the study is.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from humangenai.human_ratings.agreement import Agreement, agreement, rating_table
from humangenai.human_ratings.preferences import bradley_terry
from humangenai.human_ratings.questions import LEFT, RIGHT
from humangenai.records import (
    PreferenceScore,
    RatingAgreement,
    RatingDifference,
    RatingScore,
    RatingSummary,
)
from humangenai.statistics import CROSSED_RESAMPLES, CrossedMeans, Estimate, crossed_means

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd

COLUMNS = (
    *("study", "item", "method", "track", "source", "question", "symbol", "annotator", "value"),
    *("is_gold", "is_attention", "skipped"),
)
"""What the functions here need of a study's table of answers; one row per annotator, item and
question.

``against`` may be there too: the other method of an item that shows two, whose answers are
preferences and no ratings. It is null elsewhere.
"""


def ratings(answers: pd.DataFrame) -> pd.DataFrame:
    """The ratings that count: no gold items, no attention checks, nothing skipped, no preferences.

    Args:
        answers: a table with :data:`COLUMNS`.

    Raises:
        ValueError: a column is missing.
    """
    counted = answered(answers)
    return counted[counted["against"].isna()] if "against" in counted else counted


def answered(answers: pd.DataFrame) -> pd.DataFrame:
    """Ratings and preferences that count; see :func:`ratings`."""
    missing = [column for column in COLUMNS if column not in answers]
    if missing:
        raise ValueError(f"the answers lack the columns {', '.join(missing)}")
    aside = (answers["is_gold"] | answers["is_attention"] | answers["skipped"]).astype(bool)
    return answers[~aside & answers["value"].notna()]


def psi_scores(
    answers: pd.DataFrame,
    flagged: Collection[str] = (),
    *,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> dict[str, tuple[RatingScore, ...]]:
    """Every method's ψ.

    Args:
        answers: a table with :data:`COLUMNS`.
        flagged: annotators whom the trusted scores leave out.
        resamples: how often to resample people shown and annotators.
        seed: of the resamples.

    Returns:
        Method → one score per track and symbol that somebody rated; methods in alphabetical order.
        A score that only flagged annotators gave is NaN without them.
    """
    counted = ratings(answers)
    trusted = counted[~counted["annotator"].isin(list(flagged))]
    found: dict[str, list[RatingScore]] = {
        str(method): [] for method in sorted(counted["method"].unique())
    }
    for track, symbol, rows in _parts(counted):
        everyone = _summaries(rows, resamples, seed)
        without = _summaries(_part(trusted, track, symbol), resamples, seed)
        for method, summary in everyone.items():
            found[method].append(
                RatingScore(
                    study=str(rows["study"].iloc[0]),
                    symbol=symbol,
                    track=track,
                    everyone=summary,
                    trusted=without.get(method, NOBODY),
                )
            )
    return {method: tuple(scores) for method, scores in found.items()}


NOBODY = RatingSummary(
    mean=(math.nan, math.nan, math.nan),
    sd=math.nan,
    per_item=(math.nan, math.nan, math.nan),
    n=0,
    items=0,
    annotators=0,
)
"""What is known before anybody has rated."""


def psi_differences(
    answers: pd.DataFrame,
    flagged: Collection[str] = (),
    *,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> tuple[RatingDifference, ...]:
    """Every method minus every method before it in the alphabet, without flagged annotators.

    Args:
        answers: a table with :data:`COLUMNS`.
        flagged: annotators who are left out.
        resamples: how often to resample.
        seed: of the resamples.

    Returns:
        Differences of the means of all answers.
    """
    counted = ratings(answers)
    counted = counted[~counted["annotator"].isin(list(flagged))]
    made = []
    for track, symbol, rows in _parts(counted):
        means = _crossed(rows, resamples=resamples, seed=seed)
        for against, method in itertools.combinations(means.groups, 2):
            gap = means.difference(method, against)
            made.append(
                RatingDifference(
                    symbol=symbol,
                    track=track,
                    method=method,
                    against=against,
                    value=gap.value,
                    low=gap.low,
                    high=gap.high,
                    n=gap.n,
                    items=gap.clusters,
                )
            )
    return tuple(made)


def psi_agreement(
    answers: pd.DataFrame,
    flagged: Collection[str] = (),
    *,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> tuple[RatingAgreement, ...]:
    """How far annotators agree on each ψ, over all methods, without flagged annotators.

    Args:
        answers: a table with :data:`COLUMNS`.
        flagged: annotators who are left out.
        resamples: how often to resample the people shown.
        seed: of the resamples.
    """
    counted = ratings(answers)
    counted = counted[~counted["annotator"].isin(list(flagged))]
    made = []
    for track, symbol, rows in _parts(counted):
        table, sources = rating_table(rows)
        found = agreement(table, clusters=sources, resamples=resamples, seed=seed)
        made.append(_agreement_record(symbol, track, found))
    return tuple(made)


def _agreement_record(symbol: str, track: Any, found: Agreement) -> RatingAgreement:
    return RatingAgreement(
        symbol=symbol,
        track=track,
        alpha=ends(found.alpha),
        ac2=ends(found.ac2),
        raw=ends(found.raw),
        near=ends(found.near),
        n=found.raw.n,
        items=found.raw.clusters,
        remark=found.remark,
    )


def psi_preferences(
    answers: pd.DataFrame,
    flagged: Collection[str] = (),
    *,
    resamples: int = CROSSED_RESAMPLES,
    seed: int = 0,
) -> tuple[PreferenceScore, ...]:
    """Which methods are preferred where items show two of them, without flagged annotators.

    Args:
        answers: a table with :data:`COLUMNS`; ``value`` is 1 where ``method`` (the left one) was
            preferred, 2 for no difference, 3 where ``against`` was.
        flagged: annotators who are left out.
        resamples: how often to resample.
        seed: of the resamples.

    Returns:
        Per question its methods, the most preferred first; nothing where none was compared.
    """
    counted = answered(answers)
    if "against" not in counted:
        return ()
    compared = counted[counted["against"].notna() & ~counted["annotator"].isin(list(flagged))]
    made = []
    for (track, question), rows in compared.groupby(["track", "question"], sort=True):
        found = bradley_terry(
            rows["method"].tolist(),
            rows["against"].tolist(),
            (RIGHT - rows["value"].to_numpy(dtype=np.float64)) / (RIGHT - LEFT),
            rows["source"].to_numpy(dtype=str),
            rows["annotator"].to_numpy(dtype=str),
            resamples=resamples,
            seed=seed,
        )
        ranked = sorted(found.strengths.items(), key=lambda entry: -entry[1].value)
        made += [
            PreferenceScore(
                question=str(question),
                track=cast("Any", track),
                method=method,
                strength=ends(strength),
                n=strength.n,
                items=strength.clusters,
            )
            for method, strength in ranked
        ]
    return tuple(made)


def ends(estimate: Estimate) -> tuple[float, float, float]:
    """A value and the ends of its interval, as records hold them."""
    return estimate.value, estimate.low, estimate.high


def _parts(counted: pd.DataFrame) -> Iterator[tuple[Any, str, pd.DataFrame]]:
    """Track, symbol and answers of everything that was asked, in alphabetical order."""
    for (track, symbol), rows in counted.groupby(["track", "symbol"], sort=True):
        yield track, str(symbol), rows


def _part(counted: pd.DataFrame, track: str, symbol: str) -> pd.DataFrame:
    return counted[(counted["track"] == track) & (counted["symbol"] == symbol)]


def _crossed(rows: pd.DataFrame, **options: Any) -> CrossedMeans:
    return crossed_means(
        rows["value"].to_numpy(dtype=np.float64),
        rows["method"].to_numpy(dtype=str),
        rows["source"].to_numpy(dtype=str),
        rows["annotator"].to_numpy(dtype=str),
        **options,
    )


def _summaries(rows: pd.DataFrame, resamples: int, seed: int) -> dict[str, RatingSummary]:
    """Method → what was answered about it; methods nobody rated are left out."""
    answers = _crossed(rows, resamples=resamples, seed=seed)
    per_item = _crossed(rows, resamples=resamples, seed=seed, per_item=True)
    deviations = rows.groupby("method")["value"].std(ddof=1)
    return {
        method: RatingSummary(
            mean=ends(answers.estimate(method)),
            sd=float(deviations[method]),
            per_item=ends(per_item.estimate(method)),
            n=int(answers.n[at]),
            items=int(answers.items[at]),
            annotators=int(answers.annotators[at]),
        )
        for at, method in enumerate(answers.groups)
    }

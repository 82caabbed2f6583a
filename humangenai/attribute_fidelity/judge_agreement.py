"""How far judges agree with each other and with people, picture by picture.

Judges have different words and scales, so only two things are compared: the *order* in which they
put pictures by how clearly these show what was asked for (Spearman), and whether each picture shows
it or not (Krippendorff's α, nominal). Pictures are ranked among those of one attribute: of two
values one is likelier than of seven, and judges who only guess would seem to agree. A correlation
of means of prompts is given too; it says whether the same prompts are hard, and less about single
pictures.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attribute_fidelity.answers import Answer, answers, person
from humangenai.attribute_fidelity.scores import ends
from humangenai.human_ratings.agreement import krippendorff_alpha
from humangenai.records import JudgeAgreement
from humangenai.statistics import student

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Generated
    from humangenai.records import Ends

    Question = tuple[str, str, str]
    Floats = NDArray[np.float64]

FEWEST = 10
"""Questions that both must have answered; with fewer, an order says nothing."""


def judge_agreement(
    generated: Sequence[Generated], judges: Sequence[Verdicts]
) -> tuple[JudgeAgreement, ...]:
    """Every two judges, suite by suite, on the questions that both answered.

    Args:
        generated: one method's pictures; pairs (``phi_C``) are left out.
        judges: what each judge says; people's answers are those of the judge ``human``.

    Returns:
        One record per suite and two judges with at least :data:`FEWEST` questions in common.
    """
    by_judge = {verdicts.judge: _by_question(generated, verdicts) for verdicts in judges}
    made = []
    for suite in sorted({line.suite for line in generated}):
        for one, other in itertools.combinations(by_judge, 2):
            both = [
                (answer, by_judge[other][question])
                for question, answer in by_judge[one].items()
                if question in by_judge[other] and answer.line.suite == suite
            ]
            if len(both) >= FEWEST:
                made.append(_agreement(one, other, both))
    return tuple(made)


def _by_question(generated: Sequence[Generated], verdicts: Verdicts) -> Mapping[Question, Answer]:
    given = answers(generated, verdicts).given
    return {(one.line.prompt, one.line.sha256 or "", one.key): one for one in given}


def _agreement(one: str, other: str, both: Sequence[tuple[Answer, Answer]]) -> JudgeAgreement:
    lines = [first.line for first, _ in both]
    people = [person(line) for line in lines]
    clearness = np.array([[first.probability, second.probability] for first, second in both])
    shown = np.array([[first.right > 0.5, second.right > 0.5] for first, second in both])
    keys = np.array([first.key for first, _ in both])
    places = np.stack([_places(column, keys) for column in clearness.T], axis=1)
    by_prompt: dict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        by_prompt[line.prompt].append(at)
    means = np.array([places[members].mean(axis=0) for members in by_prompt.values()])
    alpha = krippendorff_alpha(shown.T.astype(float), (0, 1), level="nominal", clusters=people)
    return JudgeAgreement(
        suite=lines[0].suite,
        one=one,
        other=other,
        spearman=_correlation_with_interval(places, people),
        by_prompt=spearman(means[:, 0], means[:, 1]),
        alpha=ends(alpha),
        n=len(both),
        prompts=len(by_prompt),
        people=len(set(people)),
    )


def spearman(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation; NaN with fewer than three pairs, or where one is constant.

    Args:
        one: float (N,).
        other: float (N,).

    >>> round(spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])), 2)
    0.8
    """
    if len(one) < 3:
        return math.nan
    return float(_correlation(_ranks(one), _ranks(other), np.ones((1, len(one))))[0])


def _places(clearness: Floats, keys: NDArray[np.str_]) -> Floats:
    """Each picture's place among those of its attribute, from below 0 to above 0, mean 0."""
    places = np.zeros(len(clearness))
    for key in np.unique(keys):
        members = keys == key
        places[members] = _ranks(clearness[members]) / (members.sum() + 1) - 0.5
    return places


def _correlation_with_interval(places: Floats, people: Sequence[str]) -> Ends:
    """Pearson's correlation of places, with a jackknife over source people.

    On Fisher's scale, with Student's t for few people.
    """
    one, other = places.T
    _, index = np.unique(people, return_inverse=True)
    clusters = int(index.max()) + 1
    left_out = 1.0 - np.eye(clusters)[:, index]
    value = float(_correlation(one, other, np.ones((1, len(one))))[0])
    if clusters < 3 or math.isnan(value):
        return value, math.nan, math.nan
    without = np.arctanh(np.clip(_correlation(one, other, left_out), -_CERTAIN, _CERTAIN))
    middle = math.atanh(min(max(value, -_CERTAIN), _CERTAIN))
    spread = (clusters - 1) / clusters * float(((without - without.mean()) ** 2).sum())
    half = student(clusters - 1) * math.sqrt(spread)
    return value, math.tanh(middle - half), math.tanh(middle + half)


_CERTAIN = 1 - 1e-9
"""Fisher's scale has no end; correlations of 1 stop here."""


def _ranks(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values), dtype=np.float64)


def _correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    """Pearson's correlation under each row of weights (draws, N); NaN where one is constant."""
    total = weights.sum(axis=1)
    mean_one, mean_other = weights @ one / total, weights @ other / total
    covariance = weights @ (one * other) / total - mean_one * mean_other
    spread_one = np.maximum(weights @ one**2 / total - mean_one**2, 0)
    spread_other = np.maximum(weights @ other**2 / total - mean_other**2, 0)
    spread = np.sqrt(spread_one * spread_other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 1e-9, covariance / spread, math.nan)

"""ϕ_A, ϕ_B and ϕ_D: how often a judge finds what the prompt asked for.

Pure functions from lines (:mod:`humangenai.attribute_fidelity.lines`) to records. Every score
stands beside what it must be read against: chance, the floor (the same prompts shuffled over the
pictures), the ceiling (the judge on pictures whose truth is known), and who was not scored.

Prompts have a handful of pictures each. So intervals are those for few people
(:func:`humangenai.statistics.clustered_share`), and prompts are put in an order only as far as
their intervals lie apart.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from humangenai.attribute_fidelity.answers import Answer, Answers, answers, person
from humangenai.attribute_fidelity.calibration import expected_calibration_error
from humangenai.records import LevelDifference, PhiCoverage, PhiScore
from humangenai.statistics import clustered_share, clustered_t, share_difference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Generated
    from humangenai.attribute_fidelity.suites import Suite
    from humangenai.records import Ends
    from humangenai.statistics import Estimate

Place = tuple[str, str, str, str]
"""What a row is about: suite, part, group and name; see :class:`humangenai.records.PhiScore`."""

LEVELS = ("simple", "medium", "complex")
"""ϕ_A's groups, from little to much detail."""


def coverage(
    suite: Suite, covered: Collection[str], generated: Iterable[Generated]
) -> tuple[PhiCoverage, ...]:
    """What became of a suite's prompts: for the suite, then for each of its groups.

    Args:
        suite: the list.
        covered: names of the entries that the checkpoint can be scored on.
        generated: one method's pictures; those of other suites are left out.
    """
    lines = [line for line in generated if line.suite == suite.suite]
    groups = dict.fromkeys(entry.group for entry in suite.entries())
    return tuple(_coverage(suite, group, covered, lines) for group in ("", *groups))


def _coverage(
    suite: Suite, group: str, covered: Collection[str], generated: Iterable[Generated]
) -> PhiCoverage:
    """Of one group; of the whole suite where the group is empty."""
    names = {entry.name for entry in suite.entries() if group in ("", entry.group)}
    lines = [line for line in generated if group in ("", line.group)]
    became = [line.status for line in lines]
    return PhiCoverage(
        suite=suite.suite,
        part="group" if group else "suite",
        name=group,
        prompts=len(names),
        out_of_scope=len(names - set(covered)),
        asked=len({line.prompt for line in lines}),
        pictures=len(lines),
        replaced=became.count("replaced"),
        masked=became.count("masked"),
        failed=became.count("failed"),
    )


def phi_scores(generated: Sequence[Generated], verdicts: Verdicts) -> tuple[PhiScore, ...]:
    """One judge's scores of one method: suites, their groups, and every prompt that was asked.

    Args:
        generated: the method's pictures.
        verdicts: what the judge says.

    Returns:
        Rows in the order in which things were asked. Without any answer the values are NaN, and
        the counts say why.
    """
    asked = answers(generated, verdicts)
    given: dict[Place, list[Answer]] = defaultdict(list)
    places: dict[Place, None] = {}
    for line in asked.pictures:
        places.update(dict.fromkeys(places_of(line)))
    for answer in asked.given:
        for place in places_of(answer.line):
            given[place].append(answer)
    unjudgeable = _counts(asked.unjudgeable)
    unjudged = _counts(asked.unjudged)
    rows = [
        _score(place, given[place], asked, unjudgeable[place], unjudged[place])
        for place in ordered(places)
    ]
    return tuple(_with_ranks(rows))


def places_of(line: Generated) -> tuple[Place, Place, Place]:
    """The rows that a picture counts for: its suite's, its group's, its prompt's."""
    return (
        (line.suite, "suite", "", ""),
        (line.suite, "group", line.group, line.group),
        (line.suite, "prompt", line.group, line.prompt),
    )


def ordered(places: Iterable[Place]) -> list[Place]:
    """Suites by name; within each, the suite, its groups, then the prompts group by group."""
    parts = ("suite", "group", "prompt")
    found = list(places)
    groups = {place[2]: at for at, place in enumerate(found) if place[1] == "group"}
    return sorted(
        found, key=lambda place: (place[0], parts.index(place[1]), groups.get(place[2], -1))
    )


def _counts(questions: Iterable[tuple[Generated, str]]) -> Mapping[Place, int]:
    counted: dict[Place, int] = defaultdict(int)
    for line, _ in questions:
        for place in places_of(line):
            counted[place] += 1
    return counted


def _score(
    place: Place, given: Sequence[Answer], asked: Answers, unjudgeable: int, unjudged: int
) -> PhiScore:
    suite, part, group, name = place
    people = [person(answer.line) for answer in given]
    right = np.array([answer.right for answer in given])
    top1 = clustered_share(right, people)
    # A prompt has too few pictures for bins of confidence.
    sure = [max(answer.said.values()) for answer in given] if part != "prompt" else []
    likeliest_is_right = right if part != "prompt" else np.array([])
    fields: dict[str, Any] = {"suite": suite, "part": part}
    return PhiScore(
        **fields,
        name=name,
        group=group,
        judge=asked.verdicts.judge,
        top1=ends(top1),
        probability=_probability(given, people),
        ece=expected_calibration_error(sure, likeliest_is_right),
        chance=_mean(answer.chance for answer in given),
        floor=_mean(asked.floor(answer) for answer in given),
        ceiling=_ceiling(given),
        n=top1.n,
        people=top1.clusters,
        unjudgeable=unjudgeable,
        unjudged=unjudged,
    )


def _probability(given: Sequence[Answer], people: Sequence[str]) -> Ends:
    """Probabilities vary less than hits do, so their mean has an interval of its own."""
    value, low, high = ends(clustered_t([answer.probability for answer in given], people))
    low, high = np.clip([low, high], 0.0, 1.0).tolist()  # NaN stays NaN
    return value, low, high


def ends(estimate: Estimate) -> Ends:
    """A value and the ends of its interval, as records hold them."""
    return estimate.value, estimate.low, estimate.high


def _mean(values: Iterable[float]) -> float:
    """The mean of what is no NaN; NaN without any."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _ceiling(given: Sequence[Answer]) -> Ends:
    """The mean ceiling of what was asked; its ends as if all of them erred together."""
    ceilings = [answer.ceiling for answer in given]
    return (
        _mean(ceiling.value for ceiling in ceilings),
        _mean(ceiling.low for ceiling in ceilings),
        _mean(ceiling.high for ceiling in ceilings),
    )


def _with_ranks(rows: Sequence[PhiScore]) -> list[PhiScore]:
    """Prompts with the places in their group that they may have."""
    ranked: dict[int, tuple[int, int]] = {}
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        if row.part == "prompt" and not any(map(math.isnan, row.top1)):
            groups[row.suite, row.group].append(at)
    for members in groups.values():
        places = rank_ranges([rows[at].top1 for at in members])
        ranked.update(zip(members, places, strict=True))
    return [row.model_copy(update={"rank": ranked.get(at)}) for at, row in enumerate(rows)]


def rank_ranges(intervals: Sequence[Ends]) -> list[tuple[int, int]]:
    """The places that each may have, 1 the best: one is surely better if its interval is above.

    >>> rank_ranges([(0.9, 0.8, 1.0), (0.5, 0.4, 0.7), (0.6, 0.5, 0.75)])
    [(1, 1), (2, 3), (2, 3)]
    """
    return [
        (
            1 + sum(other_low > high for _, other_low, _ in intervals),
            len(intervals) - sum(other_high < low for _, _, other_high in intervals),
        )
        for _, low, high in intervals
    ]


def level_differences(
    generated: Sequence[Generated], verdicts: Verdicts
) -> tuple[LevelDifference, ...]:
    """ϕ_A: what more detail costs, like with like.

    A level asks for more than the one before it, and what it adds may be harder. So only those
    attributes are compared that both levels ask for: of the same subject, source person and seed.

    Args:
        generated: the method's pictures.
        verdicts: what the judge says.

    Returns:
        Each level against each one before it.
    """
    asked = answers([line for line in generated if line.suite == "phi_A"], verdicts)
    by_level: dict[str, dict[tuple[object, ...], Answer]] = defaultdict(dict)
    for answer in asked.given:
        line = answer.line
        same = (line.subject, line.source, line.person, line.draw, answer.key, answer.value)
        by_level[line.group][same] = answer
    levels = [level for level in LEVELS if any(line.group == level for line in asked.pictures)]
    return tuple(
        _level_difference(verdicts.judge, level, against, by_level[level], by_level[against])
        for against, level in itertools.combinations(levels, 2)
    )


def _level_difference(
    judge: str,
    level: str,
    against: str,
    here: Mapping[tuple[object, ...], Answer],
    there: Mapping[tuple[object, ...], Answer],
) -> LevelDifference:
    shared = [same for same in here if same in there]
    gap = paired_shares(
        [here[same].right for same in shared],
        [there[same].right for same in shared],
        [person(here[same].line) for same in shared],
    )
    return LevelDifference(
        judge=judge,
        level=level,
        against=against,
        value=ends(gap),
        n=gap.n,
        people=gap.clusters,
    )


def paired_shares(
    right: Sequence[float], against: Sequence[float], people: Sequence[str]
) -> Estimate:
    """The difference of two shares of the same questions, with an interval over people.

    Where all differences are equal, which says nothing of how they vary, the interval is that of
    independent shares.

    Args:
        right: how right each question was, in [0, 1].
        against: the same under what it is compared with.
        people: whom each question is about.
    """
    gap = clustered_t(np.array(right) - np.array(against), people)
    if gap.low == gap.high:
        return share_difference(clustered_share(right, people), clustered_share(against, people))
    return gap

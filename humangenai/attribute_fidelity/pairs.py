"""ϕ_C: does the change from one value to a close one show?

Two pictures, one asked to be the one value, the other the other. *Two-alternative forced choice*
asks which is which, once for each of the two values (both orders: the judge is asked for the first
value in either picture, then for the second), ties counting half; chance is one half. On pictures
of one person and seed nothing else differs, and a judge soon tells all of them apart; on pictures
of different people the change must be larger than what people differ by.

*Shift* says how far the judge's probabilities move, and its ratio to the same between pictures
whose truth is known says whether the pictures differ as much as true ones do.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from humangenai.attribute_fidelity.answers import person, spoken
from humangenai.attribute_fidelity.scores import ends, rank_ranges
from humangenai.records import PairScore
from humangenai.statistics import clustered_share, clustered_t, share_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Crop, Generated
    from humangenai.records import Ends, Part
    from humangenai.statistics import Estimate

CHANCE = 0.5
"""Of a forced choice between two; also what shuffled sides score."""


class Seen(NamedTuple):
    """One picture of a pair as the judge sees it.

    Attributes:
        person: source person.
        draw: number of the seed.
        before: probability of the pair's first value; after: of its second.
    """

    person: str
    draw: int
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class _Pair:
    """All pictures of one pair that a judge looked at.

    Attributes:
        name: as tables print it; group: likewise.
        crop: of its pictures.
        told: the judge's attribute and its two values; None where it does not tell them apart.
        befores: pictures that were asked to show the first value; afters: the second.
        asked: pairs of pictures of one person and seed that were asked for.
    """

    name: str
    group: str
    crop: Crop
    told: tuple[str, str, str] | None
    befores: Sequence[Seen]
    afters: Sequence[Seen]
    asked: int

    def together(self) -> list[tuple[Seen, Seen]]:
        """Pairs of one person and seed."""
        others = {(seen.person, seen.draw): seen for seen in self.afters}
        return [
            (seen, others[seen.person, seen.draw])
            for seen in self.befores
            if (seen.person, seen.draw) in others
        ]


def forced_choice(before: Seen, after: Seen) -> float:
    """How often the judge takes the right one of two pictures: both orders, ties count half.

    >>> forced_choice(Seen("a", 0, 0.6, 0.1), Seen("a", 0, 0.2, 0.3))
    1.0
    >>> forced_choice(Seen("a", 0, 0.6, 0.1), Seen("a", 0, 0.6, 0.3))
    0.75
    """
    return (_above(before.before, after.before) + _above(after.after, before.after)) / 2


def shift(before: Seen, after: Seen) -> float:
    """How far probability moves from the first value to the second, in [-1, 1].

    >>> round(shift(Seen("a", 0, 0.6, 0.1), Seen("a", 0, 0.2, 0.3)), 2)
    0.3
    """
    return (before.before - after.before + after.after - before.after) / 2


def _above(one: float, other: float) -> float:
    return 0.5 if one == other else float(one > other)


def pair_scores(generated: Iterable[Generated], verdicts: Verdicts) -> tuple[PairScore, ...]:
    """One judge's scores of one method: the suite, its groups, and every pair that was asked.

    Args:
        generated: the method's pictures; those of other suites are left out.
        verdicts: what the judge says.

    Returns:
        Rows in the order in which pairs were asked. Without judged pictures the values are NaN,
        and the counts say why.
    """
    pairs = _pairs([line for line in generated if line.suite == "phi_C"], verdicts)
    if not pairs:
        return ()
    groups = dict.fromkeys(pair.group for pair in pairs)
    of_group = {group: [pair for pair in pairs if pair.group == group] for group in groups}
    rows = [_score("suite", "", "", pairs, verdicts)]
    rows += [_score("group", group, group, of_group[group], verdicts) for group in groups]
    for group in groups:
        each = [_score("prompt", group, pair.name, [pair], verdicts) for pair in of_group[group]]
        rows += _with_ranks(each)
    return tuple(rows)


def choices(
    generated: Iterable[Generated], verdicts: Verdicts
) -> dict[tuple[str, str, int], float]:
    """Pair, source person and seed → how often the judge tells the two pictures apart.

    Args:
        generated: the method's pictures; those of other suites are left out.
        verdicts: what the judge says.
    """
    pairs = _pairs([line for line in generated if line.suite == "phi_C"], verdicts)
    return {
        (pair.name, before.person, before.draw): forced_choice(before, after)
        for pair in pairs
        for before, after in pair.together()
    }


def _pairs(lines: Iterable[Generated], verdicts: Verdicts) -> list[_Pair]:
    by_name: dict[str, list[Generated]] = defaultdict(list)
    for line in lines:
        by_name[line.prompt].append(line)
    return [_pair(name, members, verdicts) for name, members in by_name.items()]


def _pair(name: str, lines: Sequence[Generated], verdicts: Verdicts) -> _Pair:
    from humangenai.attribute_fidelity.judges.mapping import tells_apart

    sides = {side: [line for line in lines if line.side == side] for side in ("before", "after")}
    told = None
    crop = lines[0].crop
    if all(sides.values()) and (values := verdicts.values.get(crop)) is not None:
        ((key, before),) = sides["before"][0].attributes.items()
        told = tells_apart(values, key, before, sides["after"][0].attributes[key])
        if told is not None and verdicts.ceilings[crop][told[0]].blind:
            told = None
    return _Pair(
        name=name,
        group=lines[0].group,
        crop=crop,
        told=told,
        befores=_seen(sides["before"], told, verdicts),
        afters=_seen(sides["after"], told, verdicts),
        asked=len({(person(line), line.draw) for line in lines}),
    )


def _seen(
    lines: Iterable[Generated], told: tuple[str, str, str] | None, verdicts: Verdicts
) -> list[Seen]:
    if told is None:
        return []
    attribute, before, after = told
    said = ((line, spoken(verdicts.of_picture(line), attribute)) for line in lines)
    return [Seen(person(line), line.draw, p[before], p[after]) for line, p in said if p]


def _score(
    part: Part, group: str, name: str, pairs: Sequence[_Pair], verdicts: Verdicts
) -> PairScore:
    together = [both for pair in pairs for both in pair.together()]
    people = [before.person for before, _ in together]
    same = clustered_share([forced_choice(*both) for both in together], people)
    moved = clustered_t([shift(*both) for both in together], people)
    different = _different(pairs)
    ceiling = _labelled_mean(pairs, verdicts, forced_choice)
    true_shift = _labelled_mean(pairs, verdicts, shift)
    # A judge that is missing could have told them apart, for all that is known.
    untold = [pair for pair in pairs if pair.told is None and verdicts.values]
    unjudgeable = sum(pair.asked for pair in untold)
    return PairScore(
        part=part,
        name=name,
        group=group,
        judge=verdicts.judge,
        same=ends(same),
        different=ends(different),
        ceiling=ceiling,
        floor=CHANCE if together else math.nan,
        shift=ends(moved),
        true_shift=true_shift,
        ratio=_ratio(ends(moved), true_shift),
        n=same.n,
        n_different=different.n,
        people=same.clusters,
        unjudgeable=unjudgeable,
        unjudged=sum(pair.asked for pair in pairs) - unjudgeable - same.n,
    )


def _different(pairs: Sequence[_Pair]) -> Estimate:
    """Forced choice over all pictures of different people, pair by pair."""
    everybody = sorted({seen.person for pair in pairs for seen in (*pair.befores, *pair.afters)})
    place = {name: at for at, name in enumerate(everybody)}
    wins = np.zeros((len(everybody), len(everybody)))
    comparisons = np.zeros_like(wins)
    for pair in pairs:
        for before, after in itertools.product(pair.befores, pair.afters):
            where = place[before.person], place[after.person]
            wins[where] += forced_choice(before, after)
            comparisons[where] += 1
    pictures = sum(len(pair.befores) + len(pair.afters) for pair in pairs)
    return share_between(wins, comparisons, pictures)


def _labelled_mean(
    pairs: Sequence[_Pair], verdicts: Verdicts, measure: Callable[[Seen, Seen], float]
) -> float:
    """The mean over pairs of a measure on pictures whose truth is known; NaN without them.

    Pairs of which nothing is known are left out, as long as any is.
    """
    known = [_labelled(pair, verdicts, measure) for pair in pairs]
    known = [value for value in known if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _labelled(pair: _Pair, verdicts: Verdicts, measure: Callable[[Seen, Seen], float]) -> float:
    if pair.told is None:
        return math.nan
    attribute, before, after = pair.told
    sides: Mapping[str, list[Seen]] = {before: [], after: []}
    for truth, said in verdicts.labelled.get(pair.crop, ()):
        probabilities = spoken(said, attribute)
        if probabilities and truth.get(attribute) in sides:
            seen = Seen("", 0, probabilities[before], probabilities[after])
            sides[truth[attribute]].append(seen)
    measured = [measure(*both) for both in itertools.product(sides[before], sides[after])]
    return sum(measured) / len(measured) if measured else math.nan


def _ratio(moved: Ends, true_shift: float) -> Ends:
    """The shift in units of the true one, taken as known; NaN where that is not above 0."""
    if not true_shift > 0:
        return math.nan, math.nan, math.nan
    value, low, high = moved
    return value / true_shift, low / true_shift, high / true_shift


def _with_ranks(rows: Sequence[PairScore]) -> list[PairScore]:
    scored = [row for row in rows if not any(map(math.isnan, row.different))]
    places = dict(
        zip([row.name for row in scored], rank_ranges([r.different for r in scored]), strict=True)
    )
    return [row.model_copy(update={"rank": places.get(row.name)}) for row in rows]

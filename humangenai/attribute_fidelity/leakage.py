"""Does the original show through? Its attributes, read off the new person.

An attribute-inference attack with the judges of ϕ: the judge's likeliest value is the guess at the
*original's* label. Where the prompt asks for another value than the original has, a right guess
means that the original won over the prompt. Where the prompt says nothing of the attribute, a right
guess may be luck. Both stand against chance: how often pictures of the same prompt value are taken
to show that label, whoever stood there; that is, the same guesses after the originals' labels were
shuffled among them. A method that makes everybody young gains nothing from young originals, and one
that ignores prompts leaks nothing by that.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from humangenai.attribute_fidelity.answers import likeliest, person, spoken
from humangenai.attribute_fidelity.scores import ends
from humangenai.records import LeakScore
from humangenai.statistics import clustered_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Generated

    Asked = Literal["otherwise", "nothing"]


@dataclass(frozen=True, eq=False)
class Guess:
    """What a judge takes one new person's attribute to be.

    Attributes:
        person: the source person.
        attribute: in the judge's words; original: the source person's value of it.
        asked: the value that the prompt asks for, None where it asks for none.
        guessed: value → credit, see :func:`humangenai.attribute_fidelity.answers.likeliest`.
    """

    person: str
    attribute: str
    original: str
    asked: str | None
    guessed: Mapping[str, float]


def leakage(generated: Iterable[Generated], verdicts: Verdicts) -> tuple[LeakScore, ...]:
    """One judge's guesses at the originals of one method's pictures.

    Args:
        generated: the method's pictures, with the originals' labels.
        verdicts: what the judge says.

    Returns:
        Per case all attributes together, then each; nothing where no original's label is known.
    """
    found = [guess for line in generated for guess in guesses(line, verdicts)]
    rows: list[LeakScore] = []
    chances = list(zip(found, _by_chance(found), strict=True))
    cases: tuple[tuple[Asked, list[tuple[Guess, float]]], ...] = (
        ("otherwise", [one for one in chances if one[0].asked not in (None, one[0].original)]),
        ("nothing", [one for one in chances if one[0].asked is None]),
    )
    for asked, members in cases:
        if members:
            rows.append(_score(verdicts.judge, "", asked, members))
        for attribute in dict.fromkeys(guess.attribute for guess, _ in members):
            each = [one for one in members if one[0].attribute == attribute]
            rows.append(_score(verdicts.judge, attribute, asked, each))
    return tuple(rows)


def guesses(line: Generated, verdicts: Verdicts) -> list[Guess]:
    """What a judge makes of one picture, attribute by attribute.

    Attributes that the judge cannot tell, or is known not to see, are left out.
    """
    from humangenai.attribute_fidelity.judges.mapping import locate, locate_all

    values = verdicts.values.get(line.crop, {})
    said = verdicts.of_picture(line)
    asked = dict(locate_all(values, line.attributes).values())
    unsayable = {
        key for key, value in line.attributes.items() if locate(values, key, value) is None
    }
    made: dict[str, Guess] = {}
    for key, value in line.original.items():
        place = locate(values, key, value)
        # What was asked in words that the judge lacks may be anything to it.
        if place is None or key in unsayable or verdicts.ceilings[line.crop][place[0]].blind:
            continue
        if probabilities := spoken(said, place[0]):
            made[place[0]] = Guess(
                person=person(line),
                attribute=place[0],
                original=place[1],
                asked=asked.get(place[0]),
                guessed=likeliest(probabilities),
            )
    return list(made.values())


def _score(
    judge: str, attribute: str, asked: Asked, found: Sequence[tuple[Guess, float]]
) -> LeakScore:
    # A person's pictures may all be alike, so each person and attribute counts once.
    cells: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for guess, by_chance in found:
        right = guess.guessed.get(guess.original, 0.0)
        cells[guess.person, guess.attribute].append((right, by_chance))
    means = np.array([np.mean(cell, axis=0) for cell in cells.values()])
    people = [person for person, _ in cells]
    chance = float(means[:, 1].mean())
    accuracy = ends(clustered_share(means[:, 0], people))
    value, low, high = accuracy
    return LeakScore(
        judge=judge,
        attribute=attribute,
        asked=asked,
        accuracy=accuracy,
        chance=chance,
        # As wide as the accuracy's: few people who are all wrong say little of how they vary.
        lift=(value - chance, low - chance, high - chance),
        n=len(found),
        people=len(set(people)),
    )


def _by_chance(found: Sequence[Guess]) -> list[float]:
    """How often each guess's label is guessed of any picture with the same prompt value."""
    credit: dict[tuple[str, str | None], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    pictures: Counter[tuple[str, str | None]] = Counter()
    for guess in found:
        pictures[guess.attribute, guess.asked] += 1
        for value, share in guess.guessed.items():
            credit[guess.attribute, guess.asked][value] += share
    return [
        credit[guess.attribute, guess.asked][guess.original]
        / pictures[guess.attribute, guess.asked]
        for guess in found
    ]

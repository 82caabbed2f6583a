"""From lines to questions and answers: what was asked for, and what one judge says of it.

A question is one attribute of one picture's prompt. It ends in one of three ways: the judge
answered; it cannot judge such a thing (no value of its own stands for it, or it is known not to
see the attribute); or it could have and did not (the picture was not made, no face was found, the
judge is missing). Only answers are scored; the other two are counted.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from humangenai.attribute_fidelity.judges import Ceiling, Judge
    from humangenai.attribute_fidelity.judges.human import Human
    from humangenai.attribute_fidelity.lines import Crop, Generated, Judged

Said = dict[str, dict[str, float]]
"""Attribute → value → probability, as in ``Judged``."""


@dataclass(frozen=True, eq=False)
class Verdicts:
    """All that one judge says, and what is known of it.

    Attributes:
        judge: its name; version: what changes with its answers, empty for a judge that is missing.
        values: crop → attribute → the values it tells apart; empty for a judge that is missing.
        ceilings: crop → attribute → how often it is right.
        said: sha256 of a picture and its crop → what the judge says of it.
        labelled: crop → what it says of pictures whose truth is known, each with that truth in the
            judge's own words; for the ceilings of ϕ_C.
    """

    judge: str
    version: str
    values: Mapping[Crop, Mapping[str, tuple[str, ...]]]
    ceilings: Mapping[Crop, Mapping[str, Ceiling]]
    said: Mapping[tuple[str, Crop], Said]
    labelled: Mapping[Crop, Sequence[tuple[Mapping[str, str], Said]]]

    @classmethod
    def of(
        cls,
        judge: Judge | Human,
        lines: Iterable[Judged],
        labelled: Mapping[Crop, Sequence[tuple[Mapping[str, str], Said]]] | None = None,
    ) -> Verdicts:
        """A judge and the lines it wrote.

        Args:
            judge: who judged.
            lines: its lines; those of another judge or version are left out.
            labelled: see the class.
        """
        crops: tuple[Crop, ...] = ("head", "body")
        return cls(
            judge=judge.name,
            version=judge.version,
            values={crop: judge.values(crop) for crop in crops},
            ceilings={crop: judge.ceilings(crop) for crop in crops},
            said={
                (line.sha256, line.crop): line.said
                for line in lines
                if (line.judge, line.judge_version) == (judge.name, judge.version)
            },
            labelled=labelled or {},
        )

    @classmethod
    def missing(cls, judge: str) -> Verdicts:
        """A judge that cannot judge here: all its scores are NaN, and counted."""
        return cls(judge=judge, version="", values={}, ceilings={}, said={}, labelled={})

    def of_picture(self, line: Generated) -> Said:
        """What it says of a picture; empty where it has not looked."""
        return {} if line.sha256 is None else self.said.get((line.sha256, line.crop), {})


def spoken(said: Said, attribute: str) -> dict[str, float]:
    """A judge's probabilities for an attribute; empty where it says nothing."""
    found = said.get(attribute, {})
    return {} if any(math.isnan(value) for value in found.values()) else found


def likeliest(probabilities: Mapping[str, float]) -> dict[str, float]:
    """The likeliest value, which counts 1; values that are equally likely share it.

    So a judge that knows nothing scores chance, whatever the order of its values.

    >>> likeliest({"male": 0.7, "female": 0.3}), likeliest({"male": 0.5, "female": 0.5})
    ({'male': 1.0}, {'male': 0.5, 'female': 0.5})
    """
    most = max(probabilities.values())
    first = [value for value, probability in probabilities.items() if probability == most]
    return {value: 1 / len(first) for value in first}


@dataclass(frozen=True, eq=False)
class Answer:
    """One question that a judge answered.

    Attributes:
        line: the picture and its prompt.
        key: which of the prompt's attributes.
        attribute: the judge's attribute that stands for it; value: its value.
        said: the judge's probabilities for that attribute.
        ceiling: how often the judge is right about it.
    """

    line: Generated
    key: str
    attribute: str
    value: str
    said: Mapping[str, float]
    ceiling: Ceiling

    @property
    def right(self) -> float:
        """1 where the likeliest value is the one asked for, 0 where it is another."""
        return likeliest(self.said).get(self.value, 0.0)

    @property
    def probability(self) -> float:
        """Of the value that was asked for."""
        return self.said.get(self.value, 0.0)

    @property
    def chance(self) -> float:
        """What guessing evenly among the judge's values scores."""
        return 1 / len(self.said)


@dataclass(frozen=True, eq=False)
class Answers:
    """All questions of one method's pictures to one judge.

    Attributes:
        verdicts: who was asked.
        given: what it answered.
        unjudgeable: picture and attribute of questions that it cannot judge.
        unjudged: of those that it could have answered and did not.
    """

    verdicts: Verdicts
    pictures: Sequence[Generated]
    given: Sequence[Answer]
    unjudgeable: Sequence[tuple[Generated, str]]
    unjudged: Sequence[tuple[Generated, str]]

    @cached_property
    def _floors(self) -> Mapping[tuple[str, str, str], float]:
        """Suite, attribute and value → share of the suite's pictures judged to show it."""
        credit: dict[tuple[str, str, str], float] = defaultdict(float)
        looked: Counter[tuple[str, str, str]] = Counter()
        for line in self.pictures:
            for attribute in (said := self.verdicts.of_picture(line)):
                if probabilities := spoken(said, attribute):
                    looked.update((line.suite, attribute, value) for value in probabilities)
                    for value, share in likeliest(probabilities).items():
                        credit[line.suite, attribute, value] += share
        asked: Counter[tuple[str, str, str]] = Counter(
            (one.line.suite, one.attribute, one.value) for one in self.given
        )
        return {
            place: credit[place] / n if n > asked[place] else math.nan
            for place, n in looked.items()
        }

    def floor(self, answer: Answer) -> float:
        """What an answer would score on average over all shuffles of the suite's prompts.

        A shuffle gives the question any of the suite's pictures, so this is the share of them that
        the judge says to show the value; what it says of everybody is no success of a prompt. NaN
        where the judge has looked for the value only in pictures that should show it, as people do.
        """
        return self._floors.get((answer.line.suite, answer.attribute, answer.value), math.nan)


def person(line: Generated) -> str:
    """The source person of a picture: what intervals resample."""
    return f"{line.source} {line.person}"


def answers(generated: Iterable[Generated], verdicts: Verdicts) -> Answers:
    """Ask a judge about every attribute that was asked for.

    Args:
        generated: pictures of one method; pairs (``phi_C``) are left out, see
            :mod:`humangenai.attribute_fidelity.pairs`.
        verdicts: what the judge says.
    """
    from humangenai.attribute_fidelity.judges.mapping import locate

    pictures = [line for line in generated if line.suite != "phi_C"]
    given: list[Answer] = []
    unjudgeable: list[tuple[Generated, str]] = []
    unjudged: list[tuple[Generated, str]] = []
    for line in pictures:
        said = verdicts.of_picture(line)
        values = verdicts.values.get(line.crop)
        for key, value in line.attributes.items():
            if values is None:
                unjudged.append((line, key))
                continue
            place = locate(values, key, value)
            if place is None or verdicts.ceilings[line.crop][place[0]].blind:
                unjudgeable.append((line, key))
            elif probabilities := spoken(said, place[0]):
                ceiling = verdicts.ceilings[line.crop][place[0]]
                given.append(Answer(line, key, *place, probabilities, ceiling))
            else:
                unjudged.append((line, key))
    return Answers(verdicts, pictures, given, unjudgeable, unjudged)

"""Annotators who are programs: known opinions, bias, noise, laziness and random clicking.

They answer through the same :class:`~annotator_ui.desk.Desk` as people, so they show whether a
study recovers what is known to be true and catches those who do not look. They are marked as
simulated in the database; run records and leaderboards refuse their answers.

What an answer comes from, on the scale of 1 to 5: the method's mean, plus how well it did on this
person, plus the annotator's bias, plus noise; rounded, and cut off at the ends of the scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


Kind = Literal["careful", "lazy", "straight", "random"]

ITEM_SD = 0.4
BIAS_SD = 0.4
NOISE_SD = 0.7
"""Spread of people shown, of annotators, and of one annotator's answers to the same thing, in
points. Together 0.9: the standard deviations that the paper prints are 0.3 to 1.1."""

SLIP = 0.03
"""Share of attention checks that careful annotators overlook."""

REPEAT = 0.7
"""Share of answers that lazy annotators repeat instead of looking."""

STEP = 0.25
"""Points between the methods' means where none are given."""

# Median seconds for an answer. Random clickers take their time, or they would be found by that.
_SECONDS: dict[Kind, float] = {"careful": 6.0, "lazy": 3.0, "straight": 2.0, "random": 4.0}


@dataclass(frozen=True)
class Truth:
    """What is true of one question about one item.

    Attributes:
        mean: what an unbiased annotator would answer on average, in points; may lie outside 1 to 5.
        expected: the known answer of a gold item or attention check; None on other items.
        attention: whether the question itself says the answer.
    """

    mean: float
    expected: int | None = None
    attention: bool = False


@dataclass
class SimulatedAnnotator:
    """One program that answers.

    Attributes:
        kind: ``careful``: looks; ``lazy``: mostly repeats its last answer; ``straight``: always
            the same answer; ``random``: any answer.
        bias: points added to everything.
        noise: standard deviation of its answers to the same thing, in points.
        rng: its dice.
    """

    kind: Kind
    bias: float
    noise: float
    rng: np.random.Generator
    _last: dict[str, int] = field(default_factory=dict)

    def answer(self, question: str, truth: Truth, answers: int = 5) -> int:
        """Its answer, 1 to ``answers``.

        Args:
            question: id of the question.
            truth: what is to be seen.
            answers: how many answers there are.
        """
        given = self._look(truth, answers)
        if self.kind == "random":
            given = int(self.rng.integers(1, answers + 1))
        elif self.kind == "straight" or (self.kind == "lazy" and self.rng.random() < REPEAT):
            given = self._last.get(question, given)
        self._last[question] = given
        return given

    def seconds(self) -> float:
        """How long it takes for an answer."""
        return float(_SECONDS[self.kind] * self.rng.lognormal(0.0, 0.5))

    def _look(self, truth: Truth, answers: int) -> int:
        if truth.attention and truth.expected is not None and self.rng.random() >= SLIP:
            return truth.expected
        seen = truth.mean if truth.expected is None else truth.expected
        return int(on_scale(seen + self.bias + self.rng.normal(0, self.noise), answers))


def on_scale(points: float | NDArray[np.float64], answers: int = 5) -> NDArray[np.float64]:
    """Points rounded to an answer, and cut off at the ends of the scale.

    >>> on_scale(np.array([0.2, 3.4, 7.0])).tolist()
    [1.0, 3.0, 5.0]
    """
    return np.clip(np.rint(points), 1, answers)


def expected_answer(mean: float, sd: float, answers: int = 5) -> float:
    """The mean answer to something whose points are normal: rounding and the scale's ends shift it.

    Args:
        mean: of the points.
        sd: of the points, above 0.
        answers: how many answers there are.

    >>> round(expected_answer(3.0, 0.9), 3), round(expected_answer(4.8, 0.9), 2)
    (3.0, 4.55)
    """
    # E[answer] = 1 + the sum of the chances to answer k + 1 or more.
    steps = (0.5 * math.erfc((k + 0.5 - mean) / (sd * math.sqrt(2))) for k in range(1, answers))
    return 1.0 + sum(steps)


def crowd(
    kinds: Mapping[Kind, int],
    seed: int,
    bias_sd: float = BIAS_SD,
    noise: float = NOISE_SD,
) -> list[SimulatedAnnotator]:
    """Annotators, so many of each kind, each with a bias of its own.

    Args:
        kinds: kind → how many.
        seed: of everything they do.
        bias_sd: standard deviation of their biases, in points.
        noise: see :class:`SimulatedAnnotator`.
    """
    seeds = iter(np.random.SeedSequence(seed).spawn(sum(kinds.values())))
    made = []
    for kind, number in kinds.items():
        for _ in range(number):
            rng = np.random.default_rng(next(seeds))
            made.append(SimulatedAnnotator(kind, float(rng.normal(0, bias_sd)), noise, rng))
    return made

"""Annotators who are programs: known opinions, bias, noise, laziness and random clicking.

They answer through the same :class:`~annotator_ui.desk.Desk` as people, so they show whether a
study recovers what is known to be true and catches those who do not look. They are marked as
simulated in the database; run records and leaderboards refuse their answers.

What an answer comes from, on the scale of 1 to 5: the method's mean, plus how well it did on this
person, plus the annotator's bias, plus noise; rounded, and cut off at the ends of the scale.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from sqlalchemy import select

from annotator_ui import database as db
from annotator_ui.admin_desk import AdminDesk
from annotator_ui.desk import Desk
from annotator_ui.study import Study, open_study
from humangenai.errors import UserError, unknown
from humangenai.statistics import crossed_means

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from humangenai.statistics import CrossedMeans

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


@dataclass(frozen=True)
class Simulated:
    """What was simulated, so that it can be compared with what the study finds.

    Attributes:
        means: method → planted mean, in points.
        kinds: id of each annotator → its kind.
        answers: how many were given.
    """

    means: dict[str, float]
    kinds: dict[str, Kind]
    answers: int


DEFAULT_KINDS: Mapping[Kind, int] = {"careful": 10, "lazy": 1, "straight": 1, "random": 1}


def simulate(
    url: str,
    study: str,
    kinds: Mapping[Kind, int] = DEFAULT_KINDS,
    *,
    means: Mapping[str, float] | None = None,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Simulated:
    """Let programs do a whole study, item by item in turn, until nothing is left for them.

    Args:
        url: of the database.
        study: its name.
        kinds: kind of annotator → how many.
        means: method → mean of its answers, in points, for every question; None: :data:`STEP`
            apart around 3, in the order of their names.
        seed: of what they do; ids and order of items are the database's.
        advance: called after every item.

    Raises:
        UserError: there is no such study, it is closed, people take part in it, or a method in
            ``means`` is not in it or one of its methods is not in ``means``.
    """
    opened = open_study(url, study)
    _refuse_people(opened)
    desk = Desk(opened)
    truths = _truths(opened, means, seed)
    people = _enter(opened, kinds, seed)
    given = 0
    busy = list(people)
    while busy:
        for annotator_id in list(busy):
            item = desk.next_item(annotator_id)
            if item is None:
                busy.remove(annotator_id)
                continue
            person = people[annotator_id]
            for question in item.questions:
                truth = truths.of(item.id, question.id)
                value = person.answer(question.id, truth, len(question.anchors))
                desk.answer(annotator_id, item.id, question.id, value, person.seconds())
                given += 1
            advance()
    return Simulated(
        dict(truths.means), {name: person.kind for name, person in people.items()}, given
    )


def _refuse_people(study: Study) -> None:
    known = AdminDesk(study).annotators()
    if ((known["role"] == "annotator") & ~known["simulated"].astype(bool)).any():
        raise UserError(
            f"people take part in study '{study.config.name}': simulated annotators would take "
            "items from them; make another study for the simulation"
        )
    if study.state() != "open":
        raise UserError(f"study '{study.config.name}' is closed; nobody can answer any more")


def _enter(study: Study, kinds: Mapping[Kind, int], seed: int) -> dict[str, SimulatedAnnotator]:
    """Sign up, consent, and pass the training, as everybody does."""
    desk, admins = Desk(study), AdminDesk(study)
    taken = len(admins.annotators())
    people = {}
    for number, person in enumerate(crowd(kinds, seed), start=taken + 1):
        annotator_id = admins.add_annotator(f"simulated {number} ({person.kind})", simulated=True)
        desk.consent(annotator_id)
        desk.finish_training(annotator_id)
        people[annotator_id] = person
    return people


@dataclass(frozen=True)
class _Truths:
    """What is true of a study's items, which annotators are not told.

    Attributes:
        means: method → planted mean.
        items: item → how well its method did on this person, and known answers by question.
    """

    means: Mapping[str, float]
    items: Mapping[str, tuple[float, Mapping[str, int], bool]]

    def of(self, item: str, question: str) -> Truth:
        mean, expected, attention = self.items[item]
        return Truth(mean, expected.get(question), attention and question in expected)


def _truths(study: Study, means: Mapping[str, float] | None, seed: int) -> _Truths:
    with study.database.reading() as connection:
        rows = connection.execute(
            select(db.item)
            .where(db.item.c.study_id == study.id, db.item.c.role != "training")
            .order_by(db.item.c.id)
        ).all()
    rated = [row for row in rows if row.role == "rated"]
    methods = sorted({name for row in rated for name in (row.method, row.against) if name})
    planted = _planted(methods, means)
    rng = np.random.default_rng(seed)
    items = {}
    for row, shift in zip(rows, rng.normal(0, ITEM_SD, len(rows)), strict=True):
        if row.against is None:
            mean = planted.get(row.method, 3.0)
        else:  # answers 1 to 3: the left one, no difference, the right one
            mean = 2.0 + planted.get(row.against, 3.0) - planted.get(row.method, 3.0)
        expected = json.loads(row.expected) if row.expected else {}
        items[row.id] = (mean + float(shift), expected, row.role == "attention")
    return _Truths(planted, items)


def _planted(methods: list[str], means: Mapping[str, float] | None) -> dict[str, float]:
    if means is None:
        middle = (len(methods) - 1) / 2
        return {method: 3.0 + STEP * (at - middle) for at, method in enumerate(methods)}
    for name in means:
        if name not in methods:
            raise UserError(unknown("method", name, methods))
    missing = [name for name in methods if name not in means]
    if missing:
        raise UserError(f"no mean is given for {', '.join(missing)}")
    return dict(means)


def simulated_answers(
    kinds: Mapping[Kind, int],
    items: int,
    gold: int,
    attention: int,
    *,
    seed: int,
    mean: float = 3.0,
) -> pd.DataFrame:
    """Answers of a study of one question, without a database: everyone answers everything.

    Args:
        kinds: kind → how many; annotators are named by kind and number.
        items: items to rate, of four methods :data:`STEP` apart.
        gold: items whose answer is known: 1 and 5 in turn.
        attention: items whose question says what to answer.
        seed: of everything.
        mean: of the methods' means, in points.

    Returns:
        What :func:`humangenai.human_ratings.quality.flags` needs.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    means = mean + STEP * (np.arange(items) % 4 - 1.5) + rng.normal(0, ITEM_SD, items)
    everything = (
        [("item", number, Truth(float(points))) for number, points in enumerate(means)]
        + [("gold", number, Truth(3, 1 + 4 * (number % 2))) for number in range(gold)]
        + [
            ("attention", number, Truth(3, 1 + number % 5, attention=True))
            for number in range(attention)
        ]
    )
    rows = []
    for who, person in enumerate(crowd(kinds, seed)):
        for when, at in enumerate(rng.permutation(len(everything))):
            kind, number, truth = everything[at]
            rows.append(
                {
                    "annotator": f"{person.kind} {who}",
                    "item": f"{kind} {number}",
                    "question": "psi_A",
                    "value": float(person.answer("psi_A", truth)),
                    "seconds": person.seconds(),
                    "created": when,
                    "is_gold": kind == "gold",
                    "gold_value": math.nan if truth.expected is None else truth.expected,
                    "is_attention": kind == "attention",
                    "skipped": False,
                }
            )
    return pd.DataFrame(rows)


def power(
    difference: float,
    raters: int,
    items: int,
    *,
    studies: int = 200,
    resamples: int = 400,
    seed: int = 0,
) -> float:
    """The chance that a study finds a difference between two methods.

    Found: the 95 % interval of the difference of means, from resampling items and annotators, lies
    above 0. All annotators are careful and rate every item of both methods.

    Args:
        difference: planted, in points.
        raters: annotators of every item.
        items: people shown per method.
        studies: how many are simulated.
        resamples: of each study.
        seed: of the studies.

    Returns:
        Share of studies in [0, 1].
    """
    made = _two_methods(difference, raters, items, studies, resamples, seed)
    return sum(means.difference("b", "a").low > 0 for means in made) / studies


def coverage(
    raters: int, items: int, *, studies: int = 200, resamples: int = 400, seed: int = 0
) -> tuple[float, float]:
    """How often 95 % intervals hold the truth: of a method's mean, and of a difference of 0.5.

    Args:
        raters: annotators of every item.
        items: people shown per method.
        studies: how many are simulated.
        resamples: of each study.
        seed: of the studies.

    Returns:
        Two shares of studies in [0, 1].
    """
    spread = math.sqrt(ITEM_SD**2 + BIAS_SD**2 + NOISE_SD**2)
    low, high = (expected_answer(mean, spread) for mean in (2.75, 3.25))
    held = [0, 0]
    for means in _two_methods(0.5, raters, items, studies, resamples, seed):
        mean, gap = means.estimate("a"), means.difference("b", "a")
        held[0] += mean.low <= low <= mean.high
        held[1] += gap.low <= high - low <= gap.high
    return held[0] / studies, held[1] / studies


def _two_methods(  # noqa: PLR0917
    difference: float, raters: int, items: int, studies: int, resamples: int, seed: int
) -> Iterator[CrossedMeans]:
    """Studies of the methods a and b, ``difference`` apart around the middle of the scale."""
    rng = np.random.default_rng(seed)
    shape = (2, items, raters)
    method, item, rater = np.indices(shape).reshape(3, -1)
    middles = np.array([3.0 - difference / 2, 3.0 + difference / 2])[:, None, None]
    for _ in range(studies):
        points = (
            middles
            + rng.normal(0, ITEM_SD, (2, items, 1))
            + rng.normal(0, BIAS_SD, raters)
            + rng.normal(0, NOISE_SD, shape)
        )
        answers = on_scale(points).ravel()
        groups = np.array(["a", "b"])[method]
        yield crossed_means(answers, groups, item, rater, resamples=resamples)

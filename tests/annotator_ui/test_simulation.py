"""Programs that annotate: through the desk, with known truth, and marked as what they are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_study import admin, sample_config
from sqlalchemy import event

from annotator_ui import database, simulation, storing
from annotator_ui.admin_desk import AdminDesk
from annotator_ui.database import connect
from annotator_ui.desk import Desk
from annotator_ui.simulation import (
    BIAS_SD,
    ITEM_SD,
    NOISE_SD,
    Truth,
    coverage,
    crowd,
    expected_answer,
    on_scale,
    power,
    simulate,
)
from annotator_ui.storing import Draft, store_study
from annotator_ui.study import open_study
from humangenai.errors import UserError
from humangenai.human_ratings.questions import LEFT, RIGHT, preference_question, questions
from humangenai.human_ratings.scores import psi_differences, psi_preferences, psi_scores

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

MEANS = {"A": 2.6, "B": 3.1, "C": 3.6}
(PRIVACY,) = questions("body", "psi_A")
PICTURES = (np.zeros((1, 1, 3), np.uint8),)


def _study(folder: Path, people: int, *, compared: bool = False, **changes: object) -> str:
    """A study of three methods without pictures, with checks; returns the database's URL."""
    drafts = [
        Draft("rated", "pair", method, f"person {person}", (PRIVACY,), PICTURES)
        for method in MEANS
        for person in range(people)
    ]
    if compared:
        pair = (preference_question("body"),)
        drafts += [
            Draft("rated", "preference", left, f"person {person}", pair, PICTURES, against=right)
            for left, right in (("A", "B"), ("C", "B"), ("A", "C"))
            for person in range(people)
        ]
    for number in range(8):
        known = {"psi_A": 1 + 4 * (number % 2)}
        drafts.append(
            Draft("gold", "pair", "o", f"g{number}", (PRIVACY,), PICTURES, expected=known)
        )
        told = {"psi_A": 1 + number % 5}
        drafts.append(
            Draft("attention", "pair", "A", f"t{number}", (PRIVACY,), PICTURES, expected=told)
        )
    url = f"sqlite:///{folder / 'study.db'}"
    # Thousands of answers; this is no test of power cuts.
    event.listen(connect(url).engine, "connect", _without_waiting_for_the_disk)
    store_study(url, sample_config(**changes), folder, drafts)
    return url


def _without_waiting_for_the_disk(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids and places of items are random; here they are the same in every run of the test."""
    dice = random.Random(1)  # noqa: S311

    def random_id() -> str:
        return f"{dice.getrandbits(80):022d}"[:22]

    monkeypatch.setattr(database, "random_id", random_id)
    monkeypatch.setattr(storing.secrets, "randbelow", dice.randrange)
    monkeypatch.setattr(storing.random, "SystemRandom", lambda: dice)


@pytest.mark.usefixtures("same_ids")
def test_a_study_finds_what_was_planted_and_who_does_not_look(tmp_path: Path) -> None:
    url = _study(tmp_path, 16, raters_per_item=10)
    made = simulate(url, "sample", {"careful": 7, "straight": 1, "random": 2}, means=MEANS, seed=3)
    desk = Desk(open_study(url, "sample"))
    answers = admin(desk).answers()
    assert made.means == MEANS
    assert len(answers) == made.answers
    assert answers["simulated"].all()
    caught = {quality.annotator for quality in admin(desk).flagged() if quality.reasons}
    assert caught == {name for name, kind in made.kinds.items() if kind != "careful"}

    sd = np.hypot(np.hypot(ITEM_SD, BIAS_SD), NOISE_SD)
    true = {method: expected_answer(mean, sd) for method, mean in MEANS.items()}
    scores = psi_scores(answers, caught)
    for method, (score,) in scores.items():
        # Seven people may be strict together: within two intervals' halves, four standard errors.
        value, low, high = score.trusted.mean
        assert value == pytest.approx(true[method], abs=high - low)
        assert (score.everyone.annotators, score.trusted.annotators) == (10, 7)
    for gap in psi_differences(answers, caught):
        planted = true[gap.method] - true[gap.against]
        assert gap.value == pytest.approx(planted, abs=gap.high - gap.low)
        assert gap.low > 0 or planted < 0.6


def test_items_are_balanced_and_nobody_rates_twice(tmp_path: Path) -> None:
    url = _study(tmp_path, 4, raters_per_item=3)
    simulate(url, "sample", {"careful": 5})
    answers = AdminDesk(open_study(url, "sample")).answers()
    rated = answers[~answers["is_gold"] & ~answers["is_attention"]]
    assert (rated.groupby("item").size() == 3).all()
    assert not answers.duplicated(["annotator", "item", "question"]).any()


@pytest.mark.usefixtures("same_ids")
def test_preferences_follow_the_means(tmp_path: Path) -> None:
    url = _study(tmp_path, 6, compared=True, raters_per_item=4)
    simulate(url, "sample", {"careful": 4}, means={"A": 1.5, "B": 3.0, "C": 4.5})
    found = psi_preferences(AdminDesk(open_study(url, "sample")).answers())
    assert [score.method for score in found] == ["C", "B", "A"]
    assert (LEFT, RIGHT) == (1, 3)


def test_means_by_default_are_steps_around_the_middle(tmp_path: Path) -> None:
    made = simulate(_study(tmp_path, 1), "sample", {"careful": 1})
    assert made.means == {"A": 2.75, "B": 3.0, "C": 3.25}


@pytest.mark.parametrize(
    ("means", "message"),
    [({"A": 3.0, "B": 3.0, "D": 3.0}, "unknown method 'D'"), ({"A": 3.0}, "given for B, C")],
)
def test_means_of_other_methods_are_refused(
    tmp_path: Path, means: dict[str, float], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        simulate(_study(tmp_path, 1), "sample", {"careful": 1}, means=means)


def test_programs_do_not_mix_with_people(tmp_path: Path) -> None:
    url = _study(tmp_path, 1)
    desk = Desk(open_study(url, "sample"))
    admin(desk).add_annotator("admin", "admin")
    simulate(url, "sample", {"careful": 1})
    admin(desk).add_annotator("ada")
    with pytest.raises(UserError, match="people take part"):
        simulate(url, "sample", {"careful": 1})


def test_a_closed_study_is_refused(tmp_path: Path) -> None:
    url = _study(tmp_path, 1)
    AdminDesk(open_study(url, "sample")).close()
    with pytest.raises(UserError, match="closed"):
        simulate(url, "sample", {"careful": 1})


def test_kinds_do_what_they_are_named_for() -> None:
    careful, lazy, straight, random = crowd(dict.fromkeys(simulation.DEFAULT_KINDS, 1), seed=1)
    truths = [Truth(1.0 + 4.0 * (number % 2)) for number in range(400)]
    given = {
        person.kind: np.array([person.answer("q", truth) for truth in truths])
        for person in (careful, lazy, straight, random)
    }
    assert np.corrcoef(given["careful"], [truth.mean for truth in truths])[0, 1] > 0.85
    repeated = (given["lazy"][1:] == given["lazy"][:-1]).mean()
    assert repeated > simulation.REPEAT
    assert np.unique(given["straight"]).size == 1
    assert np.bincount(given["random"], minlength=6)[1:].min() > 50
    told = [careful.answer("q", Truth(3.0, expected=2, attention=True)) for _ in range(300)]
    assert np.mean(np.array(told) == 2) > 0.9


def test_expected_answer_is_the_mean_of_many() -> None:
    rng = np.random.default_rng(0)
    for mean in (1.2, 3.0, 4.6):
        drawn = on_scale(mean + rng.normal(0, 0.9, 200_000))
        assert drawn.mean() == pytest.approx(expected_answer(mean, 0.9), abs=0.01)


def test_power_grows_with_the_difference_the_items_and_the_raters() -> None:
    def found(difference: float, raters: int, items: int) -> float:
        return power(difference, raters, items, studies=60, resamples=200)

    assert found(0.5, 8, 60) > 0.9
    assert found(0.5, 5, 40) > found(0.3, 5, 10)
    assert found(0.3, 5, 60) > found(0.3, 2, 10)
    assert power(0.0, 5, 20, studies=150, resamples=200) < 0.08


def test_intervals_hold_the_truth() -> None:
    mean, difference = coverage(12, 30, studies=120, resamples=300)
    assert mean > 0.85
    assert difference > 0.9

"""ϕ and people: fairness, what leaks of the original, agreement of judges, ratings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import krippendorff
import numpy as np
import pytest
from phi_lines import VALUES, guesses, perfect, pictures, sure_of, verdicts
from scipy.stats import spearmanr

from humangenai.attribute_fidelity.answers import answers
from humangenai.attribute_fidelity.fairness import group_coverage, group_fidelity
from humangenai.attribute_fidelity.judge_agreement import judge_agreement, spearman
from humangenai.attribute_fidelity.judges.human import Rating
from humangenai.attribute_fidelity.leakage import leakage
from humangenai.attribute_fidelity.ratings import phi_ratings
from humangenai.attribute_fidelity.suites import load_suite

if TYPE_CHECKING:
    from humangenai.attribute_fidelity.lines import Generated

GENDERS = VALUES["gender"]


def labels(person: int) -> dict[str, str]:
    """Every second source person is a woman."""
    return {"gender": GENDERS[person % 2]}


def test_who_is_replaced_less_often_shows_in_coverage() -> None:
    lines = [
        line.model_copy(update={"status": "masked", "picture": None, "sha256": None})
        if line.original["gender"] == "female" and line.draw == 0
        else line
        for line in pictures(load_suite("phi_B"), people=12, original=labels)
    ]
    rows = {(one.whose, one.value): one for one in group_coverage(lines)}
    women, men = rows["original", "female"], rows["original", "male"]
    assert (women.score[0], men.score[0]) == (0.5, 1.0)
    assert women.gap[0] == -0.5 == -men.gap[0]
    assert women.gap[2] < 0
    assert {one.measure for one in rows.values()} == {"coverage"}
    assert rows["prompted", "Black"].gap[1] < 0 < rows["prompted", "Black"].gap[2]


def test_a_group_that_is_shown_worse_has_a_gap() -> None:
    lines = pictures(load_suite("phi_B"), people=12)

    def say(line: Generated) -> dict[str, dict[str, float]]:
        said = perfect(line)
        if line.attributes.get("ethnicity") == "Black":
            said["ethnicity"] = sure_of(VALUES["ethnicity"], "White")
        return said

    rows = {
        (one.whose, one.value): one
        for one in group_fidelity(lines, verdicts(lines, say))
        if one.attribute == "ethnicity"
    }
    assert rows["prompted", "Black"].score[0] == 0
    assert rows["prompted", "Black"].gap[2] < -0.5
    assert rows["prompted", "White"].gap[0] == pytest.approx(0.5)
    assert ("prompted", "Indian") not in rows  # the judge has no word for it: unscored


def test_an_original_that_shows_through_is_found_and_luck_is_not() -> None:
    lines = pictures(load_suite("phi_A"), people=12, original=labels)

    def through(line: Generated) -> dict[str, dict[str, float]]:
        return {**perfect(line), "gender": sure_of(GENDERS, line.original["gender"])}

    found = {(one.attribute, one.asked): one for one in leakage(lines, verdicts(lines, through))}
    for asked in ("otherwise", "nothing"):
        leak = found["gender", asked]
        assert leak.accuracy[0] == 1.0
        assert leak.chance == pytest.approx(0.5)
        assert leak.lift[1] > 0.2
    obeyed = {(one.attribute, one.asked): one for one in leakage(lines, verdicts(lines, perfect))}
    assert obeyed["gender", "otherwise"].accuracy[0] == obeyed["gender", "otherwise"].chance == 0
    lucky = obeyed["gender", "nothing"]
    assert lucky.lift[1] < 0 < lucky.lift[2]


def test_a_method_that_ignores_prompts_leaks_nothing_by_that() -> None:
    """Everybody becomes a man: half of the originals are right, whoever stood there."""
    lines = pictures(load_suite("phi_A"), people=12, original=labels)
    men = verdicts(lines, lambda line: {**perfect(line), "gender": sure_of(GENDERS, "male")})
    for leak in leakage(lines, men):
        assert leak.lift[0] == pytest.approx(0, abs=1e-9)


def test_few_people_are_not_taken_for_a_leak() -> None:
    """New people have looks of their own, whatever is asked; labels fall as they may."""
    alarms = tests = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        lines = pictures(
            load_suite("phi_B"),
            people=6,
            draws=1,
            original=lambda _, rng=rng: {"ethnicity": str(rng.choice(VALUES["ethnicity"]))},
        )
        was = {line.source: line.original for line in lines}
        lines = [line.model_copy(update={"original": was[line.source]}) for line in lines]
        looks = {source: str(rng.choice(VALUES["ethnicity"])) for source in was}
        judge = verdicts(
            lines,
            lambda line, looks=looks: {
                "ethnicity": sure_of(VALUES["ethnicity"], looks[line.source])
            },
        )
        for leak in leakage(lines, judge):
            if leak.attribute == "ethnicity":
                tests += 1
                alarms += leak.lift[1] > 0
                assert -1 <= leak.lift[1] <= leak.lift[0] <= leak.lift[2] <= 1
    assert tests == 80
    assert alarms <= 4


def test_without_labels_of_originals_nothing_is_said() -> None:
    lines = pictures(load_suite("phi_B"))
    assert leakage(lines, verdicts(lines, perfect)) == ()


def test_agreement_is_that_of_scipy_and_of_krippendorff() -> None:
    """Of one attribute: ranks within attributes are then ranks over all."""
    lines = [line for line in pictures(load_suite("phi_B"), people=4) if line.group == "emotion"]
    one, other = verdicts(lines, guesses(1)), verdicts(lines, guesses(2), judge="clip")
    (found,) = judge_agreement(lines, [one, other])
    first, second = answers(lines, one).given, answers(lines, other).given
    clear = [[answer.probability for answer in part] for part in (first, second)]
    shown = [[answer.right > 0.5 for answer in part] for part in (first, second)]
    assert found.n == len(first)
    assert found.spearman[0] == pytest.approx(spearmanr(*clear).statistic)
    alpha = krippendorff.alpha(np.array(shown, dtype=float), level_of_measurement="nominal")
    assert found.alpha[0] == pytest.approx(alpha)


@pytest.mark.parametrize("people", [4, 8])
def test_two_who_only_guess_do_not_agree(people: int) -> None:
    """Of two values each is likelier than of seven; that is no agreement."""
    lines = pictures(load_suite("phi_B"), people=people, draws=1)
    inside = 0
    for seed in range(12):
        judges = [verdicts(lines, guesses(2 * seed + at), judge=str(at)) for at in (0, 1)]
        (found,) = judge_agreement(lines, judges)
        inside += found.spearman[1] < 0 < found.spearman[2]
    assert inside >= 10


def test_a_judge_agrees_with_itself_and_few_questions_say_nothing() -> None:
    lines = pictures(load_suite("phi_B"), people=4)
    twins = [verdicts(lines, guesses(1)), verdicts(lines, guesses(1), judge="twin")]
    (found,) = judge_agreement(lines, twins)
    assert found.spearman[0] == pytest.approx(1)
    assert found.alpha[0] == pytest.approx(1)
    assert judge_agreement(lines[:5], twins) == ()
    assert math.isnan(spearman(np.array([1.0, 2.0]), np.array([1.0, 2.0])))
    assert math.isnan(spearman(np.ones(5), np.arange(5.0)))


def test_ratings_stay_on_the_scale_of_people() -> None:
    lines = pictures(load_suite("phi_B"), people=3, draws=1)
    ratings = [
        Rating(line.sha256 or "", "head", key, value, (4, 5) if line.prompt == "Happy" else (2,))
        for line in lines
        for key, value in line.attributes.items()
        if line.group == "emotion"
    ]
    ratings.append(Rating("0" * 64, "head", "emotion", "happy", (1,)))  # another run's picture
    rows = {(one.part, one.name): one for one in phi_ratings(lines, ratings, "abc")}
    happy = rows["prompt", "Happy"]
    assert (happy.mean[0], happy.n, happy.items, happy.people) == (4.5, 6, 3, 3)
    assert 1 <= happy.mean[1] <= happy.mean[2] <= 5
    assert happy.sd == pytest.approx(np.std([4, 5] * 3, ddof=1))
    assert rows["group", "emotion"].items == 21
    assert ("prompt", "Latino") not in rows

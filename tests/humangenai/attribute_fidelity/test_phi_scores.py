"""ϕ's scores: chance, floors, ceilings, intervals, counts; against properties and scikit-learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phi_lines import CEILING, VALUES, guesses, perfect, pictures, sure_of, verdicts
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score

from humangenai.attribute_fidelity.answers import Verdicts, answers, likeliest
from humangenai.attribute_fidelity.calibration import expected_calibration_error, reliability
from humangenai.attribute_fidelity.judges import Ceiling
from humangenai.attribute_fidelity.method_differences import method_differences
from humangenai.attribute_fidelity.scores import (
    coverage,
    level_differences,
    phi_scores,
    rank_ranges,
)
from humangenai.attribute_fidelity.suites import Asked, Pair, Suite, load_suite
from humangenai.attribute_fidelity.summary import summarise

if TYPE_CHECKING:
    from humangenai.attribute_fidelity.lines import Generated
    from humangenai.records import PhiScore

EMOTIONS = VALUES["emotion"]


def small(*values: str, key: str = "emotion", group: str = "emotion") -> Suite:
    """A suite of one group, a prompt per value."""
    prompts = tuple(Asked(name=value, group=group, attributes={key: value}) for value in values)
    return load_suite("phi_B").model_copy(update={"prompts": prompts})


def one_pair() -> Suite:
    """From child to elderly alone."""
    pair = Pair(name="10 → 80", group="age", key="age", before="10", after="80")
    return load_suite("phi_C").model_copy(update={"pairs": (pair,)})


def row(rows: tuple[PhiScore, ...], part: str, name: str = "") -> PhiScore:
    """The one row of a part and name."""
    (found,) = (one for one in rows if (one.part, one.name) == (part, name))
    return found


def test_what_shows_all_that_was_asked_scores_one() -> None:
    lines = pictures(load_suite("phi_B"))
    rows = phi_scores(lines, verdicts(lines, perfect))
    suite = row(rows, "suite")
    assert suite.top1[0] == suite.top1[2] == 1.0
    assert suite.probability[0] == pytest.approx(0.9)
    assert suite.ece == pytest.approx(0.1)  # sure at 0.9, right always
    assert suite.floor < 0.35
    assert suite.ceiling == pytest.approx((CEILING.value, CEILING.low, CEILING.high))
    asked = suite.n + suite.unjudgeable + suite.unjudged
    assert asked == len(lines)  # one attribute per prompt: every question is counted once


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_shuffled_prompts_score_the_floor(seed: int) -> None:
    """The floor is the exact mean over shuffles, whatever the pictures show."""
    rng = np.random.default_rng(seed)
    lines = pictures(small("happy", "sad", "angry"), people=3, draws=2)
    shown = {line.sha256: str(rng.choice(EMOTIONS, p=rng.dirichlet(np.ones(7)))) for line in lines}

    def say(line: Generated) -> dict[str, dict[str, float]]:
        return {"emotion": sure_of(EMOTIONS, shown[line.sha256])}

    floor = row(phi_scores(lines, verdicts(lines, say)), "suite").floor
    shuffled = []
    for _ in range(400):
        order = rng.permutation(len(lines))
        moved = [
            line.model_copy(update={"prompt": other.prompt, "attributes": other.attributes})
            for line, other in zip(lines, (lines[at] for at in order), strict=True)
        ]
        found = phi_scores_top1(moved, say)
        shuffled.append(found)
    assert np.mean(shuffled) == pytest.approx(floor, abs=4 * np.std(shuffled) / 20 + 1e-9)


def phi_scores_top1(lines: list[Generated], say: object) -> float:
    """Top-1 of the whole suite, without intervals."""
    return float(np.mean([one.right for one in answers(lines, verdicts(lines, say)).given]))  # type: ignore[arg-type]


def test_who_never_looks_scores_chance_and_the_floor() -> None:
    lines = pictures(load_suite("phi_B"), people=20, draws=2)
    suite = row(phi_scores(lines, verdicts(lines, guesses())), "suite")
    assert suite.top1[1] < suite.chance < suite.top1[2]
    assert suite.top1[1] < suite.floor < suite.top1[2]


def test_a_judge_who_says_the_same_of_everybody_is_at_the_floor() -> None:
    lines = pictures(small("happy", "sad"))
    happy = verdicts(lines, lambda _: {"emotion": sure_of(EMOTIONS, "happy")})
    rows = phi_scores(lines, happy)
    assert row(rows, "prompt", "happy").top1[0] == row(rows, "prompt", "happy").floor == 1.0
    assert row(rows, "prompt", "sad").top1[0] == row(rows, "prompt", "sad").floor == 0.0


def test_equally_likely_values_share_the_credit() -> None:
    lines = pictures(small("happy", "sad"))
    even = verdicts(lines, lambda _: {"emotion": dict.fromkeys(EMOTIONS, 1 / 7)})
    suite = row(phi_scores(lines, even), "suite")
    assert suite.top1[0] == pytest.approx(1 / 7) == suite.chance == pytest.approx(suite.floor)


def test_accuracy_is_that_of_scikit_learn() -> None:
    lines = pictures(load_suite("phi_B"))
    given = answers(lines, verdicts(lines, guesses(3))).given
    wanted = [one.value for one in given]
    said = [max(one.said, key=lambda value: one.said[value]) for one in given]
    rows = phi_scores(lines, verdicts(lines, guesses(3)))
    assert row(rows, "suite").top1[0] == pytest.approx(accuracy_score(wanted, said))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 300))
def test_reliability_is_that_of_scikit_learn(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.01, 0.99, n)
    right = (rng.random(n) < sure).astype(float)
    table = reliability(sure, right)
    filled = table[table[:, 2] > 0]
    true, predicted = calibration_curve(right, sure, n_bins=10, strategy="uniform")
    assert filled[:, 1] == pytest.approx(true)
    assert filled[:, 0] == pytest.approx(predicted)
    ece = expected_calibration_error(sure, right)
    assert ece == pytest.approx(float((abs(true - predicted) * filled[:, 2]).sum() / n))
    assert 0 <= ece <= 1


def test_a_judge_as_often_right_as_sure_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0, 1, 50_000)
    assert expected_calibration_error(sure, rng.random(50_000) < sure) < 0.01
    assert expected_calibration_error(sure, np.zeros(50_000)) == pytest.approx(0.5, abs=0.01)
    assert math.isnan(expected_calibration_error([], []))
    with pytest.raises(ValueError, match=r"\(N,\)"):
        reliability([0.1], [1, 0])
    with pytest.raises(ValueError, match="bin"):
        reliability([0.1], [1], bins=0)


def test_what_was_not_made_or_cannot_be_judged_is_counted_not_zero() -> None:
    lines = pictures(small("happy", "sad"), people=2, draws=1)
    lost = {"status": "masked", "picture": None, "sha256": None}
    lines[0] = lines[0].model_copy(update=lost)
    lines[1] = lines[1].model_copy(update=lost | {"status": "failed", "error": "ValueError: no"})
    # No face was found in one picture: NaN throughout.
    nothing = {"emotion": dict.fromkeys(EMOTIONS, math.nan)}
    unseen = lines[2].sha256
    judge = verdicts(lines, lambda line: nothing if line.sha256 == unseen else perfect(line))
    suite = row(phi_scores(lines, judge), "suite")
    assert (suite.n, suite.unjudged, suite.unjudgeable) == (1, 3, 0)
    assert suite.top1[0] == 1.0
    assert math.isnan(suite.top1[1])  # one person says nothing of others
    whole, group = coverage(small("happy", "sad"), ["happy"], lines)
    assert (whole.prompts, whole.out_of_scope, whole.asked, whole.pictures) == (2, 1, 2, 4)
    assert (whole.replaced, whole.masked, whole.failed) == (2, 1, 1)
    assert (group.part, group.name, group.pictures) == ("group", "emotion", 4)


def test_what_a_judge_is_known_not_to_see_is_not_judgeable() -> None:
    lines = pictures(small("happy", "sad"))
    blind = {"emotion": Ceiling(0.16, 0.12, 0.2, 1 / 7, 250, "renders")}
    suite = row(phi_scores(lines, verdicts(lines, perfect, ceilings=blind)), "suite")
    assert (suite.n, suite.unjudgeable) == (0, len(lines))
    assert math.isnan(suite.top1[0])


def test_a_missing_judge_leaves_nan_and_a_count() -> None:
    lines = pictures(load_suite("phi_B"), people=2, draws=1)
    lines += pictures(load_suite("phi_C"), people=2, draws=1)
    record = summarise(lines, [Verdicts.missing("clip")], {"phi_B": [], "phi_C": []})
    suite = row(record.scores, "suite")
    assert math.isnan(suite.top1[0])
    assert (suite.n, suite.unjudged, suite.unjudgeable) == (0, 100, 0)
    assert math.isnan(record.pairs[0].same[0])
    assert record.pairs[0].unjudged == 29 * 2
    assert record.agreement == ()
    assert record.judges == {"clip": ""}
    assert record.suites == {"phi_B": 1, "phi_C": 1}


def test_the_floor_of_who_saw_only_what_was_asked_is_unknown() -> None:
    lines = pictures(small("happy", "sad"))
    values = {"emotion": (*EMOTIONS, "other")}

    def people(line: Generated) -> dict[str, dict[str, float]]:
        return {"emotion": {line.attributes["emotion"]: 0.8, "other": 0.2}}

    suite = row(phi_scores(lines, verdicts(lines, people, values=values)), "suite")
    assert suite.top1[0] == 1.0
    assert math.isnan(suite.floor)


def test_prompts_are_ranked_only_where_intervals_allow() -> None:
    suite = small("happy", "sad", "angry")
    shares = {"happy": 1.0, "sad": 0.95, "angry": 0.1}

    def say(line: Generated) -> dict[str, dict[str, float]]:
        rng = np.random.default_rng(int((line.sha256 or "0")[:8], 16))
        shown = line.prompt if rng.random() < shares[line.prompt] else "neutral"
        return {"emotion": sure_of(EMOTIONS, shown)}

    few = pictures(suite, people=3, draws=1)
    rows = phi_scores(few, verdicts(few, say))
    assert row(rows, "prompt", "sad").rank == (1, 3)
    assert row(rows, "group", "emotion").rank is None
    many = pictures(suite, people=12, draws=4)
    rows = phi_scores(many, verdicts(many, say))
    assert row(rows, "prompt", "angry").rank == (3, 3)
    assert row(rows, "prompt", "happy").rank == (1, 2)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).map(sorted), min_size=1)
)
def test_rank_ranges_hold_the_rank_of_the_values(rows: list[list[float]]) -> None:
    ends = [(value, low, high) for low, value, high in rows]
    values = [value for value, _, _ in ends]
    for value, (best, worst) in zip(values, rank_ranges(ends), strict=True):
        assert best <= 1 + sum(other > value for other in values)
        assert worst >= len(values) - sum(other < value for other in values)


def test_levels_are_compared_on_the_same_attributes_of_the_same_people() -> None:
    """At the complex level every second emotion is lost; what it adds is never shown."""
    lines = pictures(load_suite("phi_A"), people=8, draws=2)

    def say(line: Generated) -> dict[str, dict[str, float]]:
        said = perfect(line)
        if line.group == "complex" and "emotion" in line.attributes and line.draw == 0:
            wrong = next(value for value in EMOTIONS if value != line.attributes["emotion"])
            said["emotion"] = sure_of(EMOTIONS, wrong)
        return said

    found = {
        (one.level, one.against): one for one in level_differences(lines, verdicts(lines, say))
    }
    assert list(found) == [("medium", "simple"), ("complex", "simple"), ("complex", "medium")]
    calm = found["medium", "simple"]
    assert calm.value[0] == 0
    assert calm.value[1] < 0 < calm.value[2]  # all alike is no proof of no difference
    lost = found["complex", "simple"]
    simple = answers([one for one in lines if one.group == "simple"], verdicts(lines, say)).given
    share = np.mean([one.key == "emotion" for one in simple]) / 2
    assert lost.value[0] == pytest.approx(-share)
    assert lost.people == 8
    assert lost.n == len(simple)


def test_the_likeliest_value_counts_one() -> None:
    assert likeliest({"a": 0.2, "b": 0.8}) == {"b": 1.0}
    assert sum(likeliest({"a": 0.4, "b": 0.4, "c": 0.2}).values()) == 1


def test_methods_are_compared_on_what_both_were_asked_for() -> None:
    """The other method misses every second draw, and lacks a prompt."""
    suite = small("happy", "sad", "angry")
    lines = pictures(suite, people=8, draws=2) + pictures(one_pair(), people=8)

    def misses(line: Generated) -> dict[str, dict[str, float]]:
        said = perfect(line)
        if line.draw == 0 and "emotion" in line.attributes:
            said["emotion"] = sure_of(EMOTIONS, "neutral")
        return said

    others = [line for line in lines if line.prompt != "angry"]
    found = method_differences(
        {
            "worse": (others, [verdicts(others, misses), Verdicts.missing("clip")]),
            "better": (lines, [verdicts(lines, perfect), Verdicts.missing("clip")]),
        }
    )
    assert found["worse"] == ()
    emotions, pairs = found["better"]
    assert (emotions.suite, emotions.judge, emotions.against) == ("phi_B", "probe", "worse")
    assert emotions.value[0] == 0.5
    assert emotions.value[1] > 0
    assert (emotions.n, emotions.people) == (2 * 8 * 2, 8)
    assert (pairs.suite, pairs.value[0], pairs.n) == ("phi_C", 0.0, 16)
    assert pairs.value[1] < 0 < pairs.value[2]

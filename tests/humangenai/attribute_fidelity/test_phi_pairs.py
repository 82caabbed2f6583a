"""ϕ_C: forced choice in both orders, shifts and their ratio to true ones."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phi_lines import VALUES, guesses, perfect, pictures, sure_of, verdicts
from sklearn.metrics import roc_auc_score

from humangenai.attribute_fidelity.pairs import Seen, forced_choice, pair_scores, shift
from humangenai.attribute_fidelity.suites import Pair, Suite, load_suite

if TYPE_CHECKING:
    from humangenai.attribute_fidelity.lines import Generated

AGES = VALUES["age group"]
probability = st.floats(0, 1)
seen = st.builds(Seen, st.just("a"), st.just(0), probability, probability)


def one_pair() -> Suite:
    """From child to elderly alone."""
    pair = Pair(name="10 → 80", group="age", key="age", before="10", after="80")
    return load_suite("phi_C").model_copy(update={"pairs": (pair,)})


@given(seen, seen)
def test_swapped_sides_turn_the_choice_and_the_shift_around(one: Seen, other: Seen) -> None:
    assert forced_choice(one, other) + forced_choice(other, one) == 1
    assert shift(one, other) == pytest.approx(-shift(other, one))
    assert -1 <= shift(one, other) <= 1


def test_pictures_as_asked_are_always_told_apart() -> None:
    lines = pictures(load_suite("phi_C"))
    rows = pair_scores(lines, verdicts(lines, perfect))
    suite = rows[0]
    assert (suite.part, suite.same[0], suite.different[0]) == ("suite", 1.0, 1.0)
    assert suite.floor == 0.5
    assert suite.shift[0] > 0.8
    # 29 pairs of 12 pictures a side; the judge has one word for most nationalities.
    assert suite.n + suite.unjudgeable == 29 * 12
    nationalities = next(row for row in rows if row.name == "ethnicity")
    assert math.isnan(nationalities.same[0])
    assert nationalities.unjudgeable == 10 * 12


def test_who_never_looks_is_at_one_half() -> None:
    lines = pictures(load_suite("phi_C"), people=12)
    suite = pair_scores(lines, verdicts(lines, guesses()))[0]
    assert suite.same[1] < 0.5 < suite.same[2]
    assert suite.different[1] < 0.5 < suite.different[2]
    assert suite.shift[1] < 0 < suite.shift[2]


def test_people_who_differ_more_than_the_values_hide_the_change() -> None:
    """One person's pictures are told apart by a hair; different people's are not."""
    lines = pictures(one_pair(), people=16, draws=2)
    looks = np.random.default_rng(5).uniform(0.2, 0.8, 16)

    def say(line: Generated) -> dict[str, dict[str, float]]:
        old = looks[int(line.source.split("/")[1])] + (0.01 if line.side == "after" else 0)
        return {"age group": {**dict.fromkeys(AGES, 0.0), "child": 1 - old, "elderly": old}}

    suite = pair_scores(lines, verdicts(lines, say))[0]
    assert suite.same[0] == 1.0
    assert 0.5 < suite.different[0] < 0.6
    assert suite.shift[0] == pytest.approx(0.01)
    assert suite.n == 32
    assert suite.n_different == 16 * 15 * 4


def test_forced_choice_over_all_people_is_the_area_under_the_curve() -> None:
    lines = pictures(one_pair(), people=10, draws=1)
    rng = np.random.default_rng(1)
    old = {line.sha256: rng.normal(0.5 + 0.1 * (line.side == "after"), 0.1) for line in lines}

    def say(line: Generated) -> dict[str, dict[str, float]]:
        age = float(np.clip(old[line.sha256], 0, 1))
        return {"age group": {**dict.fromkeys(AGES, 0.0), "child": 1 - age, "elderly": age}}

    judge = verdicts(lines, say)
    found = pair_scores(lines, judge)[0]
    after = [line.side == "after" for line in lines]
    area = roc_auc_score(after, [judge.of_picture(line)["age group"]["elderly"] for line in lines])
    everybody = (found.different[0] * found.n_different + found.same[0] * found.n) / 100
    assert everybody == pytest.approx(area)


def test_the_ratio_is_to_the_shift_between_true_pictures() -> None:
    lines = pictures(one_pair(), people=5)

    def says(child: float, old: float) -> dict[str, dict[str, float]]:
        return {"age group": {**dict.fromkeys(AGES, 0.0), "child": child, "elderly": old}}

    judge = verdicts(lines, lambda line: says(0.5, 0.5) if line.side == "after" else says(0.7, 0.3))
    true = [({"age group": "child"}, says(0.9, 0.1)), ({"age group": "elderly"}, says(0.1, 0.9))]
    known = dataclasses.replace(judge, labelled={"head": true})
    found = pair_scores(lines, known)[0]
    assert (found.shift[0], found.true_shift) == (pytest.approx(0.2), pytest.approx(0.8))
    assert found.ratio[0] == pytest.approx(0.25)
    assert found.ceiling == 1.0
    assert math.isnan(pair_scores(lines, judge)[0].ratio[0])


def test_a_lost_picture_loses_its_pair() -> None:
    lines = pictures(one_pair(), people=4, draws=1)
    lost = {"status": "masked", "picture": None, "sha256": None}
    lines[0] = lines[0].model_copy(update=lost)
    found = pair_scores(lines, verdicts(lines, perfect))[0]
    assert (found.n, found.unjudged) == (3, 1)
    assert found.n_different == 3 * 3
    assert sure_of(AGES, "child")["child"] == 0.9

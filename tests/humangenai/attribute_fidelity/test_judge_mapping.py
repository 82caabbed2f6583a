"""Which of a judge's values stands for what was asked for, and what nobody can judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humangenai.attribute_fidelity.judges import clip, face
from humangenai.attribute_fidelity.judges.mapping import (
    broader,
    judgeable,
    locate,
    locate_all,
    tells_apart,
)
from humangenai.attribute_fidelity.labels import GROUPS
from humangenai.attribute_fidelity.suites import SUITES, load_suite
from refsd.prompts import VOCABULARY, age_group

CROPS = {"face": "head", "full": "body"}
JUDGES = {
    "probe": lambda crop: GROUPS[crop],
    "clip": clip.values_of,
    "face": lambda crop: face.FaceJudge(None, "").values(crop),
}

SAID = [(key, value) for key, attribute in VOCABULARY.items() for value in attribute.values]


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", SUITES)
def test_every_prompt_stands_for_something_or_is_counted(judge, name) -> None:
    suite = load_suite(name)
    values = JUDGES[judge](CROPS[suite.view])
    unjudgeable = [asked.name for asked in suite.entries() if not judgeable(values, asked)]
    # What a judge cannot judge is known beforehand; a change of suites or mapping shows here.
    expected = {
        "probe": {"phi_A": 1, "phi_B": 28, "phi_C": 16, "phi_D": 46},
        "clip": {"phi_A": 0, "phi_B": 0, "phi_C": 0, "phi_D": 0},
        "face": {"phi_A": 5, "phi_B": 50, "phi_C": 22, "phi_D": 93},
    }
    assert len(unjudgeable) == expected[judge][name], unjudgeable


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("crop", CROPS.values())
def test_what_stands_for_a_value_is_the_judges_own(judge, crop) -> None:
    values = JUDGES[judge](crop)
    for key, value in [*SAID, *(("age", str(age)) for age in range(111))]:
        place = locate(values, key, value)
        if place is not None:
            assert place[1] in values[place[0]]
        if value in values.get(key, ()):
            assert place == (key, value)


def test_the_same_step_is_taken_from_everywhere() -> None:
    for key, value in SAID:
        basic = broader(key, value)
        if basic is not None and locate({key: (basic,)}, key, value) is not None:
            assert locate({key: (basic,)}, key, value) == (key, basic)


@given(st.integers(0, 110))
def test_ages_fall_into_their_group_and_nearest_decade(age: int) -> None:
    groups = {"age group": VOCABULARY["age group"].values}
    assert locate(groups, "age", str(age)) == ("age group", age_group(age))
    place = locate({"age": tuple(str(n) for n in range(10, 90, 10))}, "age", str(age))
    assert place is not None
    assert abs(int(place[1]) - min(max(age, 10), 80)) <= 5


def test_a_pair_within_one_value_is_not_told_apart() -> None:
    probe = GROUPS["head"]
    assert tells_apart(probe, "age", "20", "30") is None
    assert tells_apart(probe, "age", "10", "20") == ("age group", "child", "young adult")
    assert tells_apart(probe, "skin tone", "cold white", "warm white") is None
    assert tells_apart(probe, "skin tone", "beige", "black") == ("skin tone", "medium", "black")


def test_nations_are_told_apart_beside_ethnicities() -> None:
    values = clip.values_of("head")
    assert tells_apart(values, "ethnicity", "Japanese", "Korean") == (
        "nationality", "Japanese", "Korean",
    )  # fmt: skip
    assert tells_apart(values, "ethnicity", "Bhutanese", "Indian") == (
        "nationality", "Bhutanese", "Indian",
    )  # fmt: skip
    assert locate(values, "ethnicity", "Japanese") == ("ethnicity", "East Asian")
    assert locate(values, "ethnicity", "Indian") == ("ethnicity", "Indian")


def test_a_prompt_is_judged_by_the_attributes_that_can_be() -> None:
    asked = {"gender": "female", "nose": "big", "hair": "bald", "upper garment": "shirt"}
    assert locate_all(GROUPS["head"], asked) == {
        "gender": ("gender", "female"),
        "hair": ("hair length", "bald"),
    }

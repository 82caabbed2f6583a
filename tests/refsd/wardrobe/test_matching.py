import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.prompts import VOCABULARY, PromptError, avatar_attributes
from refsd.wardrobe.bank import bank_avatar
from refsd.wardrobe.matching import (
    _KIN,
    _ORDERED,
    CANDIDATES,
    WEIGHTS,
    BuiltInBank,
    candidates,
    draw_avatar,
    score,
)

BANK = BuiltInBank(128)
LABELS = [avatar_attributes(bank_avatar(number)) for number in range(128)]
wishes = st.sampled_from(LABELS).flatmap(
    lambda label: st.sets(st.sampled_from(sorted(label))).map(
        lambda keys: {k: label[k] for k in keys}
    )
)


def drawn(wanted, seeds=range(60)) -> list[str]:
    return [draw_avatar(BANK, wanted, np.random.default_rng([seed, 0])).name for seed in seeds]


def test_nothing_wanted_draws_as_before() -> None:
    for wanted in (None, {}):
        expected = [f"bank/{np.random.default_rng([s, 0]).integers(128):04d}" for s in range(60)]
        assert drawn(wanted) == expected


def test_the_same_wish_does_not_give_everybody_the_same_avatar() -> None:
    wanted = dict(bank_avatar(5).attributes)
    names = drawn(wanted)
    assert len(set(names)) >= CANDIDATES - 2
    assert "bank/0005" in names
    assert drawn(wanted) == names


def test_gender_is_never_wrong_where_the_bank_has_enough() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        avatar = draw_avatar(BANK, {"gender": "female", "age group": "young adult"}, rng)
        assert (avatar.attributes["gender"], avatar.attributes["age group"]) == (
            "female",
            "young adult",
        )


@given(wishes)
@settings(deadline=None)
def test_candidates_are_the_best_by_the_score(wanted) -> None:
    chosen = candidates(LABELS, wanted)
    scores = [score(label, wanted) for label in LABELS]
    assert len(chosen) >= CANDIDATES
    worst = min(scores[number] for number in chosen)
    assert all(value < worst for number, value in enumerate(scores) if number not in chosen)
    assert sum(value > worst for value in scores) < CANDIDATES


@given(wishes)
@settings(deadline=None)
def test_nothing_agrees_better_than_what_is_wanted(wanted) -> None:
    full = sum(WEIGHTS.get(key, 0) for key in wanted)
    assert score(wanted, wanted) == full
    assert all(score(label, wanted) <= full for label in LABELS)


def test_neighbours_count_half() -> None:
    assert score({"skin tone": "brown"}, {"skin tone": "dark"}) == WEIGHTS["skin tone"] / 2
    assert score({"skin tone": "brown"}, {"skin tone": "fair"}) == 0
    assert score({"age group": "elderly"}, {"age group": "middle-aged"}) == WEIGHTS["age group"] / 2


def test_similar_clothes_count_half() -> None:
    assert score({"upper garment": "coat"}, {"upper garment": "parka"}) == 1.5
    assert score({"upper colour": "navy"}, {"upper colour": "blue"}) == 1
    assert score({"upper colour": "navy"}, {"upper colour": "red"}) == 0


def test_similar_values_are_of_the_vocabulary() -> None:
    for key, groups in {**_KIN, **_ORDERED}.items():
        assert {value for group in groups for value in group} <= set(VOCABULARY[key].values), key


def test_small_banks_have_fewer_candidates() -> None:
    assert candidates(LABELS[:3], {"gender": "female"}) == [0, 1, 2]


def test_unknown_wishes_are_refused() -> None:
    with pytest.raises(PromptError, match="did you mean 'gender'"):
        draw_avatar(BANK, {"gendr": "female"}, np.random.default_rng(0))

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from refsd.prompts import (
    VOCABULARY,
    PromptConfig,
    PromptError,
    age_group,
    avatar_attributes,
    count_tokens,
    find_clash,
    make_prompt,
    make_prompts,
    mode_suffix,
    view_of,
    wanted_attributes,
)
from refsd.prompts.drawing import DRAWN
from refsd.prompts.wording import CLIP_TOKENS
from refsd.wardrobe.bank import bank_avatar

RANDOM = PromptConfig()
PRESERVE = PromptConfig(mode="preserve")
SUITE = PromptConfig(mode="suite")

values = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(a.values) for key, a in VOCABULARY.items() if a.values},
)
avatars = st.integers(0, 40).map(lambda number: avatar_attributes(bank_avatar(number)))
views = st.sampled_from(["face", "half", "full"])
clothes = st.sampled_from(["avatar", "drawn"])


@given(st.integers(0, 2**63), st.integers(0, 20), avatars, views, clothes)
@settings(deadline=None)
def test_what_is_drawn_never_contradicts_and_is_read_whole(seed, index, avatar, view, worn) -> None:
    config = PromptConfig(clothes=worn)
    prompt = make_prompt(config, {}, avatar, seed=seed, index=index, view=view)
    assert find_clash(prompt.attributes) is None
    assert prompt.dropped == ()
    assert prompt.drawn <= set(prompt.attributes)
    assert {"gender", "ethnicity", "age group"} <= prompt.drawn
    assert count_tokens(prompt.positive) <= CLIP_TOKENS
    assert count_tokens(prompt.negative) <= CLIP_TOKENS


@given(values, st.integers(0, 2**63), avatars, views, clothes)
@settings(max_examples=200, deadline=None)
def test_what_is_preserved_never_contradicts_and_nothing_gets_lost_unsaid(
    labels, seed, avatar, view, worn
) -> None:
    config = PromptConfig(mode="preserve", clothes=worn)
    prompt = make_prompt(config, labels, avatar, seed=seed, index=0, view=view)
    assert find_clash(prompt.attributes) is None
    dropped = {line.split(":")[0] for line in prompt.dropped}
    for key, value in labels.items():
        assert (prompt.attributes.get(key) == value) != (key in dropped), key
        assert key in dropped or key not in prompt.drawn


@given(st.integers(0, 2**63), st.permutations(range(5)))
@settings(deadline=None)
def test_a_prompt_depends_on_nobody_else(seed, order) -> None:
    worn = [avatar_attributes(bank_avatar(number)) for number in range(5)]
    together = make_prompts(RANDOM, [], worn, seed)
    for index in order:
        assert make_prompt(RANDOM, {}, worn[index], seed=seed, index=index) == together[index]


def test_seed_and_place_decide() -> None:
    drawn = {
        make_prompt(RANDOM, {}, {}, seed=s, index=i).positive for s in range(6) for i in (0, 1)
    }
    assert len(drawn) > 9


def test_groups_are_drawn_evenly() -> None:
    prompts = [make_prompt(RANDOM, {}, {}, seed=seed, index=0) for seed in range(3000)]
    for key in ("gender", "age group", "ethnicity"):
        counts = Counter(prompt.attributes[key] for prompt in prompts)
        assert set(counts) == set(DRAWN[key])
        expected = 3000 / len(counts)
        # Four standard deviations of a binomial count.
        assert all(abs(n - expected) < 4 * np.sqrt(expected) for n in counts.values()), counts


def test_what_is_known_does_not_change_how_the_rest_falls() -> None:
    free = make_prompt(PRESERVE, {}, {}, seed=7, index=0)
    partly = make_prompt(PRESERVE, {"emotion": "sad"}, {}, seed=7, index=0)
    assert partly.attributes == {**free.attributes, "emotion": "sad"}


def test_a_suite_says_exactly_what_is_asked() -> None:
    prompt = make_prompt(SUITE, {"emotion": "happy"}, {}, seed=1, index=0)
    assert prompt.attributes == {"emotion": "happy"}
    assert prompt.drawn == frozenset()
    with pytest.raises(PromptError, match="'hair: bald' and 'hair colour: black' contradict"):
        make_prompt(SUITE, {"hair": "bald", "hair colour": "black"}, {}, seed=1, index=0)
    nation = make_prompt(SUITE, {"ethnicity": "Korean"}, {}, seed=1, index=0, view="face")
    assert nation.positive.startswith("a close-up portrait photo of a Korean person")


def test_what_is_asked_stands_above_the_avatar() -> None:
    avatar = {"gender": "female", "build": "slim", "hair": "ponytail", "lower garment": "jeans",
              "upper garment": "coat", "skin tone": "fair"}  # fmt: skip
    asked = {"gender": "male", "upper garment": "dress", "hair": "bald", "ethnicity": "Black"}
    prompt = make_prompt(SUITE, asked, avatar, seed=1, index=0)
    assert prompt.attributes == {**asked, "build": "slim"}
    bare = PromptConfig(mode="suite", body=False, clothes="drawn")
    assert make_prompt(bare, asked, avatar, seed=1, index=0).attributes == asked
    assert make_prompt(SUITE, {"emotion": "sad"}, avatar, seed=1, index=0).attributes == {
        "emotion": "sad",
        "gender": "female",
        "build": "slim",
        "skin tone": "fair",
    }
    worn = make_prompt(PRESERVE, {"upper garment": "dress"}, avatar, seed=1, index=0).attributes
    assert (worn["upper garment"], worn["hair"]) == ("dress", "ponytail")
    assert "lower garment" not in worn


def test_labels_lose_what_names_somebody() -> None:
    prompt = make_prompt(PRESERVE, {"age": "34", "gender": "female"}, {}, seed=1, index=0)
    assert prompt.attributes["age group"] == age_group(34)
    assert "age" not in prompt.attributes
    assert "34" not in prompt.positive
    with pytest.raises(PromptError, match="free text can name somebody"):
        make_prompt(PRESERVE, {"occupation": "mayor of Springfield"}, {}, seed=1, index=0)


def test_what_cannot_be_shown_is_said() -> None:
    prompt = make_prompt(SUITE, {"shoes": "boots"}, {}, seed=1, index=0, view="face")
    assert prompt.dropped == ("shoes: boots (a face view does not show it)",)
    assert "boots" not in prompt.positive


def test_random_takes_no_requests() -> None:
    with pytest.raises(PromptError, match="'random' draws all attributes, but emotion was asked"):
        make_prompt(RANDOM, {"emotion": "happy"}, {}, seed=1, index=0)


def test_a_fixed_text_is_taken_as_it_is() -> None:
    config = PromptConfig(text="a photo of a firefighter")
    prompt = make_prompt(config, {}, {"gender": "male"}, seed=1, index=0)
    assert prompt.positive == "a photo of a firefighter"
    assert "deformed hands" in prompt.negative
    with pytest.raises(PromptError, match="takes no attributes"):
        make_prompt(config, {"emotion": "sad"}, {}, seed=1, index=0)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"mode": "suit"}, "preserve"),
        ({"text": "a bald man with bangs"}, "contradict"),
        ({"text": "word " * 80}, "tokens"),
        ({"text": "a man", "mode": "suite"}, "drop one of them"),
        ({"scene": "a, b"}, "commas"),
        ({"negativ": ""}, "Extra inputs"),
    ],
)
def test_bad_settings(settings_, message) -> None:
    with pytest.raises(ValidationError, match=message):
        PromptConfig.model_validate(settings_)


def test_the_name_carries_the_mode() -> None:
    assert [mode_suffix(config) for config in (RANDOM, PRESERVE, SUITE)] == [
        "",
        ", preserve",
        ", suite",
    ]
    assert mode_suffix(PromptConfig(text="a man")) == ", text"


def test_what_is_wanted_of_an_avatar_is_what_the_prompt_says() -> None:
    for seed in range(20):
        wanted = wanted_attributes(PRESERVE, {"gender": "female"}, seed, 3)
        said = make_prompt(PRESERVE, {"gender": "female"}, {}, seed=seed, index=3).attributes
        assert said == wanted
    assert wanted_attributes(PromptConfig(text="a man"), {}, 1, 0) == {}


def test_views() -> None:
    landmarks = np.full((33, 2), 500, np.float32)
    landmarks[:11] = 20
    assert view_of(landmarks, (100, 50)) == "face"
    landmarks[23] = (49, 99)
    assert view_of(landmarks, (100, 50)) == "half"
    landmarks[26] = (0, 0)
    assert view_of(landmarks, (100, 50)) == "full"

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.prompts import VOCABULARY, PromptError, age_group, canonical
from refsd.prompts.conflicts import find_clash
from refsd.prompts.vocabulary import KEY_ALIASES, VALUE_ALIASES
from refsd.wardrobe.bank import sample_avatar
from refsd.wardrobe.families import FAMILIES


def test_other_spellings_mean_the_same() -> None:
    assert canonical({"Hair_Color": "Blonde", "sex": "Woman", "race": "caucasian"}) == {
        "gender": "female",
        "ethnicity": "White",
        "hair colour": "blond",
    }


def test_aliases_lead_into_the_vocabulary() -> None:
    assert set(KEY_ALIASES.values()) <= set(VOCABULARY)
    assert not set(KEY_ALIASES) & set(VOCABULARY)
    for key, words in VALUE_ALIASES.items():
        assert set(words.values()) <= set(VOCABULARY[key].values), key
        assert all(word == word.lower() for word in words)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_of_the_wardrobe_is_known_and_nobody_there_contradicts_themselves(
    family,
) -> None:
    for seed in range(150):
        avatar = sample_avatar(family, np.random.default_rng(seed))
        labels = canonical(avatar.attributes, free=False)
        clash = find_clash(labels)
        # Labels of two families give the colour of a bald head's brows and beard.
        assert clash is None or (family in ("training", "probe") and clash.goes == "hair colour")
        assert not any(word.split()[0] in FAMILIES for word in labels.values())
        said = [value for value in avatar.attributes.values() if value != "none"]
        assert len(labels) == len(said)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"har colour": "red"}, "unknown attribute 'har colour'; did you mean 'hair colour'"),
        ({"name": "Maria"}, "unknown attribute 'name'"),
        ({"emotion": "hapy"}, "unknown value of 'emotion' 'hapy'; did you mean 'happy'?"),
        ({"race": "Black", "ethnicity": "White"}, "two values for 'ethnicity': 'race: Black' and"),
        ({"age": "old"}, "'age' is 'old'; give whole years"),
        ({"age": "111"}, "'age' is '111'"),
        ({"occupation": "chef, (naked:2)"}, "commas and brackets"),
        ({"scene": "x" * 80}, "at most 60 letters"),
    ],
)
def test_what_is_unknown_is_named(attributes, message) -> None:
    with pytest.raises(PromptError) as error:
        canonical(attributes)
    assert message in str(error.value)


def test_free_words_are_for_those_who_ask_not_for_labels_of_real_people() -> None:
    asked = {"scene": "at the house of Maria Lopez", "occupation": "astronaut"}
    assert canonical(asked) == {"occupation": "astronaut", "scene": "at the house of Maria Lopez"}
    with pytest.raises(PromptError, match="free text can name somebody"):
        canonical({"scene": "at the house of Maria Lopez"}, free=False)


def test_what_says_nothing_is_left_out_but_what_denies_stays() -> None:
    assert canonical({"bag": "none", "lower garment": "none", "glasses": "none"}) == {
        "glasses": "none"
    }


values = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(a.values) for key, a in VOCABULARY.items() if a.values},
)


@given(values)
@settings(deadline=None)
def test_canonical_words_stay_as_they_are(attributes) -> None:
    once = canonical(attributes)
    assert once == attributes
    assert canonical(once) == once
    assert list(once) == [key for key in VOCABULARY if key in once]


@given(st.integers(0, 110), st.integers(0, 110))
@settings(deadline=None)
def test_age_groups_are_in_order(one: int, other: int) -> None:
    order = VOCABULARY["age group"].values
    places = [order.index(age_group(age)) for age in sorted((one, other))]
    assert places == sorted(places)

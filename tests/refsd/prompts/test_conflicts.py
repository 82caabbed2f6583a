import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.prompts import CLASHES, VOCABULARY, PromptError, check, find_clash, resolve
from refsd.prompts.conflicts import check_text

values = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(a.values) for key, a in VOCABULARY.items() if a.values},
)


def test_rules_speak_the_vocabulary() -> None:
    for clash in CLASHES:
        for key, words in ((clash.stays, clash.values), (clash.goes, clash.others | clash.spared)):
            assert words <= set(VOCABULARY[key].values), (key, words)
        assert clash.stays != clash.goes


def test_no_rule_is_about_gender_ethnicity_or_skin() -> None:
    """Contradictions are physical: nobody is told what to wear."""
    keys = {clash.stays for clash in CLASHES} | {clash.goes for clash in CLASHES}
    assert not keys & {"gender", "ethnicity", "skin tone", "build", "height"}


@pytest.mark.parametrize(
    ("attributes", "stays"),
    [
        ({"hair": "bald", "hair colour": "black"}, "hair"),
        ({"hair": "bald", "hairline": "bangs"}, "hair"),
        ({"facial hair": "clean-shaven", "mustache": "mustache"}, "facial hair"),
        ({"age group": "child", "occupation": "nurse"}, "age group"),
        ({"age": "9", "facial hair": "goatee"}, "age"),
        ({"age": "9", "hair colour": "grey"}, "age"),
        ({"age": "9", "age group": "elderly"}, "age"),
        ({"upper garment": "dress", "lower garment": "trousers"}, "upper garment"),
        ({"headwear": "cap", "hair": "top knot"}, "headwear"),
        ({"headwear": "hijab", "hair colour": "blond"}, "headwear"),
        ({"emotion": "surprised", "mouth": "closed"}, "emotion"),
        ({"emotion": "sad", "mouth": "smiling"}, "emotion"),
        ({"glasses": "sunglasses", "eye colour": "blue"}, "glasses"),
        ({"hair": "buzz cut", "hair length": "long"}, "hair"),
        ({"shoes": "barefoot", "shoe colour": "red"}, "shoes"),
    ],
)
def test_contradictions(attributes, stays) -> None:
    (goes,) = set(attributes) - {stays}
    with pytest.raises(PromptError) as error:
        check(attributes)
    for key, value in attributes.items():
        assert repr(f"{key}: {value}") in str(error.value)
    kept, dropped = resolve(attributes)
    assert kept == {stays: attributes[stays]}
    assert [line.split(" (")[0] for line in dropped] == [f"{goes}: {attributes[goes]}"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gender": "female", "facial hair": "full beard"},
        {"gender": "male", "upper garment": "dress", "lipstick": "lipstick"},
        {"age group": "child", "occupation": "pupil"},
        {"upper garment": "dress", "lower garment": "leggings"},
        {"headwear": "cap", "hair": "ponytail"},
        {"hair": "bald", "facial hair": "full beard"},
        {"ethnicity": "Black", "hair colour": "blond", "skin tone": "pale"},
    ],
)
def test_what_is_only_unusual_is_allowed(attributes) -> None:
    check(attributes)


@given(values)
@settings(deadline=None)
def test_what_is_left_never_contradicts_and_nothing_disappears_unsaid(attributes) -> None:
    kept, dropped = resolve(attributes)
    assert find_clash(kept) is None
    assert len(kept) + len(dropped) == len(attributes)
    assert kept.items() <= attributes.items()


@given(values, st.randoms())
@settings(deadline=None)
def test_resolving_does_not_depend_on_the_order(attributes, random) -> None:
    shuffled = list(attributes.items())
    random.shuffle(shuffled)
    assert resolve(dict(shuffled))[0] == resolve(attributes)[0]


@pytest.mark.parametrize(
    "text",
    [
        "a bald man with bangs",
        "a child with a full beard, photo",
        "a woman in a dress and trousers",
        "a happy, sad man",
        "a clean-shaven man with a mustache",
        "a bald woman with long hair",
    ],
)
def test_texts_that_contradict_themselves(text: str) -> None:
    with pytest.raises(PromptError, match=r"text: '.*' and '.*' contradict"):
        check_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a firefighter",
        "a man with a full beard and brown hair in a suit jacket and trousers",
        "a young woman with long black hair, wearing a red dress and boots",
        "a balding man",
    ],
)
def test_texts_that_do_not(text: str) -> None:
    check_text(text)

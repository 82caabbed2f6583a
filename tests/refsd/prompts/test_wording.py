import pytest

from refsd.prompts import VOCABULARY, count_tokens
from refsd.prompts.wording import (
    _FACE_DETAILS,
    CLIP_TOKENS,
    DENIED,
    NEGATIVE,
    visible,
    write_negative,
    write_positive,
)

GOLDEN = [
    ("full", {}, "a full-length photo of a person"),
    (
        "face",
        {"gender": "male", "age": "17", "ethnicity": "East Asian", "mustache": "mustache"},
        "a close-up portrait photo of a 17-year-old East Asian boy, mustache",
    ),
    (
        "full",
        {"gender": "male", "occupation": "footballer"},
        "a full-length photo of a man, working as a footballer",
    ),
    (
        "full",
        {
            "gender": "female", "age group": "elderly", "skin tone": "brown", "emotion": "happy",
            "hair": "bun", "hair colour": "grey", "upper garment": "coat",
            "upper colour": "olive green", "lower garment": "trousers", "lower colour": "black",
            "shoes": "boots",
            "shoe colour": "brown", "build": "slim", "height": "tall", "scene": "in a park",
        },
        (
            "a full-length photo of an elderly woman, brown skin, happy smiling expression, "
            "grey hair in a bun, wearing an olive green coat, black trousers, brown boots, "
            "slim build, tall, in a park"
        ),
    ),
    (
        "half",
        {"upper garment": "dress", "upper pattern": "striped", "upper colour": "red"},
        "a half-length photo of a person, wearing a red striped dress",
    ),
    (
        "face",
        {"age group": "child", "hair texture": "curly", "hair colour": "red", "hairline": "bangs"},
        "a close-up portrait photo of a child, curly red hair, bangs over the forehead",
    ),
    (
        "face",
        {"gender": "male", "hair": "bald", "facial hair": "clean-shaven", "glasses": "eyeglasses"},
        "a close-up portrait photo of a man, bald head, clean-shaven, wearing eyeglasses",
    ),
    (
        "face",
        {"gender": "androgynous", "age group": "young adult", "age": "80"},
        "a close-up portrait photo of an 80-year-old androgynous person",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("view", "attributes", "words"), GOLDEN)
def test_the_template(view, attributes, words) -> None:
    assert write_positive(attributes, view, style="") == (words, ())


def test_style_stands_before_the_scene() -> None:
    words, _ = write_positive({"scene": "on a street"}, "full", style="sharp focus")
    assert words == "a full-length photo of a person, sharp focus, on a street"


@pytest.mark.parametrize("key", [key for key in VOCABULARY if key != "age"])
@pytest.mark.parametrize("view", ["face", "half", "full"])
def test_every_value_that_can_be_seen_changes_what_is_said(key: str, view) -> None:
    """Nothing of the vocabulary is silently lost, except what is average or plain."""
    if not visible(key, view):
        return
    silent = {"average", "plain"}
    for value in VOCABULARY[key].values:
        base = write_positive({}, view)[0] + write_negative({}, view)
        said = write_positive({key: value}, view)[0] + write_negative({key: value}, view)
        assert (said == base) == (value in silent), (key, value)


def test_what_is_denied_stands_in_the_negative_prompt_only() -> None:
    for (key, value), words in DENIED.items():
        assert write_negative({key: value}, "face").startswith(words)
        said, _ = write_positive({key: value}, "face")
        assert words.split(", ")[0] not in said
        assert " no " not in said


def test_a_long_prompt_loses_its_end_and_says_so() -> None:
    attributes = {"gender": "female", "scene": "in a restaurant"}
    attributes |= {key: VOCABULARY[key].values[0] for key in _FACE_DETAILS}
    attributes |= {"occupation": "security guard", "eye colour": "dark brown"}
    attributes |= {
        "hair": "short back and sides",
        "hair colour": "dark brown",
        "skin tone": "olive",
    }
    words, cut = write_positive(attributes, "face")
    assert count_tokens(words) <= CLIP_TOKENS
    assert "scene" in cut
    assert "in a restaurant" not in words
    assert words.startswith("a close-up portrait photo of a woman, olive skin")
    kept = {key: value for key, value in attributes.items() if key not in cut}
    assert words.startswith(write_positive(kept, "face", style="")[0])


@pytest.mark.parametrize("view", ["face", "half", "full"])
def test_negatives_are_read_whole(view) -> None:
    assert write_negative({}, view) == NEGATIVE[view]
    everything = dict(DENIED.keys())
    assert count_tokens(write_negative(everything, view)) <= CLIP_TOKENS


def test_a_blurry_picture_is_not_asked_to_be_sharp() -> None:
    said = write_positive({"focus": "blurry"}, "face")[0]
    assert "blurry" in said
    assert "sharp" not in said
    assert "blurry" not in write_negative({"focus": "blurry"}, "face")


def test_tokens_of_known_prompts() -> None:
    """Counted with CLIP's own tokenizer (open_clip 3.3): an estimate must never be lower."""
    for text, tokens in (
        ("a photo of a person", 7),
        ("a close-up portrait photo of a 17-year-old East Asian boy, mustache, realistic", 23),
        ("a full-length photo of a woman, wearing a red striped dress", 16),
    ):
        assert tokens <= count_tokens(text) <= tokens + 6

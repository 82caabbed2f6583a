"""Avatars made over: what is asked for is there, and everything else as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.bodies import load_body
from refsd.bodies.poses import sample_pose
from refsd.prompts import VOCABULARY, PromptError, age_group, avatar_attributes
from refsd.wardrobe import bank_avatar, dress, sample_avatar
from refsd.wardrobe.expressions import expression
from refsd.wardrobe.families import BANK, FABRICS, FAMILIES
from refsd.wardrobe.made import _STYLES, make_over, scope
from refsd.wardrobe.matching import likeness

MADE = ("gender", "age group", "skin tone", "hair colour", "upper colour", "lower colour",
        "shoe colour", "emotion", "glasses", "facial hair", "make-up", "build", "height",
        "eye colour")  # fmt: skip
"""What the wardrobe can make in every value."""


def made(wanted, number=3, seed=0):
    return make_over(bank_avatar(number), wanted, np.random.default_rng(seed))


@pytest.mark.parametrize("key", MADE)
def test_every_value_is_made_and_said(key) -> None:
    for value in VOCABULARY[key].values:
        if (key, value) == ("gender", "androgynous"):
            continue
        for number in range(12):
            assert avatar_attributes(made({key: value}, number, number))[key] == value


@pytest.mark.parametrize("number", range(20))
def test_what_nobody_asked_for_stays(number) -> None:
    base = bank_avatar(number)
    assert made({}, number) is base
    avatar = made({"upper colour": "teal", "glasses": "sunglasses"}, number)
    before, after = vars(base.look).copy(), vars(avatar.look).copy()
    for changed in ("upper", "glasses", "metal"):
        del before[changed], after[changed]
    assert before == after
    assert avatar.shape == base.shape
    assert avatar.name == base.name.replace("bank", "made")


def test_people_of_whom_the_same_is_asked_are_different_people() -> None:
    wanted = {"gender": "male", "age group": "elderly", "upper colour": "red"}
    avatars = [made(wanted, number, seed) for seed, number in enumerate(range(30))]
    assert len({avatar.look for avatar in avatars}) == 30
    assert made(wanted, 4, 9) == made(wanted, 4, 9)


def test_who_is_asked_for_one_thing_more_changes_in_nothing_else() -> None:
    wanted = {"age group": "elderly", "ethnicity": "White", "headwear": "hat", "hair": "bun",
              "upper garment": "coat", "upper colour": "red", "shoes": "boots"}  # fmt: skip
    one, other = (made({**wanted, **more}) for more in ({}, {"glasses": "sunglasses"}))
    changed = {name for name, value in vars(one.look).items() if vars(other.look)[name] != value}
    assert changed == {"glasses", "metal"}
    assert one.shape == other.shape
    older, younger = (made({**wanted, "age group": some}) for some in ("elderly", "middle-aged"))
    assert older.look.upper == younger.look.upper
    assert older.look.skin == younger.look.skin


def test_colours_are_those_of_the_table_and_bodies_those_of_the_words() -> None:
    for name, colour in FABRICS.items():
        look = made({"upper colour": name}, 5).look
        assert np.abs(np.subtract(look.upper.colour, colour)).max() < 0.15
    child, old = made({"age": "10"}), made({"age group": "elderly"})
    assert child.shape["age"] < 0.4
    assert old.shape["age"] > 0.85
    assert child.look.stubble == 0
    assert made({"ethnicity": "East Asian"}).shape["asian"] > 0.8
    happy = made({"emotion": "happy"}).shape
    assert {name: happy[name] for name in expression("happy")} == expression("happy")


def test_a_people_the_body_model_does_not_know_is_not_invented() -> None:
    base = bank_avatar(3)
    avatar = made({"ethnicity": "Indian"})
    assert (avatar.shape, avatar.look) == (base.shape, base.look)
    assert "ethnicity" not in avatar.attributes


@pytest.mark.parametrize(
    ("wanted", "style"),
    [
        ({"hair": "bald"}, "shorn"),
        ({"hairline": "bangs"}, "full fringe"),
        ({"hairline": "receding"}, "thinning"),
        ({"hair length": "long", "hair texture": "wavy"}, "loose waves"),
        ({"hair length": "short", "hair texture": "curly"}, "cropped curls"),
        ({"hair": "ponytail"}, "ponytail"),
        ({"hair": "bun"}, "bun"),
    ],
)
def test_hair_is_cut_as_is_asked_for(wanted, style) -> None:
    assert {made(wanted, number, number).look.hair for number in range(20)} == {style}


def test_every_style_of_the_bank_says_what_it_shows() -> None:
    assert set(_STYLES) == set(FAMILIES["bank"].hair)


@pytest.mark.parametrize("key", ["upper garment", "lower garment", "shoes"])
def test_garments_are_the_nearest_that_the_wardrobe_has(key) -> None:
    kinds = {"upper garment": FAMILIES["bank"].uppers, "lower garment": FAMILIES["bank"].lowers,
             "shoes": FAMILIES["bank"].shoes}[key]  # fmt: skip
    captions = {kind.caption for kind in kinds.values()}
    for value in VOCABULARY[key].values:
        possible = max(likeness(key, caption, value) for caption in captions)
        worn = made({key: value}, 11).attributes[key]
        assert likeness(key, worn, value) == possible or possible == 0


def test_a_dress_is_worn_over_nothing_and_what_replaces_it_over_trousers() -> None:
    dressed = made({"upper garment": "dress"}, 3)
    assert dressed.attributes["lower garment"] == "none"
    lady = next(bank_avatar(n) for n in range(99)
                if bank_avatar(n).attributes["upper garment"] == "dress")  # fmt: skip
    changed = make_over(lady, {"upper garment": "jumper"}, np.random.default_rng(0))
    assert changed.attributes["lower garment"] == "trousers"
    assert FAMILIES["bank"].lowers[changed.look.lower.cut].caption == "trousers"
    shorts = make_over(lady, {"lower garment": "shorts"}, np.random.default_rng(0))
    assert shorts.attributes["upper garment"] == "t-shirt"
    assert shorts.attributes["lower garment"] == "shorts"


_ASKED = (
    *MADE, "ethnicity", "headwear", "hair", "hair length", "hair texture", "upper garment",
    "upper pattern", "lower garment", "shoes", "jewellery", "mustache", "mouth", "lipstick", "bag",
)  # fmt: skip


def test_all_that_is_in_scope_is_made() -> None:
    for key, values in scope().values.items():
        for value in values:
            labels = avatar_attributes(made({key: value}, 7))
            if key == "age":
                assert labels["age group"] == age_group(int(value))
            else:
                assert likeness(key, labels[key], value) == 1, (key, value, labels)


wishes = st.fixed_dictionaries(
    {}, optional={key: st.sampled_from(VOCABULARY[key].values) for key in _ASKED}
)


@given(wishes, st.integers(0, 511), st.integers(0, 9))
@settings(deadline=None, max_examples=150)
def test_whatever_is_asked_of_whomever_can_be_worn(wanted, number, seed) -> None:
    avatar = made(wanted, number, seed)
    lists, look = FAMILIES["bank"], avatar.look
    assert look.upper.cut in lists.uppers
    assert look.lower.cut in lists.lowers
    assert look.shoe in lists.shoes
    assert look.hair in lists.hair
    assert all(0 <= value <= 1 for value in avatar.shape.values())
    # What an avatar says of itself is said in words that prompts know.
    assert avatar_attributes(avatar)["gender"] == wanted.get(
        "gender", bank_avatar(number).attributes["gender"]
    )


def test_made_people_can_be_dressed() -> None:
    body = load_body()
    pose = sample_pose("bank", np.random.default_rng(0), body)[None].astype(np.float32)
    wanted = {"headwear": "headscarf", "upper garment": "parka", "upper pattern": "camouflage",
              "lower garment": "long skirt", "shoes": "high boots", "glasses": "eyeglasses",
              "emotion": "surprised"}  # fmt: skip
    avatar = made(wanted)
    vertices = body.pose([avatar.shape], pose, np.array([[0, 0, 5]], dtype=np.float32)).vertices[0]
    for mesh in dress(avatar, body, vertices):
        assert np.isfinite(mesh.vertices).all()


def test_the_bank_itself_wears_only_what_it_always_wore() -> None:
    for number in range(64):
        look = bank_avatar(number).look
        assert look.upper.cut in BANK.uppers
        assert look.hair in BANK.hair


def test_what_cannot_be_asked_for_is_an_error() -> None:
    with pytest.raises(PromptError, match="unknown attribute 'har'"):
        made({"har": "red"})
    other = sample_avatar("crowd", np.random.default_rng(0))
    with pytest.raises(ValueError, match="not of the bank"):
        make_over(other, {"gender": "male"}, np.random.default_rng(0))

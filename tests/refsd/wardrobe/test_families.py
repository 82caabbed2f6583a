from itertools import combinations

import numpy as np
import pytest

from refsd.wardrobe import bank_avatar, sample_avatar
from refsd.wardrobe.cutting import HAIRSTYLES
from refsd.wardrobe.families import FAMILIES
from refsd.wardrobe.patterns import PATTERNS

NAMED = ("uppers", "lowers", "shoes", "upper_patterns", "lower_patterns", "hair", "skins")
COLOURED = ("skins", "hair_colours", "upper_colours", "lower_colours", "shoe_colours")


@pytest.mark.parametrize("pair", list(combinations(FAMILIES, 2)), ids="-".join)
def test_no_two_families_share_a_name_or_a_colour(pair):
    first, second = (FAMILIES[name] for name in pair)
    for field in NAMED:
        assert not set(getattr(first, field)) & set(getattr(second, field)), field
    for field in COLOURED:
        colours = [set(getattr(lists, field).values()) for lists in (first, second)]
        assert not colours[0] & colours[1], field


@pytest.mark.parametrize("pair", list(combinations(FAMILIES, 2)), ids="-".join)
def test_no_two_families_share_a_cut(pair):
    first, second = (FAMILIES[name] for name in pair)
    for field in ("uppers", "lowers"):
        assert not set(getattr(first, field).values()) & set(getattr(second, field).values())


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_listed_can_be_drawn(family):
    lists = FAMILIES[family]
    assert set(lists.upper_patterns) | set(lists.lower_patterns) <= set(PATTERNS)
    assert set(lists.hair) <= set(HAIRSTYLES)
    assert set(lists.suits) <= set(lists.upper_patterns)
    captions = {cut.caption for cut in lists.uppers.values()}
    assert {caption for suited in lists.suits.values() for caption in suited} <= captions


@pytest.mark.parametrize("family", FAMILIES)
def test_looks_are_of_their_own_family_and_of_adults(family):
    lists = FAMILIES[family]
    for seed in range(60):
        avatar = sample_avatar(family, np.random.default_rng(seed))
        look = avatar.look
        assert look.upper.cut in lists.uppers
        assert look.lower.cut in lists.lowers
        assert look.shoe in lists.shoes
        assert look.hair in lists.hair
        assert look.bag in lists.bags
        assert look.upper.pattern in lists.upper_patterns
        assert look.lower.pattern in lists.lower_patterns
        # Anny's children end at 1/3 and its young adults stand at 2/3.
        assert avatar.shape["age"] >= 0.66
        assert all(0 <= value <= 1 for value in avatar.shape.values())


def test_patterns_suit_the_garments_of_the_bank():
    suits = FAMILIES["bank"].suits
    for number in range(150):
        upper = bank_avatar(number).look.upper
        caption = FAMILIES["bank"].uppers[upper.cut].caption
        assert caption in suits.get(upper.pattern, (caption,))


@pytest.mark.parametrize("family", FAMILIES)
def test_sampling_is_deterministic_and_varied(family):
    drawn = [sample_avatar(family, np.random.default_rng(seed)) for seed in range(40)]
    again = [sample_avatar(family, np.random.default_rng(seed)) for seed in range(40)]
    assert drawn == again
    assert len({avatar.look for avatar in drawn}) == 40


def test_bank_avatars_have_their_number_as_name_and_never_change():
    assert bank_avatar(123).name == "bank/0123"
    assert bank_avatar(123) == bank_avatar(123)
    assert bank_avatar(123).look != bank_avatar(124).look

"""Drawing avatars at random, and the bank that RefSD draws its people from."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from refsd.wardrobe.avatar import Avatar, Family, Garment, Look
from refsd.wardrobe.families import BANK, FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from refsd.wardrobe.avatar import Colour
    from refsd.wardrobe.families import FamilyLists

T = TypeVar("T")

BANK_SEED = 20241209
"""Seed of the avatar bank; another seed is another bank."""

_IRISES: tuple[Colour, ...] = (
    (0.20, 0.12, 0.07), (0.28, 0.18, 0.10), (0.30, 0.36, 0.24), (0.30, 0.42, 0.52),
)  # fmt: skip

_FEMININE_HAIR = frozenset(
    {"chin bob", "shoulder length", "bun", "ponytail", "long straight", "top knot", "waist-length",
     "ear-length", "mid-length", "high bun"}
)  # fmt: skip
"""Hairstyles that women draw three times as often as men; nobody is kept from any."""


@lru_cache(maxsize=1024)
def bank_avatar(number: int) -> Avatar:
    """An avatar of the bank, the same for ever: ``bank/0123`` is number 123."""
    rng = np.random.default_rng([BANK_SEED, number])
    return sample_avatar("bank", rng, name=f"bank/{number:04d}")


def sample_avatar(family: Family, rng: np.random.Generator, name: str | None = None) -> Avatar:
    """Draw an adult with hair, skin and clothes of one family.

    Args:
        family: whose tables are drawn from.
        rng: all chance.
        name: the avatar's name; by default the family and four random hex digits.
    """
    lists = BANK if family == "bank" else FAMILIES[family]
    female = bool(rng.random() < 0.5)
    skin_name, skin = pick(rng, list(lists.skins.items()))
    lightness = sum(skin) / 3
    shape = _shape(rng, female, lightness)
    hair = _hair(rng, lists, female)
    if lists.close and female and hair == "thinning":
        hair = lists.hair[0]
    greying = shape["age"] > 0.8 and rng.random() < 0.6
    hair_colours = list(lists.hair_colours.items())
    if lists.close and lightness < 0.5:
        # Fair hair on dark skin is rare, and looks like a wig.
        hair_colours = [
            (name, c) for name, c in hair_colours if max(c) < 0.25 or max(c) - min(c) < 0.1
        ]
    hair_name, hair_colour = (
        hair_colours[_greyest(hair_colours)] if greying else pick(rng, hair_colours)
    )
    uppers = {
        cut: u for cut, u in lists.uppers.items() if female or u.caption not in {"dress", "tunic"}
    }
    lowers = {cut: low for cut, low in lists.lowers.items() if female or not low.skirt}
    upper_colour_name, upper = _garment(rng, uppers, lists.upper_patterns, lists.upper_colours)
    lower_colour_name, lower = _garment(rng, lowers, lists.lower_patterns, lists.lower_colours)
    if not _suits(lists, upper):
        plain = lists.upper_patterns[0]
        upper = replace(upper, pattern=plain)
    skirt = lists.uppers[upper.cut].skirt
    bare_legs = lists.close and lists.uppers[upper.cut].caption == "dress"
    if bare_legs:
        # What is worn under a dress ends under it.
        legs = {cut: low.hem for cut, low in lists.lowers.items() if not low.skirt}
        lower = replace(lower, cut=min(legs, key=lambda cut: legs[cut]), trim=-0.03)
    elif lists.close and skirt is not None and lists.lowers[lower.cut].hem < skirt + 0.25:
        # Nobody's coat is as long as what is worn under it.
        legs = {cut: low.hem for cut, low in lists.lowers.items() if not low.skirt}
        lower = replace(lower, cut=max(legs, key=lambda cut: legs[cut]))
    shoe = pick(rng, list(lists.shoes))
    shoe_colour_name, shoe_colour = pick(rng, list(lists.shoe_colours.items()))
    bag = pick(rng, list(lists.bags))
    look = Look(
        skin=vary(rng, skin, 0.03),
        hair=hair,
        hair_colour=vary(rng, hair_colour, 0.02),
        iris=pick(rng, _IRISES[: 2 if lightness < 0.6 else 4]),
        lips=float(rng.uniform(0.2, 0.9)) if female else float(rng.uniform(0.05, 0.25)),
        stubble=0.0 if female else float(rng.choice([0.0, 0.15, 0.45])),
        upper=upper,
        lower=lower,
        shoe=shoe,
        shoe_colour=shoe_colour,
        sole_colour=(0.85, 0.85, 0.83) if rng.random() < 0.5 else (0.12, 0.11, 0.11),
        bag=bag,
        bag_colour=pick(rng, list(lists.upper_colours.values())),
    )
    attributes = {
        "gender": "female" if female else "male",
        "age group": _age_group(shape["age"]),
        "skin tone": skin_name,
        "hair": hair,
        "hair colour": hair_name,
        "upper garment": lists.uppers[upper.cut].caption,
        "upper colour": upper_colour_name,
        "upper pattern": upper.pattern,
        "lower garment": "none" if bare_legs else lists.lowers[lower.cut].caption,
        "lower colour": "none" if bare_legs else lower_colour_name,
        "lower pattern": "none" if bare_legs else lower.pattern,
        "shoes": lists.shoes[shoe].caption,
        "shoe colour": shoe_colour_name,
        "bag": bag or "none",
    }  # fmt: skip
    return Avatar(
        name=name or f"{family}/{int(rng.integers(16**4)):04x}",
        family=family,
        shape=shape,
        look=look,
        attributes=attributes,
    )


def _age_group(age: float) -> str:
    if age > 0.85:
        return "elderly"
    return "middle-aged" if age > 0.74 else "young adult"


def _suits(lists: FamilyLists, upper: Garment) -> bool:
    captions = lists.suits.get(upper.pattern)
    return captions is None or lists.uppers[upper.cut].caption in captions


def _shape(rng: np.random.Generator, female: bool, lightness: float) -> dict[str, float]:
    """Phenotypes of an adult; ancestry goes loosely with the skin."""
    african, asian, caucasian = rng.dirichlet([1.2, 1.2, 1.2])
    if lightness < 0.4:
        african += 1.5
    elif lightness > 0.75:
        african *= 0.1
    return {
        "gender": float(np.clip(rng.normal(0.92 if female else 0.06, 0.06), 0, 1)),
        "age": float(rng.choice([0.67, 0.70, 0.76, 0.82, 0.90], p=[0.3, 0.25, 0.2, 0.15, 0.1])),
        "muscle": float(np.clip(rng.normal(0.48 if female else 0.56, 0.1), 0.2, 0.9)),
        "weight": float(np.clip(rng.normal(0.52, 0.14), 0.2, 0.95)),
        "height": float(np.clip(rng.normal(0.5, 0.12), 0.2, 0.8)),
        "proportions": float(np.clip(rng.normal(0.3, 0.15), 0, 0.8)),
        "african": float(african),
        "asian": float(asian),
        "caucasian": float(caucasian),
    } | {name: float(min(value, 1.0)) for name, value in
         (("african", african), ("asian", asian), ("caucasian", caucasian))}  # fmt: skip


def _hair(rng: np.random.Generator, lists: FamilyLists, female: bool) -> str:
    weights = np.array(
        [
            (3.0 if female else 1.0) if h in _FEMININE_HAIR else (1.0 if female else 3.0)
            for h in lists.hair
        ]
    )
    return lists.hair[int(rng.choice(len(lists.hair), p=weights / weights.sum()))]


def _garment(
    rng: np.random.Generator,
    cuts: Iterable[str],
    patterns: Sequence[str],
    colours: dict[str, Colour],
) -> tuple[str, Garment]:
    """A garment in two different colours, and the name of the first."""
    first, second = rng.choice(len(colours), 2, replace=False)
    names, values = list(colours), list(colours.values())
    garment = Garment(
        cut=pick(rng, list(cuts)),
        pattern=pick(rng, patterns),
        colour=vary(rng, values[first], 0.02),
        second=values[second],
        scale=float(rng.random()),
        shift=float(rng.random()),
        trim=float(rng.uniform(-0.03, 0.03)),
    )
    return names[first], garment


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of some, each as likely as the next."""
    return choices[int(rng.integers(len(choices)))]


def vary(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """A colour a little brighter or darker; ``spread`` is a share's standard deviation."""
    red, green, blue = np.clip(np.asarray(colour) * (1 + rng.normal(0, spread)), 0.02, 0.97)
    return float(red), float(green), float(blue)


def _greyest(colours: Sequence[tuple[str, Colour]]) -> int:
    """The brightest of the least saturated: grey, silver or ash."""
    return int(np.argmin([max(c) - min(c) - 0.5 * min(c) for _, c in colours]))

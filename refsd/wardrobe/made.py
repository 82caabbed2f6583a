"""Avatars made to look as is asked for: somebody of the bank, made over attribute by attribute.

Refinement at a moderate strength keeps what the composite shows, so a prompt is followed best where
the avatar already looks as it says. What is asked for is made as far as the wardrobe has it; all
else stays as the bank has it, so that people of whom the same is asked are not one avatar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.prompts import VOCABULARY, Scope, age_group, canonical
from refsd.wardrobe.accessories import EARRINGS, NECKLACES
from refsd.wardrobe.avatar import Avatar
from refsd.wardrobe.bank import pick, vary
from refsd.wardrobe.expressions import EMOTIONS, expression
from refsd.wardrobe.families import FABRICS, FAMILIES
from refsd.wardrobe.matching import likeness
from refsd.wardrobe.phenotypes import AGE_PHENOTYPE, AGES, ANCESTRY_SKINS, ETHNICITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from refsd.wardrobe.avatar import Colour, Garment, Look

Chance = Mapping[str, np.random.Generator]
"""Attribute → what decides where words leave something open."""

_BANK = FAMILIES["bank"]

_YEARS: Mapping[str, tuple[int, int]] = {
    "child": (9, 12), "teenager": (14, 19), "young adult": (21, 38), "middle-aged": (42, 62),
    "elderly": (67, 80),
}  # fmt: skip
_BUILDS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "slim": {"weight": (0.12, 0.28)}, "heavyset": {"weight": (0.78, 0.98)},
    "muscular": {"weight": (0.45, 0.6), "muscle": (0.75, 0.95)},
    "average": {"weight": (0.42, 0.6), "muscle": (0.4, 0.6)},
}  # fmt: skip
_HEIGHTS: Mapping[str, tuple[float, float]] = {
    "short": (0.15, 0.3), "average": (0.42, 0.58), "tall": (0.7, 0.85),
}  # fmt: skip

_STYLES: Mapping[str, Mapping[str, str]] = {
    "short back and sides": {"hair length": "short", "hair texture": "straight"},
    "side part": {"hair length": "short", "hair texture": "straight"},
    "cropped curls": {"hair length": "short", "hair texture": "curly"},
    "cropped waves": {"hair length": "short", "hair texture": "wavy", "hair": "short waves"},
    "puffed afro": {"hair length": "short", "hair texture": "coily", "hair": "round afro"},
    "chin bob": {"hair length": "medium-length", "hair texture": "straight"},
    "soft waves": {"hair length": "medium-length", "hair texture": "wavy"},
    "full fringe": {"hair length": "medium-length", "hair texture": "straight",
                    "hairline": "bangs"},
    "shoulder length": {"hair length": "long", "hair texture": "straight"},
    "sleek long": {"hair length": "long", "hair texture": "straight", "hair": "long straight"},
    "loose waves": {"hair length": "long", "hair texture": "wavy", "hair": "long waves"},
    "loose curls": {"hair length": "long", "hair texture": "curly"},
    "bun": {"hair length": "long"},
    "ponytail": {"hair length": "long"},
    "thinning": {"hair length": "short", "hairline": "receding"},
    "shorn": {"hair": "bald"},
}  # fmt: skip
"""The bank's hairstyles → what they show; the vocabulary calls them as we do, or as is said."""

_HATS: Mapping[str, str] = {
    "hat": "bowler", "sun hat": "straw hat", "beanie": "knitted hat", "headscarf": "headscarf",
    "hijab": "headscarf",
}  # fmt: skip
_GLASSES: Mapping[str, tuple[str, ...]] = {
    "eyeglasses": ("round glasses", "square glasses"), "sunglasses": ("sunglasses",), "none": ("",),
}  # fmt: skip
_BEARDS: Mapping[str, tuple[str, float]] = {
    "clean-shaven": ("", 0.05), "stubble": ("", 0.6), "goatee": ("goatee", 0.1),
    "short beard": ("full beard", 0.1), "full beard": ("full beard", 0.1),
}  # fmt: skip
_IRISES: Mapping[str, Colour] = {
    "brown": (0.27, 0.16, 0.09), "dark brown": (0.16, 0.10, 0.06), "hazel": (0.38, 0.29, 0.14),
    "green": (0.27, 0.40, 0.24), "blue": (0.27, 0.43, 0.58), "grey": (0.42, 0.45, 0.48),
}  # fmt: skip
_PATTERNS: Mapping[str, str] = {
    "plain": "plain weave", "striped": "fine hoops", "pinstriped": "pinstripe",
    "checked": "gingham", "tartan": "gingham", "dotted": "polka dots", "two-tone": "yoke",
    "argyle": "diamonds", "zigzag": "herringbone", "camouflage": "woodland",
}  # fmt: skip
_MAKEUP: Mapping[str, float] = {"none": 0.0, "light": 0.4, "heavy": 0.9}
_BAGS = ("backpack", "hip bag")
_METAL: tuple[Colour, ...] = ((0.83, 0.68, 0.35), (0.75, 0.76, 0.78), (0.12, 0.12, 0.13))
_OPEN: Mapping[str, Mapping[str, float]] = {
    "slightly open": {"jawOpen": 0.35}, "open": {"jawOpen": 0.6},
    "smiling": {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8},
    "frowning": {"mouthFrownLeft": 0.9, "mouthFrownRight": 0.9},
}  # fmt: skip


@lru_cache(maxsize=1)
def scope() -> Scope:
    """What can be asked for and is made exactly, in the vocabulary's words."""
    hairs = [{"hair": style, **shown} for style, shown in _STYLES.items()]
    values: dict[str, Iterable[str]] = {
        "gender": ("female", "male"), "age": map(str, AGES), "ethnicity": ETHNICITIES.values(),
        "skin tone": _BANK.skins, "emotion": EMOTIONS, "headwear": _HATS,
        **{key: {some[key] for some in hairs if key in some} for key in _HAIR},
        "hair colour": _BANK.hair_colours, "facial hair": _BEARDS,
        "mustache": ("mustache",), "glasses": _GLASSES, "make-up": _MAKEUP,
        "lipstick": ("lipstick",), "mouth": _OPEN, "eye colour": _IRISES,
        "jewellery": VOCABULARY["jewellery"].values,
        "upper garment": {cut.caption for cut in _BANK.uppers.values()},
        "upper colour": FABRICS, "upper pattern": _PATTERNS,
        "lower garment": {cut.caption for cut in _BANK.lowers.values()}, "lower colour": FABRICS,
        "shoes": {shoe.caption for shoe in _BANK.shoes.values()}, "shoe colour": FABRICS,
        "bag": _BAGS, "build": _BUILDS, "height": _HEIGHTS,
    }  # fmt: skip
    return Scope(
        {
            key: tuple(v for v in attribute.values or map(str, AGES) if v in set(values[key]))
            for key, attribute in VOCABULARY.items()
            if key in values
        }
    )


def make_over(base: Avatar, wanted: Mapping[str, str], rng: np.random.Generator) -> Avatar:
    """An avatar of the bank, made to look as is asked for.

    What nobody asked for stays. A prompt's ethnicity is made for the three ancestries that the body
    model knows, with a skin that goes with it unless one is asked for; others are left as they are.

    Args:
        base: of the family ``bank``.
        wanted: attributes, in any spelling that ``refsd.prompts`` knows.
        rng: chance, where words leave something open.

    Returns:
        The avatar, ``made/0123`` of ``bank/0123``; its labels say what was made, as the wardrobe
        has it: of a hat that it has not, they say nothing.

    Raises:
        refsd.prompts.PromptError: an attribute is unknown.
        ValueError: the avatar is not of the bank.
    """
    if base.family != "bank":
        raise ValueError(f"{base.name} is not of the bank: only its avatars can be made over")
    asked = canonical(wanted)
    if not asked:
        return base
    labels = dict(base.attributes)
    # A stream for each attribute: who is asked for other glasses does not get another hat.
    chance = dict(zip(VOCABULARY, rng.spawn(len(VOCABULARY)), strict=True))
    shape = _body(dict(base.shape), asked, labels, chance)
    look = _skin_and_face(base.look, asked, labels, chance)
    look = _hair(look, asked, labels, chance)
    look = _worn_on_head(look, asked, labels, chance)
    look = _clothes(look, asked, labels, chance)
    name = base.name.replace("bank/", "made/", 1)
    return Avatar(name, base.family, shape, look, labels)


def _body(
    shape: dict[str, float],
    asked: Mapping[str, str],
    labels: dict[str, str],
    chance: Chance,
) -> dict[str, float]:
    if (gender := asked.get("gender")) is not None:
        shape["gender"] = {"female": 0.97, "male": 0.03}.get(gender, 0.5)
        labels["gender"] = gender
    if (group := _group(asked)) is not None:
        drawn = chance["age group"].uniform(*_YEARS[group])
        shape["age"] = float(np.interp(float(asked.get("age", drawn)), AGES, AGE_PHENOTYPE))
        labels["age group"] = group
    if (ancestry := _ancestry(asked)) is not None:
        rest = chance["ethnicity"].uniform(0, 0.08, 2)
        others = iter(rest.tolist())
        for name in ETHNICITIES:
            shape[name] = float(1 - rest.sum()) if name == ancestry else float(next(others))
        labels["ethnicity"] = asked["ethnicity"]
    for phenotype, (low, high) in _BUILDS.get(asked.get("build", ""), {}).items():
        shape[phenotype] = float(chance["build"].uniform(low, high))
    if asked.get("height") in _HEIGHTS:
        shape["height"] = float(chance["height"].uniform(*_HEIGHTS[asked["height"]]))
    if asked.get("emotion") in EMOTIONS:
        shape |= expression(asked["emotion"])
        labels["emotion"] = asked["emotion"]
    if asked.get("mouth") in _OPEN:
        for action, amount in _OPEN[asked["mouth"]].items():
            shape[action] = max(shape.get(action, 0.0), amount)
        labels["mouth"] = asked["mouth"]
    return shape


def _group(asked: Mapping[str, str]) -> str | None:
    """The age group, whether years or the group are asked for."""
    return age_group(int(asked["age"])) if "age" in asked else asked.get("age group")


def _ancestry(asked: Mapping[str, str]) -> str | None:
    return next((a for a, said in ETHNICITIES.items() if said == asked.get("ethnicity")), None)


def _skin_and_face(
    look: Look, asked: Mapping[str, str], labels: dict[str, str], chance: Chance
) -> Look:
    tone, ancestry = asked.get("skin tone"), _ancestry(asked)
    if tone is None and ancestry is not None:
        tone = pick(chance["ethnicity"], ANCESTRY_SKINS[ancestry])
    if tone is not None:
        look = replace(look, skin=vary(chance["skin tone"], _BANK.skins[tone], 0.02))
        labels["skin tone"] = tone
    if asked.get("gender") in ("female", "male"):
        female = asked["gender"] == "female"
        lips = float(chance["lips"].uniform(*((0.55, 0.95) if female else (0.0, 0.3))))
        look = replace(look, lips=lips, stubble=0.0 if female else look.stubble)
    if asked.get("age group") in ("child", "teenager") or int(asked.get("age", "20")) < _SHAVES:
        look = replace(look, stubble=0.0, beard="")
    if (beard := asked.get("facial hair", "")) in _BEARDS:
        kind, stubble = _BEARDS[beard]
        look = replace(look, beard=kind, stubble=stubble)
        labels["facial hair"] = beard
    if asked.get("mustache") == "mustache" and look.beard in ("", "mustache"):
        look = replace(look, beard="mustache")
        labels["mustache"] = "mustache"
    if (paint := asked.get("make-up")) is not None:
        look = replace(look, makeup=_MAKEUP[paint])
        labels["make-up"] = paint
    if asked.get("lipstick") == "lipstick":
        look = replace(look, lips=1.0)
        labels["lipstick"] = "lipstick"
    if (eyes := asked.get("eye colour")) is not None:
        look = replace(look, iris=vary(chance["eye colour"], _IRISES[eyes], 0.05))
        labels["eye colour"] = eyes
    return look


_SHAVES = 17
"""Years from which a man of the bank has a beard at all."""


def _hair(look: Look, asked: Mapping[str, str], labels: dict[str, str], chance: Chance) -> Look:
    said = {key: asked[key] for key in _HAIR if key in asked}
    group = _group(asked)
    young = group in ("child", "teenager")
    if not said and look.hair == "thinning" and (young or asked.get("gender") == "female"):
        said = {"hair length": "short"}
    if said:
        look = replace(look, hair=_style(said, look.hair, chance["hair"]))
        for key in _HAIR:
            labels.pop(key, None)
        labels |= {"hair": look.hair} if look.hair in _OF_VOCABULARY else {}
        labels |= _STYLES[look.hair]
    colour = asked.get("hair colour")
    if colour is None and group == "elderly" and chance["hair"].random() < 0.7:
        colour = str(chance["hair colour"].choice(["grey", "white"]))
    if colour is not None:
        look = replace(
            look, hair_colour=vary(chance["hair colour"], _BANK.hair_colours[colour], 0.04)
        )
        labels["hair colour"] = colour
    if labels.get("hair") == "bald":
        labels.pop("hair colour", None)
    return look


_HAIR = ("hair", "hair length", "hair texture", "hairline")
_OF_VOCABULARY = frozenset(style for style, shown in _STYLES.items() if "hair" not in shown) - {
    "soft waves", "full fringe", "loose curls",
}  # fmt: skip


def _style(said: Mapping[str, str], worn: str, rng: np.random.Generator) -> str:
    """The hairstyle that shows most of what is asked for; what is worn, if it is as good."""

    def shows(style: str) -> float:
        shown = {"hair": style, **_STYLES[style]}
        agreed = sum(2.0 if key == "hair" else 1.0 for key in said if shown.get(key) == said[key])
        if "hair" in said and shown["hair"] != said["hair"]:
            agreed += likeness("hair", shown["hair"], said["hair"])
        # Nobody who asks for long hair means a bald head, nor a receding line unasked.
        bald = shown["hair"] == "bald" and said.get("hair") != "bald"
        receding = shown.get("hairline") == "receding" and said.get("hairline") != "receding"
        return agreed - 2.0 * bald - 0.5 * receding

    best = max(shows(style) for style in _STYLES)
    styles = [style for style in _STYLES if shows(style) >= best - 1e-9]
    return worn if worn in styles else pick(rng, styles)


def _worn_on_head(
    look: Look, asked: Mapping[str, str], labels: dict[str, str], chance: Chance
) -> Look:
    if (hat := asked.get("headwear", "")) in _HATS:
        colour = pick(chance["headwear"], list(FABRICS.values()))
        look = replace(look, hat=_HATS[hat], hat_colour=colour)
        labels["headwear"] = hat
    if (glasses := asked.get("glasses", "")) in _GLASSES:
        look = replace(look, glasses=pick(chance["glasses"], _GLASSES[glasses]))
        look = replace(look, metal=pick(chance["glasses"], _METAL))
        labels["glasses"] = glasses
    if (jewels := asked.get("jewellery")) is not None:
        look = replace(
            look,
            earrings=pick(chance["jewellery"], EARRINGS) if "earrings" in jewels else look.earrings,
            necklace=pick(chance["jewellery"], NECKLACES)
            if "necklace" in jewels
            else look.necklace,
            metal=pick(chance["jewellery"], _METAL[:2]),
        )
        labels["jewellery"] = jewels
    return look


def _clothes(look: Look, asked: Mapping[str, str], labels: dict[str, str], chance: Chance) -> Look:
    captions = {cut: made.caption for cut, made in _BANK.uppers.items()}
    wanted = asked.get("upper garment")
    if wanted is None and captions[look.upper.cut] == "dress" and _LEGS & set(asked):
        wanted = "t-shirt"  # a dress would hide what is asked for
    upper, caption = _cut(look.upper, wanted, captions, "upper garment", chance)
    upper = _coloured(upper, "upper", asked, labels, chance)
    lower_captions = {cut: made.caption for cut, made in _BANK.lowers.items()}
    lower, lower_caption = _cut(
        look.lower, asked.get("lower garment"), lower_captions, "lower garment", chance
    )
    lower = _coloured(lower, "lower", asked, labels, chance)
    if caption is not None:
        labels["upper garment"] = caption
        if not _suits(upper.pattern, caption) and "upper pattern" not in asked:
            upper = replace(upper, pattern=_PATTERNS["plain"])
            labels["upper pattern"] = "plain"
        lower = _under(upper, lower, asked, labels, captions[look.upper.cut])
    if lower_caption is not None:
        labels["lower garment"] = lower_caption
    shoe, bag = look.shoe, look.bag
    if (shoes := asked.get("shoes")) is not None:
        kinds = {kind: made.caption for kind, made in _BANK.shoes.items()}
        shoe = _best(kinds, "shoes", shoes, shoe, chance["shoes"])
        labels["shoes"] = kinds[shoe]
    shoe_colour = look.shoe_colour
    if (colour := asked.get("shoe colour", "")) in FABRICS:
        shoe_colour = _cloth(colour, chance["shoe colour"])
        labels["shoe colour"] = colour
    if asked.get("bag") in _BAGS:
        bag = labels["bag"] = asked["bag"]
    return replace(look, upper=upper, lower=lower, shoe=shoe, shoe_colour=shoe_colour, bag=bag)


_LEGS = {"lower garment", "lower colour"}


def _under(
    upper: Garment,
    lower: Garment,
    asked: Mapping[str, str],
    labels: dict[str, str],
    before: str,
) -> Garment:
    """What is worn under an upper garment that reaches below the waist, or no longer does."""
    keys = ("lower garment", "lower colour", "lower pattern")
    if _BANK.uppers[upper.cut].caption == "dress":
        labels |= dict.fromkeys(keys, "none")
        return replace(lower, cut="bank shorts", pattern="cotton twill", trim=-0.03)
    if before == "dress" and "lower garment" not in asked:
        labels["lower garment"] = "trousers"
        labels.pop("lower pattern", None)
        if "lower colour" not in asked:
            labels.pop("lower colour", None)
        return replace(lower, cut="bank chinos", trim=0.0)
    return lower


def _suits(pattern: str, caption: str) -> bool:
    return caption in _BANK.suits.get(pattern, (caption,))


def _cut(
    garment: Garment,
    wanted: str | None,
    captions: Mapping[str, str],
    key: str,
    chance: Chance,
) -> tuple[Garment, str | None]:
    """The garment in the cut nearest to what is asked for, and the caption of that."""
    if wanted is None:
        return garment, None
    cut = _best(captions, key, wanted, garment.cut, chance[key])
    return replace(garment, cut=cut), captions[cut]


def _best(
    captions: Mapping[str, str], key: str, wanted: str, worn: str, rng: np.random.Generator
) -> str:
    """The thing whose caption is nearest to what is asked for; what is worn where none is near."""
    near = {name: likeness(key, caption, wanted) for name, caption in captions.items()}
    best = max(near.values())
    if best == 0 or near[worn] == best:
        return worn
    return pick(rng, [name for name, value in near.items() if value == best])


def _coloured(
    garment: Garment,
    part: str,
    asked: Mapping[str, str],
    labels: dict[str, str],
    chance: Chance,
) -> Garment:
    colour, pattern = asked.get(f"{part} colour", ""), asked.get(f"{part} pattern", "")
    if colour in FABRICS:
        garment = replace(garment, colour=_cloth(colour, chance[f"{part} colour"]))
        labels[f"{part} colour"] = colour
    if part == "upper" and pattern in _PATTERNS:
        garment = replace(
            garment, pattern=_PATTERNS[pattern], scale=float(chance["upper pattern"].random())
        )
        labels["upper pattern"] = pattern
    if garment.pattern in _TWO_COLOURED and _alike(garment.colour, garment.second):
        light = sum(garment.colour) < _LIGHT
        garment = replace(garment, second=_BANK.upper_colours["cream" if light else "navy"])
    return garment


_TWO_COLOURED = frozenset(_PATTERNS.values()) - {"plain weave"}
_LIGHT = 1.3
"""Sum of red, green and blue below which a cloth is dark."""


def _alike(one: Colour, other: Colour) -> bool:
    return float(np.abs(np.subtract(one, other)).sum()) < 0.35


def _cloth(name: str, rng: np.random.Generator) -> Colour:
    return vary(rng, _BANK.upper_colours[name], 0.04)

"""An avatar: a body shape and everything worn on it, belonging to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Family = Literal["bank", "crowd", "training", "probe"]
"""Four disjoint families of garments, patterns, hair and skins: the avatar bank RefSD draws from,
the people of the embedded dataset, the training data of refsd-tiny, and the data of the attribute
probe. A look of one family can never occur in another."""

Colour = tuple[float, float, float]
"""sRGB in [0, 1]."""


@dataclass(frozen=True)
class Garment:
    """A garment: its cut and pattern (names in ``refsd.wardrobe.families``) and colours.

    Attributes:
        cut: name of an upper or a lower cut.
        pattern: name of a pattern.
        colour: of the cloth.
        second: of the pattern.
        scale: fineness of the pattern, in [0, 1].
        shift: where the pattern begins, in [0, 1].
        trim: metres by which hem and sleeves differ from the cut.
    """

    cut: str
    pattern: str
    colour: Colour
    second: Colour
    scale: float
    shift: float
    trim: float


@dataclass(frozen=True)
class Look:
    """Everything the painter and the tailor need.

    Attributes:
        lips: how much redder than skin the lips are, in [0, 1].
        stubble: how dense short hair on cheeks and chin is, in [0, 1].
        beard: ``mustache``, ``goatee``, ``full beard``, or nothing.
        makeup: how strong eye shadow, rouge and lipstick are, in [0, 1].
        hat, glasses, earrings, necklace: names in ``refsd.wardrobe.accessories``, or nothing.
        hat_colour, metal: of hat and glasses' rims, and of jewellery.
    """

    skin: Colour
    hair: str
    hair_colour: Colour
    iris: Colour
    lips: float
    stubble: float
    upper: Garment
    lower: Garment
    shoe: str
    shoe_colour: Colour
    sole_colour: Colour
    bag: str
    bag_colour: Colour
    beard: str = ""
    makeup: float = 0.0
    hat: str = ""
    hat_colour: Colour = (0.2, 0.2, 0.2)
    glasses: str = ""
    earrings: str = ""
    necklace: str = ""
    metal: Colour = (0.83, 0.68, 0.35)


@dataclass(frozen=True)
class Avatar:
    """Who stands there, as data; ``refsd.wardrobe.dress`` makes meshes of it.

    Attributes:
        name: e.g. ``bank/0123``; says nothing about any real person.
        family: whose cuts, patterns, hair and skins it wears.
        shape: phenotype → value in [0, 1], as ``BodyModel.pose`` takes it.
        look: what is painted and tailored.
        attributes: what a caption would say: gender, age group, skin tone, hair, garments, their
            colours and patterns, shoes, bag.
    """

    name: str
    family: Family
    shape: Mapping[str, float]
    look: Look
    attributes: Mapping[str, str]

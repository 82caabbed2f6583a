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


@dataclass(frozen=True)
class Avatar:
    """Who stands there, as data; ``refsd.wardrobe.dress`` makes meshes of it.

    Attributes:
        name: e.g. ``bank/5f3a``; says nothing about any real person.
        family: whose cuts, patterns, hair and skins it may wear.
        shape: phenotype → value in [0, 1], as ``BodyModel.pose`` takes it.
        look: everything the painter needs, names and numbers (cut, colours, pattern, hair …).
        attributes: what a caption would say: gender, age group, skin tone, hair colour and
            length, upper and lower garment, their colours and patterns, footwear.
    """

    name: str
    family: Family
    shape: Mapping[str, float]
    look: Mapping[str, object]
    attributes: Mapping[str, str]

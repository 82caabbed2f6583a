"""Attributes drawn at random: uniform over groups, and never in contradiction."""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

from typing import TYPE_CHECKING

from refsd.prompts.conflicts import fits
from refsd.prompts.vocabulary import VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy as np

    from refsd.prompts.scope import Scope

DRAWN: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age group": ("young adult", "middle-aged", "elderly"),
    "ethnicity": VOCABULARY["ethnicity"].values,
    "emotion": ("neutral", "happy"),
    "glasses": ("none", "none", "none", "eyeglasses"),
    "facial hair": ("clean-shaven", "stubble", "short beard", "full beard"),
}
"""What is drawn of everybody, each value of a list as likely as the next; so no demographic group
is over-represented, whatever a checkpoint would paint by itself. Facial hair is drawn for men only.
Never drawn: skin tone, which loosely goes with ethnicity; occupation, which would set stereotypes
against the clothes that are seen; build and height, which the avatar has; the scene, which the
picture has."""

DRAWN_CLOTHES: dict[str, tuple[str, ...]] = {
    "hair": tuple(hair for hair in VOCABULARY["hair"].values if hair != "thinning"),
    "hair colour": ("black", "dark brown", "brown", "auburn", "blond", "grey"),
    "upper garment": ("t-shirt", "shirt", "jumper", "hoodie", "jacket", "coat", "dress"),
    "upper colour": ("white", "black", "grey", "beige", "brown", "red", "burgundy", "orange", "yellow", "green", "olive green", "blue", "navy", "purple", "pink"),
    "lower garment": ("trousers", "jeans", "shorts", "skirt"),
    "lower colour": ("black", "grey", "beige", "brown", "olive green", "blue", "navy"),
    "shoes": ("trainers", "loafers", "boots"),
    "shoe colour": ("white", "black", "brown", "grey"),
}  # fmt: skip
"""What is drawn besides where hair and clothes are not to be the avatar's."""


def draw(
    known: Mapping[str, str],
    rng: np.random.Generator,
    *,
    clothes: bool,
    scope: Scope | None = None,
) -> dict[str, str]:
    """Draw what is not known.

    Values that contradict what is known, or what was drawn before, are left out, and so are those
    that the checkpoint was never taught; the rest are equally likely. Every key takes one number of the generator, whether or not it is needed, so
    that what is known of one attribute does not change how the others fall.

    Args:
        known: attributes in the vocabulary's words, without contradictions.
        rng: all chance.
        clothes: also draw hair and clothes.
        scope: what the checkpoint was taught; None: everything.

    Returns:
        The new attributes only.
    """
    tables = {**DRAWN, **DRAWN_CLOTHES} if clothes else DRAWN
    numbers = rng.random(len(tables))
    drawn: dict[str, str] = {}
    for (key, values), number in zip(tables.items(), numbers, strict=True):
        so_far = {**known, **drawn}
        if key in so_far or (key == "age group" and "age" in so_far):
            continue
        if key == "facial hair" and so_far.get("gender") != "male":
            continue
        taught = values if scope is None else [v for v in values if _sayable(scope, key, v)]
        possible = _possible(so_far, key, taught)
        if possible:
            drawn[key] = possible[int(number * len(possible))]
    return drawn


def _sayable(scope: Scope, key: str, value: str) -> bool:
    """Whether a value is taught; the absence of something needs no teaching."""
    return value == "none" or scope.nearest(key, value) is not None


def _possible(known: Mapping[str, str], key: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if fits(known, key, value)]

"""What the attribute probe judges: groups of attributes, and the values it tells apart in each.

A value is what can be seen, not what a caption calls it: sleeves are told from the cut, not from
the word ``blouse``. What the two families of renders draw differently (medium hair, culottes) or
what the picture hides (hair under a hat, the shirt below a head) is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refsd.prompts import age_group
from refsd.training.looks import LOOKS
from refsd.wardrobe.expressions import EMOTIONS
from refsd.wardrobe.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from humangenai.attribute_fidelity.data import Crop
    from refsd.wardrobe import Family

_COLOURS = tuple(LOOKS["probe"].colours)

_WHOLE: Mapping[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age group": ("child", "young adult", "middle-aged", "elderly"),
    "ethnicity": ("Black", "East Asian", "White"),
    "skin tone": ("light", "medium", "brown", "black"),
    "hair length": ("bald", "short", "long"),
    "hair colour": tuple(LOOKS["probe"].hair_colours),
    "headwear": ("none", "worn"),
}

GROUPS: Mapping[Crop, Mapping[str, tuple[str, ...]]] = {
    "body": {
        **_WHOLE,
        "upper colour": _COLOURS,
        "upper pattern": ("plain", "patterned"),
        "upper garment": ("sleeveless", "short sleeves", "long sleeves", "coat", "dress"),
        "lower garment": ("trousers", "shorts", "skirt"),
        "lower colour": _COLOURS,
        "shoe colour": _COLOURS,
    },
    "head": {
        **_WHOLE,
        "emotion": tuple(EMOTIONS),
        "facial hair": ("none", "stubble", "mustache", "goatee", "full beard"),
        "glasses": ("none", "eyeglasses", "sunglasses"),
        "make-up": ("none", "heavy"),
    },
}
"""Crop → group → the values that are told apart; on whole bodies faces are too small to judge."""

_TONES: Mapping[str, str] = {
    "cold white": "light", "white": "light", "warm white": "light", "beige": "medium",
    "olive": "medium", "brown": "brown", "black": "black",
}  # fmt: skip


def judged(labels: Mapping[str, str], family: Family, crop: Crop) -> dict[str, str]:
    """What a good judge says of a render; groups that it does not show are left out.

    Args:
        labels: of the render, in the renderer's words (``refsd.training.pictures``).
        family: that it was drawn from, ``training`` or ``probe``.
        crop: how much of the person it shows.

    >>> labels = {"gender": "female", "age": "70", "hair length": "bun", "emotion": "sad"}
    >>> shown = judged(labels, "probe", "head")
    >>> [shown[group] for group in ("gender", "age group", "emotion", "glasses")]
    ['female', 'elderly', 'sad', 'none']
    >>> "hair length" in shown
    False
    """
    seen = {name: read(labels, family) for name, read in _READERS.items()}
    values = {name: value for name, value in seen.items() if value is not None}
    return {name: values[name] for name in GROUPS[crop] if name in values}


def _said(name: str) -> Callable[[Mapping[str, str], Family], str | None]:
    return lambda labels, _: labels.get(name)


def _age_group(labels: Mapping[str, str], _: Family) -> str | None:
    return age_group(int(labels["age"])) if "age" in labels else None


def _skin_tone(labels: Mapping[str, str], _: Family) -> str | None:
    return _TONES[labels["skin tone"]] if "skin tone" in labels else None


def _hair_length(labels: Mapping[str, str], _: Family) -> str | None:
    length = labels.get("hair length")
    if "headwear" in labels or length not in GROUPS["head"]["hair length"]:
        return None
    return length


def _hair_colour(labels: Mapping[str, str], _: Family) -> str | None:
    return None if "headwear" in labels else labels.get("hair colour")


def _headwear(labels: Mapping[str, str], _: Family) -> str:
    return "worn" if "headwear" in labels else "none"


def _face(labels: Mapping[str, str]) -> bool:
    """Whether the face is seen: everybody has an emotion, and it is named where it is seen."""
    return "emotion" in labels


def _facial_hair(labels: Mapping[str, str], _: Family) -> str | None:
    if not _face(labels):
        return None
    return {"no beard": "none"}.get(said := labels.get("facial hair", "none"), said)


def _glasses(labels: Mapping[str, str], _: Family) -> str | None:
    if not _face(labels):
        return None
    worn = labels.get("eyewear", "none")
    return worn if worn in ("none", "sunglasses") else "eyeglasses"


def _make_up(labels: Mapping[str, str], _: Family) -> str | None:
    return labels.get("make-up", "none") if _face(labels) else None


def _upper_colour(labels: Mapping[str, str], _: Family) -> str | None:
    """Of plain cloth; which of two colours a pattern is called by is anyone's guess."""
    return labels.get("upper colour") if labels.get("upper pattern") == "plain" else None


def _upper_pattern(labels: Mapping[str, str], _: Family) -> str | None:
    pattern = labels.get("upper pattern")
    return pattern if pattern in (None, "plain") else "patterned"


def _upper_garment(labels: Mapping[str, str], family: Family) -> str | None:
    if "upper garment" not in labels:
        return None
    caption = labels["upper garment"]
    cut = next(cut for cut in FAMILIES[family].uppers.values() if cut.caption == caption)
    if cut.skirt is not None:
        return "dress" if caption == "dress" else "coat"
    if cut.sleeve < 0.15:
        return "sleeveless"
    return "short sleeves" if cut.sleeve < 0.7 else "long sleeves"


def _lower_garment(labels: Mapping[str, str], family: Family) -> str | None:
    if "lower garment" not in labels:
        return None
    caption = labels["lower garment"]
    cut = next(cut for cut in FAMILIES[family].lowers.values() if cut.caption == caption)
    if cut.skirt:
        return "skirt"
    # Metres below the waist's height: knees are at 0.45, ankles at 0.9.
    if cut.hem > 0.85:
        return "trousers"
    return "shorts" if cut.hem < 0.45 else None


_READERS: Mapping[str, Callable[[Mapping[str, str], Family], str | None]] = {
    "gender": _said("gender"), "age group": _age_group, "ethnicity": _said("ethnicity"),
    "skin tone": _skin_tone, "emotion": _said("emotion"), "hair length": _hair_length,
    "hair colour": _hair_colour, "headwear": _headwear, "facial hair": _facial_hair,
    "glasses": _glasses, "make-up": _make_up, "upper garment": _upper_garment,
    "upper colour": _upper_colour, "upper pattern": _upper_pattern,
    "lower garment": _lower_garment, "lower colour": _said("lower colour"),
    "shoe colour": _said("shoe colour"),
}  # fmt: skip

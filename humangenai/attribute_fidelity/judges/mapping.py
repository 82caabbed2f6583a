"""Which of a judge's values stands for what was asked for.

A judge may be coarser than the vocabulary: the probe tells four skin tones apart, and ``warm
white`` counts as its ``light``. What no value of a judge stands for is *not judgeable* by it: it
is counted and scored by nobody, rather than scored against the wrong answer. A shirt, for
instance, has long sleeves or short ones, so a judge of sleeves says nothing about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.suites import Pair
from refsd.prompts import VOCABULARY, age_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from humangenai.attribute_fidelity.suites import Asked

Value = tuple[str, str]
"""An attribute's key and one of its values."""

NATIONALITY = "nationality"
"""A judge's own key beside ``ethnicity``: ϕ_C asks for both ``Japanese`` and ``Indian``, and a
Japanese person is no wrong answer to ``East Asian``."""

DECADES = tuple(str(age) for age in range(10, 90, 10))
"""Ages in years that judges of age tell apart."""

_COLOURS = {
    **dict.fromkeys(("light grey", "charcoal", "silver"), "grey"),
    **dict.fromkeys(("dark brown", "camel"), "brown"),
    **dict.fromkeys(("crimson", "burgundy"), "red"),
    **dict.fromkeys(("mustard", "gold"), "yellow"),
    **dict.fromkeys(("olive green", "forest green", "lime green"), "green"),
    **dict.fromkeys(("sky blue", "light blue", "navy", "indigo"), "blue"),
    "cream": "white", "rust": "orange", "lilac": "purple",
}  # fmt: skip
"""Colour → the basic one that most people would call it; beige, khaki, teal and turquoise lie
between two."""

_COARSER: Mapping[str, Mapping[str, Value]] = {
    **{key: {value: (key, basic) for value, basic in _COLOURS.items()}
       for key in ("upper colour", "lower colour", "shoe colour")},
    "ethnicity": {
        **dict.fromkeys(
            ("Japanese", "Korean", "Taiwanese", "Chinese"), ("ethnicity", "East Asian")),
        **dict.fromkeys(("Russian", "German", "British"), ("ethnicity", "White")),
        "Thai": ("ethnicity", "Southeast Asian"),
    },
    "skin tone": {
        "pale": ("skin tone", "cold white"), "fair": ("skin tone", "white"),
        **dict.fromkeys(("cold white", "white", "warm white"), ("skin tone", "light")),
        "light": ("skin tone", "warm white"), "medium": ("skin tone", "beige"),
        "beige": ("skin tone", "medium"), "tan": ("skin tone", "olive"),
        "olive": ("skin tone", "medium"), "dark": ("skin tone", "brown"),
        "deep": ("skin tone", "black"),
    },
    "hair": {
        "bald": ("hair length", "bald"),
        **dict.fromkeys(
            ("buzz cut", "crew cut", "flat top", "short back and sides", "side part",
             "slicked back", "pixie cut", "undercut", "cropped curls", "short waves", "small afro"),
            ("hair length", "short")),
        **dict.fromkeys(("ear-length", "chin bob", "mid-length"), ("hair length", "medium-length")),
        **dict.fromkeys(("shoulder length", "long waves", "long straight", "waist-length"),
                        ("hair length", "long")),
    },
    "hair colour": {"dark brown": ("hair colour", "brown"), "auburn": ("hair colour", "red")},
    "facial hair": {
        "clean-shaven": ("facial hair", "none"), "none": ("facial hair", "clean-shaven"),
        "short beard": ("facial hair", "full beard"),
    },
    "mustache": {"mustache": ("facial hair", "mustache")},
    "headwear": dict.fromkeys(
        (value for value in VOCABULARY["headwear"].values if value != "none"),
        ("headwear", "worn")),
    "upper pattern": dict.fromkeys(
        (value for value in VOCABULARY["upper pattern"].values if value != "plain"),
        ("upper pattern", "patterned")),
    "upper garment": {
        **dict.fromkeys(("tank top", "vest top"), ("upper garment", "sleeveless")),
        **dict.fromkeys(("t-shirt", "polo shirt"), ("upper garment", "short sleeves")),
        **dict.fromkeys(
            ("jumper", "sweatshirt", "hoodie", "cardigan", "jacket", "suit jacket",
             "denim jacket", "leather jacket"),
            ("upper garment", "long sleeves")),
        **dict.fromkeys(("raincoat", "parka"), ("upper garment", "coat")),
    },
    "lower garment": {
        **dict.fromkeys(("jeans", "suit trousers", "slim trousers", "joggers", "leggings"),
                        ("lower garment", "trousers")),
        "knee shorts": ("lower garment", "shorts"),
        **dict.fromkeys(("short skirt", "long skirt"), ("lower garment", "skirt")),
    },
}  # fmt: skip
"""Key → value → what it counts as, one step at a time."""


def locate(values: Mapping[str, Iterable[str]], key: str, value: str) -> Value | None:
    """The judge's value that stands for an attribute.

    Args:
        values: attribute → the values that the judge tells apart; what it said of a picture
            (``Judged.said``) will do.
        key: what was asked for, in the vocabulary's words.
        value: its value, likewise.

    Returns:
        The judge's key and value, the same ones where it has them; None: not judgeable.

    >>> locate({"skin tone": ("light", "medium", "brown", "black")}, "skin tone", "pale")
    ('skin tone', 'light')
    >>> locate({"age group": ("child", "elderly")}, "age", "70")
    ('age group', 'elderly')
    >>> locate({"upper garment": ("short sleeves", "long sleeves")}, "upper garment", "shirt")
    """
    return next(iter(_located(values, key, value)), None)


def locate_all(
    values: Mapping[str, Iterable[str]], attributes: Mapping[str, str]
) -> dict[str, Value]:
    """The attributes of a prompt that a judge can judge: key asked for → its key and value."""
    found = {key: locate(values, key, value) for key, value in attributes.items()}
    return {key: place for key, place in found.items() if place is not None}


def tells_apart(
    values: Mapping[str, Iterable[str]], key: str, before: str, after: str
) -> tuple[str, str, str] | None:
    """How a judge tells the two values of a pair apart.

    Returns:
        Its key, and its values for both; None where it has no two different values for them: to
        the probe, people of 20 and of 30 are both young adults.

    >>> ages = {"age": ("20", "30"), "age group": ("young adult", "elderly")}
    >>> tells_apart(ages, "age", "20", "30")
    ('age', '20', '30')
    >>> tells_apart({"age group": ("young adult", "elderly")}, "age", "20", "30")
    """
    others = dict(_located(values, key, after))
    for name, value in _located(values, key, before):
        if name in others and others[name] != value:
            return name, value, others[name]
    return None


def broader(key: str, value: str) -> str | None:
    """The word of the same attribute that a value counts as, where there is one.

    >>> broader("upper colour", "navy"), broader("upper colour", "teal")
    ('blue', None)
    """
    step = _COARSER.get(key, {}).get(value)
    return step[1] if step is not None and step[0] == key else None


def judgeable(values: Mapping[str, Iterable[str]], asked: Asked | Pair) -> bool:
    """Whether a judge can say anything about a suite's prompt, or tell a pair apart."""
    if isinstance(asked, Pair):
        return tells_apart(values, asked.key, asked.before, asked.after) is not None
    return bool(locate_all(values, asked.attributes))


def _located(values: Mapping[str, Iterable[str]], key: str, value: str) -> list[Value]:
    """What stands for an attribute, nearest first, at most one value under each key."""
    found: dict[str, str] = {}
    seen: set[Value] = set()
    waiting = [(key, value)]
    while waiting:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        if place[0] not in found and place[1] in values.get(place[0], ()):
            found[place[0]] = place[1]
        waiting += _steps(*place)
    return list(found.items())


def _steps(key: str, value: str) -> list[Value]:
    """What a value counts as where a judge does not have it."""
    if key == "age":
        decade = min(max((int(value) + 5) // 10, 1), len(DECADES))
        return [("age", DECADES[decade - 1]), ("age group", age_group(int(value)))]
    step = _COARSER.get(key, {}).get(value)
    steps = [] if step is None else [step]
    if key == "ethnicity":
        steps.append((NATIONALITY, value))
    return steps

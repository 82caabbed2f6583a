"""Attributes that cannot all be true of one body: which they are, and what is done about them.

Only what is physically impossible or invisible counts. A man may wear a dress and a woman a full
beard; a child cannot have either beard or grey hair, and nobody sees the fringe under a hijab.

Whoever asks for a contradiction hears of it (modes ``suite`` and ``text``); labels of a dataset
lose the attribute that :data:`CLASHES` names second (mode ``preserve``), and the prompt says so;
what chance draws never contradicts in the first place (mode ``random``).
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from refsd.prompts.prompt import PromptError
from refsd.prompts.vocabulary import VALUE_ALIASES, VOCABULARY, age_group

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Clash:
    """Two attributes that exclude each other.

    Attributes:
        stays: key of the more specific one, which is kept.
        values: its values that the rule is about; empty: all.
        goes: key of the other.
        others: its values; empty: all but ``spared``.
        why: as the end of a sentence.
        spared: values of ``goes`` that the rule does not touch.
    """

    stays: str
    values: frozenset[str]
    goes: str
    others: frozenset[str]
    why: str
    spared: frozenset[str] = frozenset()

    def holds(self, attributes: Mapping[str, str]) -> bool:
        """Whether these attributes (in the vocabulary's words) break the rule."""
        one, other = attributes.get(self.stays), attributes.get(self.goes)
        if one is None or other is None or other in self.spared:
            return False
        return (not self.values or one in self.values) and (not self.others or other in self.others)


def _clash(stays: str, values: str, goes: str, others: str, why: str, *, spared: str = "") -> Clash:
    """A row; values are separated by commas, and ``*`` is any."""

    def split(words: str) -> frozenset[str]:
        return frozenset() if words in ("*", "") else frozenset(words.split(", "))

    return Clash(stays, split(values), goes, split(others), why, split(spared))


_SHORT = "buzz cut, crew cut, flat top, short back and sides, pixie cut, cropped curls, short waves"
_LONG = "shoulder length, bun, high bun, ponytail, long straight, long waves, waist-length"
_WRAPPED = "hijab, headscarf, turban, helmet, hood"
_HATS = "hat, cap, beanie, sun hat"
_ONE_PIECE = "dress, jumpsuit, overalls"
_BEARDS = "stubble, goatee, short beard, full beard"

CLASHES: tuple[Clash, ...] = (
    _clash("age group", "child", "occupation", "*", "children have no occupation", spared="pupil, student"),
    _clash("age group", "child", "facial hair", _BEARDS, "children have no beard"),
    _clash("age group", "child", "mustache", "mustache", "children have no mustache"),
    _clash("age group", "child", "sideburns", "*", "children have no sideburns"),
    _clash("age group", "child, teenager", "hair colour", "grey, white", "their hair is not yet grey"),
    _clash("age group", "child, teenager", "hair", "bald, thinning", "their hair has not yet thinned"),
    _clash("age group", "child, teenager", "hairline", "receding", "their hairline does not yet recede"),
    _clash("age group", "child, teenager, young adult", "skin", "wrinkled", "their skin has no wrinkles yet"),
    _clash("headwear", _WRAPPED, "hair", "*", "it hides the hair"),
    _clash("headwear", _WRAPPED, "hair colour", "*", "it hides the hair"),
    _clash("headwear", _WRAPPED, "hair length", "*", "it hides the hair"),
    _clash("headwear", _WRAPPED, "hair texture", "*", "it hides the hair"),
    _clash("headwear", f"{_WRAPPED}, {_HATS}", "hairline", "*", "it hides the hairline"),
    _clash("headwear", _HATS, "hair", "top knot, high bun, flat top, round afro, bald, thinning", "it hides the top of the head"),
    _clash("hair", "bald", "hair colour", "*", "a bald head has no hair to colour"),
    _clash("hair", "bald", "hair length", "*", "a bald head has no hair to be long"),
    _clash("hair", "bald", "hair texture", "*", "a bald head has no hair to curl"),
    _clash("hair", "bald", "hairline", "*", "a bald head has no hairline"),
    _clash("hair", "bald", "sideburns", "*", "a bald head has no sideburns"),
    _clash("hair", "thinning, slicked back, buzz cut, crew cut", "hairline", "bangs", "there is no hair over the forehead"),
    _clash("hair", _SHORT, "hair length", "medium-length, long", "that cut is short"),
    _clash("hair", "chin bob, ear-length, mid-length, small afro, undercut, side part, slicked back", "hair length", "long", "that cut is not long"),
    _clash("hair", _LONG, "hair length", "short", "that style needs long hair"),
    _clash("hair", "waist-length, long straight", "hair length", "medium-length", "that style needs long hair"),
    _clash("hair", "long straight", "hair texture", "wavy, curly, coily", "that style is straight"),
    _clash("hair", "short waves, long waves", "hair texture", "straight", "that style is wavy"),
    _clash("hair", "cropped curls, small afro, round afro, dreadlocks", "hair texture", "straight", "that style is curly"),
    _clash("facial hair", "clean-shaven", "mustache", "mustache", "who is clean-shaven has no mustache"),
    _clash("facial hair", "clean-shaven", "sideburns", "*", "who is clean-shaven has no sideburns"),
    _clash("facial hair", "full beard", "mustache", "none", "a full beard includes a mustache"),
    _clash("facial hair", "full beard", "chin", "*", "the beard hides the chin"),
    _clash("emotion", "neutral", "mouth", "open, smiling, frowning", "a neutral mouth rests"),
    _clash("emotion", "happy", "mouth", "frowning", "happy people do not frown"),
    _clash("emotion", "sad, angry, fearful, disgusted", "mouth", "smiling", "that is not a smiling emotion"),
    _clash("emotion", "surprised", "mouth", "closed, smiling, frowning", "surprise drops the jaw"),
    _clash("glasses", "sunglasses", "eye colour", "*", "dark glasses hide the eyes"),
    _clash("glasses", "sunglasses", "eyes", "*", "dark glasses hide the eyes"),
    _clash("make-up", "none", "lipstick", "lipstick", "lipstick is make-up"),
    _clash("upper garment", _ONE_PIECE, "lower garment", "*", "it is one piece from top to bottom", spared="leggings"),
    _clash("upper garment", _ONE_PIECE, "lower colour", "*", "it is one piece from top to bottom"),
    _clash("upper garment", _ONE_PIECE, "lower pattern", "*", "it is one piece from top to bottom"),
    _clash("shoes", "barefoot", "shoe colour", "*", "bare feet wear no shoes"),
)  # fmt: skip
"""What excludes what. Of two, the first stays: what decides over more of the picture."""


def find_clash(attributes: Mapping[str, str]) -> Clash | None:
    """The first contradiction among attributes in the vocabulary's words; None where all is well.

    >>> find_clash({"hair": "bald", "hair colour": "black"}).why
    'a bald head has no hair to colour'
    """
    known = dict(attributes)
    if "age" in known:
        group = age_group(int(known["age"]))
        if known.get("age group", group) != group:
            why = f"{known['age']} years are {group!r}"
            return Clash("age", frozenset(), "age group", frozenset(), why)
        known["age group"] = group
    return next((clash for clash in CLASHES if clash.holds(known)), None)


def check(attributes: Mapping[str, str], source: str = "attributes") -> None:
    """Refuse attributes that contradict each other.

    Raises:
        PromptError: they do; the message names both.
    """
    clash = find_clash(attributes)
    if clash is not None:
        first, second = _shown(attributes, clash.stays), _shown(attributes, clash.goes)
        raise PromptError(f"{source}: {first!r} and {second!r} contradict: {clash.why}; drop one")


def resolve(attributes: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Drop attributes until none contradict, the less specific of each pair.

    Returns:
        What is left, and a line for each that went, with the reason.
    """
    kept, dropped = dict(attributes), []
    while (clash := find_clash(kept)) is not None:
        dropped.append(f"{clash.goes}: {kept.pop(clash.goes)} ({clash.why})")
    return kept, tuple(dropped)


def fits(attributes: Mapping[str, str], key: str, value: str) -> bool:
    """Whether one more attribute can be true beside those that are."""
    return find_clash({**attributes, key: value}) is None


def check_text(text: str) -> None:
    """Refuse a text that names two attributes which contradict each other.

    Only plain words of the vocabulary are understood; what a text says in other words, or denies,
    is not.

    Raises:
        PromptError: it names two emotions, or two attributes that exclude each other.
    """
    found: dict[str, str] = {}
    left = text.lower()
    for phrase, key, value in _phrases():
        left, count = re.subn(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", " ", left)
        if not count:
            continue
        if key == "emotion" and found.get(key, value) != value:
            raise PromptError(
                f"text: 'emotion: {found[key]}' and 'emotion: {value}' contradict; drop one"
            )
        found.setdefault(key, value)
    check(found, "text")


_IN_TEXT = ("age group", "emotion", "headwear", "hair", "hairline", "facial hair", "mustache", "glasses", "upper garment", "lower garment", "shoes")  # fmt: skip


@cache
def _phrases() -> tuple[tuple[str, str, str], ...]:
    """Phrase, key and value of what is understood in a text, longest phrases first."""
    rows = [
        (word, key, value)
        for key in _IN_TEXT
        for value in VOCABULARY[key].values
        for word in (value, *(w for w, v in VALUE_ALIASES.get(key, {}).items() if v == value))
        if word not in ("none", "yes", "no", "young", "old", "adult", "fear", "hood", "bun", "top")
    ]
    for key, values in (
        ("hair colour", VOCABULARY["hair colour"].values),
        ("hair texture", VOCABULARY["hair texture"].values),
        ("hair length", ("short", "long")),
    ):
        rows += [(f"{value} hair", key, value) for value in values]
    rows += [(word, "age group", "child") for word in ("boy", "girl", "toddler", "baby")]
    return tuple(sorted(rows, key=lambda row: -len(row[0])))


def _shown(attributes: Mapping[str, str], key: str) -> str:
    if key == "age group" and key not in attributes:
        return f"age: {attributes['age']}"
    return f"{key}: {attributes[key]}"

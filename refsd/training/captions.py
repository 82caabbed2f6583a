"""Captions of training pairs: the words that RefSD's prompts are made of, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.prompts import VOCABULARY, Scope, age_group, canonical
from refsd.prompts.wording import STYLE, visible, write_positive
from refsd.training.people import sample_person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refsd.prompts import View

KEEP = 0.72
"""Each attribute is said this often: prompts rarely say everything."""

UNSAID = 0.1
"""So often nothing at all is said, which classifier-free guidance needs (Ho and Salimans 2022)."""

_HAIR = {
    "bald": ("hair", "bald"), "receding": ("hairline", "receding"), "bun": ("hair", "bun"),
    "ponytail": ("hair", "ponytail"),
}  # fmt: skip
_PATTERNS = {"diamond": "argyle"}


def attributes(labels: Mapping[str, str]) -> dict[str, str]:
    """A pair's labels in the vocabulary's words (``refsd.prompts.VOCABULARY``).

    >>> attributes({"hair length": "bald", "earrings": "yes", "necklace": "yes"})
    {'hair': 'bald', 'jewellery': 'earrings and a necklace'}
    """
    said = dict(labels)
    if said.get("hair length") in _HAIR:
        key, value = _HAIR[said.pop("hair length")]
        said[key] = value
    if said.pop("bangs", None):
        said["hairline"] = "bangs"
    if "eyewear" in said:
        said["glasses"] = said.pop("eyewear")
    if "upper pattern" in said:
        said["upper pattern"] = _PATTERNS.get(said["upper pattern"], said["upper pattern"])
    jewels = [name for name in ("earrings", "necklace") if said.pop(name, None)]
    if jewels:
        said["jewellery"] = " and a ".join(jewels)
    said.pop("headwear colour", None)
    return canonical(said)


def taught() -> Scope:
    """All that captions speak of, found by drawing people until nothing new can be expected."""
    found: dict[str, set[str]] = {}
    for number in range(_DRAWS):
        person = sample_person(np.random.default_rng(number))
        for key, value in attributes(person.labels).items():
            found.setdefault(key, set()).add(value)
    return Scope({key: tuple(sorted(found[key])) for key in VOCABULARY if key in found})


_DRAWS = 2000
"""The rarest value comes about once in thirty people."""


def said(labels: Mapping[str, str], view: View, rng: np.random.Generator) -> dict[str, str]:
    """Some of what a picture shows, in the vocabulary's words; sometimes nothing.

    Args:
        labels: of the pair.
        view: how much of the person the picture shows. A picture of the head ends at the chest.
        rng: what is left unsaid.
    """
    if rng.random() < UNSAID:
        return {}
    known = attributes(labels)
    # Years and group say the same; either may be said.
    if rng.random() < 0.5:
        known["age group"] = age_group(int(known.pop("age")))
    seen: View = "half" if view == "face" else view
    return {
        key: value for key, value in known.items() if visible(key, seen) and rng.random() < KEEP
    }


def caption(labels: Mapping[str, str], view: View, rng: np.random.Generator) -> str:
    """Say some of what a picture shows, as RefSD's prompts would.

    Args:
        labels: of the pair.
        view: how much of the person the picture shows.
        rng: what is left unsaid.
    """
    return in_words(said(labels, view, rng), view, rng)[0]


def in_words(
    kept: Mapping[str, str], view: View, rng: np.random.Generator
) -> tuple[str, dict[str, str]]:
    """A caption, and what of it is said; the rest did not fit.

    Args:
        kept: in the vocabulary's words; nothing makes the empty caption.
        view: how much of the person the picture shows.
        rng: whether the style is said.
    """
    if not kept:
        return "", {}
    words, left_out = write_positive(kept, view, STYLE if rng.random() < 0.5 else "")
    return words, {key: value for key, value in kept.items() if key not in left_out}

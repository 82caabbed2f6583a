"""Which avatar stands for whom: any, or one that looks as is asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from refsd.prompts import avatar_attributes, canonical
from refsd.wardrobe.bank import bank_avatar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from refsd.wardrobe.avatar import Avatar
    from refsd.wardrobe.own import OwnAvatar

CANDIDATES = 8
"""At least so many avatars are drawn among, so that people who look alike do not all become the
same avatar: a pseudonym that tells their attributes, and makes them one person to an attacker."""

WEIGHTS: dict[str, float] = {
    "gender": 8, "age group": 4, "skin tone": 4, "build": 2, "height": 1,
    "upper garment": 3, "lower garment": 3, "hair": 3, "upper colour": 2, "lower colour": 2,
    "hair colour": 2, "headwear": 2, "glasses": 1, "facial hair": 1, "upper pattern": 1,
    "lower pattern": 1, "shoes": 1, "shoe colour": 0.5, "bag": 0.5,
}  # fmt: skip
"""What agreement in an attribute counts. Heaviest is what refinement can least change because it
is in the composite's edges: the body's shape, then the outlines of clothes and hair, then colours.
What an avatar does not say counts nothing, for or against it."""

_SKIN_ORDER = (
    ("pale", "cold white", "white", "warm white", "fair"),
    ("light", "beige", "medium"),
    ("olive", "tan"),
    ("brown",),
    ("dark", "deep", "black"),
)
_AGE_ORDER = (("child",), ("teenager",), ("young adult",), ("middle-aged",), ("elderly",))
_ORDERED = {"skin tone": _SKIN_ORDER, "age group": _AGE_ORDER}
"""Groups of equal values, in order; values of neighbouring groups agree by half."""

_COLOURS = (
    ("white", "cream", "beige", "light grey", "silver"),
    ("grey", "charcoal", "black", "light grey", "silver"),
    ("brown", "dark brown", "camel", "khaki", "rust", "beige"),
    ("red", "crimson", "burgundy", "pink", "rust"),
    ("orange", "mustard", "yellow", "gold"),
    ("green", "olive green", "forest green", "lime green", "teal", "turquoise"),
    ("blue", "navy", "indigo", "sky blue", "light blue", "teal", "turquoise"),
    ("purple", "lilac", "pink"),
)
_KIN: dict[str, tuple[tuple[str, ...], ...]] = {
    "upper garment": (
        ("t-shirt", "polo shirt", "jersey", "top", "vest top", "tank top", "sportswear"),
        ("shirt", "blouse", "cardigan"),
        ("jumper", "sweatshirt", "hoodie", "cardigan"),
        ("jacket", "suit jacket", "denim jacket", "leather jacket", "raincoat", "parka", "coat"),
        ("dress", "tunic"),
        ("jumpsuit", "overalls", "uniform"),
    ),
    "lower garment": (
        ("trousers", "jeans", "suit trousers", "slim trousers", "joggers", "leggings"),
        ("shorts", "knee shorts", "culottes"),
        ("skirt", "short skirt", "long skirt", "culottes"),
    ),
    "shoes": (
        ("trainers", "running shoes", "loafers", "slip-ons"),
        ("boots", "high boots"),
    ),
    "hair": (
        ("bald", "thinning", "buzz cut", "crew cut", "flat top"),
        ("short back and sides", "side part", "slicked back", "pixie cut", "undercut"),
        ("cropped curls", "short waves", "small afro", "round afro"),
        ("ear-length", "chin bob", "mid-length"),
        ("shoulder length", "long straight", "long waves", "waist-length", "braids", "dreadlocks"),
        ("bun", "high bun", "top knot", "ponytail"),
    ),
    "hair colour": (("black", "dark brown"), ("dark brown", "brown", "auburn"), ("auburn", "red")),
    "upper colour": _COLOURS,
    "lower colour": _COLOURS,
    "shoe colour": _COLOURS,
}
"""Values that look alike; those of one group agree by half."""


class Bank(Protocol):
    """Avatars to draw from; compared by identity."""

    def __hash__(self) -> int:
        """Makes what is computed of a bank worth keeping."""
        ...

    def __len__(self) -> int:
        """How many there are; at least one."""
        ...

    def avatar(self, number: int) -> Avatar | OwnAvatar:
        """The avatar of that number, from 0; the same for ever."""
        ...

    def settings(self) -> Mapping[str, object]:
        """What a run's record says of the bank, JSON-able, without anybody's paths."""
        ...


class BuiltInBank:
    """The bank that comes with RefSD: the first ``size`` of its avatars."""

    def __init__(self, size: int = 512) -> None:
        if size < 1:
            raise ValueError(f"a bank needs at least one avatar, not {size}")
        self._size = size

    def __len__(self) -> int:
        """How many avatars are drawn from."""
        return self._size

    def avatar(self, number: int) -> Avatar:
        """``bank/0000`` and so on."""
        return bank_avatar(number)

    def settings(self) -> Mapping[str, object]:
        """Its size."""
        return {"bank": self._size}


def draw_avatar(
    bank: Bank, wanted: Mapping[str, str] | None, rng: np.random.Generator
) -> Avatar | OwnAvatar:
    """Draw an avatar.

    With nothing wanted every avatar is as likely as the next, and the draw is the same as
    ``rng.integers(len(bank))``. Otherwise avatars are ordered by how well they agree with what is
    wanted (:func:`score`), and one is drawn among those as good as the eighth best.

    Args:
        bank: whom to draw from.
        wanted: attributes, in any spelling that ``refsd.prompts`` knows; None or empty: any.
        rng: all chance; ``np.random.default_rng([seed, index])`` in the pipeline.

    Raises:
        refsd.prompts.PromptError: an attribute is unknown.
    """
    if not wanted:
        return bank.avatar(int(rng.integers(len(bank))))
    best = candidates(_labels(bank), wanted)
    return bank.avatar(best[int(rng.integers(len(best)))])


def candidates(
    labels: Sequence[Mapping[str, str]], wanted: Mapping[str, str], least: int = CANDIDATES
) -> list[int]:
    """The numbers of the avatars that agree best.

    Args:
        labels: what each avatar says of itself, in the vocabulary's words.
        wanted: attributes, in any spelling that ``refsd.prompts`` knows.
        least: at least so many, or all there are; more where scores are equal.
    """
    asked = canonical(wanted)
    scores = [score(label, asked) for label in labels]
    enough = sorted(scores, reverse=True)[: max(least, 1)][-1]
    return [number for number, value in enumerate(scores) if value >= enough]


def score(label: Mapping[str, str], wanted: Mapping[str, str]) -> float:
    """How well an avatar agrees with what is wanted: the sum of :data:`WEIGHTS` where it does.

    Similar values count half: neighbours in age and skin tone, coat and jacket, navy and blue.

    >>> score({"gender": "male", "skin tone": "tan"}, {"gender": "male", "skin tone": "beige"})
    10.0

    Args:
        label: what the avatar says of itself, in the vocabulary's words.
        wanted: the same of what is asked for.
    """
    return float(
        sum(
            weight * likeness(key, label[key], wanted[key])
            for key, weight in WEIGHTS.items()
            if key in label and key in wanted
        )
    )


def likeness(key: str, one: str, other: str) -> float:
    """How alike two values of an attribute are: 1 for equal ones, 0.5 for similar ones, else 0."""
    if one == other:
        return 1.0
    if any(one in group and other in group for group in _KIN.get(key, ())):
        return 0.5
    places = [
        [place for place, group in enumerate(_ORDERED.get(key, ())) if value in group]
        for value in (one, other)
    ]
    apart = [abs(first - second) for first in places[0] for second in places[1]]
    return {0: 1.0, 1: 0.5}.get(min(apart, default=9), 0.0)


@lru_cache(maxsize=8)
def _labels(bank: Bank) -> tuple[dict[str, str], ...]:
    return tuple(avatar_attributes(bank.avatar(number)) for number in range(len(bank)))

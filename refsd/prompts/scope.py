"""What a checkpoint was taught: the attributes and values that its captions spoke of.

Stable Diffusion has read the web, and nobody can list what it knows. A small checkpoint has a
list, ``vocabulary.json`` beside its weights. Prompts for it say only what is on the list, and
judges score it on nothing else.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refsd.prompts.prompt import PromptError
from refsd.prompts.vocabulary import VOCABULARY, age_group

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "vocabulary.json"
FORMAT = 1

_COLOURS = {
    "light grey": "grey", "charcoal": "grey", "silver": "grey", "cream": "white", "dark brown": "brown", "camel": "brown",
    "crimson": "red", "burgundy": "red", "rust": "orange", "mustard": "yellow", "gold": "yellow", "olive green": "green",
    "forest green": "green", "lime green": "green", "sky blue": "blue", "light blue": "blue", "navy": "blue", "indigo": "blue",
    "lilac": "purple",
}  # fmt: skip
_BROADER: dict[str, dict[str, tuple[str, str]]] = {
    **{key: {value: (key, broad) for value, broad in _COLOURS.items()}
       for key in ("upper colour", "lower colour", "shoe colour")},
    "hair colour": {"dark brown": ("hair colour", "brown"), "auburn": ("hair colour", "red")},
    "hair": {
        **dict.fromkeys(("buzz cut", "crew cut", "flat top", "short back and sides", "side part", "slicked back", "pixie cut", "undercut", "cropped curls", "short waves", "small afro"), ("hair length", "short")),
        **dict.fromkeys(("ear-length", "chin bob", "mid-length"), ("hair length", "medium-length")),
        **dict.fromkeys(("shoulder length", "long waves", "long straight", "waist-length"), ("hair length", "long")),
        "high bun": ("hair", "bun"), "top knot": ("hair", "bun"), "thinning": ("hairline", "receding"),
    },
    "skin tone": {value: ("skin tone", broad) for value, broad in (
        ("pale", "cold white"), ("fair", "white"), ("light", "warm white"), ("medium", "beige"), ("tan", "olive"), ("dark", "brown"), ("deep", "black"))},
    "headwear": {"cap": ("headwear", "hat"), "hijab": ("headwear", "headscarf")},
    "facial hair": {"short beard": ("facial hair", "full beard")},
    "upper garment": {
        "t-shirt": ("upper garment", "top"), "polo shirt": ("upper garment", "shirt"), "vest top": ("upper garment", "tank top"),
        "sweatshirt": ("upper garment", "jumper"), "cardigan": ("upper garment", "jumper"), "suit jacket": ("upper garment", "jacket"),
        "denim jacket": ("upper garment", "jacket"), "leather jacket": ("upper garment", "jacket"), "parka": ("upper garment", "raincoat"),
        "coat": ("upper garment", "raincoat"),
    },
    "upper pattern": {"pinstriped": ("upper pattern", "striped")},
    "lower garment": {
        "suit trousers": ("lower garment", "trousers"), "slim trousers": ("lower garment", "trousers"), "joggers": ("lower garment", "trousers"),
        "leggings": ("lower garment", "trousers"), "knee shorts": ("lower garment", "shorts"), "short skirt": ("lower garment", "skirt"),
    },
    "shoes": {"high boots": ("shoes", "boots"), "running shoes": ("shoes", "trainers"), "slip-ons": ("shoes", "trainers"), "loafers": ("shoes", "trainers")},
}  # fmt: skip
"""What may be said instead of a word that a checkpoint never learnt: a broader or the nearest one."""


@dataclass(frozen=True)
class Scope:
    """What a checkpoint was taught.

    Attributes:
        values: key → values, in the words of :data:`refsd.prompts.VOCABULARY`; ages in years.
    """

    values: Mapping[str, tuple[str, ...]]

    def covers(self, key: str, value: str) -> bool:
        """Whether a judge may expect the checkpoint to show this.

        >>> Scope({"age": ("20", "30"), "hair": ("bald",)}).covers("age group", "young adult")
        True
        """
        if key == "age group":
            return any(age_group(int(age)) == value for age in self.values.get("age", ()))
        return value in self.values.get(key, ())

    def nearest(self, key: str, value: str) -> tuple[str, str] | None:
        """How the checkpoint would say it: as it is, by a broader word, or not at all."""
        if self.covers(key, value):
            return key, value
        if key == "age" and (ages := self.values.get("age")):
            nearest = min(ages, key=lambda age: (abs(int(age) - int(value)), int(age)))
            return (key, nearest) if abs(int(nearest) - int(value)) <= _YEARS else None
        broader = _BROADER.get(key, {}).get(value)
        return broader if broader is not None and self.covers(*broader) else None

    def translate(self, attributes: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Attributes in the checkpoint's words, and what it cannot say.

        >>> scope = Scope({"upper colour": ("blue",)})
        >>> scope.translate({"upper colour": "navy", "occupation": "pilot"})
        ({'upper colour': 'blue'}, ('occupation',))

        Args:
            attributes: in the vocabulary's words.

        Returns:
            What can be said, in the vocabulary's order, and the keys that were lost. Where two
            attributes become the same one, the first stays.
        """
        said: dict[str, str] = {}
        lost = []
        for key, value in attributes.items():
            entry = self.nearest(key, value)
            if entry is None:
                lost.append(key)
            else:
                said.setdefault(*entry)
        return {key: said[key] for key in VOCABULARY if key in said}, tuple(lost)


_YEARS = 5
"""Ages that far from a taught one may be said as that one."""


def load_scope(folder: Path) -> Scope | None:
    """What the checkpoint in a folder was taught; None where nobody wrote it down.

    Args:
        folder: in diffusers' layout.

    Raises:
        PromptError: the list cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r} is not {FORMAT}")
        values = {str(key): tuple(map(str, some)) for key, some in data["attributes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PromptError(f"{path}: cannot be read as a vocabulary: {error}") from error
    unknown = [key for key in values if key not in VOCABULARY]
    if unknown:
        raise PromptError(f"{path}: {unknown[0]!r} is no attribute that prompts know")
    return Scope(values)


def write_scope(scope: Scope, folder: Path) -> None:
    """Write the list beside the weights."""
    data = {"format": FORMAT, "attributes": {key: list(some) for key, some in scope.values.items()}}
    (folder / FILE).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

"""What the families' hair, patterns and colours are called, and which values the names stand for.

Two families are labelled: ``training``, which refsd-tiny learns from, and ``probe``, from which the
judge of attributes learns. They share names and no values: a judge that had seen the very colours
and cuts of the training data would agree with refsd-tiny for the wrong reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refsd.wardrobe.avatar import Colour, Family


@dataclass(frozen=True)
class Looks:
    """The names of one family.

    Attributes:
        colours: of cloth: the eleven basic colour terms (Berlin and Kay 1969), and a usual sRGB
            value of each, ours.
        skins: skin tones by the names of the benchmark's pairs, and an sRGB value of each, ours.
        hair_colours: name to sRGB.
        hair: hairstyle to the labels it shows.
        patterns: pattern of upper garments to what a caption calls it.
    """

    colours: Mapping[str, Colour]
    skins: Mapping[str, Colour]
    hair_colours: Mapping[str, Colour]
    hair: Mapping[str, Mapping[str, str]]
    patterns: Mapping[str, str]


LOOKS: Mapping[Family, Looks] = {
    "training": Looks(
        colours={
            "black": (0.07, 0.07, 0.08), "white": (0.90, 0.90, 0.89), "grey": (0.48, 0.49, 0.50),
            "red": (0.66, 0.10, 0.12), "orange": (0.86, 0.44, 0.12), "yellow": (0.88, 0.76, 0.20),
            "green": (0.16, 0.45, 0.22), "blue": (0.15, 0.27, 0.62), "purple": (0.40, 0.18, 0.50),
            "pink": (0.87, 0.52, 0.62), "brown": (0.36, 0.23, 0.14),
        },
        skins={
            "cold white": (0.95, 0.83, 0.82), "white": (0.94, 0.80, 0.73),
            "warm white": (0.93, 0.77, 0.64), "beige": (0.86, 0.69, 0.56),
            "olive": (0.73, 0.58, 0.41), "brown": (0.50, 0.34, 0.24), "black": (0.26, 0.18, 0.14),
        },
        hair_colours={
            "black": (0.055, 0.05, 0.05), "brown": (0.24, 0.15, 0.09), "blond": (0.70, 0.56, 0.34),
            "red": (0.50, 0.21, 0.09), "grey": (0.55, 0.54, 0.53), "white": (0.86, 0.85, 0.83),
        },
        hair={
            "ear-length": {"hair length": "medium", "hair texture": "straight"},
            "waist-length": {"hair length": "long", "hair texture": "straight"},
            "slicked back": {"hair length": "short", "hair texture": "straight"},
            "small afro": {"hair length": "short", "hair texture": "curly"},
            "shaved head": {"hair length": "bald"},
            "receding crop": {"hair length": "receding"},
            "fringe": {"hair length": "medium", "hair texture": "straight", "bangs": "yes"},
            "short waves": {"hair length": "short", "hair texture": "wavy"},
            "long waves": {"hair length": "long", "hair texture": "wavy"},
            "nape knot": {"hair length": "bun"},
            "high ponytail": {"hair length": "ponytail"},
        },
        patterns={
            "flat cloth": "plain", "zigzag": "zigzag", "argyle": "diamond", "dip dye": "two-tone",
            "camouflage": "camouflage", "candy stripe": "striped",
        },
    ),
    "probe": Looks(
        colours={
            "black": (0.10, 0.09, 0.10), "white": (0.86, 0.87, 0.88), "grey": (0.53, 0.52, 0.52),
            "red": (0.73, 0.13, 0.10), "orange": (0.90, 0.48, 0.17), "yellow": (0.92, 0.82, 0.28),
            "green": (0.20, 0.52, 0.26), "blue": (0.18, 0.34, 0.70), "purple": (0.45, 0.22, 0.58),
            "pink": (0.90, 0.58, 0.66), "brown": (0.41, 0.27, 0.18),
        },
        skins={
            "cold white": (0.93, 0.81, 0.81), "white": (0.92, 0.78, 0.72),
            "warm white": (0.91, 0.75, 0.63), "beige": (0.84, 0.66, 0.54),
            "olive": (0.70, 0.56, 0.40), "brown": (0.46, 0.31, 0.22), "black": (0.29, 0.20, 0.16),
        },
        hair_colours={
            "black": (0.075, 0.065, 0.07), "brown": (0.28, 0.18, 0.11),
            "blond": (0.75, 0.60, 0.38), "red": (0.56, 0.25, 0.12), "grey": (0.59, 0.58, 0.58),
            "white": (0.82, 0.82, 0.81),
        },
        hair={
            "crew cut": {"hair length": "short", "hair texture": "straight"},
            "pixie cut": {"hair length": "short", "hair texture": "straight"},
            "undercut": {"hair length": "short", "hair texture": "straight"},
            # It falls on the shoulders, as what training calls long does.
            "mid-length": {"hair length": "long", "hair texture": "straight"},
            "high bun": {"hair length": "bun"},
            "bald": {"hair length": "bald"},
        },
        patterns={
            "even cloth": "plain", "chevron": "zigzag", "waves": "waves", "spots": "dotted",
            "window pane": "checked",
        },
    ),
}  # fmt: skip

"""What each family may wear. No name and no colour occurs in two families.

Every list is a table of data; ``refsd.wardrobe.patterns`` knows how each pattern is drawn and
``refsd.wardrobe.cutting`` how each hairstyle is cut. Lengths are canonical heights in metres
(``refsd.wardrobe.canonical``) and sleeves shares of the arm (0.5 is the elbow, 1 the wrist).
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refsd.wardrobe.avatar import Family

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Upper:
    """A cut of upper garment; ``skirt`` is the hem of a tube below the waist, as coats have it."""

    caption: str
    sleeve: float
    hem: float
    neck: float
    thickness: float
    skirt: float | None = None


@dataclass(frozen=True)
class Lower:
    """A cut of lower garment: legs to ``hem``, widening by ``flare`` metres; or a skirt to it."""

    caption: str
    hem: float
    thickness: float
    flare: float = 0.0
    skirt: bool = False


@dataclass(frozen=True)
class Shoe:
    """A kind of shoe: up to which canonical height it reaches, and its thickness in metres.

    Seen from near it also has a sole of that thickness in metres, a toe from round (0) to pointed
    (1), laces and stripes.
    """

    caption: str
    top: float
    thickness: float
    sole: float = 0.020
    point: float = 0.0
    laces: bool = True
    stripes: bool = False


@dataclass(frozen=True)
class FamilyLists:
    """All that one family draws from.

    ``suits`` names, for patterns that do not suit every upper garment, those that they suit.

    A family that is ``close`` is made to be looked at from near: it has modelled shoes and hair, a
    finer face, and cloth that hangs. Crowd is only ever seen in crops of 256 x 128 pixels, and its
    looks never change, because re-ID attackers were trained on them.
    """

    uppers: dict[str, Upper]
    lowers: dict[str, Lower]
    shoes: dict[str, Shoe]
    upper_patterns: tuple[str, ...]
    lower_patterns: tuple[str, ...]
    hair: tuple[str, ...]
    skins: dict[str, Colour]
    hair_colours: dict[str, Colour]
    upper_colours: dict[str, Colour]
    lower_colours: dict[str, Colour]
    shoe_colours: dict[str, Colour]
    bags: tuple[str, ...] = field(default=("",))
    suits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    close: bool = True


BANK = FamilyLists(
    uppers={
        "bank tee": Upper("t-shirt", 0.42, 0.06, -0.50, 0.009),
        "bank polo": Upper("polo shirt", 0.38, 0.07, -0.545, 0.010),
        "bank shirt": Upper("shirt", 0.97, 0.08, -0.56, 0.011),
        "bank jumper": Upper("jumper", 1.0, 0.05, -0.535, 0.016),
        "bank hoodie": Upper("hoodie", 1.0, 0.08, -0.55, 0.022),
        "bank jacket": Upper("jacket", 1.0, 0.10, -0.56, 0.024),
        "bank coat": Upper("coat", 1.0, 0.04, -0.56, 0.026, skirt=0.36),
        "bank dress": Upper("dress", 0.35, 0.02, -0.48, 0.008, skirt=0.44),
    },
    lowers={
        "bank jeans": Lower("jeans", 0.95, 0.009, 0.006),
        "bank chinos": Lower("trousers", 0.945, 0.012, 0.010),
        "bank suit trousers": Lower("suit trousers", 0.955, 0.013, 0.016),
        "bank shorts": Lower("shorts", 0.36, 0.016, 0.02),
        "bank midi skirt": Lower("skirt", 0.52, 0.01, 0.05, skirt=True),
    },
    shoes={
        "bank trainers": Shoe("trainers", 0.90, 0.012, sole=0.026, stripes=True),
        "bank loafers": Shoe("loafers", 0.925, 0.009, sole=0.016, point=0.5, laces=False),
        "bank ankle boots": Shoe("boots", 0.84, 0.013, sole=0.026, point=0.2),
    },
    upper_patterns=("plain weave", "melange", "pinstripe", "gingham", "fine hoops", "yoke", "placket", "zip front"),
    lower_patterns=("denim wash", "cotton twill", "pressed crease"),
    suits={
        "pinstripe": ("shirt", "dress"), "gingham": ("shirt", "dress"), "placket": ("shirt", "polo shirt"),
        "zip front": ("jacket", "hoodie"), "fine hoops": ("t-shirt", "jumper", "dress", "polo shirt"),
        "yoke": ("t-shirt", "jumper", "jacket", "hoodie"),
    },
    bags=("", "", "", "", "backpack"),
    hair=("short back and sides", "side part", "chin bob", "shoulder length", "bun", "cropped curls", "ponytail", "thinning"),
    skins={
        "porcelain": (0.93, 0.79, 0.71), "beige": (0.87, 0.70, 0.58), "olive": (0.78, 0.60, 0.46),
        "tan": (0.68, 0.48, 0.35), "brown": (0.51, 0.34, 0.25), "deep": (0.34, 0.23, 0.18),
    },
    hair_colours={
        "black": (0.07, 0.06, 0.06), "dark brown": (0.17, 0.11, 0.08), "brown": (0.30, 0.20, 0.13),
        "blond": (0.66, 0.52, 0.33), "grey": (0.56, 0.55, 0.54), "auburn": (0.38, 0.17, 0.10),
    },
    upper_colours={
        "white": (0.88, 0.88, 0.86), "charcoal": (0.20, 0.21, 0.23), "navy": (0.11, 0.15, 0.29),
        "sky blue": (0.52, 0.67, 0.82), "burgundy": (0.42, 0.10, 0.15), "olive green": (0.36, 0.38, 0.22),
        "mustard": (0.78, 0.60, 0.20), "camel": (0.70, 0.54, 0.37), "dusty pink": (0.80, 0.58, 0.59),
        "forest green": (0.12, 0.30, 0.21), "light grey": (0.68, 0.69, 0.70), "black": (0.09, 0.09, 0.10),
    },
    lower_colours={
        "indigo": (0.17, 0.22, 0.36), "washed blue": (0.40, 0.50, 0.63), "black": (0.09, 0.09, 0.10),
        "khaki": (0.60, 0.52, 0.38), "grey": (0.38, 0.38, 0.40), "dark brown": (0.24, 0.18, 0.14),
    },
    shoe_colours={
        "white": (0.86, 0.86, 0.85), "black": (0.08, 0.08, 0.08), "brown": (0.33, 0.20, 0.12), "grey": (0.42, 0.43, 0.45),
    },
)  # fmt: skip
"""What the avatars of the bank are drawn from; it never changes, as they do not."""

FABRICS: dict[str, Colour] = {
    "white": (0.885, 0.885, 0.875), "black": (0.085, 0.085, 0.095), "grey": (0.50, 0.505, 0.51), "light grey": (0.69, 0.70, 0.71), "charcoal": (0.205, 0.215, 0.235),
    "silver": (0.74, 0.75, 0.76), "beige": (0.80, 0.71, 0.57), "cream": (0.91, 0.87, 0.77), "brown": (0.385, 0.25, 0.16), "dark brown": (0.235, 0.165, 0.125),
    "camel": (0.71, 0.545, 0.36), "khaki": (0.59, 0.525, 0.37), "red": (0.70, 0.11, 0.115), "crimson": (0.60, 0.07, 0.16), "burgundy": (0.425, 0.095, 0.155),
    "pink": (0.885, 0.55, 0.64), "orange": (0.88, 0.46, 0.14), "rust": (0.63, 0.27, 0.13), "mustard": (0.785, 0.605, 0.19), "yellow": (0.90, 0.79, 0.23),
    "gold": (0.76, 0.59, 0.24), "green": (0.175, 0.475, 0.235), "olive green": (0.365, 0.385, 0.215), "forest green": (0.115, 0.305, 0.205),
    "lime green": (0.56, 0.74, 0.25), "teal": (0.08, 0.43, 0.45), "turquoise": (0.22, 0.67, 0.68), "sky blue": (0.515, 0.675, 0.825), "blue": (0.165, 0.305, 0.66),
    "light blue": (0.62, 0.75, 0.88), "navy": (0.105, 0.145, 0.285), "indigo": (0.19, 0.185, 0.42), "purple": (0.425, 0.20, 0.54), "lilac": (0.71, 0.60, 0.81),
}  # fmt: skip
"""Colours of cloth and leather by the names that prompts use, for what is made to order; ours."""

_TO_ORDER = FamilyLists(
    uppers={
        "bank top": Upper("top", 0.25, 0.04, -0.485, 0.008),
        "bank tank top": Upper("tank top", 0.09, 0.055, -0.475, 0.0082),
        "bank vest top": Upper("vest top", 0.13, 0.045, -0.47, 0.0078),
        "bank blouse": Upper("blouse", 0.82, 0.065, -0.53, 0.0135),
        "bank jersey": Upper("jersey", 0.46, 0.085, -0.515, 0.0115),
        "bank sweatshirt": Upper("sweatshirt", 0.99, 0.065, -0.545, 0.0185),
        "bank cardigan": Upper("cardigan", 0.98, 0.10, -0.525, 0.0195),
        "bank suit jacket": Upper("suit jacket", 0.97, 0.11, -0.55, 0.0215),
        "bank raincoat": Upper("raincoat", 1.0, 0.045, -0.57, 0.0275, skirt=0.46),
        "bank parka": Upper("parka", 1.0, 0.055, -0.56, 0.029, skirt=0.28),
        "bank tunic": Upper("tunic", 0.62, 0.035, -0.505, 0.0105, skirt=0.31),
    },
    lowers={
        "bank slim trousers": Lower("slim trousers", 0.89, 0.0065),
        "bank joggers": Lower("joggers", 0.87, 0.017),
        "bank leggings": Lower("leggings", 0.90, 0.004),
        "bank culottes": Lower("culottes", 0.63, 0.0175, 0.042),
        "bank bermudas": Lower("knee shorts", 0.44, 0.0155, 0.016),
        "bank short skirt": Lower("short skirt", 0.31, 0.0155, 0.045, skirt=True),
        "bank long skirt": Lower("long skirt", 0.76, 0.0125, 0.075, skirt=True),
    },
    shoes={
        "bank slip-ons": Shoe("slip-ons", 0.927, 0.0105, sole=0.018, laces=False),
        "bank high boots": Shoe("high boots", 0.62, 0.0125, sole=0.024, point=0.25, laces=False),
    },
    upper_patterns=("herringbone", "diamonds", "woodland", "polka dots"),
    lower_patterns=(),
    hair=("shorn", "cropped waves", "soft waves", "full fringe", "loose waves", "loose curls", "sleek long", "puffed afro"),
    skins={
        "pale": (0.945, 0.82, 0.77), "cold white": (0.94, 0.825, 0.815), "white": (0.93, 0.795, 0.725), "warm white": (0.925, 0.765, 0.635),
        "fair": (0.93, 0.785, 0.70), "light": (0.905, 0.745, 0.625), "beige": (0.865, 0.695, 0.57), "medium": (0.80, 0.625, 0.485),
        "olive": (0.725, 0.575, 0.415), "tan": (0.675, 0.475, 0.345), "brown": (0.49, 0.335, 0.235), "dark": (0.40, 0.27, 0.20),
        "deep": (0.335, 0.225, 0.175), "black": (0.275, 0.19, 0.15),
    },
    hair_colours={
        "black": (0.065, 0.058, 0.058), "dark brown": (0.165, 0.105, 0.075), "brown": (0.26, 0.165, 0.10), "auburn": (0.375, 0.165, 0.095),
        "red": (0.53, 0.23, 0.105), "blond": (0.72, 0.575, 0.355), "grey": (0.57, 0.56, 0.55), "white": (0.84, 0.83, 0.815),
        "blue": (0.20, 0.34, 0.68), "pink": (0.86, 0.46, 0.62), "green": (0.24, 0.52, 0.34),
    },
    upper_colours=FABRICS,
    lower_colours=FABRICS,
    shoe_colours=FABRICS,
)  # fmt: skip
"""What else the bank's people may wear where a prompt asks for it; see ``refsd.wardrobe.made``."""


def _besides(first: FamilyLists, more: FamilyLists) -> FamilyLists:
    """All that either has; of two values of one name the first's."""
    joined: dict[str, Any] = {}
    for name in (given.name for given in fields(FamilyLists)):
        one, other = getattr(first, name), getattr(more, name)
        if isinstance(one, dict):
            joined[name] = {**other, **one}
        elif isinstance(one, tuple) and name != "bags":
            joined[name] = (*one, *other)
    return replace(first, **joined)


FAMILIES: dict[Family, FamilyLists] = {
    "bank": _besides(BANK, _TO_ORDER),
    "crowd": FamilyLists(
        uppers={
            "crowd jersey": Upper("jersey", 0.48, 0.09, -0.52, 0.012),
            "crowd vest": Upper("vest top", 0.08, 0.05, -0.47, 0.008),
            "crowd sweatshirt": Upper("sweatshirt", 0.98, 0.07, -0.54, 0.019),
            "crowd parka": Upper("parka", 1.0, 0.06, -0.56, 0.030, skirt=0.24),
            "crowd tunic": Upper("tunic", 0.66, 0.04, -0.50, 0.010, skirt=0.30),
        },
        lowers={
            "crowd straights": Lower("trousers", 0.91, 0.012, 0.012),
            "crowd slims": Lower("slim trousers", 0.88, 0.006),
            "crowd bermudas": Lower("knee shorts", 0.43, 0.015, 0.015),
            "crowd joggers": Lower("joggers", 0.86, 0.018),
            "crowd mini skirt": Lower("short skirt", 0.30, 0.016, 0.04, skirt=True),
            "crowd long skirt": Lower("long skirt", 0.74, 0.016, 0.07, skirt=True),
        },
        shoes={
            "crowd runners": Shoe("running shoes", 0.905, 0.013),
            "crowd high boots": Shoe("high boots", 0.60, 0.012),
            "crowd slip-ons": Shoe("slip-ons", 0.925, 0.012),
        },
        upper_patterns=(
            "solid jersey", "broad hoops", "halves", "chest block", "hem block", "contrast sleeves",
            "sash", "disc", "big cross", "quarters", "big dots", "side panels", "tartan",
        ),
        lower_patterns=("solid drill", "side band", "knee patches", "two-tone legs"),
        hair=("buzz cut", "flat top", "long straight", "round afro", "top knot", "beanie", "cap"),
        skins={
            "crowd rose": (0.91, 0.75, 0.68), "crowd sand": (0.82, 0.66, 0.51), "crowd bronze": (0.62, 0.44, 0.31),
            "crowd umber": (0.43, 0.29, 0.21), "crowd ebony": (0.28, 0.19, 0.15),
        },
        hair_colours={
            "crowd black": (0.05, 0.05, 0.06), "crowd chestnut": (0.25, 0.14, 0.08), "crowd straw": (0.74, 0.62, 0.42),
            "crowd silver": (0.66, 0.66, 0.66),
        },
        upper_colours={
            "crowd white": (0.82, 0.82, 0.82), "crowd black": (0.12, 0.12, 0.13), "crowd blue": (0.20, 0.31, 0.55),
            "crowd red": (0.62, 0.17, 0.16), "crowd grey": (0.48, 0.48, 0.50), "crowd green": (0.22, 0.42, 0.28),
        },
        lower_colours={
            "crowd ink": (0.14, 0.16, 0.24), "crowd soot": (0.11, 0.11, 0.11), "crowd stone": (0.52, 0.49, 0.43),
            "crowd slate": (0.33, 0.36, 0.42),
        },
        shoe_colours={
            "crowd snow": (0.84, 0.84, 0.84), "crowd tar": (0.07, 0.07, 0.07), "crowd rust": (0.40, 0.15, 0.12),
        },
        bags=("", "", "", "backpack", "hip bag"),
        close=False,
    ),
    "training": FamilyLists(
        uppers={
            "training top": Upper("top", 0.30, 0.03, -0.49, 0.007),
            "training blouse": Upper("blouse", 0.80, 0.06, -0.52, 0.013),
            "training pullover": Upper("pullover", 0.99, 0.09, -0.55, 0.018),
            "training raincoat": Upper("raincoat", 1.0, 0.05, -0.57, 0.028, skirt=0.48),
            "training tank top": Upper("tank top", 0.10, 0.06, -0.48, 0.0085),
            "training long sleeves": Upper("long-sleeved shirt", 0.95, 0.06, -0.50, 0.0075),
            "training anorak": Upper("jacket", 0.98, 0.08, -0.55, 0.026),
            "training hooded top": Upper("hoodie", 0.99, 0.10, -0.54, 0.021),
            "training summer dress": Upper("dress", 0.22, 0.03, -0.47, 0.0085, skirt=0.40),
        },
        lowers={
            "training trousers": Lower("trousers", 0.94, 0.010, 0.008),
            "training culottes": Lower("culottes", 0.62, 0.018, 0.04),
            "training skirt": Lower("skirt", 0.46, 0.01, 0.06, skirt=True),
            "training shorts": Lower("shorts", 0.34, 0.014, 0.018),
            "training denim": Lower("jeans", 0.93, 0.008, 0.004),
            "training maxi skirt": Lower("long skirt", 0.78, 0.012, 0.08, skirt=True),
        },
        shoes={
            "training sneakers": Shoe("sneakers", 0.91, 0.011),
            "training boots": Shoe("boots", 0.78, 0.012),
        },
        upper_patterns=("flat cloth", "zigzag", "argyle", "dip dye", "camouflage", "candy stripe"),
        lower_patterns=("flat drill", "faded front"),
        hair=(
            "ear-length", "waist-length", "slicked back", "small afro", "shaved head", "receding crop", "fringe",
            "short waves", "long waves", "nape knot", "high ponytail",
        ),
        skins={
            "training fair": (0.95, 0.82, 0.75), "training honey": (0.76, 0.57, 0.42),
            "training cocoa": (0.47, 0.31, 0.23), "training night": (0.31, 0.21, 0.17),
        },
        hair_colours={
            "training jet": (0.06, 0.05, 0.05), "training walnut": (0.21, 0.13, 0.09),
            "training ginger": (0.55, 0.28, 0.13), "training ash": (0.60, 0.56, 0.50),
        },
        upper_colours={
            "training cream": (0.90, 0.86, 0.76), "training teal": (0.10, 0.40, 0.43),
            "training violet": (0.38, 0.25, 0.50), "training orange": (0.82, 0.43, 0.16),
            "training brown": (0.37, 0.27, 0.20), "training lime": (0.60, 0.70, 0.30),
        },
        lower_colours={
            "training blue": (0.22, 0.29, 0.44), "training coal": (0.16, 0.16, 0.17), "training sand": (0.66, 0.58, 0.46),
        },
        shoe_colours={"training chalk": (0.80, 0.80, 0.78), "training dark": (0.10, 0.09, 0.09)},
    ),
    "probe": FamilyLists(
        uppers={
            "probe singlet": Upper("singlet", 0.12, 0.08, -0.46, 0.009),
            "probe shirt": Upper("shirt", 0.55, 0.10, -0.53, 0.012),
            "probe cardigan": Upper("cardigan", 0.96, 0.11, -0.53, 0.020),
            "probe overcoat": Upper("coat", 0.97, 0.06, -0.56, 0.027, skirt=0.54),
            "probe gown": Upper("dress", 0.28, 0.02, -0.49, 0.010, skirt=0.50),
        },
        lowers={
            "probe slacks": Lower("slacks", 0.94, 0.014, 0.010),
            "probe shorts": Lower("shorts", 0.30, 0.013, 0.01),
            "probe skirt": Lower("skirt", 0.58, 0.01, 0.09, skirt=True),
        },
        shoes={
            "probe plimsolls": Shoe("plimsolls", 0.92, 0.009, sole=0.016),
            "probe boots": Shoe("boots", 0.72, 0.014),
        },
        upper_patterns=("even cloth", "chevron", "waves", "spots", "window pane"),
        lower_patterns=("even drill", "turn-ups"),
        hair=("crew cut", "mid-length", "high bun", "pixie cut", "undercut", "bald"),
        skins={
            "probe light": (0.90, 0.77, 0.66), "probe medium": (0.72, 0.53, 0.40), "probe dark": (0.38, 0.26, 0.20),
        },
        hair_colours={
            "probe raven": (0.08, 0.07, 0.08), "probe hazel": (0.33, 0.23, 0.14), "probe sandy": (0.60, 0.48, 0.32),
        },
        upper_colours={
            "probe ivory": (0.86, 0.84, 0.78), "probe cobalt": (0.16, 0.26, 0.60),
            "probe crimson": (0.58, 0.12, 0.22), "probe moss": (0.34, 0.40, 0.24),
        },
        lower_colours={"probe navy": (0.13, 0.17, 0.28), "probe clay": (0.50, 0.40, 0.33)},
        shoe_colours={"probe white": (0.83, 0.83, 0.83), "probe black": (0.09, 0.09, 0.09)},
    ),
}  # fmt: skip

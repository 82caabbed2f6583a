"""The attributes that a prompt can speak of: one table, and how given names are found in it.

Keys and values are what ``Avatar.attributes``, datasets' labels and ϕ's prompt suites use. Other
spellings of both are read through ``KEY_ALIASES`` and ``VALUE_ALIASES``; what is in no table is an
error with the nearest known name, never a silent word in a prompt.

Where the lists come from: ethnicities are FairFace's seven groups, emotions the seven of RAF-DB,
details of the face CelebA's attributes, all as HumanGenAI's ϕ names them; hair and clothes
cover ``refsd.wardrobe.families``.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from refsd.prompts.prompt import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from refsd.prompts.prompt import View

Group = Literal[
    "demographics", "body", "emotion", "hair", "face", "clothing", "occupation", "scene", "picture"
]


@dataclass(frozen=True)
class Attribute:
    """One thing that can be said of a person.

    Attributes:
        group: what it belongs to.
        seen: the closest view that shows it: ``face`` shows in every view, ``full`` only there.
        values: what may be said.
        free: other short words are allowed too, such as an occupation that is not in the list.
    """

    group: Group
    seen: View
    values: tuple[str, ...]
    free: bool = False


_COLOURS = (
    "white", "black", "grey", "light grey", "charcoal", "silver", "beige", "cream", "brown", "dark brown", "camel", "khaki",
    "red", "crimson", "burgundy", "pink", "orange", "rust", "mustard", "yellow", "gold", "green", "olive green",
    "forest green", "lime green", "teal", "turquoise", "sky blue", "blue", "light blue", "navy", "indigo", "purple", "lilac",
)  # fmt: skip
_PATTERNS = (
    "plain",
    "striped",
    "pinstriped",
    "checked",
    "tartan",
    "dotted",
    "two-tone",
    "patterned",
    "argyle",
    "zigzag",
    "camouflage",
    "denim",
)

VOCABULARY: dict[str, Attribute] = {
    # -- demographics
    "gender": Attribute("demographics", "face", ("female", "male", "androgynous")),
    "age": Attribute("demographics", "face", ()),
    "age group": Attribute("demographics", "face", ("child", "teenager", "young adult", "middle-aged", "elderly")),
    "ethnicity": Attribute("demographics", "face", ("Black", "East Asian", "Indian", "Latino", "Middle Eastern", "Southeast Asian", "White"), free=True),
    "skin tone": Attribute("demographics", "face", ("pale", "cold white", "white", "warm white", "fair", "light", "beige", "medium", "olive", "tan", "brown", "dark", "deep", "black")),
    # -- what the person does and feels
    "occupation": Attribute("occupation", "face", (
        "artist", "athlete", "builder", "businessperson", "chef", "cleaner", "cyclist", "dancer", "doctor", "driver", "engineer",
        "farmer", "firefighter", "fisher", "footballer", "gardener", "hairdresser", "judge", "lawyer", "mechanic", "musician",
        "nurse", "office worker", "painter", "pilot", "plumber", "police officer", "postal worker", "pupil", "scientist",
        "security guard", "shop assistant", "singer", "soldier", "student", "teacher", "tennis player", "waiter",
    ), free=True),
    "activity": Attribute("occupation", "half", (
        "carrying boxes", "cooking", "cycling", "dancing", "fishing", "gardening", "hiking", "jogging", "phoning", "photographing",
        "playing football", "playing tennis", "reading", "sailing", "shopping", "skateboarding", "skiing", "working out",
    ), free=True),
    "emotion": Attribute("emotion", "face", ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted")),
    # -- hair and head
    "headwear": Attribute("hair", "face", ("none", "hat", "cap", "beanie", "sun hat", "helmet", "hood", "headscarf", "hijab", "turban", "headband")),
    "hair": Attribute("hair", "face", (
        "bald", "thinning", "buzz cut", "crew cut", "flat top", "short back and sides", "side part", "slicked back", "pixie cut",
        "undercut", "cropped curls", "short waves", "long waves", "small afro", "round afro", "ear-length", "chin bob", "mid-length", "shoulder length", "bun",
        "high bun", "top knot", "ponytail", "braids", "dreadlocks", "long straight", "waist-length",
    )),
    "hair length": Attribute("hair", "face", ("short", "medium-length", "long")),
    "hair texture": Attribute("hair", "face", ("straight", "wavy", "curly", "coily")),
    "hair colour": Attribute("hair", "face", ("black", "dark brown", "brown", "auburn", "red", "blond", "grey", "white", "blue", "pink", "green")),
    "hairline": Attribute("hair", "face", ("bangs", "receding")),
    "facial hair": Attribute("hair", "face", ("clean-shaven", "stubble", "goatee", "short beard", "full beard")),
    "mustache": Attribute("hair", "face", ("none", "mustache")),
    "sideburns": Attribute("hair", "face", ("sideburns",)),
    # -- face
    "glasses": Attribute("face", "face", ("none", "eyeglasses", "sunglasses")),
    "make-up": Attribute("face", "face", ("none", "light", "heavy")),
    "lipstick": Attribute("face", "face", ("none", "lipstick")),
    "mouth": Attribute("face", "face", ("closed", "slightly open", "open", "smiling", "frowning")),
    "eye colour": Attribute("face", "face", ("brown", "dark brown", "hazel", "green", "blue", "grey")),
    "eyes": Attribute("face", "face", ("narrow", "wide", "bags under")),
    "eyebrows": Attribute("face", "face", ("arched", "bushy", "thin")),
    "nose": Attribute("face", "face", ("big", "pointy", "small")),
    "lips": Attribute("face", "face", ("big", "thin")),
    "cheeks": Attribute("face", "face", ("rosy", "high cheekbones")),
    "chin": Attribute("face", "face", ("double", "pointed")),
    "face shape": Attribute("face", "face", ("oval", "round", "square", "chubby")),
    "skin": Attribute("face", "face", ("freckled", "wrinkled", "smooth")),
    "impression": Attribute("face", "face", ("attractive",)),
    # -- clothing
    "upper garment": Attribute("clothing", "half", (
        "t-shirt", "polo shirt", "shirt", "blouse", "top", "tank top", "vest top", "jersey", "jumper", "sweatshirt", "hoodie", "cardigan",
        "jacket", "suit jacket", "denim jacket", "leather jacket", "raincoat", "parka", "coat", "tunic", "dress", "jumpsuit",
        "overalls", "uniform", "sportswear",
    ), free=True),
    "upper colour": Attribute("clothing", "half", _COLOURS, free=True),
    "upper pattern": Attribute("clothing", "half", _PATTERNS, free=True),
    "lower garment": Attribute("clothing", "full", (
        "trousers", "jeans", "suit trousers", "slim trousers", "joggers", "leggings", "culottes", "shorts", "knee shorts", "skirt",
        "short skirt", "long skirt",
    ), free=True),
    "lower colour": Attribute("clothing", "full", _COLOURS, free=True),
    "lower pattern": Attribute("clothing", "full", _PATTERNS, free=True),
    "shoes": Attribute("clothing", "full", ("trainers", "running shoes", "loafers", "slip-ons", "boots", "high boots", "sandals", "high heels", "barefoot"), free=True),
    "shoe colour": Attribute("clothing", "full", _COLOURS, free=True),
    "neckwear": Attribute("clothing", "face", ("necktie", "bow tie", "scarf")),
    "jewellery": Attribute("clothing", "face", ("earrings", "necklace", "earrings and a necklace")),
    "bag": Attribute("clothing", "half", ("backpack", "hip bag", "handbag", "shoulder bag")),
    # -- body
    "build": Attribute("body", "half", ("slim", "average", "muscular", "heavyset")),
    "height": Attribute("body", "full", ("short", "average", "tall")),
    # -- around the person
    "focus": Attribute("picture", "face", ("blurry",)),
    "scene": Attribute("scene", "face", (
        "on a street", "in a park", "in an office", "at home", "in a shop", "at a station", "on a beach", "in a sports hall",
        "in a restaurant", "in a kitchen", "in the mountains",
    ), free=True),
}  # fmt: skip
"""Key → attribute. The order is that of specificity: see ``refsd.prompts.conflicts``."""

UNSAID = ("none", "unknown", "not visible", "")
"""Values by which labels say nothing; where ``none`` is a value of its own it is kept."""

KEY_ALIASES: dict[str, str] = {
    "sex": "gender", "race": "ethnicity", "expression": "emotion", "job": "occupation", "profession": "occupation",
    "hair color": "hair colour", "haircolor": "hair colour", "hair style": "hair", "hairstyle": "hair", "beard": "facial hair",
    "moustache": "mustache", "eyeglasses": "glasses", "makeup": "make-up", "make up": "make-up", "eye color": "eye colour",
    "upper": "upper garment", "top": "upper garment", "upper color": "upper colour", "lower": "lower garment",
    "bottom": "lower garment", "lower color": "lower colour", "footwear": "shoes", "shoe color": "shoe colour", "hat": "headwear",
    "skin color": "skin tone", "skin colour": "skin tone", "jewelry": "jewellery", "body": "build", "body type": "build",
    "context": "scene", "background": "scene", "location": "scene", "agegroup": "age group",
}  # fmt: skip

VALUE_ALIASES: dict[str, dict[str, str]] = {
    "gender": {"woman": "female", "man": "male", "girl": "female", "boy": "male", "f": "female", "m": "male", "non-binary": "androgynous"},
    "age group": {"kid": "child", "teen": "teenager", "young": "young adult", "adult": "young adult", "middle aged": "middle-aged", "old": "elderly", "senior": "elderly"},
    "ethnicity": {
        "african-american": "Black", "african american": "Black", "caucasian": "White", "latino_hispanic": "Latino", "hispanic": "Latino",
        "latina": "Latino", "south east asian": "Southeast Asian", "middle-eastern": "Middle Eastern",
    },
    "skin tone": {
        "porcelain": "fair", "crowd rose": "fair", "crowd sand": "beige", "crowd bronze": "tan", "crowd umber": "brown", "crowd ebony": "deep",
        "training fair": "fair", "training honey": "medium", "training cocoa": "brown", "training night": "deep",
        "probe light": "light", "probe medium": "medium", "probe dark": "dark", "pale skin": "pale",
    },
    "emotion": {"happiness": "happy", "joy": "happy", "sadness": "sad", "anger": "angry", "surprise": "surprised", "fear": "fearful", "disgust": "disgusted"},
    "hair": {"shaved": "bald", "shaved head": "bald", "bob": "chin bob", "afro": "round afro", "nape knot": "bun", "high ponytail": "ponytail"},
    "headwear": {"straw hat": "sun hat", "bowler": "hat", "knitted hat": "beanie"},
    "hair length": {"medium": "medium-length"},
    "hair colour": {
        "blonde": "blond", "gray": "grey", "silver": "grey", "ginger": "red", "crowd black": "black", "crowd chestnut": "brown",
        "crowd straw": "blond", "crowd silver": "grey", "training jet": "black", "training walnut": "dark brown",
        "training ginger": "red", "training ash": "grey", "probe raven": "black", "probe hazel": "brown", "probe sandy": "blond",
    },
    "hairline": {"fringe": "bangs", "receding hairline": "receding"},
    "facial hair": {"none": "clean-shaven", "no beard": "clean-shaven", "clean shaven": "clean-shaven", "5 o'clock shadow": "stubble", "beard": "full beard"},
    "mustache": {"moustache": "mustache", "yes": "mustache", "no": "none", "no mustache": "none"},
    "sideburns": {"yes": "sideburns"},
    "glasses": {"glasses": "eyeglasses", "round glasses": "eyeglasses", "square glasses": "eyeglasses", "yes": "eyeglasses", "no": "none"},
    "make-up": {"heavy makeup": "heavy", "yes": "heavy", "no": "none"},
    "lipstick": {"yes": "lipstick", "no": "none"},
    "mouth": {"mouth slightly open": "slightly open", "smile": "smiling"},
    "eyes": {"bags under eyes": "bags under", "narrow eyes": "narrow"},
    "eyebrows": {"arched eyebrows": "arched", "bushy eyebrows": "bushy"},
    "nose": {"big nose": "big", "pointy nose": "pointy"},
    "lips": {"big lips": "big", "full": "big"},
    "cheeks": {"rosy cheeks": "rosy"},
    "chin": {"double chin": "double"},
    "face shape": {"oval face": "oval"},
    "jewellery": {"studs": "earrings", "hoops": "earrings", "chain": "necklace", "beads": "necklace"},
    "build": {"chubby": "heavyset", "thin": "slim", "athletic": "muscular", "fat": "heavyset"},
    "upper garment": {"tee": "t-shirt", "sweater": "jumper", "pullover": "jumper", "singlet": "tank top", "long-sleeved shirt": "shirt"},
    "upper colour": {
        "gray": "grey", "dusty pink": "pink", "crowd white": "white", "crowd black": "black", "crowd blue": "blue", "crowd red": "red",
        "crowd grey": "grey", "crowd green": "green", "training cream": "cream", "training teal": "teal", "training violet": "purple",
        "training orange": "orange", "training brown": "brown", "training lime": "lime green", "probe ivory": "cream",
        "probe cobalt": "blue", "probe crimson": "crimson", "probe moss": "olive green",
    },
    "upper pattern": {
        "plain weave": "plain", "melange": "plain", "pinstripe": "pinstriped", "gingham": "checked", "fine hoops": "striped",
        "yoke": "two-tone", "placket": "plain", "zip front": "plain",
        "solid jersey": "plain", "broad hoops": "striped", "halves": "two-tone", "chest block": "two-tone", "hem block": "two-tone",
        "contrast sleeves": "two-tone", "sash": "two-tone", "disc": "patterned", "big cross": "patterned", "quarters": "two-tone",
        "big dots": "dotted", "side panels": "two-tone",
        "flat cloth": "plain", "dip dye": "two-tone", "candy stripe": "striped",
        "even cloth": "plain", "chevron": "zigzag", "waves": "patterned", "spots": "dotted", "window pane": "checked",
    },
    "lower garment": {"pants": "trousers", "slacks": "trousers"},
    "lower colour": {
        "gray": "grey", "washed blue": "light blue", "crowd ink": "navy", "crowd soot": "black", "crowd stone": "beige", "crowd slate": "grey",
        "training blue": "blue", "training coal": "charcoal", "training sand": "beige", "probe navy": "navy", "probe clay": "brown",
    },
    "lower pattern": {
        "denim wash": "plain", "cotton twill": "plain", "pressed crease": "plain", "solid drill": "plain", "side band": "two-tone",
        "knee patches": "two-tone", "two-tone legs": "two-tone", "flat drill": "plain", "faded front": "plain",
        "even drill": "plain", "turn-ups": "plain",
    },
    "shoes": {"sneakers": "trainers", "plimsolls": "trainers"},
    "shoe colour": {
        "gray": "grey", "crowd snow": "white", "crowd tar": "black", "crowd rust": "rust", "training chalk": "white", "training dark": "black",
        "probe white": "white", "probe black": "black",
    },
}  # fmt: skip
"""Key → other word → the value meant; family names of ``refsd.wardrobe`` among them."""

_ELSEWHERE: dict[tuple[str, str], tuple[str, str]] = {
    ("hair", "beanie"): ("headwear", "beanie"),
    ("hair", "cap"): ("headwear", "cap"),
    ("facial hair", "mustache"): ("mustache", "mustache"),
    ("facial hair", "moustache"): ("mustache", "mustache"),
    ("facial hair", "sideburns"): ("sideburns", "sideburns"),
    ("headwear", "necktie"): ("neckwear", "necktie"),
    ("hair", "bangs"): ("hairline", "bangs"),
    ("hair", "fringe"): ("hairline", "bangs"),
    ("hair", "receding hairline"): ("hairline", "receding"),
    ("hair", "receding crop"): ("hairline", "receding"),
    **{("hair", texture): ("hair texture", texture) for texture in ("straight", "wavy", "curly")},
    **{("hair", length): ("hair length", length) for length in ("short", "long")},
}
"""What some labels file under another key than this table."""

MAX_AGE = 110
_WORDS = re.compile(r"[^\W\d_][\w' /-]{0,59}")


def age_group(age: int) -> str:
    """The group that an age in years belongs to.

    >>> [age_group(age) for age in (12, 13, 20, 45, 65)]
    ['child', 'teenager', 'young adult', 'middle-aged', 'elderly']
    """
    for group, below in (("child", 13), ("teenager", 20), ("young adult", 40), ("middle-aged", 65)):
        if age < below:
            return group
    return "elderly"


def canonical(given: Mapping[str, str], *, free: bool = True) -> dict[str, str]:
    """Attributes in the vocabulary's own words and order; what says nothing is left out.

    >>> canonical({"hair_color": "Blonde", "lower garment": "none", "hair": "beanie"})
    {'headwear': 'beanie', 'hair colour': 'blond'}

    Args:
        given: key → value, in any of the known spellings.
        free: allow free words where an attribute takes them. Labels of real people must not:
            free words can name someone.

    Raises:
        PromptError: a key or value is unknown, or one key has two values.
    """
    found: dict[str, tuple[str, str]] = {}
    for key, value in given.items():
        entry = _entry(key, value, free)
        if entry is None:
            continue
        name, meant = entry
        if name in found and found[name][0] != meant:
            raise PromptError(
                f"two values for {name!r}: {found[name][1]!r} and {f'{key}: {value}'!r}; keep one"
            )
        found[name] = (meant, f"{key}: {value}")
    return {name: found[name][0] for name in VOCABULARY if name in found}


def _entry(key: str, value: str, free: bool) -> tuple[str, str] | None:
    """The vocabulary's key and value; None where the value says nothing."""
    plain = " ".join(key.replace("_", " ").split()).lower()
    name = KEY_ALIASES.get(plain, plain)
    if name not in VOCABULARY:
        raise PromptError(_unknown("attribute", key, [*VOCABULARY, *KEY_ALIASES]))
    said = " ".join(str(value).split())
    if name == "age":
        return (name, _age(said)) if said.lower() not in UNSAID else None
    lowered = said.lower()
    name, lowered = _ELSEWHERE.get((name, lowered), (name, lowered))
    attribute = VOCABULARY[name]
    meant = VALUE_ALIASES.get(name, {}).get(lowered, lowered)
    known = {word.lower(): word for word in attribute.values}
    if meant.lower() in known:
        return name, known[meant.lower()]
    if lowered in UNSAID:
        return None
    if not attribute.free:
        raise PromptError(_unknown(f"value of {name!r}", value, attribute.values))
    if not free:
        raise PromptError(
            f"{name!r} is {value!r}: labels of real people may only use known words, because "
            f"free text can name somebody; known: {', '.join(attribute.values)}"
        )
    if not _WORDS.fullmatch(said):
        raise PromptError(
            f"{name!r} is {value!r}: take at most 60 letters, digits, spaces and hyphens, beginning "
            "with a letter; commas and brackets mean something else to a text encoder"
        )
    return name, said


def _age(value: str) -> str:
    if not value.isdecimal() or int(value) > MAX_AGE:
        raise PromptError(f"'age' is {value!r}; give whole years, 0 to {MAX_AGE}")
    return str(int(value))


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.6)
    if near:
        return f"unknown {kind} {name!r}; did you mean {' or '.join(repr(n) for n in near)}?"
    return f"unknown {kind} {name!r}; known: {', '.join(names)}"

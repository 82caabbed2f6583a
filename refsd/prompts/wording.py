"""Attributes in words: the template of a prompt.

    a {view} of {age, group, ethnicity, gender}, {occupation}, {activity}, {emotion}, {hair},
    {beard}, …, {clothing}, {build}, {style}, {scene}

What matters most stands first, because CLIP's text encoder cuts off after 77 tokens: the scene
goes before the style, and both before anything about the person.
"""

# ruff: noqa: E501 (tables are read in rows)

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from refsd.prompts.vocabulary import VOCABULARY, age_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refsd.prompts.prompt import View

OPENING: dict[View, str] = {
    "face": "a close-up portrait photo",
    "half": "a half-length photo",
    "full": "a full-length photo",
}

STYLE = "natural skin texture, realistic, natural light, sharp focus"
"""Said of every picture, before the scene."""

_SHOWN: tuple[View, ...] = ("face", "half", "full")

CLIP_TOKENS = 77
"""What the text encoders of SD 1.5 and SDXL read, begin and end marks included
(``model_max_length`` of their tokenizers)."""

_RENDERED = "nudity, 3d render, video game, doll, mannequin, plastic skin, cartoon"
"""What nobody asked to be seen in, and what the composite still looks like."""

_QUALITY = "blurry, low quality, jpeg artifacts, oversaturated, watermark, text"
_FACE = "deformed face, asymmetric eyes, crossed eyes, distorted mouth, bad teeth"
_HANDS = "deformed hands, extra fingers, missing fingers, extra limbs, missing limbs"

NEGATIVE: dict[View, str] = {
    "face": f"{_FACE}, two heads, {_RENDERED}, {_QUALITY}",
    "half": f"{_HANDS}, deformed face, two heads, {_RENDERED}, {_QUALITY}",
    "full": f"{_HANDS}, twisted limbs, bad proportions, two heads, {_RENDERED}, {_QUALITY}",
}
"""What must not be seen, by view, most important first: broken anatomy, the look of a rendering,
bad pictures."""

DENIED: dict[tuple[str, str], str] = {
    ("facial hair", "clean-shaven"): "beard, stubble",
    ("mustache", "none"): "mustache",
    ("hair", "bald"): "hair on the head",
    ("headwear", "none"): "hat",
    ("glasses", "none"): "glasses",
    ("make-up", "none"): "make-up",
    ("lipstick", "none"): "lipstick",
}
"""What a value denies stands in the negative prompt: text encoders read past 'no' ('no beard' got
1.67 of 5 in HumanGenAI's study, the lowest of its 50 face attributes)."""

_HAIR = {
    "bald": "bald head", "thinning": "thinning {} hair", "buzz cut": "{} buzz cut", "crew cut": "{} crew cut",
    "flat top": "{} flat top haircut", "short back and sides": "{} hair, short back and sides", "side part": "{} hair with a side part",
    "slicked back": "slicked back {} hair", "pixie cut": "{} pixie cut", "undercut": "{} undercut", "cropped curls": "short curly {} hair",
    "short waves": "short wavy {} hair", "long waves": "long wavy {} hair", "small afro": "small {} afro", "round afro": "round {} afro", "ear-length": "ear-length {} hair", "chin bob": "chin-length {} bob",
    "mid-length": "mid-length {} hair", "shoulder length": "shoulder-length {} hair", "bun": "{} hair in a bun",
    "high bun": "{} hair in a high bun", "top knot": "{} hair in a top knot", "ponytail": "{} hair in a ponytail",
    "braids": "braided {} hair", "dreadlocks": "{} dreadlocks", "long straight": "long straight {} hair", "waist-length": "waist-length {} hair",
}  # fmt: skip
"""Hairstyle → words; the braces take length, texture and colour."""

_WORDS: dict[tuple[str, str], str] = {
    ("emotion", "neutral"): "neutral expression", ("emotion", "happy"): "happy smiling expression", ("emotion", "sad"): "sad expression",
    ("emotion", "angry"): "angry expression", ("emotion", "surprised"): "surprised expression",
    ("emotion", "fearful"): "fearful expression", ("emotion", "disgusted"): "disgusted expression",
    ("hairline", "bangs"): "bangs over the forehead", ("hairline", "receding"): "receding hairline",
    ("glasses", "eyeglasses"): "wearing eyeglasses", ("glasses", "sunglasses"): "wearing sunglasses",
    ("make-up", "light"): "light make-up", ("make-up", "heavy"): "heavy make-up", ("lipstick", "lipstick"): "wearing lipstick",
    ("mouth", "closed"): "mouth closed", ("mouth", "slightly open"): "mouth slightly open", ("mouth", "open"): "mouth open",
    ("eyes", "bags under"): "bags under the eyes", ("cheeks", "high cheekbones"): "high cheekbones", ("cheeks", "rosy"): "rosy cheeks",
    ("skin", "freckled"): "freckled skin", ("skin", "wrinkled"): "wrinkled skin", ("skin", "smooth"): "smooth skin",
    ("face shape", "chubby"): "chubby cheeks", ("bag", "backpack"): "carrying a backpack", ("shoes", "barefoot"): "barefoot",
    ("focus", "blurry"): "blurry photo", ("mouth", "smiling"): "smiling", ("mouth", "frowning"): "frowning",
    ("build", "average"): "", ("height", "average"): "", ("height", "short"): "short stature", ("height", "tall"): "tall",
}  # fmt: skip

_PATTERNS = {
    "skin tone": "{} skin", "eye colour": "{} eyes", "eyes": "{} eyes", "eyebrows": "{} eyebrows", "nose": "{} nose", "lips": "{} lips",
    "chin": "{} chin", "face shape": "{} face", "jewellery": "wearing {}", "neckwear": "wearing a {}", "headwear": "wearing a {}",
    "bag": "carrying a {}", "build": "{} build", "impression": "{}",
}  # fmt: skip

_FACE_DETAILS = (
    "impression", "skin", "eye colour", "eyes", "eyebrows", "nose", "lips", "lipstick", "make-up", "mouth", "cheeks", "chin", "face shape", "jewellery",
)  # fmt: skip
_HEAD = ("hair", "hairline", "facial hair", "mustache", "sideburns", "headwear", "glasses")
_DRESS = ("neckwear", "upper garment", "lower garment", "shoes", "bag", "build", "height")
_ORDER: dict[View, tuple[str, ...]] = {
    "face": ("skin tone", "occupation", "activity", "emotion", *_HEAD, *_FACE_DETAILS, *_DRESS),
    "half": ("skin tone", "occupation", "activity", "emotion", *_HEAD, *_DRESS, *_FACE_DETAILS),
    "full": ("skin tone", "occupation", "activity", "emotion", *_HEAD, *_DRESS, *_FACE_DETAILS),
}
"""Which clause comes after which, most important first. From near the face says more than clothes."""

_PART_OF = {
    "gender": "subject", "age": "subject", "age group": "subject", "ethnicity": "subject", "focus": "subject",
    "hair length": "hair", "hair texture": "hair", "hair colour": "hair", "upper colour": "upper garment",
    "upper pattern": "upper garment", "lower colour": "lower garment", "lower pattern": "lower garment", "shoe colour": "shoes",
}  # fmt: skip
"""Keys that share a clause with another."""


def visible(key: str, view: View) -> bool:
    """Whether a picture of that view can show an attribute."""
    return _SHOWN.index(VOCABULARY[key].seen) <= _SHOWN.index(view)


def write_positive(
    attributes: Mapping[str, str], view: View, style: str = STYLE
) -> tuple[str, tuple[str, ...]]:
    """Fill the template.

    >>> write_positive({"gender": "male", "age": "17", "ethnicity": "East Asian",
    ...                 "mustache": "mustache"}, "face", style="realistic")
    ('a close-up portrait photo of a 17-year-old East Asian boy, mustache, realistic', ())

    Args:
        attributes: in the vocabulary's words, all visible in ``view``, without contradictions.
        view: how much of the person the picture shows.
        style: said of every picture.

    Returns:
        The prompt, and the keys whose clauses were left out at the end because CLIP would not
        read them.
    """
    opening = f"{OPENING[view]} of {_subject(attributes)}"
    if attributes.get("focus") == "blurry":
        opening = opening.replace(" photo ", " blurry photo ", 1)
        style = ", ".join(part for part in style.split(", ") if part != "sharp focus")
    clauses = [(key, _clause(key, attributes)) for key in _ORDER[view]]
    clauses += [("style", style), ("scene", attributes.get("scene", ""))]
    words, before = opening, ""
    for place, (_, clause) in enumerate(clauses):
        if not clause:
            continue
        longer = f"{words}, {_joined(clause, before)}"
        if count_tokens(longer) > CLIP_TOKENS:
            cut = {name for name, said in clauses[place:] if said}
            return words, tuple(k for k in attributes if _PART_OF.get(k, k) in cut)
        words, before = longer, clause
    return words, ()


def write_negative(attributes: Mapping[str, str], view: View, negative: str | None = None) -> str:
    """What must not be seen: what the attributes deny, then as much of the rest as CLIP reads.

    Args:
        attributes: in the vocabulary's words.
        view: a portrait shows no limbs, so nothing is said of them.
        negative: takes the place of the default; an empty one leaves what the attributes deny.
    """
    denied = [words for entry, words in DENIED.items() if attributes.get(entry[0]) == entry[1]]
    rest = NEGATIVE[view] if negative is None else negative
    words = ""
    for phrase in filter(None, [*denied, *rest.split(", ")]):
        if attributes.get("focus") == "blurry" and phrase == "blurry":
            continue
        longer = f"{words}, {phrase}" if words else phrase
        if count_tokens(longer) > CLIP_TOKENS:
            break
        words = longer
    return words


def count_tokens(text: str) -> int:
    """About how many tokens CLIP's tokenizer makes of a prompt, begin and end included.

    The tokenizer's vocabulary is not part of this package, so we guess on the safe side: a word
    counts one for every six letters begun; a digit and a punctuation mark count one each. Against
    the real tokenizer, 10 000 prompts of this template were counted 1 to 15 tokens too long, 8 in
    the median (open_clip 3.3 carries its vocabulary).
    """
    parts = re.findall(r"[^\W\d_]+|\d|[^\w\s]|_", text)
    return 2 + sum(-(-len(part) // 6) for part in parts)


def _joined(clause: str, before: str) -> str:
    """A clause without the 'wearing' that the one before it has said."""
    return clause.removeprefix("wearing ") if before.startswith("wearing ") else clause


def _subject(attributes: Mapping[str, str]) -> str:
    gender, age = attributes.get("gender"), attributes.get("age")
    group = age_group(int(age)) if age is not None else attributes.get("age group")
    young = group in ("child", "teenager") and (age is None or int(age) < 18)
    nouns = {"female": "girl", "male": "boy"} if young else {"female": "woman", "male": "man"}
    noun = nouns.get(gender or "", "child" if group == "child" else "person")
    words = []
    if age is not None:
        words.append(f"{age}-year-old")
    elif group in ("middle-aged", "elderly"):
        words.append(group)
    elif group == "young adult":
        words.append("young")
    elif group == "teenager":
        words.append("teenage")
    elif group == "child" and noun != "child":
        words.append("little")
    if gender == "androgynous":
        words.append("androgynous")
    if "ethnicity" in attributes:
        words.append(attributes["ethnicity"])
    return _with_article(" ".join([*words, noun]))


def _clause(key: str, attributes: Mapping[str, str]) -> str:
    if key == "hair":
        return _hair(attributes)
    if key in ("upper garment", "lower garment", "shoes"):
        return _garment(key, attributes)
    value = attributes.get(key)
    if value is None or (key, value) in DENIED:
        return value if value == "clean-shaven" else ""
    if (key, value) in _WORDS:
        return _WORDS[key, value]
    if key == "occupation":
        return f"working as {_with_article(value)}"
    return _PATTERNS.get(key, "{}").format(value)


def _hair(attributes: Mapping[str, str]) -> str:
    adjectives = [attributes.get(key, "") for key in ("hair length", "hair texture", "hair colour")]
    style = attributes.get("hair")
    if style is None and not any(adjectives):
        return ""
    words = _HAIR[style] if style is not None else "{} hair"
    # A style that already says its length or texture does not say it twice.
    new = [a for a in adjectives if a and a not in re.split(r"[\s-]", words)]
    return " ".join(words.format(" ".join(new)).split())


def _garment(key: str, attributes: Mapping[str, str]) -> str:
    noun = {"upper garment": "upper", "lower garment": "lower", "shoes": "shoe"}[key]
    garment, colour = attributes.get(key), attributes.get(f"{noun} colour")
    pattern = attributes.get(f"{noun} pattern", "plain")
    if garment == "barefoot":
        return "barefoot"
    if garment is None and colour is None and pattern == "plain":
        return ""
    plain = {"upper": "top", "lower": "trousers", "shoe": "shoes"}[noun]
    words = [colour or "", "" if pattern == "plain" else pattern, garment or plain]
    said = " ".join(filter(None, words))
    plural = said.endswith(("s", "culottes")) and not said.endswith("dress")
    return f"wearing {said if plural or said.endswith('wear') else _with_article(said)}"


def _with_article(words: str) -> str:
    """'a' or 'an' by the first letter; digits by how 8, 11 and 18 are said."""
    if words[:1].isdigit():
        number = re.match(r"\d+", words)
        spoken = number is not None and (number[0][0] == "8" or number[0] in ("11", "18"))
        return f"{'an' if spoken else 'a'} {words}"
    vowel = words[:1].lower() in "aeio" or words.lower().startswith(("under", "umb"))
    return f"{'an' if vowel else 'a'} {words}"

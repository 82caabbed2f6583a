"""Labelled people for training: drawn far wider than the avatar bank, from a family of their own.

Every label is something that can be seen: the sampler decides it first and then makes it so.
Ancestry goes with skin loosely, everything else with nothing: a model trained on these people
cannot learn who usually wears or does what.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from refsd.training.looks import LOOKS
from refsd.wardrobe.accessories import EARRINGS, GLASSES, HATS, NECKLACES
from refsd.wardrobe.avatar import Avatar, Garment, Look
from refsd.wardrobe.expressions import EMOTIONS, expression
from refsd.wardrobe.families import FAMILIES
from refsd.wardrobe.phenotypes import AGE_PHENOTYPE, AGES, ANCESTRY_SKINS, ETHNICITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from refsd.training.looks import Looks
    from refsd.wardrobe.avatar import Colour, Family

T = TypeVar("T")


@dataclass(frozen=True)
class LabelledPerson:
    """Somebody to be rendered, and what a caption may say of them.

    Attributes:
        avatar: with the expression in its shape.
        labels: attribute → value. What is not named cannot be seen or is not worn.
    """

    avatar: Avatar
    labels: Mapping[str, str]


def sample_person(rng: np.random.Generator, family: Family = "training") -> LabelledPerson:
    """Draw somebody.

    Args:
        rng: all chance.
        family: whose garments, hair and colours they have: ``training``, or ``probe`` for the
            pictures that the judge of attributes learns from.

    Raises:
        ValueError: nobody has named the looks of this family.
    """
    if family not in LOOKS:
        raise ValueError(f"no labelled looks of family {family!r}; known: {', '.join(LOOKS)}")
    lists, looks = FAMILIES[family], LOOKS[family]
    female = bool(rng.random() < 0.5)
    years = float(rng.uniform(10, 80))
    labels = {"gender": "female" if female else "male", "age": str(round(years / 10) * 10)}
    shape, ancestry = _shape(rng, female, years)
    if ancestry:
        labels["ethnicity"] = ETHNICITIES[ancestry]
    skin_name = _skin_name(rng, looks, ancestry)
    labels["skin tone"] = skin_name
    if shape["weight"] > 0.78:
        labels["build"] = "chubby"
    elif shape["weight"] < 0.3:
        labels["build"] = "slim"
    emotion = str(rng.choice(list(EMOTIONS)))
    labels["emotion"] = emotion
    shape |= expression(emotion, float(rng.uniform(0.9, 1.0)))
    if emotion == "neutral" and rng.random() < 0.2:
        shape["jawOpen"] = 0.35
        labels["mouth"] = "slightly open"
    hair = _pick(rng, lists.hair)
    labels |= looks.hair[hair]
    hair_name, hair_colour = _hair_colour(rng, looks, years)
    if labels["hair length"] != "bald":
        labels["hair colour"] = hair_name
    face, face_labels = _face(rng, female, years)
    labels |= face_labels
    worn, worn_labels = _accessories(rng, looks)
    labels |= worn_labels
    clothes, clothes_labels = _clothes(rng, family)
    labels |= clothes_labels
    look = Look(
        skin=_vary(rng, looks.skins[skin_name], 0.025),
        hair=hair,
        hair_colour=_vary(rng, hair_colour, 0.06),
        iris=_vary(rng, _pick(rng, _IRISES), 0.1),
        sole_colour=(0.85, 0.85, 0.83) if rng.random() < 0.5 else (0.12, 0.11, 0.11),
        **face,  # type: ignore[arg-type]
        **worn,  # type: ignore[arg-type]
        **clothes,  # type: ignore[arg-type]
    )
    return LabelledPerson(Avatar(family, family, shape, look, labels), labels)


def dressed_anew(rng: np.random.Generator, person: LabelledPerson) -> Avatar:
    """An avatar of another look with about the same outline: what a composite would show.

    Body, expression and clothes are other ones, so that edges of the composite tell the pose and
    nothing of the person whom the caption describes.
    """
    other = sample_person(rng, person.avatar.family).avatar
    neutral = {name: value for name, value in other.shape.items() if name in _PHENOTYPES}
    return Avatar(other.name, other.family, neutral, other.look, {})


_ASPECTS: tuple[tuple[str, ...], ...] = (
    ("skin",), ("hair", "hair_colour"), ("stubble", "beard"), ("iris", "lips", "makeup"),
    ("upper",), ("lower",), ("shoe", "shoe_colour", "sole_colour"), ("bag", "bag_colour"),
    ("hat", "hat_colour"), ("glasses", "earrings", "necklace", "metal"),
)  # fmt: skip
"""Fields of a look that are somebody's own together, or another's together."""


def dressed_alike(rng: np.random.Generator, person: LabelledPerson) -> Avatar:
    """An avatar of which some is as the caption says and some is not.

    What a composite shows where the avatar was made for the prompt: everything, or nothing, or any
    share of it is the person's own; so that a denoiser learns to keep what agrees with the words.
    """
    other = dressed_anew(rng, person)
    share = rng.random()
    look = other.look
    for fields in _ASPECTS:
        if rng.random() < share:
            look = replace(look, **{name: getattr(person.avatar.look, name) for name in fields})
    shape = person.avatar.shape if rng.random() < share else other.shape
    return Avatar(other.name, other.family, shape, look, {})


_IRISES: tuple[Colour, ...] = (
    (0.20, 0.12, 0.07), (0.28, 0.18, 0.10), (0.30, 0.36, 0.24), (0.30, 0.42, 0.52),
)  # fmt: skip

_PHENOTYPES = frozenset(
    {"gender", "age", "muscle", "weight", "height", "proportions", "african", "asian", "caucasian"}
)


def _shape(
    rng: np.random.Generator, female: bool, years: float
) -> tuple[dict[str, float], str | None]:
    """Phenotypes, and the ancestry where one is clearly seen."""
    ancestry: str | None = str(rng.choice(list(ETHNICITIES)))
    if rng.random() < 0.2:
        ancestry = None
        mixture = rng.dirichlet([1.5, 1.5, 1.5])
    else:
        rest = rng.uniform(0, 0.08, 2)
        others = iter(rest)
        mixture = np.array(
            [1 - rest.sum() if name == ancestry else next(others) for name in ETHNICITIES]
        )
    shape = {
        "gender": float(np.clip(rng.normal(0.97 if female else 0.03, 0.03), 0, 1)),
        "age": float(np.interp(years, AGES, AGE_PHENOTYPE)),
        "muscle": float(np.clip(rng.normal(0.48 if female else 0.56, 0.15), 0.1, 0.95)),
        "weight": float(np.clip(rng.normal(0.52, 0.2), 0.1, 1.0)),
        "height": float(np.clip(rng.normal(0.5, 0.15), 0.1, 0.9)),
        "proportions": float(np.clip(rng.normal(0.3, 0.2), 0, 0.9)),
    }
    return shape | dict(
        zip(ETHNICITIES, (float(share) for share in mixture), strict=True)
    ), ancestry


def _skin_name(rng: np.random.Generator, looks: Looks, ancestry: str | None) -> str:
    if ancestry is None or rng.random() < 0.3:
        return _pick(rng, list(looks.skins))
    return _pick(rng, ANCESTRY_SKINS[ancestry])


def _hair_colour(rng: np.random.Generator, looks: Looks, years: float) -> tuple[str, Colour]:
    names = list(looks.hair_colours)
    grey = float(np.interp(years, [40, 75], [0.08, 0.7]))
    chances = np.array([0.5 * grey if n in ("grey", "white") else (1 - grey) / 4 for n in names])
    name = names[int(rng.choice(len(names), p=chances / chances.sum()))]
    return name, looks.hair_colours[name]


def _face(
    rng: np.random.Generator, female: bool, years: float
) -> tuple[dict[str, object], dict[str, str]]:
    """Lips, make-up, beards."""
    labels: dict[str, str] = {}
    beard, stubble = "", 0.0
    if not female and years >= 18:
        beard = str(rng.choice(["", "", "mustache", "goatee", "full beard", "stubble"]))
        labels["facial hair"] = beard or "no beard"
        # Whoever shaves keeps a shadow.
        stubble = float(rng.uniform(0.05, 0.16))
        if beard == "stubble":
            beard, stubble = "", 0.6
    makeup = float(rng.uniform(0.7, 1.0)) if years >= 15 and rng.random() < 0.15 else 0.0
    if makeup:
        labels["make-up"] = "heavy"
    # Women's faces have more contrast between skin and features than men's, and finer brows, in
    # every population that was measured (Russell 2009, Perception 38:1211).
    lips = float(rng.uniform(0.55, 0.95) if female else rng.uniform(0.0, 0.35))
    return {"lips": lips, "stubble": stubble, "beard": beard, "makeup": makeup}, labels


def _accessories(
    rng: np.random.Generator, looks: Looks
) -> tuple[dict[str, object], dict[str, str]]:
    worn: dict[str, object] = {}
    labels: dict[str, str] = {}
    if rng.random() < 0.22:
        worn["hat"] = labels["headwear"] = _pick(rng, HATS)
        labels["headwear colour"], worn["hat_colour"] = _colour(rng, looks)
    if rng.random() < 0.22:
        worn["glasses"] = labels["eyewear"] = _pick(rng, GLASSES)
    if rng.random() < 0.15:
        worn["earrings"] = _pick(rng, EARRINGS)
        labels["earrings"] = "yes"
    if rng.random() < 0.15:
        worn["necklace"] = _pick(rng, NECKLACES)
        labels["necklace"] = "yes"
    worn["metal"] = _pick(rng, ((0.83, 0.68, 0.35), (0.75, 0.76, 0.78), (0.12, 0.12, 0.13)))
    return worn, labels


def _clothes(rng: np.random.Generator, family: Family) -> tuple[dict[str, object], dict[str, str]]:
    lists, looks = FAMILIES[family], LOOKS[family]
    upper_colour, upper = _garment(rng, looks, list(lists.uppers), lists.upper_patterns)
    lower_colour, lower = _garment(rng, looks, list(lists.lowers), lists.lower_patterns)
    shoe = _pick(rng, list(lists.shoes))
    shoe_name, shoe_colour = _colour(rng, looks)
    labels = {
        "upper garment": lists.uppers[upper.cut].caption,
        "upper colour": upper_colour,
        "upper pattern": looks.patterns[upper.pattern],
        "lower garment": lists.lowers[lower.cut].caption,
        "lower colour": lower_colour,
        "shoes": lists.shoes[shoe].caption,
        "shoe colour": shoe_name,
    }
    if labels["upper garment"] == "dress":
        # What is worn under a dress is bare legs, or ends under it.
        short = min((c for c in lists.lowers if not lists.lowers[c].skirt),
                    key=lambda cut: lists.lowers[cut].hem)  # fmt: skip
        lower = Garment(short, lists.lower_patterns[0], lower.colour, lower.second, 0.5, 0.5, -0.03)
        del labels["lower garment"], labels["lower colour"]
    bag = "backpack" if rng.random() < 0.12 else ""
    if bag:
        labels["bag"] = bag
    worn: dict[str, object] = {
        "upper": upper, "lower": lower, "shoe": shoe, "shoe_colour": shoe_colour, "bag": bag,
        "bag_colour": _colour(rng, looks)[1],
    }  # fmt: skip
    return worn, labels


def _garment(
    rng: np.random.Generator, looks: Looks, cuts: Sequence[str], patterns: Sequence[str]
) -> tuple[str, Garment]:
    first, second = rng.choice(len(looks.colours), 2, replace=False)
    names, values = list(looks.colours), list(looks.colours.values())
    # Plain cloth as often as all patterns together.
    pattern = patterns[0] if rng.random() < 0.5 else _pick(rng, patterns)
    garment = Garment(
        cut=_pick(rng, cuts),
        pattern=pattern,
        colour=_vary(rng, values[first], 0.10),
        second=_vary(rng, values[second], 0.10),
        scale=float(rng.random()),
        shift=float(rng.random()),
        trim=float(rng.uniform(-0.03, 0.03)),
    )
    return names[first], garment


def _colour(rng: np.random.Generator, looks: Looks) -> tuple[str, Colour]:
    name = _pick(rng, list(looks.colours))
    return name, _vary(rng, looks.colours[name], 0.10)


def _pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _vary(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    """A colour of the same name: brighter or darker, and a little of another hue."""
    values = np.asarray(colour) * (1 + rng.normal(0, spread)) + rng.normal(0, spread / 6, 3)
    red, green, blue = np.clip(values, 0.02, 0.97)
    return float(red), float(green), float(blue)

"""Made-up lines for the tests of ϕ: pictures that show what they are told to, and a judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attribute_fidelity.answers import Verdicts
from humangenai.attribute_fidelity.judges import Ceiling
from humangenai.attribute_fidelity.lines import Generated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Said
    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.attribute_fidelity.suites import Pair, Suite

VALUES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age group": ("child", "young adult", "middle-aged", "elderly"),
    "ethnicity": ("Black", "East Asian", "White"),
    "emotion": ("neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted"),
    "skin tone": ("light", "medium", "brown", "black"),
    "hair colour": ("black", "brown", "blond", "red", "grey", "white"),
    "headwear": ("none", "worn"),
    "glasses": ("none", "eyeglasses", "sunglasses"),
    "facial hair": ("none", "stubble", "mustache", "goatee", "full beard"),
}
"""What the made-up judge tells apart."""

CEILING = Ceiling(0.9, 0.85, 0.94, 0.25, 400, "renders (made up)")


def pictures(
    suite: Suite,
    *,
    people: int = 6,
    draws: int = 2,
    crop: Crop = "head",
    original: Callable[[int], Mapping[str, str]] = lambda _: {},
) -> list[Generated]:
    """All of a suite's prompts or pairs, each over the same people and seeds; all replaced."""
    made: list[Generated] = []
    for entry in suite.entries():
        for side, attributes in _sides(entry):
            for person in range(people):
                for draw in range(draws):
                    name = f"{suite.suite} {entry.name} {side} {person} {draw}"
                    made.append(
                        Generated(
                            suite=suite.suite,
                            suite_version=suite.version,
                            prompt=entry.name,
                            side=side,
                            subject=getattr(entry, "subject", ""),
                            group=entry.group,
                            attributes=attributes,
                            source=f"query/{person}",
                            person=0,
                            draw=draw,
                            crop=crop,
                            status="replaced",
                            original=dict(original(person)),
                            picture=f"private/phi/pictures/{len(made)}.png",
                            sha256=hashlib.sha256(name.encode()).hexdigest(),
                        )
                    )
    return made


def _sides(entry: object) -> list[tuple[str, dict[str, str]]]:
    pair: Pair = entry  # type: ignore[assignment]
    if hasattr(entry, "before"):
        return [("before", {pair.key: pair.before}), ("after", {pair.key: pair.after})]
    return [("", dict(entry.attributes))]  # type: ignore[attr-defined]


def verdicts(
    lines: Sequence[Generated],
    say: Callable[[Generated], Mapping[str, Mapping[str, float]]],
    *,
    judge: str = "probe",
    values: Mapping[str, tuple[str, ...]] | None = None,
    ceilings: Mapping[str, Ceiling] | None = None,
) -> Verdicts:
    """A judge that says of every replaced picture what ``say`` returns."""
    told = values or VALUES
    said: dict[tuple[str, Crop], Said] = {
        (line.sha256, line.crop): {key: dict(found) for key, found in say(line).items()}
        for line in lines
        if line.sha256 is not None
    }
    known = dict.fromkeys(told, CEILING) | dict(ceilings or {})
    return Verdicts(
        judge=judge,
        version="1",
        values={"head": told, "body": told},
        ceilings={"head": known, "body": known},
        said=said,
        labelled={},
    )


def sure_of(values: Sequence[str], shown: str, sureness: float = 0.9) -> dict[str, float]:
    """Probabilities with one likeliest value; the others share the rest."""
    rest = (1 - sureness) / (len(values) - 1)
    return {value: sureness if value == shown else rest for value in values}


def perfect(line: Generated) -> dict[str, dict[str, float]]:
    """What a judge that errs in nothing says of pictures that show all that was asked."""
    from humangenai.attribute_fidelity.judges.mapping import locate

    rng = np.random.default_rng(int((line.sha256 or "0")[:8], 16))
    shown = {key: str(rng.choice(values)) for key, values in VALUES.items()}
    for key, value in line.attributes.items():
        place = locate(VALUES, key, value)
        if place is not None:
            shown[place[0]] = place[1]
    return {key: sure_of(VALUES[key], value) for key, value in shown.items()}


def guesses(seed: int = 0) -> Callable[[Generated], dict[str, dict[str, float]]]:
    """A judge that never looks: random probabilities, the same for the same picture."""

    def say(line: Generated) -> dict[str, dict[str, float]]:
        rng = np.random.default_rng([seed, int((line.sha256 or "0")[:8], 16)])
        return {
            key: dict(zip(values, rng.dirichlet(np.ones(len(values))), strict=True))
            for key, values in VALUES.items()
        }

    return say

"""Made-up lines for the tests of ϕ: pictures that show what they are told to, and a judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from humangenai.attribute_fidelity.answers import Verdicts
from humangenai.attribute_fidelity.judges import Ceiling
from humangenai.attribute_fidelity.judges.human import Rating
from humangenai.attribute_fidelity.lines import Generated, Judged
from humangenai.attribute_fidelity.suites import SUITES, load_suite
from humangenai.attribute_fidelity.summary import missing_judge, suite_record, summarise
from humangenai.records import CeilingRecord, JudgeRecord
from humangenai.store import slug

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from humangenai.attribute_fidelity.answers import Said
    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.attribute_fidelity.suites import Pair, Suite, SuiteName
    from humangenai.records import Record, RunRecord

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


def phi_run(folder: Path, record: RunRecord, method: str) -> RunRecord:
    """A run in which one method was measured: made-up lines and pictures, and the record.

    ``probe`` sees hair, faces and hats well and confuses emotions; ``clip`` is missing; people have
    rated ϕ_B's emotions; prompts with words that the judge lacks are out of scope.
    """
    from humangenai.attribute_fidelity.judges.mapping import judgeable

    lines: list[Generated] = []
    covered: dict[SuiteName, list[str]] = {}
    for name in SUITES:
        suite = load_suite(name)
        entries = [entry for entry in suite.entries() if judgeable(VALUES, entry)]
        covered[name] = [entry.name for entry in entries]
        kept = {"pairs": tuple(entries)} if suite.pairs else {"prompts": tuple(entries)}
        crop: Crop = "body" if name == "phi_D" else "head"
        lines += pictures(
            suite.model_copy(update=kept), people=4, draws=2, crop=crop, original=_original
        )
    lines = [_stored(folder, method, line, at) for at, line in enumerate(lines)]
    judge = verdicts(lines, _confuses_emotions)
    twin = verdicts(lines, guesses(), judge="face", ceilings={"gender": BLIND})
    ratings = [
        Rating(line.sha256, line.crop, key, value, (4, 5, 3) if value == "happy" else (2, 3))
        for line in lines
        for key, value in line.attributes.items()
        if line.suite == "phi_B" and line.group == "emotion" and line.sha256 is not None
    ]
    phi = folder / "private" / "phi"
    _write(phi / "items" / f"{slug(method)}.jsonl", lines)
    for one in (judge, twin):
        said = [
            Judged(
                judge=one.judge, judge_version=one.version, sha256=sha256, crop=crop, said=found
            )
            for (sha256, crop), found in one.said.items()
        ]  # fmt: skip
        _write(phi / "judged" / f"{slug(method)}-{one.judge}.jsonl", said)
    result = summarise(
        lines, [judge, twin, Verdicts.missing("clip")], covered, ratings, "0123456789abcdef"
    )
    judges = (
        *(_judge_record(one) for one in (judge, twin)),
        missing_judge("clip", "no weights are named; give clip:FOLDER"),
    )
    methods = tuple(
        one.model_copy(update={"phi": result}) if one.name == method else one
        for one in record.methods
    )
    suites = tuple(suite_record(name) for name in SUITES)
    return record.model_copy(update={"methods": methods, "judges": judges, "suites": suites})


BLIND = Ceiling(0.52, 0.45, 0.58, 0.5, 256, "renders (made up)")


def _original(person: int) -> dict[str, str]:
    return {
        "gender": ("female", "male")[person % 2],
        "ethnicity": ("Black", "White")[person // 2 % 2],
        "age group": ("young adult", "elderly")[person % 2],
    }


def _stored(folder: Path, method: str, line: Generated, at: int) -> Generated:
    """A picture of one colour per prompt; every ninth person was masked instead."""
    if at % 9 == 0:
        return line.model_copy(update={"status": "masked", "picture": None, "sha256": None})
    name = f"private/phi/pictures/{slug(method)}/{at}.png"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = hashlib.sha256(line.prompt.encode()).digest()[:3]
    size = (64, 64) if line.crop == "head" else (32, 64)
    Image.new("RGB", size, tuple(colour)).save(path)
    return line.model_copy(update={"picture": name})


def _confuses_emotions(line: Generated) -> dict[str, dict[str, float]]:
    said = perfect(line)
    seed = int((line.sha256 or "0")[:8], 16)
    if seed % 5 < 3:
        said["emotion"] = guesses()(line)["emotion"]
    if seed % 10 == 0:
        said["hair colour"] = sure_of(VALUES["hair colour"], "brown", 0.6)
    return said


def _judge_record(judge: Verdicts) -> JudgeRecord:
    return JudgeRecord(
        name=judge.judge,
        version=judge.version,
        licence="none, it is made up",
        ceilings=tuple(
            CeilingRecord(
                crop=crop,
                attribute=key,
                value=(one.value, one.low, one.high),
                chance=one.chance,
                n=one.n,
                measured_on=one.measured_on,
            )
            for crop, found in judge.ceilings.items()
            for key, one in found.items()
        ),
    )


def _write(path: Path, lines: Iterable[Record]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line.model_dump_json() + "\n" for line in lines), encoding="utf-8")

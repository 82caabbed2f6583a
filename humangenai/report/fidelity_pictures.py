"""A picture per attribute: what was asked for, what came out, and what judges say of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.answers import likeliest, spoken
from humangenai.attribute_fidelity.judges.mapping import locate
from humangenai.attribute_fidelity.lines import Generated, Judged
from humangenai.attribute_fidelity.suites import load_suite
from humangenai.report.fidelity import SUITES, blind_spots, measured
from humangenai.report.pictures import embed
from humangenai.store import read_lines, slug

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from humangenai.attribute_fidelity.answers import Said
    from humangenai.records import RunRecord
    from humangenai.report.pictures import Picture

LONGEST = 192
"""Longest side of these pictures, in pixels: there are a hundred and more of them."""


@dataclass(frozen=True)
class Gallery:
    """One suite under one method: a picture of every prompt that was asked.

    Attributes:
        title: method and suite.
        shown: True where the page shows it at once: the single attributes.
        groups: group → its pictures.
    """

    title: str
    shown: bool
    groups: Mapping[str, tuple[Picture, ...]]


def galleries(run_folder: Path, record: RunRecord) -> list[Gallery]:
    """Every suite of every method, as far as there are pictures.

    All prompts are shown on the same source person and seed where that picture was made, so that
    nothing but the prompt differs.

    Args:
        run_folder: of the run.
        record: the run.
    """
    phi = run_folder / "private" / "phi"
    blind = blind_spots(record)
    made = []
    for method in (method.name for method, _ in measured(record)):
        lines = _latest(phi / "items" / f"{slug(method)}.jsonl")
        shown = [line for line in lines if line.picture and (run_folder / line.picture).is_file()]
        said = _said(phi / "judged", method, blind)
        for suite, title in SUITES.items():
            of_suite = [line for line in shown if line.suite == suite]
            if of_suite:
                groups = _groups(run_folder, method, of_suite, said)
                made.append(Gallery(f"{method}: {title}", suite == "phi_B", groups))
    return made


def _latest(path: Path) -> list[Generated]:
    """The lines of a file, the last one of every picture."""
    found = map(Generated.model_validate_json, read_lines(path))
    return list(
        {(line.suite, line.prompt, line.side, *_place(line)): line for line in found}.values()
    )


def _said(
    folder: Path, method: str, blind: Collection[tuple[str, str, str]]
) -> Mapping[str, Mapping[str, Said]]:
    """Judge → sha256 of a picture → what it says, without what it is known not to see."""
    found: dict[str, dict[str, Said]] = defaultdict(dict)
    for path in sorted(folder.glob(f"{slug(method)}-*.jsonl")):
        for line in map(Judged.model_validate_json, read_lines(path)):
            found[line.judge][line.sha256] = {
                attribute: probabilities
                for attribute, probabilities in line.said.items()
                if (line.judge, line.crop, attribute) not in blind
            }
    return found


def _groups(
    run_folder: Path,
    method: str,
    lines: Sequence[Generated],
    said: Mapping[str, Mapping[str, Said]],
) -> dict[str, tuple[Picture, ...]]:
    commonest = Counter(_place(line) for line in lines).most_common(1)[0][0]
    chosen: dict[tuple[str, str], Generated] = {}
    for line in lines:
        entry = line.prompt, line.side
        if entry not in chosen or (
            _place(line) == commonest and _place(chosen[entry]) != commonest
        ):
            chosen[entry] = line
    groups: dict[str, list[Picture]] = defaultdict(list)
    for line in sorted(chosen.values(), key=_in_order):
        alt = f"{method}, {line.suite}: {_name(line)}"
        caption = f"{_name(line)}: {_verdicts(line, said)}"
        path = run_folder / (line.picture or "")
        groups[line.group].append(embed(path, alt, caption, LONGEST))
    return {group: tuple(pictures) for group, pictures in groups.items()}


def _in_order(line: Generated) -> tuple[int, bool]:
    """Where a prompt stands on its list; before comes before after."""
    names = [entry.name for entry in load_suite(line.suite).entries()]
    at = names.index(line.prompt) if line.prompt in names else len(names)
    return at, line.side == "after"


def _place(line: Generated) -> tuple[str, int, int]:
    return line.source, line.person, line.draw


def _name(line: Generated) -> str:
    if not line.side:
        return line.prompt
    (value,) = line.attributes.values()
    return f"{value} ({line.side} of {line.prompt})"


def _verdicts(line: Generated, said: Mapping[str, Mapping[str, Said]]) -> str:
    """What the judges say, in a few words; nothing of what they cannot judge."""
    found = []
    for judge, by_picture in said.items():
        answers = by_picture.get(line.sha256 or "", {})
        words = [_verdict(answers, key, value) for key, value in line.attributes.items()]
        known = [word for word in words if word is not None]
        if not known:
            found.append(f"{judge} cannot tell")
        elif len(line.attributes) == 1:
            found.append(f"{judge} {known[0]}")
        else:
            found.append(f"{judge} {sum(word == 'yes' for word in known)} of {len(known)}")
    return "; ".join(found) or "nobody judged it"


def _verdict(answers: Said, key: str, value: str) -> str | None:
    place = locate(answers, key, value)
    if place is None or not (probabilities := spoken(answers, place[0])):
        return None
    first = likeliest(probabilities)
    return "yes" if place[1] in first else f"no, {next(iter(first))}"

"""``python -m refsd.prompts examples | vocabulary | conflicts``: the tables of docs/prompts.md."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from refsd.prompts.conflicts import CLASHES
from refsd.prompts.making import PromptConfig, avatar_attributes, make_prompt
from refsd.prompts.vocabulary import VOCABULARY
from refsd.wardrobe.bank import bank_avatar

if TYPE_CHECKING:
    from refsd.prompts.prompt import View

_SHOWN = {"face": "any", "half": "from the hips up", "full": "full length"}

_EXAMPLES: tuple[tuple[str, View, dict[str, str]], ...] = (
    ("random", "full", {}),
    ("random", "half", {}),
    ("random", "face", {}),
    ("preserve", "full", {"gender": "female", "age": "34", "hair": "bald", "hair colour": "black"}),
    ("suite", "face", {"emotion": "surprised"}),
    (
        "suite",
        "face",
        {"gender": "male", "age": "17", "ethnicity": "East Asian", "mustache": "mustache"},
    ),
    ("suite", "full", {"gender": "male", "occupation": "footballer", "scene": "in a park"}),
)


def examples() -> list[str]:
    """Prompts of every mode and view."""
    rows = ["| mode | view | asked | prompt |", "|---|---|---|---|"]
    for number, (mode, view, asked) in enumerate(_EXAMPLES):
        prompt = make_prompt(
            PromptConfig.model_validate({"mode": mode}),
            asked,
            avatar_attributes(bank_avatar(number)),
            seed=1,
            index=number,
            view=view,
        )
        said = "; ".join(f"{key}: {value}" for key, value in asked.items()) or "–"
        lost = "".join(f"; left out: {line}" for line in prompt.dropped)
        rows.append(f"| {mode} | {view} | {said}{lost} | {prompt.positive} |")
    return rows


def vocabulary() -> list[str]:
    """Every attribute with its group, the views that show it, and its values."""
    rows = ["| attribute | group | seen | values |", "|---|---|---|---|"]
    for key, attribute in VOCABULARY.items():
        values = ", ".join(attribute.values) or "whole years, 0 to 110"
        more = ", or other words" if attribute.free else ""
        rows.append(f"| {key} | {attribute.group} | {_SHOWN[attribute.seen]} | {values}{more} |")
    return rows


def conflicts() -> list[str]:
    """Every rule: what stays, what goes, why."""
    rows = ["| stays | goes | because |", "|---|---|---|"]
    for clash in CLASHES:
        stays = f"{clash.stays}: {', '.join(sorted(clash.values)) or 'any'}"
        goes = f"{clash.goes}: {', '.join(sorted(clash.others)) or 'any'}"
        spared = f" but {', '.join(sorted(clash.spared))}" if clash.spared else ""
        rows.append(f"| {stays} | {goes}{spared} | {clash.why} |")
    return rows


TABLES = {"examples": examples, "vocabulary": vocabulary, "conflicts": conflicts}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m refsd.prompts", description=__doc__)
    parser.add_argument("table", choices=TABLES)
    sys.stdout.write("\n".join(TABLES[parser.parse_args().table]()) + "\n")


if __name__ == "__main__":
    main()

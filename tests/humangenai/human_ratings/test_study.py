"""Study files: what is read, and that mistakes are one line that names the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from humangenai.config import config_dir
from humangenai.errors import UserError
from humangenai.human_ratings.questions import (
    attribute_question,
    preference_question,
    questions,
)
from humangenai.human_ratings.study import load_study

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = "name: a\ntitle: A\nruns: [{run: r}]\ntrack: body\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_the_example_can_be_read() -> None:
    config = load_study(config_dir() / "studies" / "example.yaml")
    assert config.name == "example"
    assert config.consent


def test_runs_are_relative_to_the_file(tmp_path: Path) -> None:
    assert load_study(write(tmp_path, PLAIN)).runs[0].run == tmp_path / "r"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN + "ratters_per_item: 3\n", "unknown key 'ratters_per_item'.*'raters_per_item'"),
        (PLAIN + "gold: {share: 0.9}\n", r"gold\.share"),
        (PLAIN + "gold: {shaer: 0.1}\n", "unknown key 'gold.shaer'; did you mean 'share'"),
        (PLAIN + "questions: [psi_D]\n", "questions"),
        (PLAIN + "questions: [psi_A, psi_A]\n", "named twice"),
        (PLAIN + "questions: []\n", "questions"),
        (PLAIN.replace("name: a", "name: ../a"), "name"),
        (PLAIN.replace("track: body", "track: hands"), "track"),
        (PLAIN.replace("runs: [{run: r}]", "runs: []"), "runs"),
        ("name: a\n", "is missing"),
        (
            PLAIN
            + "attention_checks: {share: 0.1, items: [{method: m, item: i, answers: {psi_A: 1}}]}",
            "list them under gold",
        ),
    ],
)
def test_mistakes_name_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_study(write(tmp_path, text))
    assert "study.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("track", ["face", "body"])
def test_every_scale_has_five_worded_answers(track: str) -> None:
    asked = [q for symbol in ("psi_A", "psi_B", "psi_C") for q in questions(track, symbol)]
    asked.append(attribute_question("wavy hair"))
    for question in asked:
        assert question.kind == "likert"
        assert list(question.values) == [1, 2, 3, 4, 5]
        assert len(set(question.anchors)) == 5
    assert len({question.id for question in asked}) == len(asked)
    assert list(preference_question(track).values) == [1, 2, 3]


def test_tracks_are_worded_differently() -> None:
    assert questions("face", "psi_B") != questions("body", "psi_B")
    with pytest.raises(ValueError, match="attribute"):
        questions("face", "phi")

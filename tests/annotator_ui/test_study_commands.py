"""``humangenai study``: from a run to exported answers, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from sample_study import make_sample_study

from annotator_ui.desk import Desk

PLUGINS = str(Path(__file__).parents[1] / "humangenai" / "plugins")

DATASET = "dataset: tinycrowd\noptions: {people: 3, splits: false}\n"
STUDY = """
name: demo
title: A demonstration
runs: [{run: run}]
track: body
items_per_method: 2
raters_per_item: 1
"""


def humangenai(folder: Path, *arguments: str, code: int = 0) -> str:
    """Give a command; its standard output (or error, where it must fail)."""
    paths = os.pathsep.join(filter(None, [PLUGINS, os.environ.get("PYTHONPATH")]))
    environment = {key: value for key, value in os.environ.items() if key != "HUMANGENAI_DATABASE"}
    done = subprocess.run(
        [sys.executable, "-m", "humangenai", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def test_from_a_run_to_the_answers(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text(DATASET)
    (tmp_path / "study.yaml").write_text(STUDY)
    run = ("-m", "maskout", "-m", "pixelate", "-d", "data.yaml", "--track", "none", "-o", "run")
    humangenai(tmp_path, "eval", *run)
    made = humangenai(tmp_path, "study", "create", "study.yaml")
    assert "MaskOut: 6 items" in made
    assert "Pixelate: 6 items" in made
    link = humangenai(tmp_path, "study", "link", "demo", "-a", "ada", "--address", "https://x.org/")
    (token,) = parse_qs(urlparse(link.strip()).query)["token"]
    assert "ada" not in link

    desk = Desk(f"sqlite:///{tmp_path}/studies/demo/study.db", "demo")
    ada = desk.sign_in(token)
    assert ada.name == "ada"
    desk.consent(ada.id)
    desk.finish_training(ada.id)
    while (item := desk.next_item(ada.id)) is not None:
        for question in item.questions:
            desk.answer(ada.id, item.id, question.id, 4, 3.0)

    lines = humangenai(tmp_path, "study", "status", "demo").splitlines()
    assert ["MaskOut", "6", "6", "6"] in [line.split() for line in lines]
    shown = humangenai(tmp_path, "study", "agreement", "demo")
    assert "4.00 ± 0.00" in shown
    humangenai(tmp_path, "study", "export", "demo", "--out", "answers")
    rows = json.loads((tmp_path / "answers" / "answers.json").read_text())["answers"]
    assert {row["value"] for row in rows} == {4.0}
    humangenai(tmp_path, "study", "close", "demo")
    assert desk.about().state == "closed"
    again = humangenai(tmp_path, "study", "create", "study.yaml", code=2)
    assert again == ("error: the database has a study 'demo' already; give it another name\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "nope"),
        ("link", "nope", "-a", "ada"),
        ("create", "nope.yaml"),
        ("status", "nope", "--database", "oracle://x"),
        ("status", "nope", "--database", "sqlite:///nope.db"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    error = humangenai(tmp_path, "study", *arguments, code=2)
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("*.db"))  # looking makes no database


def test_a_link_for_someone_known_keeps_role_and_id(tmp_path: Path) -> None:
    url, name = make_sample_study(tmp_path)
    desk = Desk(url, name)
    known = desk.add_annotator("ada")
    link = humangenai(tmp_path, "study", "link", name, "-a", "ada", "--database", url)
    (token,) = parse_qs(urlparse(link.strip()).query)["token"]
    assert desk.sign_in(token).id == known
    error = humangenai(
        tmp_path, "study", "link", name, "-a", "ada", "--admin", "--database", url, code=2
    )
    assert "'ada' is annotator" in error

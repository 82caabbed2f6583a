"""``humangenai study``: from a run to exported answers, as a user types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

import pytest
from sample_study import admin, make_sample_study

from annotator_ui.desk import Desk
from annotator_ui.study import open_study
from humangenai.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@pytest.fixture
def humangenai(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """Gives a command in a folder of its own: standard output, or error where it must fail."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(PLUGINS)
    monkeypatch.delenv("HUMANGENAI_DATABASE", raising=False)

    def command(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["humangenai", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said
        return said.err if code else said.out

    yield command
    sys.modules.pop("tinycrowd", None)


def test_from_a_run_to_the_answers(tmp_path: Path, humangenai: Callable[..., str]) -> None:
    (tmp_path / "data.yaml").write_text(DATASET)
    (tmp_path / "study.yaml").write_text(STUDY)
    run = ("-m", "maskout", "-m", "pixelate", "-d", "data.yaml", "--track", "none", "-o", "run")
    humangenai("eval", *run)
    made = humangenai("study", "create", "study.yaml")
    assert "MaskOut: 6 items" in made
    assert "Pixelate: 6 items" in made
    link = humangenai("study", "link", "demo", "-a", "ada", "--address", "https://x.org/")
    (token,) = parse_qs(urlparse(link.strip()).query)["token"]
    assert "ada" not in link

    desk = Desk(open_study(f"sqlite:///{tmp_path}/studies/demo/study.db", "demo"))
    ada = desk.sign_in(token)
    assert ada.name == "ada"
    desk.consent(ada.id)
    desk.finish_training(ada.id)
    while (item := desk.next_item(ada.id)) is not None:
        for question in item.questions:
            desk.answer(ada.id, item.id, question.id, 4, 3.0)

    lines = humangenai("study", "status", "demo").splitlines()
    assert ["MaskOut", "6", "6", "6"] in [line.split() for line in lines]
    shown = humangenai("study", "agreement", "demo")
    assert "4.0 ± 0.0" in shown
    humangenai("study", "export", "demo", "--out", "answers")
    rows = json.loads((tmp_path / "answers" / "answers.json").read_text())["answers"]
    assert {row["value"] for row in rows} == {4.0}
    humangenai("study", "close", "demo")
    assert desk.about().state == "closed"
    again = humangenai("study", "create", "study.yaml", code=2)
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
def test_mistakes_are_one_line(
    tmp_path: Path, humangenai: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    error = humangenai("study", *arguments, code=2)
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "Traceback" not in error
    assert not list(tmp_path.rglob("*.db"))  # looking makes no database


def test_a_link_for_someone_known_keeps_role_and_id(
    tmp_path: Path, humangenai: Callable[..., str]
) -> None:
    url, name = make_sample_study(tmp_path)
    desk = Desk(open_study(url, name))
    known = admin(desk).add_annotator("ada")
    link = humangenai("study", "link", name, "-a", "ada", "--database", url)
    (token,) = parse_qs(urlparse(link.strip()).query)["token"]
    assert desk.sign_in(token).id == known
    error = humangenai("study", "link", name, "-a", "ada", "--admin", "--database", url, code=2)
    assert "'ada' is annotator" in error

"""``humangenai study simulate`` and ``record``: what people say gets into records, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sample_study import admin

from annotator_ui.desk import Desk
from annotator_ui.study import open_study
from humangenai.cli import main
from humangenai.records import RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLUGINS = str(Path(__file__).parents[1] / "humangenai" / "plugins")
STUDY = """
name: demo
title: A demonstration
runs: [{run: run}]
track: body
items_per_method: 3
raters_per_item: 2
"""


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., str]]:
    """Gives a command where a run and a study of it are: its output, or its error with a code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(PLUGINS)
    monkeypatch.setenv("HUMANGENAI_DATABASE", f"sqlite:///{tmp_path}/study.db")

    def humangenai(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["humangenai", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code or 0) == code, said
        return said.err if code else said.out

    (tmp_path / "data.yaml").write_text("dataset: tinycrowd\noptions: {people: 3, splits: false}\n")
    (tmp_path / "study.yaml").write_text(STUDY)
    run = ("-m", "maskout", "-m", "pixelate", "-d", "data.yaml", "--track", "none", "-o", "run")
    humangenai("eval", *run)
    humangenai("study", "create", "study.yaml")
    yield humangenai
    sys.modules.pop("tinycrowd", None)


def record(folder: Path) -> RunRecord:
    return RunRecord.model_validate_json((folder / "run/release/record.json").read_text())


def test_what_people_say_goes_into_the_record(tmp_path: Path, command: Callable[..., str]) -> None:
    desk = Desk(open_study(f"sqlite:///{tmp_path}/study.db", "demo"))
    for name, value in (("ada", 4), ("ben", 5)):
        annotator = admin(desk).add_annotator(name)
        desk.consent(annotator)
        desk.finish_training(annotator)
        while (item := desk.next_item(annotator)) is not None:
            for question in item.questions:
                desk.answer(annotator, item.id, question.id, value, 3.0)
    assert "first: humangenai study close demo" in command("study", "record", "demo", code=2)
    command("study", "close", "demo")
    assert "scores recorded" in command("study", "record", "demo")

    (study,) = record(tmp_path).studies
    assert (study.name, study.annotators, study.simulated) == ("demo", 2, False)
    for method in record(tmp_path).methods:
        assert [score.symbol for score in method.ratings] == ["psi_A", "psi_B", "psi_C"]
        assert all(score.everyone.mean[0] == pytest.approx(4.5) for score in method.ratings)
    command("leaderboard", "build", "run", "--out", "board")
    assert "4.5 ± 0.5" in (tmp_path / "board" / "leaderboard.md").read_text(encoding="utf-8")
    assert "no finished run" in command("study", "record", "demo", "--run", "nowhere", code=2)


def test_simulated_answers_are_shown_as_such_and_refused(
    tmp_path: Path, command: Callable[..., str]
) -> None:
    people = ("--careful", "2", "--lazy", "0", "--straight", "0", "--random", "0")
    said = command("study", "simulate", "demo", *people)
    assert "2 simulated annotators: 2 careful, 0 lazy" in said
    assert "MaskOut 2.875, Pixelate 3.125" in said
    assert "SIMULATED" in command("study", "agreement", "demo")
    command("study", "close", "demo")
    error = command("study", "record", "demo", code=2)
    assert error.startswith("error: study 'demo': programs gave")
    assert error.count("\n") == 1
    assert record(tmp_path).studies == ()
    assert not any(method.ratings for method in record(tmp_path).methods)

"""The report's section on ϕ, from made-up lines: what it says, and what it must never mix."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING

import pytest
from phi_lines import phi_run
from rich.console import Console

from humangenai.records import RunRecord
from humangenai.report import render, write_report
from humangenai.report.fidelity import (
    fidelity_tables,
    judges_table,
    pair_table,
    part_table,
    suite_table,
)
from humangenai.report.fidelity_plot import fidelity_plot, likert_plot
from humangenai.report.tables import markdown

if TYPE_CHECKING:
    from pathlib import Path

METHOD = "refsd[none]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, run_record: RunRecord) -> tuple[Path, RunRecord]:
    """A run folder with the record of ϕ, and its record."""
    folder = tmp_path_factory.mktemp("run")
    record = phi_run(folder, run_record, METHOD)
    (folder / "private" / "run.json").write_text(record.model_dump_json(), encoding="utf-8")
    return folder, record


@pytest.fixture(scope="module")
def html(made: tuple[Path, RunRecord]) -> str:
    """The page."""
    return write_report(made[0]).read_text(encoding="utf-8")


def test_the_record_is_read_back_as_it_was(made: tuple[Path, RunRecord]) -> None:
    text = (made[0] / "private" / "run.json").read_text(encoding="utf-8")
    assert RunRecord.model_validate_json(text).model_dump_json() == text


def test_every_suite_has_ceilings_floors_coverage_and_intervals(
    made: tuple[Path, RunRecord],
) -> None:
    record = made[1]
    tables = fidelity_tables(record, wide=True)
    assert [re.search("ϕ_?.", table.title)[0] for table in tables] == [  # type: ignore[index]
        "ϕ,", "ϕ_A", "ϕ_B", "ϕ_C", "ϕ_D",
    ]  # fmt: skip
    coverage = {row[1].value: row for row in tables[0].rows}
    asked = record.methods[-1].phi
    assert asked is not None
    whole = {one.suite: one for one in asked.coverage if one.part == "suite"}
    assert coverage["ϕ_B"][3].value == str(whole["phi_B"].out_of_scope) != "0"
    for table in tables[1:]:
        places = {name: at for at, name in enumerate(table.columns)}
        judged = [row for row in table.rows if row[1].value == "probe"]
        assert all(
            re.fullmatch(r"\d+", row[places["floor"]].value)
            for row in judged
            if row[-4].value != "0"
        )
        score = "one person" if "ϕ_C" in table.title else "top-1"
        first = judged[-1] if "ϕ_C" not in table.title else judged[0]
        assert re.fullmatch(r"\d+–\d+", first[places[score]].detail)
        missing = [row for row in table.rows if row[1].value == "clip"]
        assert missing
        assert all(row[places[score]].value == "–" for row in missing)
        assert all(int(row[places["did not"]].value) > 0 for row in missing)


def test_tables_are_whole(made: tuple[Path, RunRecord]) -> None:
    record = made[1]
    tables = [
        *fidelity_tables(record),
        *fidelity_tables(record, wide=True),
        judges_table(record),
        pair_table(record, "prompt"),
        part_table(record, "phi_B", "probe", "prompt"),
        part_table(record, "phi_D", "probe", "group"),
    ]
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert markdown(table)


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_the_scores(made: tuple[Path, RunRecord], width: int) -> None:
    output = io.StringIO()
    Console(file=output, width=width).print(render(made[1]))
    text = output.getvalue()
    assert "ϕ_D individual attributes" in text
    assert "judge 'clip' is missing: no weights are named" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_the_page_shows_a_picture_per_prompt_and_what_judges_say(
    html: str, made: tuple[Path, RunRecord]
) -> None:
    phi = made[1].methods[-1].phi
    assert phi is not None
    for one in phi.scores:
        if one.part == "prompt" and one.judge == "probe":
            name = one.name.replace("'", "&#39;")
            assert f'alt="{METHOD}, {one.suite}: {name}"' in html
    assert "probe yes" in html
    assert re.search(r"face cannot tell; probe yes", html)  # what it is blind to is no verdict
    first, second = (f"({side} of Surprised → Fearful): " for side in ("before", "after"))
    assert 0 < html.index(first) < html.index(second) < html.index("(before of Fearful → Happy): ")
    assert not re.search(r"https?://(?!www\.w3)|url\(|@import", html)
    alts = re.findall(r'alt="([^"]*)"', html)
    assert len(set(alts)) == len(alts)


def test_what_is_missing_is_said(html: str) -> None:
    assert "no weights are named; give clip:FOLDER" in html
    assert "gender (body), gender (head)" in html  # face is known not to see it


def test_people_and_judges_are_on_scales_of_their_own(html: str) -> None:
    plots = re.findall(r'<svg class="plot".*?</svg>', html, flags=re.DOTALL)
    people = [plot for plot in plots if "paper" in plot]
    assert len(people) == 1
    assert "paper 4.88" in people[0]
    assert "%</text>" not in people[0]
    assert all("paper" not in plot for plot in plots if "%</text>" in plot)


def test_without_phi_there_is_no_section(run_record: RunRecord) -> None:
    assert fidelity_tables(run_record) == []
    assert suite_table(run_record, "phi_B").rows == ()


def test_plots_stay_within_and_escape(made: tuple[Path, RunRecord]) -> None:
    phi = made[1].methods[-1].phi
    assert phi is not None
    evil = [one.model_copy(update={"name": "<b>&"}) for one in phi.scores if one.part == "group"]
    plot = fidelity_plot(evil)
    assert "<b>" not in plot
    places = [float(x) for x in re.findall(r'(?:x1|x2|cx)="([-\d.]+)%"', plot)]
    assert min(places) >= 0
    assert max(places) <= 100
    rated = [one for one in phi.ratings if one.part == "prompt"]
    plot = likert_plot(rated, {"Happy": 4.88}, 0.02)
    assert plot.count("dot processed") == 1
    assert not math.isnan(rated[0].mean[0])

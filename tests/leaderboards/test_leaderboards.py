"""The leaderboard: what is let in, who is compared with whom, and what the pages say."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from phi_lines import phi_run

import leaderboards
from humangenai.errors import UserError
from humangenai.records import RatingScore, RatingSummary, RunRecord, Score, StudyRecord
from leaderboards.results import boards, rank_ranges, result_path, validate
from leaderboards.schema import run_record_schema
from leaderboards.site import SECTION, board_tables, readme_section, replace_section

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(leaderboards.__file__).parent


@pytest.fixture
def published(run_record: RunRecord) -> RunRecord:
    """The record as a release holds it: without the seed."""
    return run_record.model_copy(update={"seed": None})


def put(folder: Path, record: RunRecord, path: Path | None = None) -> Path:
    """Write a record where it belongs, or at ``path``."""
    target = folder / (path or result_path(record))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(record.model_dump_json(), encoding="utf-8")
    return target


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of the CSV."""
    with (folder / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_committed_is_valid_and_builds(tmp_path: Path) -> None:
    validate()
    assert [path.name for path in leaderboards.build(out=tmp_path)] == [
        "leaderboard.md",
        "leaderboard.csv",
        "index.html",
    ]
    reported = [row for row in rows(tmp_path) if row["kind"] == "reported by the paper"]
    assert len(reported) == 9 * 4 + 8 * 3 + 50 + 29 + 32 + 6
    values = {(row["method"], row["metric"]): row["percent"] for row in reported}
    assert values["RefSD", "R@1"] == "27.500"
    assert values["FADM", "R@5"] == ""
    assert not any(row["rank_low"] or row["rank_high"] for row in reported)


def test_measured_and_reported_rows_never_share_a_table(
    tmp_path: Path, published: RunRecord
) -> None:
    put(tmp_path / "results", published)
    leaderboards.build(out=tmp_path / "out", results=tmp_path / "results")
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    for table in re.findall(r"<table.*?</table>", html, flags=re.DOTALL):
        reported = "as printed" in table or "read to about" in table
        assert reported != ("refsd[none]" in table)
        assert (">rank<" in table) == ("refsd[none]" in table)
    assert "naive attackers only: not a privacy claim" in html
    assert "reported by the paper" in html.lower()


def test_the_same_records_give_the_same_bytes(tmp_path: Path, published: RunRecord) -> None:
    put(tmp_path / "results", published)
    pages = [
        [path.read_bytes() for path in leaderboards.build(out=out, results=tmp_path / "results")]
        for out in (tmp_path / "a", tmp_path / "b")
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"complete": False}, None, "not complete"),
        ({"seed": 0}, None, "release/record.json"),
        ({"config": {"seed": None}}, None, "release/record.json"),
        ({"schema_version": 999}, None, "newer"),
        ({}, Path("crowd/other.json"), "must be named"),
    ],
)
def test_a_wrong_record_is_refused(
    tmp_path: Path,
    published: RunRecord,
    change: dict[str, object],
    path: Path | None,
    message: str,
) -> None:
    written = put(tmp_path, published.model_copy(update=change), path)
    with pytest.raises(UserError, match=message) as error:
        validate(tmp_path)
    assert str(written) in str(error.value)


def test_broken_json_and_unknown_keys_are_refused(tmp_path: Path, published: RunRecord) -> None:
    path = put(tmp_path, published)
    path.write_text(path.read_text(encoding="utf-8")[:100], encoding="utf-8")
    with pytest.raises(UserError, match="not a run record"):
        validate(tmp_path)
    data = json.loads(published.model_dump_json()) | {"surprise": 1}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match="surprise"):
        validate(tmp_path)


def test_the_same_row_twice_is_refused(tmp_path: Path, published: RunRecord) -> None:
    put(tmp_path, published)
    put(tmp_path, published.model_copy(update={"config_hash": "b" * 64}))
    with pytest.raises(UserError, match="already in"):
        validate(tmp_path)


def test_only_the_same_measurement_is_compared(published: RunRecord) -> None:
    other_data = published.dataset.model_copy(update={"manifest_hash": "9" * 64})
    fewer = published.dataset.model_copy(update={"queries": 10})
    other_attacker = published.attackers[0].model_copy(update={"weights_sha256": "9" * 64})
    records = [
        published,
        published.model_copy(update={"dataset": other_data}),
        published.model_copy(update={"dataset": fewer}),
        published.model_copy(update={"attackers": (other_attacker, published.attackers[1])}),
    ]
    assert len(boards(records)) == 4


def test_a_later_run_replaces_its_row_and_adds_others(published: RunRecord) -> None:
    again = published.methods[2].model_copy(update={"seconds": {"pseudonymize": 99.0}})
    other = again.model_copy(update={"settings_hash": "1" * 64})
    (board,) = boards([published, published.model_copy(update={"methods": (again, other)})])
    methods = {method.name: method for method in board.record.methods}
    assert list(methods) == ["Original", "MaskOut", "refsd[none] (eeeeee)", "refsd[none] (111111)"]
    assert methods["refsd[none] (eeeeee)"].seconds == {"pseudonymize": 99.0}


def with_intervals(record: RunRecord, intervals: Sequence[tuple[float, float]]) -> RunRecord:
    """The record with one method per interval of R@1."""
    score = next(s for s in record.methods[0].scores if s.metric == "R@1" and s.subset == "all")
    return record.model_copy(
        update={
            "methods": tuple(
                record.methods[0].model_copy(
                    update={
                        "name": f"m{number}",
                        "scores": (
                            Score(
                                **{
                                    **score.model_dump(),
                                    "value": (low + high) / 2,
                                    "low": low,
                                    "high": high,
                                }
                            ),
                        ),
                    }
                )
                for number, (low, high) in enumerate(intervals)
            )
        }
    )


def test_rank_ranges_follow_from_the_intervals(run_record: RunRecord) -> None:
    nan = float("nan")
    apart = with_intervals(run_record, [(0.8, 0.9), (0.1, 0.2), (0.4, 0.5)])
    assert rank_ranges(apart, "osnet") == [(3, 3), (1, 1), (2, 2)]
    overlapping = with_intervals(run_record, [(0.1, 0.3), (0.2, 0.4), (0.35, 0.5), (nan, nan)])
    assert rank_ranges(overlapping, "osnet") == [(1, 2), (1, 3), (2, 3), (0, 0)]


def test_run_folders_can_be_named(tmp_path: Path, published: RunRecord) -> None:
    path = Path("release/record.json")
    put(tmp_path / "runs" / "crowd", published, path)
    for named in (tmp_path / "runs" / "crowd", tmp_path / "runs"):
        leaderboards.build([named], tmp_path / "out")
        assert any(row["kind"] == "measured" for row in rows(tmp_path / "out"))
    with pytest.raises(UserError, match="no finished run"):
        leaderboards.build([tmp_path / "nothing"], tmp_path / "out")


def test_no_cell_is_a_formula(tmp_path: Path, published: RunRecord) -> None:
    evil = published.methods[0].model_copy(update={"name": "=1+1"})
    put(tmp_path / "r", published.model_copy(update={"methods": (evil,)}))
    leaderboards.build(out=tmp_path, results=tmp_path / "r")
    assert {row["method"] for row in rows(tmp_path) if row["kind"] == "measured"} == {"'=1+1"}


def test_reported_rows_are_typed(tmp_path: Path) -> None:
    data = json.loads((ROOT / "reported" / "refsd_market1501.json").read_text(encoding="utf-8"))
    data["rows"][0]["values"]["R@1"] = 933.0
    (tmp_path / "paper.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError, match="not percentages"):
        leaderboards.load_reported(tmp_path)


def test_the_schema_in_docs_is_up_to_date() -> None:
    docs = ROOT.parent / "docs" / "run-record.schema.json"
    assert docs.read_text(encoding="utf-8") == run_record_schema(), (
        "python -m leaderboards.schema > docs/run-record.schema.json"
    )


def test_the_readme_holds_the_committed_results() -> None:
    text = (ROOT.parent / "README.md").read_text(encoding="utf-8")
    section = readme_section(boards(validate()))
    assert text == replace_section(text, section), "python scripts/add_result.py"


def test_the_readme_section_is_replaced_and_nothing_else(published: RunRecord) -> None:
    section = readme_section(boards([published]))
    assert "refsd\\[none\\]" in section
    assert "make bench" in section
    page = f"before\n{SECTION[0]}\nold\n{SECTION[1]}\nafter\n"
    assert replace_section(page, "new") == f"before\n{SECTION[0]}\nnew\n{SECTION[1]}\nafter\n"
    with pytest.raises(ValueError, match="marks"):
        replace_section("no marks", "new")


def rated(record: RunRecord, *, simulated: bool = False) -> RunRecord:
    """The record with a study of MaskOut; all numbers made up."""
    summary = RatingSummary(
        mean=(4.52, 4.31, 4.7), sd=0.6, per_item=(4.5, 4.3, 4.7), n=300, items=60, annotators=5
    )
    score = RatingScore(
        study="bodies", symbol="psi_A", track="body", everyone=summary, trusted=summary
    )
    study = StudyRecord(
        name="bodies",
        track="body",
        annotators=5,
        flagged=0,
        answers=300,
        skipped=0,
        simulated=simulated,
    )
    methods = tuple(
        method.model_copy(update={"ratings": (score,) if method.name == "MaskOut" else ()})
        for method in record.methods
    )
    return record.model_copy(update={"methods": methods, "studies": (study,)})


def test_what_people_say_is_on_the_pages(tmp_path: Path, published: RunRecord) -> None:
    put(tmp_path / "results", rated(published))
    leaderboards.build(out=tmp_path / "out", results=tmp_path / "results")
    text = (tmp_path / "out" / "leaderboard.md").read_text(encoding="utf-8")
    assert "| MaskOut | all (5) | 4.5 ± 0.6 (4.31–4.70; per item 4.50) | 300 |" in text
    assert "nobody has rated" not in text
    measured = [row for row in rows(tmp_path / "out") if row["study"] == "bodies"]
    assert {row["method"] for row in measured} == {"MaskOut"}
    assert measured[0]["points"] == "4.520"
    assert measured[0]["metric"] == "psi_A"
    assert measured[0]["percent"] == ""


def test_nobody_has_rated_yet(tmp_path: Path, published: RunRecord) -> None:
    put(tmp_path / "results", published)
    leaderboards.build(out=tmp_path / "out", results=tmp_path / "results")
    for page in ("leaderboard.md", "index.html"):
        text = (tmp_path / "out" / page).read_text(encoding="utf-8")
        assert "ψ: nobody has rated these pictures yet." in text
        assert "4.6 ± 0.3" in text  # reported by the paper
    measured = [row for row in rows(tmp_path / "out") if row["kind"] == "measured"]
    assert not any(row["points"] for row in measured)


def test_simulated_ratings_are_refused(tmp_path: Path, published: RunRecord) -> None:
    path = put(tmp_path / "results", rated(published, simulated=True))
    with pytest.raises(UserError, match="study 'bodies' are simulated"):
        validate(tmp_path / "results")
    with pytest.raises(UserError, match="study 'bodies' are simulated"):
        leaderboards.build([path], out=tmp_path / "out", results=tmp_path / "none")


def test_phi_has_its_tables_and_rows_and_the_papers_stand_apart(
    tmp_path: Path, published: RunRecord
) -> None:
    record = phi_run(tmp_path / "run", published, "refsd[none]")
    put(tmp_path / "results", record)
    leaderboards.build(out=tmp_path / "out", results=tmp_path / "results")
    found = rows(tmp_path / "out")
    whole = {
        (row["metric"], row["judge"]): row
        for row in found
        if row["part"] == "suite" and row["kind"] == "measured"
    }
    scored = whole["phi_B top-1", "probe"]
    assert float(scored["low"]) <= float(scored["percent"]) <= float(scored["high"])
    assert float(scored["floor"]) < float(scored["ceiling"]) == 90
    assert (scored["suite_version"], scored["judge_version"]) == ("1", "1")
    missing = whole["phi_B top-1", "clip"]
    assert (missing["percent"], missing["n"]) == ("", "0")
    assert int(missing["unjudged"]) > 0
    assert float(whole["phi_C two people", "probe"]["percent"]) > 50
    people = [row for row in found if row["judge"] == "people"]
    assert len(people) == 50 + 29
    assert all(row["points"] and not row["percent"] for row in people)
    assert {row["reading_error"] for row in people} == {"0.020"}
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "German → British" in html
    for table in re.findall(r"<table.*?</table>", html, flags=re.DOTALL):
        assert not ("ceiling" in table and "read to about" in table)


def test_phi_by_other_judges_or_lists_is_in_other_tables(
    tmp_path: Path, published: RunRecord
) -> None:
    record = phi_run(tmp_path / "run", published, "refsd[none]")
    phi = record.methods[-1].phi
    assert phi is not None
    other = phi.model_copy(update={"judges": {**phi.judges, "probe": "2"}})
    methods = (record.methods[1].model_copy(update={"phi": other}), record.methods[2])
    (board,) = boards([record.model_copy(update={"methods": methods})])
    titles = [table.title for table in board_tables(board) if "ϕ_B" in table.title]
    assert len(titles) == 2

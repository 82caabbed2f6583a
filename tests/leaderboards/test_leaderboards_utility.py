"""Measured utility on the leaderboard: as recorded, only beside its like, and never lost."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leaderboards
from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.records import (
    MethodRecord,
    RatingScore,
    RatingSummary,
    RunRecord,
    UtilityAgreement,
    UtilityDifference,
    UtilityMeasure,
    UtilityModel,
    UtilityRecord,
    UtilityScore,
)
from humangenai.report.tables import markdown
from leaderboards.results import boards, result_path, validate
from leaderboards.site import _csv, board_tables, readme_section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from humangenai.records import Ends, Training
    from humangenai.report.tables import Table
    from leaderboards.results import Board

NAN = math.nan
NOTHING = (NAN, NAN, NAN)
TRAININGS: tuple[Training, ...] = ("S", "R", "S+R", "S→R")
METRICS = {
    "classification": ("accuracy", "macro-F1"),
    "detection": ("mAP@[.5:.95]", "mAP@.5"),
}
TASKS = {"classification": ("emotion", "gender"), "detection": ("person", "all classes")}
SETTINGS = {"channels": (8, 16), "updates": 240}
MISSING = "too large for the small preset"


def utility(
    track: str = "classification",
    values: Sequence[Ends] = ((0.4, 0.3, 0.5),),
    trainings: Sequence[Training] = TRAININGS,
    **change: object,
) -> UtilityRecord:
    """A model that was trained and one that was not; ``values`` are dealt out to its cells."""
    cells = [(t, task, m) for t in trainings for task in TASKS[track] for m in METRICS[track]]
    chance = 0.25 if track == "classification" else NAN
    common = {"clusters": 125, "seeds": 3}
    trained = [
        UtilityScore(
            training=training, model="Small", task=task, metric=metric,
            value=values[at % len(values)], chance=chance, n=250, **common,
        )
        for at, (training, task, metric) in enumerate(cells)
    ]  # fmt: skip
    untrained = [
        UtilityScore(
            training=training, model="Large", task=task, metric=metric,
            value=NOTHING, chance=NAN, n=0, clusters=0, seeds=0,
        )
        for training, task, metric in cells
    ]  # fmt: skip
    differences = [
        UtilityDifference(
            training=training, against="R", model="Small", task=task, metric=metric,
            value=(-0.2, -0.3, -0.1), p=0.01, n=250, **common,
        )
        for training, task, metric in cells
        if training != "R"
    ]  # fmt: skip
    made = UtilityRecord(
        track=track,
        originals="rendered originals",
        preset="small",
        tasks=TASKS[track],
        synthetic=298,
        learned=300,
        tested=250,
        left_out=2,
        masked=7,
        training_hash="7" * 64,
        models=(
            UtilityModel(name="Small", parameters=5, settings=SETTINGS),
            UtilityModel(name="Large", missing=MISSING),
        ),
        scores=(*trained, *untrained),
        differences=tuple(differences),
        agreement=(
            UtilityAgreement(
                judge="probe", version="1", task="gender", value=(0.6, 0.5, 0.7),
                ceiling=(0.9, 0.8, 0.95), chance=0.5, n=298, unjudged=0,
            ),
        ),
        also=(
            UtilityMeasure(
                name="recall of the people finder", value=(0.7, 0.6, 0.8), originals=(0.9, 0.8, 1),
                better="higher", n=100, unscored=3, clusters=50,
            ),
        ),
    )  # fmt: skip
    return made.model_copy(update=change)


@pytest.fixture
def base(run_record: RunRecord) -> RunRecord:
    """A published run that trained models and did nothing else."""
    dataset = run_record.dataset.model_copy(
        update={"name": "crowd-faces", "items": 300, "queries": 0, "gallery": 0}
    )
    return run_record.model_copy(
        update={"seed": None, "dataset": dataset, "attackers": (), "differences": ()}
    )


def run(base: RunRecord, name: str, *measured: UtilityRecord, **change: object) -> RunRecord:
    """A run of one method that measured nothing but utility."""
    method = base.methods[1].model_copy(
        update={"name": name, "scores": (), "utility": measured, **change}
    )
    return base.model_copy(
        update={"methods": (method,), "config_hash": digest([name, *map(str, measured)])}
    )


def pages(folder: Path, *records: RunRecord) -> tuple[str, str, list[dict[str, str]]]:
    """Markdown, HTML, and the measured rows of the CSV, of run folders."""
    for number, record in enumerate(records):
        path = folder / "runs" / str(number) / "release" / "record.json"
        path.parent.mkdir(parents=True)
        path.write_text(record.model_dump_json(), encoding="utf-8")
    out = folder / "out"
    leaderboards.build([folder / "runs"], out, results=folder / "none")
    text, html, table = (
        (out / name).read_text(encoding="utf-8")
        for name in ("leaderboard.md", "index.html", "leaderboard.csv")
    )
    found = [row for row in csv.DictReader(io.StringIO(table)) if row["kind"] == "measured"]
    return text, html, found


def utility_tables(board: Board) -> list[Table]:
    """All but the table of what became of people."""
    return [table for table in board_tables(board) if "became of" not in table.title]


def all_score_tables(board: Board) -> list[Table]:
    return [table for table in utility_tables(board) if "tested on" in table.note]


def score_tables(board: Board) -> list[Table]:
    """Of classifiers those of accuracy; the other metric's stand beside them, alike."""
    return [table for table in all_score_tables(board) if "macro-F1" not in table.title]


def names(table: Table) -> set[str]:
    """The methods that a table speaks of."""
    return {name for name in ("MaskOut", "refsd[none]") if name in str(table)}


def shown(text: str) -> dict[tuple[str, str, str, str], tuple[float, ...]]:
    """Numbers of a Markdown table of scores, by pictures, model, learned from and heading.

    What a row shares with the one above is left away there; a dash is no number.
    """
    lines = [line for line in text.replace("\\", "").splitlines() if line.startswith("|")]
    heading, _, *body = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    first = 3 if heading[2] == "pictures of" else 2
    found: dict[tuple[str, str, str, str], tuple[float, ...]] = {}
    model = learned = ""
    for row in body:
        model, learned = row[0] or model, row[1] or (learned if not row[0] else "")
        for column, cell in zip(heading[first:], row[first:], strict=True):
            numbers = tuple(float(number) for number in re.findall(r"[0-9.]+", cell))
            found[row[2] if first == 3 else "", model, learned, column] = numbers
    return found


def test_a_run_that_measured_utility_alone_is_on_all_pages(tmp_path: Path, base: RunRecord) -> None:
    text, html, found = pages(tmp_path, run(base, "MaskOut", utility()))
    assert text.count("| Small | S | 40.0 (30.0–50.0) | 40.0 (30.0–50.0) |") == 2  # two metrics
    assert "|  | R (rendered originals) | 40.0 (30.0–50.0) |" in text
    assert "|  | chance | 25.0 | 25.0 |" in text
    assert "| Large | – | – | – |" in text
    for page in (text, html):
        assert f"unscored: Large: {MISSING}" in page
        assert "classification, preset small, MaskOut" in page
        assert "R: 300 rendered originals, tested on 250" in page
        assert "does S show its labels?" in page
        assert "300 pictures to learn from; manifest" in page
        assert "0 queries" not in page
    trained = [row for row in found if row["model"] == "Small"]
    assert len(trained) == 4 * 2 * 2
    assert {row["track"] for row in found} == {"classification"}
    assert {row["preset"] for row in found} == {"small"}
    assert {row["originals"] for row in found} == {"rendered originals"}
    assert {row["model_hash"] for row in trained} == {digest(SETTINGS)}
    assert {(row["chance"], row["n"], row["seeds"]) for row in trained} == {("25.000", "250", "3")}
    assert not any(row["attacker"] or row["rank_low"] or row["rank_high"] for row in found)


def test_what_was_not_trained_is_empty_and_says_why(tmp_path: Path, base: RunRecord) -> None:
    _, _, found = pages(tmp_path, run(base, "MaskOut", utility("detection")))
    untrained = [row for row in found if row["model"] == "Large"]
    assert len(untrained) == 4 * 2 * 2
    for row in untrained:
        assert row["missing"] == MISSING
        assert not any(row[key] for key in ("percent", "low", "high", "chance", "model_hash"))
    trained = [row for row in found if row["model"] == "Small"]
    assert not any(row["chance"] or row["missing"] for row in trained)  # mAP has no chance
    assert all(row["percent"] == "40.000" for row in trained)


shares = st.floats(0, 1)
ends = st.one_of(
    st.just(NOTHING),
    st.tuples(shares, st.just(NAN), st.just(NAN)),  # one training: no interval
    st.tuples(shares, shares, shares).map(lambda three: (three[0], *sorted(three[1:]))),
)


@settings(max_examples=20, deadline=None)
@given(track=st.sampled_from(sorted(METRICS)), values=st.lists(ends, min_size=16, max_size=16))
def test_numbers_on_the_page_are_those_of_the_record(
    run_record: RunRecord, track: str, values: list[Ends]
) -> None:
    dataset = run_record.dataset.model_copy(update={"queries": 0, "gallery": 0})
    alone = run_record.model_copy(update={"dataset": dataset, "attackers": ()})
    several = [run(alone, "MaskOut", utility(track, values)), run(alone, "b", utility(track))]
    for records in (several[:1], several):
        (board,) = boards(RunRecord.model_validate_json(one.model_dump_json()) for one in records)
        seen = {
            # A table of one metric says it in its title.
            (*key, column if ", " in column else f"{column}, {table.title.split(', ')[-2]}"): found
            for table in all_score_tables(board)
            for (*key, column), found in shown(markdown(table)).items()
        }
        written = {
            (row["model"], row["training"], row["name"], row["metric"]): row
            for row in csv.DictReader(io.StringIO(_csv([board], [])))
            if row["method"] == "MaskOut" and row["kind"] == "measured"
        }
        for score in records[0].methods[0].utility[0].scores:
            row = written[score.model, score.training, score.task, score.metric]
            for key, end in zip(("percent", "low", "high"), score.value, strict=True):
                wanted = pytest.approx(100 * end, abs=0.000501)
                assert row[key] == "" if math.isnan(end) else float(row[key]) == wanted
            if score.model == "Large":
                continue
            called = "R (rendered originals)" if score.training == "R" else score.training
            place = "Small", called, f"{score.task}, {score.metric}"
            (numbers,) = (
                seen[whose, *place]
                for whose in ("", "MaskOut", "run of MaskOut")
                if (whose, *place) in seen
            )
            wanted = [100 * end for end in score.value if not math.isnan(end)]
            assert numbers == pytest.approx(wanted, abs=0.0501)


def test_methods_of_several_runs_share_tables(base: RunRecord) -> None:
    better = utility(values=((0.7, 0.6, 0.8),))
    records = [run(base, "MaskOut", utility()), run(base, "refsd[none]", better)]
    (board,) = boards(records)
    assert board.runs == 2
    (table,) = score_tables(board)
    assert [[cell.value for cell in row[:4]] for row in table.rows] == [
        ["Small", "S", "MaskOut", "40.0"],
        ["", "", "refsd[none]", "70.0"],
        # Each run has trained its own R: that they differ is shown.
        ["", "R (rendered originals)", "run of MaskOut", "40.0"],
        ["", "", "run of refsd[none]", "70.0"],
        ["", "S+R", "MaskOut", "40.0"],
        ["", "", "refsd[none]", "70.0"],
        ["", "S→R", "MaskOut", "40.0"],
        ["", "", "refsd[none]", "70.0"],
        ["", "chance", "", "25.0"],
        ["Large", "–", "", "–"],
    ]
    others = [table for table in utility_tables(board) if "learned from" in table.columns]
    assert all(names(table) == {"MaskOut", "refsd[none]"} for table in others)


@pytest.mark.parametrize(
    "change",
    [
        {"preset": "full"},
        {"training_hash": "8" * 64},
        {"tested": 248},
        {"models": (UtilityModel(name="Small", settings={**SETTINGS, "updates": 99}),)},
        {"models": (UtilityModel(name="Small", settings=SETTINGS),)},
        {"models": (UtilityModel(name="Small", settings=SETTINGS), UtilityModel(name="Large"))},
    ],
)
def test_what_is_not_comparable_never_shares_a_table(
    base: RunRecord, change: dict[str, object]
) -> None:
    records = [run(base, "MaskOut", utility()), run(base, "refsd[none]", utility(**change))]
    (board,) = boards(records)
    assert len(score_tables(board)) == 2
    assert all(len(names(table)) < 2 for table in utility_tables(board))


def test_other_tracks_and_data_stand_apart(base: RunRecord) -> None:
    mixed = [run(base, "MaskOut", utility()), run(base, "refsd[none]", utility("detection"))]
    (board,) = boards(mixed)
    assert all(len(names(table)) < 2 for table in utility_tables(board))
    for change in ({"manifest_hash": "9" * 64}, {"items": 100}):
        other = mixed[0].model_copy(update={"dataset": base.dataset.model_copy(update=change)})
        assert len(boards([mixed[0], other])) == 2


def test_judges_and_those_who_look_again_share_no_table_with_others(base: RunRecord) -> None:
    (said,), (seen,) = utility().agreement, utility().also
    newer = utility(
        agreement=(said.model_copy(update={"version": "2"}),),
        also=(seen.model_copy(update={"originals": (0.95, 0.9, 1)}),),
    )
    (board,) = boards([run(base, "MaskOut", utility()), run(base, "refsd[none]", newer)])
    assert len(score_tables(board)) == 1
    for part in ("does S show its labels?", "are people still seen"):
        tables = [table for table in utility_tables(board) if part in table.title]
        assert [names(table) for table in tables] == [{"MaskOut"}, {"refsd[none]"}]


def test_settings_are_the_same_however_they_were_written(base: RunRecord) -> None:
    written = RunRecord.model_validate_json(run(base, "MaskOut", utility()).model_dump_json())
    (board,) = boards([written, run(base, "refsd[none]", utility())])  # lists, and tuples
    assert len(score_tables(board)) == 1


def test_nothing_that_one_run_measured_is_lost(base: RunRecord) -> None:
    full = utility(preset="full")
    few = utility(values=((0.1, 0, 0.2),), trainings=("S", "R"))
    records = [run(base, "MaskOut", one) for one in (utility(), utility("detection"), full, few)]
    for order in (records, records[::-1]):
        (board,) = boards(order)
        (method,) = board.record.methods
        assert len(method.utility) == 4
        assert {str(one) for one in method.utility} == {
            str(one) for record in records for one in record.methods[0].utility
        }


def test_what_was_measured_again_is_replaced(base: RunRecord) -> None:
    again = utility(values=((0.6, 0.5, 0.7),))
    (board,) = boards([run(base, "MaskOut", utility()), run(base, "MaskOut", again)])
    assert board.record.methods[0].utility == (again,)


def test_utility_and_reidentification_of_one_method_keep_each_other(
    tmp_path: Path, base: RunRecord, run_record: RunRecord
) -> None:
    attacked = run_record.model_copy(update={"seed": None})
    apart = [attacked, run(base.model_copy(update={"dataset": attacked.dataset.model_copy(
        update={"queries": 0, "gallery": 0})}), "MaskOut", utility())]  # fmt: skip
    text, _, found = pages(tmp_path, *apart)
    assert "re-identification by osnet" in text
    assert "classification, preset small, MaskOut" in text
    assert {row["metric"] for row in found} >= {"R@1", "accuracy"}

    def with_utility(record: MethodRecord) -> MethodRecord:
        return record.model_copy(update={"utility": (utility(),)})

    both = attacked.model_copy(
        update={"methods": tuple(with_utility(method) for method in attacked.methods)}
    )
    for order in ([attacked, both], [both, attacked]):
        (board,) = boards(order)
        assert all(method.utility and method.scores for method in board.record.methods)


def test_ratings_and_phi_of_an_earlier_run_stay(base: RunRecord) -> None:
    summary = RatingSummary(
        mean=(4.5, 4.3, 4.7), sd=0.6, per_item=(4.5, 4.3, 4.7), n=300, items=60, annotators=5
    )
    old, new = (
        RatingScore(study=study, symbol="psi_A", track="body", everyone=summary, trusted=summary)
        for study in ("old", "new")
    )
    records = [
        run(base, "MaskOut", utility(), ratings=(old,)),
        run(base, "MaskOut", utility(), ratings=(new,)),
    ]
    (board,) = boards(records)
    assert board.record.methods[0].ratings == (old, new)


def put(folder: Path, record: RunRecord) -> None:
    path = folder / result_path(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(record.model_dump_json(), encoding="utf-8")


def test_committed_records_say_each_thing_once(tmp_path: Path, base: RunRecord) -> None:
    for measured in (utility(), utility("detection"), utility(preset="full")):
        put(tmp_path, run(base, "MaskOut", measured))
    assert len(validate(tmp_path)) == 3
    put(tmp_path, run(base, "MaskOut", utility(values=((0.6, 0.5, 0.7),))))
    with pytest.raises(UserError, match="classification of 'MaskOut' is already in"):
        validate(tmp_path)


def test_nothing_measured_is_called_real_or_shares_a_table_with_the_paper(
    tmp_path: Path, base: RunRecord
) -> None:
    records = [run(base, "MaskOut", utility()), run(base, "refsd[none]", utility("detection"))]
    text, html, found = pages(tmp_path, *records)
    measured, _, _ = text.partition("## ")[2].partition("\n## ")
    assert "rendered originals" in measured
    assert not re.search(r"\breal\b", measured)
    assert all("real" not in value.split() for row in found for value in row.values())
    for table in re.findall(r"<table.*?</table>", html, flags=re.DOTALL):
        assert not ("as printed" in table and ("refsd[none]" in table or "Small" in table))
        assert not ("ViT-Base" in table and "Small" in table)
    section, _, _ = html.partition("<h2>Measured")[2].partition("<h2>")
    assert "rendered originals" in section
    assert not re.search(r"\breal\b", section)


def test_the_readme_keeps_to_reidentification(base: RunRecord, run_record: RunRecord) -> None:
    learned = boards([run(base, "MaskOut", utility())])
    assert "No record is committed" in readme_section(learned)
    attacked = boards([run_record])
    assert readme_section([*attacked, *learned]) == readme_section(attacked)


def test_a_run_that_measured_utility_alone_can_be_added(
    tmp_path: Path, base: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Path(leaderboards.__file__).parent.parent / "scripts" / "add_result.py"
    spec = importlib.util.spec_from_file_location("add_result", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path / "results")
    record = run(base, "MaskOut", utility())
    path = tmp_path / "run" / "release" / "record.json"
    path.parent.mkdir(parents=True)
    path.write_text(record.model_dump_json(), encoding="utf-8")
    assert module.add(tmp_path / "run") == [tmp_path / "results" / result_path(record)]
    assert validate(tmp_path / "results")[0].methods[0].utility
    path.write_text(run(base, "MaskOut").model_dump_json(), encoding="utf-8")
    with pytest.raises(UserError, match="measured something"):
        module.add(tmp_path / "run")

"""Studies in run records, reports and leaderboards; what programs say is in none of them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.errors import UserError
from humangenai.human_ratings.recording import record_study, summarise_study
from humangenai.records import RunRecord
from humangenai.report import render, tables
from humangenai.report.tables import (
    agreement_table,
    markdown,
    preference_table,
    rating_differences_table,
    ratings_table,
)
from humangenai.runner import run

METHODS = ("MaskOut", "WeakBlur")


def answers(
    study: str = "faces", methods: tuple[str, ...] = METHODS, seed: int = 0
) -> pd.DataFrame:
    """Two methods, ten people, six annotators, of whom one answers only 1; and comparisons."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "study": study,
            "item": f"{symbol} {method} {source}",
            "method": method,
            "against": None,
            "track": "face",
            "source": f"person {source}",
            "question": symbol,
            "symbol": symbol,
            "annotator": f"a{who}",
            "value": 1.0 if who == 5 else float(np.clip(np.rint(rng.normal(4 - place, 0.7)), 1, 5)),
        }
        for symbol in ("psi_A", "psi_C")
        for place, method in enumerate(methods)
        for source in range(10)
        for who in range(6)
    ]
    rows += [
        rows[source]
        | {
            "item": f"pair {source}",
            "against": methods[-1],
            "question": "preference",
            "symbol": "psi_C",
            "value": float(rng.choice([1, 1, 2, 3])),
            "annotator": f"a{who}",
        }
        for source in range(10)
        for who in range(5)
        if methods[0] != methods[-1]
    ]
    checks = {"is_gold": False, "is_attention": False, "skipped": False, "simulated": False}
    table = pd.DataFrame(rows).assign(**checks)
    table.loc[0, ["value", "skipped"]] = [math.nan, True]
    return table


@pytest.fixture
def a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[RunConfig, Path]:
    """A finished run of two methods on a tiny dataset, and what it was run from."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "plugins"))
    sys.modules.pop("tinycrowd", None)
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd"),
        methods=(method_config("maskout"), method_config("weakblur")),
        attackers=("stripes",),
        seed=0,
    )
    run(config, tmp_path)
    return config, tmp_path


def records(folder: Path) -> list[RunRecord]:
    return [
        RunRecord.model_validate_json((folder / path).read_text(encoding="utf-8"))
        for path in ("private/run.json", "release/record.json")
    ]


def test_a_study_goes_into_both_records_and_the_report(a_run: tuple[RunConfig, Path]) -> None:
    _, folder = a_run
    assert all(not method.ratings for record in records(folder) for method in record.methods)
    made = record_study(folder, answers(), {"a5"})
    for record in (made, *records(folder)):
        (study,) = record.studies
        assert (study.name, study.annotators, study.flagged, study.skipped) == ("faces", 6, 1, 1)
        assert study.answers == 2 * 2 * 10 * 6 - 1 + 50
        for method, mean in zip(record.methods, (4.0, 3.0), strict=True):
            scores = {score.symbol: score for score in method.ratings}
            assert list(scores) == ["psi_A", "psi_C"]
            assert scores["psi_A"].trusted.mean[0] == pytest.approx(mean, abs=0.3)
            assert scores["psi_A"].everyone.mean[0] < scores["psi_A"].trusted.mean[0]
    assert records(folder)[1].seed is None
    html = (folder / "private" / "report" / "index.html").read_text(encoding="utf-8")
    assert "What people say: study faces" in html
    assert "ψ_A privacy" in html
    everything = b"".join(path.read_bytes() for path in folder.rglob("*.json"))
    for private in (b'"a5"', b"person 3", b"psi_A MaskOut 1"):
        assert private not in everything


def test_ratings_stay_when_the_run_is_continued_and_go_when_pictures_change(
    a_run: tuple[RunConfig, Path],
) -> None:
    config, folder = a_run
    record_study(folder, answers())
    again = run(config, folder).record
    assert [study.name for study in again.studies] == ["faces"]
    assert all(method.ratings for method in again.methods)

    stronger = method_config("weakblur").model_copy(
        update={"options": {"name": "WeakBlur", "sigma": 0.9}}
    )
    changed = config.model_copy(update={"methods": (config.methods[0], stronger)})
    other = run(changed, folder).record
    assert other.studies == ()
    assert not any(method.ratings for method in other.methods)
    assert any("study 'faces' are of other pictures" in note for note in other.notes)
    rated_anew = record_study(folder, answers())
    assert not any("other pictures" in note for note in rated_anew.notes)


def test_two_studies_and_one_that_is_recorded_again(a_run: tuple[RunConfig, Path]) -> None:
    _, folder = a_run
    record_study(folder, answers())
    record_study(folder, answers("bodies").assign(track="body"))
    record = record_study(folder, answers())
    assert [study.name for study in record.studies] == ["bodies", "faces"]
    assert len(record.methods[0].ratings) == 4


def test_programs_are_refused(a_run: tuple[RunConfig, Path]) -> None:
    _, folder = a_run
    before = [record.model_dump_json() for record in records(folder)]
    mixed = answers()
    mixed.loc[mixed["annotator"] == "a2", "simulated"] = True
    with pytest.raises(UserError, match="study 'faces': programs gave 50 of its 290 answers"):
        record_study(folder, mixed)
    assert [record.model_dump_json() for record in records(folder)] == before
    assert not list((folder / "private" / "scores").glob("ratings-*"))


def test_what_cannot_be_recorded(a_run: tuple[RunConfig, Path], tmp_path: Path) -> None:
    _, folder = a_run
    with pytest.raises(UserError, match="nobody has answered"):
        record_study(folder, answers()[:0])
    with pytest.raises(UserError, match="shows Other, and this run made MaskOut, WeakBlur"):
        record_study(folder, answers(methods=("Other",)))
    with pytest.raises(UserError, match="no finished run"):
        record_study(tmp_path / "nowhere", answers())


def test_the_tables_of_a_study(run_record: RunRecord) -> None:
    names = ("MaskOut", "refsd[none]")
    study, scores = summarise_study(answers(methods=names), {"a5"})
    record = run_record.model_copy(
        update={
            "studies": (study,),
            "methods": tuple(
                method.model_copy(update={"ratings": scores.get(method.name, ())})
                for method in run_record.methods
            ),
        }
    )
    rated = ratings_table(record.methods, study)
    assert rated.columns == ("method", "annotators", "ψ_A privacy", "ψ_C satisfaction", "answers")
    assert [row[0].value for row in rated.rows] == ["MaskOut", "", "refsd[none]", ""]
    assert [row[1].value for row in rated.rows] == ["all", "trusted"] * 2
    assert " ± " in rated.rows[0][2].value
    assert "without flagged annotators (1)" in rated.note
    assert len(agreement_table(study).rows) == 2
    assert [row[0].value for row in rating_differences_table(study).rows] == [
        "refsd[none] minus MaskOut"
    ]
    assert len(preference_table(study).rows) == 2
    assert markdown(rated) in "".join(markdown(table) for table in tables(record))
    assert render(record) is not None

"""Exported answers: the same in all formats, every column explained."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pandas as pd
from sample_study import admin, ready

from annotator_ui.admin_desk import ANSWER_COLUMNS
from annotator_ui.exporting import encode, export

if TYPE_CHECKING:
    from pathlib import Path

    from annotator_ui.desk import Desk


def answered(desk: Desk, reason: str = "cut off") -> pd.DataFrame:
    ada = ready(desk, "ada")
    for number in range(8):
        item = desk.next_item(ada)
        assert item is not None
        if number == 3:
            desk.skip(ada, item.id, reason)
            continue
        for question in item.questions:
            desk.answer(ada, item.id, question.id, 1 + number % 5, 1.25)
    return admin(desk).answers()


def test_all_formats_hold_the_same(desk: Desk, tmp_path: Path) -> None:
    answers = answered(desk)
    paths = export(answers, admin(desk).pictures(), tmp_path / "out")
    assert [path.name for path in paths] == [
        "answers.csv",
        "answers.parquet",
        "answers.json",
        "columns.json",
    ]
    parquet = pd.read_parquet(paths[1])
    csv = pd.read_csv(paths[0], parse_dates=["created"])
    loaded = json.loads(paths[2].read_text())
    assert list(parquet) == list(csv) == list(answers) == list(loaded["columns"])
    for table in (parquet, csv, pd.DataFrame(loaded["answers"])):
        assert table["value"].astype(float).equals(answers["value"])
        for column in ("item", "method", "annotator", "question", "skipped", "is_gold"):
            assert table[column].tolist() == answers[column].tolist()
        assert (pd.to_datetime(table["created"], format="ISO8601") == answers["created"]).all()
    assert json.loads(paths[3].read_text()) == dict(ANSWER_COLUMNS)


def test_missing_values_are_null_in_json(desk: Desk) -> None:
    rows = json.loads(encode(answered(desk), "json"))["answers"]
    skipped = [row for row in rows if row["skipped"]]
    assert skipped
    assert all(row["value"] is None and row["reason"] == "cut off" for row in skipped)
    assert all(row["reason"] is None for row in rows if not row["skipped"])


def test_no_reason_becomes_a_formula_in_a_spreadsheet(desk: Desk) -> None:
    answers = answered(desk, '=HYPERLINK("http://example.org")')
    table = pd.read_csv(io.BytesIO(encode(answers, "csv")))
    reasons = set(table["reason"].dropna())
    assert reasons == {'\'=HYPERLINK("http://example.org")'}
    rows = json.loads(encode(answers, "json"))["answers"]
    assert {row["reason"] for row in rows} == {None, '=HYPERLINK("http://example.org")'}


def test_nothing_answered_is_an_empty_table(desk: Desk, tmp_path: Path) -> None:
    paths = export(admin(desk).answers(), admin(desk).pictures(), tmp_path)
    assert len(pd.read_parquet(paths[1])) == len(pd.read_csv(paths[0])) == 0
    assert json.loads(paths[2].read_text())["answers"] == []

"""Utility's tables: dashes for what nobody measured, noise called so, the paper's numbers apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from humangenai.records import (
    UtilityAgreement,
    UtilityConfusion,
    UtilityDifference,
    UtilityGap,
    UtilityModel,
    UtilityRecord,
    UtilityScore,
)
from humangenai.report.utility import (
    published_table,
    score_table,
    utility_details,
    utility_difference_table,
    utility_of,
    utility_tables,
)

if TYPE_CHECKING:
    from humangenai.records import Ends, RunRecord, Training
    from humangenai.report.tables import Table

NOTHING = (math.nan, math.nan, math.nan)
TRAININGS: tuple[Training, ...] = ("S", "R", "S+R", "S→R")


def score(training: Training, task: str, metric: str, value: Ends) -> UtilityScore:
    return UtilityScore(
        training=training, model="ResNet10t", task=task, metric=metric, value=value, chance=0.25,
        n=250, clusters=125, seeds=3,
    )  # fmt: skip


def difference(training: Training, value: Ends, p: float) -> UtilityDifference:
    return UtilityDifference(
        training=training, against="R", model="ResNet10t", task="gender", metric="accuracy",
        value=value, p=p, n=250, clusters=125, seeds=3,
    )  # fmt: skip


@pytest.fixture
def utility() -> UtilityRecord:
    cells = [
        score(training, task, metric, (0.6, 0.5, 0.7))
        for training in TRAININGS
        for task in ("emotion", "gender")
        for metric in ("accuracy", "macro-F1")
    ]
    return UtilityRecord(
        track="classification",
        originals="rendered originals",
        preset="small",
        tasks=("emotion", "gender"),
        synthetic=298,
        learned=300,
        tested=250,
        left_out=2,
        masked=7,
        training_hash="0",
        models=(
            UtilityModel(name="ResNet10t", parameters=5, settings={"size": 64}),
            UtilityModel(name="ViT-Base", missing="too large"),
        ),
        scores=tuple(cells),
        differences=(
            difference("S", (-0.2, -0.3, -0.1), 0.0004),
            difference("S+R", (0.01, -0.04, 0.06), 0.71),
            difference("S→R", (0.02, math.nan, math.nan), math.nan),
        ),
        confusions=(
            UtilityConfusion(
                training="S", model="ResNet10t", task="gender", classes=("female", "male"),
                counts=((100.0, 25.0), (30.0, 95.0)), unlabelled=1,
            ),
        ),
        gaps=(
            UtilityGap(
                training="S", model="ResNet10t", task="gender", metric="accuracy", by="ethnicity",
                groups={"White": (0.8, 0.7, 0.9), "Black": (0.7, 0.6, 0.8)},
                sizes={"White": 80, "Black": 90}, best="White", worst="Black",
                gap=(0.1, -0.02, 0.22), by_chance=0.06, p=0.2,
            ),
        ),
        agreement=(
            UtilityAgreement(
                judge="probe", version="1", task="emotion", value=(0.2, 0.1, 0.3),
                ceiling=(0.6, 0.5, 0.7), chance=1 / 7, n=298, unjudged=0,
            ),
        ),
    )  # fmt: skip


@pytest.fixture
def record(run_record: RunRecord, utility: UtilityRecord) -> RunRecord:
    first = run_record.methods[-1].model_copy(update={"utility": (utility,)})
    return run_record.model_copy(update={"methods": (*run_record.methods[:-1], first)})


def texts(table: Table) -> list[list[str]]:
    return [[cell.value for cell in row] for row in table.rows]


def test_rows_are_trainings_and_columns_tasks(record: RunRecord) -> None:
    table = score_table(record, utility_of(record))
    assert table.columns == ("model", "learned from", "emotion", "gender")
    assert texts(table) == [
        ["ResNet10t", "S", "60.0", "60.0"],
        ["", "R (rendered originals)", "60.0", "60.0"],
        ["", "S+R", "60.0", "60.0"],
        ["", "S→R", "60.0", "60.0"],
        ["", "chance", "25.0", "25.0"],
        ["ViT-Base", "–", "–", "–"],
    ]
    assert table.rows[0][2].detail == "50.0–70.0"
    for said in ("R: 300 rendered originals", "2 pictures are in no S", "ViT-Base: too large"):
        assert said in table.note
    other = score_table(record, utility_of(record), metric="macro-F1")
    assert other.title.endswith(", macro-F1, %")
    assert other.columns == table.columns
    titles = [one.title for one in utility_tables(record, wide=True)]
    assert titles[:2] == [table.title, other.title]  # below each other, not side by side


def test_what_may_be_noise_is_called_so(record: RunRecord) -> None:
    rows = utility_difference_table(record, utility_of(record)).rows
    assert [(row[1].value, row[2].value, row[2].detail) for row in rows] == [
        ("S − R", "−20.0", "−30.0 to −10.0, p < 0.001"),
        ("S+R − R", "+1.0", "−4.0 to +6.0, p 0.710, noise"),
        ("S→R − R", "+2.0", "noise unknown: one training"),
    ]


def test_the_papers_numbers_stand_in_a_table_of_their_own(record: RunRecord) -> None:
    shown = utility_tables(record)
    assert len(shown) == 4  # scores, differences, does S show its labels, the paper's
    assert "copied, not measured" in shown[-1].note
    table = published_table("classification")
    assert texts(table)[0] == ["ViT-Base", "S", "36.3", "48.2", "53.1", "67.6"]
    assert texts(table)[7] == ["", "S→R", "42.2", "55.7", "65.1", "77.6"]
    detectors = texts(published_table("detection"))
    assert detectors[2][1:] == ["S+R", "–", "–"]  # the page has none


def test_what_is_folded_away(record: RunRecord) -> None:
    details = dict(utility_details(record))
    (matrix,) = details["refsd[none]: which classes are taken for which"]
    assert texts(matrix) == [["female", "100.0", "25.0"], ["male", "30.0", "95.0"]]
    assert "1 pictures have no label" in matrix.note
    (gaps,) = details["refsd[none]: groups of people"]
    assert texts(gaps)[0][4:] == ["10.0", "6.0", "0.200", "White, Black"]
    (models,) = details["classification: models"]
    assert texts(models)[1][:3] == ["ViT-Base", "–", "no"]


def test_nobody_trained_anything(run_record: RunRecord) -> None:
    assert utility_tables(run_record) == []
    assert utility_details(run_record) == []

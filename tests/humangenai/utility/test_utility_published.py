"""The paper's tables of downstream utility: whole, as printed, and on the leaderboard apart."""

import csv
from pathlib import Path

import leaderboards
from humangenai.utility import published
from humangenai.utility.labels import PAPER_TASKS
from leaderboards.site import published_classification_table, published_detection_table


def test_every_cell_is_there_once() -> None:
    cells = [(row.training, row.task, row.model) for row in published.CLASSIFICATION]
    assert len(cells) == len(set(cells)) == 4 * 4 * 2
    assert {row.task for row in published.CLASSIFICATION} == set(PAPER_TASKS)
    assert [row.training for row in published.DETECTION[::2]] == ["S", "R", "S→R"]


def test_claims_of_the_paper_follow_from_its_tables() -> None:
    """The page's prose: +11.1 for gender, +1.1 mAP@[.5:.95] and +1.0 mAP@.5 over real only."""
    percents = {
        (row.training, row.task, row.model, row.metric): row.percent
        for row in (*published.CLASSIFICATION, *published.DETECTION)
    }

    def gain(training: str, *what: str) -> float:
        return round(percents[training, *what] - percents["R", *what], 1)  # type: ignore[index]

    gains = [
        gain("S+R", task, model, "accuracy")
        for task in PAPER_TASKS
        for model in published.CLASSIFIERS
    ]
    assert max(gains) == gain("S+R", "gender", "ViT-Base", "accuracy") == 11.1
    assert gain("S", "600 classes", published.DETECTOR, "mAP@[.5:.95]") == 1.1
    assert gain("S", "600 classes", published.DETECTOR, "mAP@.5") == 1.0


def test_tables_have_the_papers_layout() -> None:
    table = published_classification_table()
    assert table.columns == ("training", *PAPER_TASKS)
    assert [cell.value for cell in table.rows[2]] == [
        "S+R", "44.3 / 42.0", "59.9 / 58.5", "73.0 / 63.4", "79.9 / 77.5",
    ]  # fmt: skip
    detection = [[cell.value for cell in row] for row in published_detection_table().rows]
    assert detection[0] == ["S", "26.4", "33.2"]
    assert detection[2][1] == detection[2][2] != "0.0"  # not printed, so no number
    assert not detection[2][1][0].isdigit()


def test_reported_rows_are_on_the_leaderboard_and_marked(tmp_path: Path) -> None:
    pages = leaderboards.build(out=tmp_path / "out", results=tmp_path / "none")
    for page in pages:
        assert "RAF-DB" in page.read_text(encoding="utf-8")
    with (tmp_path / "out" / "leaderboard.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["training"]]
    assert len(rows) == 32 + 6
    assert {row["kind"] for row in rows} == {"reported by the paper"}
    assert {row["source"] for row in rows} == {published.URL}

"""The report of a run that never took place: what it says, and what it must never do."""

from __future__ import annotations

import io
import math
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from rich.console import Console

from humangenai.errors import UserError
from humangenai.records import ItemRecord, PersonRecord
from humangenai.report import render, tables, write_report
from humangenai.report.pictures import LONGEST, embed
from humangenai.report.tables import Cell, Table, coverage_table, markdown, points, reid_table

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.records import RunRecord

EVIL = '<script>alert("1")</script>&'


class Page(HTMLParser):
    """Collects tags and text, and checks that what is opened is closed."""

    void = frozenset({"meta", "img", "br", "hr", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def run_folder(tmp_path: Path, run_record: RunRecord) -> Path:
    """A run folder with lines, and examples of two items under two methods."""
    private = tmp_path / "private"
    (private / "items").mkdir(parents=True)
    (private / "run.json").write_text(run_record.model_dump_json(), encoding="utf-8")
    lines = [
        ItemRecord(
            method="refsd[none]",
            key="query/0",
            content="k",
            status="done",
            people=(PersonRecord(index=0, status="masked", reason="pose fits badly"),),
            fates=("masked", "missed"),
            output="release/refsd-none/images/aa.png",
        ),
        ItemRecord(
            method="refsd[none]", key=EVIL, content="", status="failed", error="truncated JPEG"
        ),
    ]
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    (private / "items" / "refsd-none.jsonl").write_text(text, encoding="utf-8")
    released = tmp_path / "release" / "refsd-none" / "images"
    released.mkdir(parents=True)
    Image.new("RGB", (64, 128), "white").save(released / "aa.png")
    for slug, stages in (
        ("maskout", ()),
        ("refsd-none", ("x", "x-prime", "m", "my-stage", "x-hat")),
    ):
        for number, colour in enumerate(("navy", "olive")):
            folder = private / "examples" / slug / f"{slug}-{number}"
            folder.mkdir(parents=True)
            for place, stage in enumerate(("original", *stages, "output")):
                shades = {"original": colour, "x": colour, "x-hat": "gray", "output": "gray"}
                picture = Image.new("RGB", (64, 128), shades.get(stage, "white"))
                picture.save(folder / f"{place:02d}-{stage}.png")
    return tmp_path


def test_the_page_is_whole_and_loads_nothing(run_folder: Path) -> None:
    path = write_report(run_folder)
    assert path == run_folder / "private" / "report" / "index.html"
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 1 + 2 * (1 + 2) + 2 * 5  # missed, before/after; 5 stages
    assert all(source.startswith("data:image/") for source in sources)
    assert not re.search(r"https?://|url\(|@import", html)


def test_the_page_says_what_must_be_said(run_folder: Path) -> None:
    text = Page(write_report(run_folder).read_text(encoding="utf-8")).text
    for words in (
        "naive attackers only: not a privacy claim",
        "crowd (rendered originals)",
        "pose fits badly",
        "truncated JPEG",
        "crowd train split, 480 identities",
        "c" * 64,
        "0" * 40,
        "x′: people removed",
        "my stage",
    ):
        assert words in text


def test_names_from_outside_are_text_and_pictures_are_described(run_folder: Path) -> None:
    page = Page(write_report(run_folder).read_text(encoding="utf-8"))
    assert EVIL in page.text
    alts = [attributes.get("alt") for tag, attributes in page.tags if tag == "img"]
    assert all(alts)
    assert len(set(alts)) == len(alts)


def test_pictures_of_one_item_stand_side_by_side(run_folder: Path) -> None:
    html = write_report(run_folder).read_text(encoding="utf-8")
    for name in ("picture 1", "picture 2"):
        assert f'alt="{name} after MaskOut"' in html
        assert f'alt="{name} after refsd[none]"' in html
    assert "picture 3" not in html


def test_a_run_without_scores_has_a_report(run_folder: Path, run_record: RunRecord) -> None:
    methods = tuple(method.model_copy(update={"scores": ()}) for method in run_record.methods)
    bare = run_record.model_copy(update={"methods": methods, "differences": (), "notes": ()})
    (run_folder / "private" / "run.json").write_text(bare.model_dump_json(), encoding="utf-8")
    text = Page(write_report(run_folder).read_text(encoding="utf-8")).text
    assert "who was processed" in text
    assert "Re-identification" not in text


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.json.*no finished run"):
        write_report(tmp_path)


def test_large_pictures_are_embedded_smaller(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (3000, 1500)).save(path)
    picture = embed(path, "alt", "caption")
    assert (picture.width, picture.height) == (LONGEST, LONGEST // 2)
    (tmp_path / "text.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.png"):
        embed(tmp_path / "text.png", "alt", "caption")


def test_numbers_are_those_of_the_record(run_record: RunRecord) -> None:
    rows = list(reid_table(run_record, "osnet").rows)
    assert [row[0].value for row in rows[::2]] == ["Original", "MaskOut", "refsd[none]", "chance"]
    assert rows[0][1:3] == (Cell("all", "200"), Cell("91.0", "87.0–95.0"))
    assert rows[1][1:3] == (Cell("processed", "196"), Cell("90.0", "87.0–95.0"))
    assert rows[6][2:6] == tuple(map(Cell, ("3.1", "14.0", "25.0", "4.5")))
    assert rows[4][-1] == Cell("98.0", "196")
    covered = {row[0].value: row for row in coverage_table(run_record).rows}
    assert covered["refsd[none]"][2] == Cell("95.0", "190")
    assert covered["refsd[none]"][6] == Cell("2.0", "4")
    assert covered["refsd[none]"][7] == Cell("0.30", "1.10")


def test_what_nobody_measured_is_a_dash(run_record: RunRecord) -> None:
    method = run_record.methods[0]
    score = method.scores[0].model_copy(update={"value": math.nan})
    cover = method.coverage.model_copy(update={"missed": None, "leak_mean": math.nan})
    broken = method.model_copy(update={"scores": (score,), "coverage": cover})
    record = run_record.model_copy(update={"methods": (broken,)})
    assert reid_table(record, "osnet").rows[0][2] == Cell("–")
    assert coverage_table(record).rows[0][6:8] == (Cell("–"), Cell("–", "1.10"))


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_shows_every_method_and_number(run_record: RunRecord, width: int) -> None:
    output = io.StringIO()
    Console(file=output, width=width).print(render(run_record))
    text = output.getvalue()
    assert "refsd[none]" in text  # not eaten as markup
    assert "91.0" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_markdown_tables_have_as_many_cells_as_columns(run_record: RunRecord) -> None:
    for table in tables(run_record):
        lines = [line for line in markdown(table).splitlines() if line.startswith("|")]
        assert {line.count(" | ") + 1 for line in lines} == {len(table.columns)}
    evil = markdown(Table("a", ("b", "c"), ((Cell("x|y"), Cell(EVIL)),)))
    assert r"x\|y" in evil
    assert "<script>" not in evil.replace(r"\<", "")


def test_differences_keep_their_sign() -> None:
    assert points(-0.034) == "−3.4"
    assert points(0.034) == "+3.4"

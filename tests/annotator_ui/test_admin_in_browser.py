"""The admins' pages in a real browser: downloads, chosen items, hostile words, withdrawal."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from app_server import CHROMIUM, Server, chromium
from sample_study import admin, make_sample_study, ready
from sqlalchemy import func, select

from annotator_ui import database as db
from annotator_ui.desk import Desk
from annotator_ui.exporting import encode
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

HOSTILE = (
    "<img src=x onerror='window.evil=1'><script>window.evil=1</script> **b** [l](http://x) $x$"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(open_study(*make_sample_study(tmp_path_factory.mktemp("study"))))


@pytest.fixture(scope="module")
def server(desk: Desk) -> Iterator[Server]:
    url = desk.study.database.engine.url.render_as_string(False)
    with Server(url, "sample") as running:
        yield running


@pytest.fixture(scope="module")
def people(desk: Desk) -> dict[str, str]:
    """An admin; a careful and a careless annotator, who is called, and says, hostile things."""
    careful, careless = ready(desk, "careful"), ready(desk, HOSTILE)
    for person in (careful, careless):
        for _ in range(10):
            rate(desk, person, 2 if person == careful else 5)
        item = desk.next_item(person)
        assert item is not None
        desk.skip(person, item.id, HOSTILE)
    boss = admin(desk).add_annotator("boss", "admin")
    return {"careful": careful, "careless": careless, "boss": boss}


def rate(desk: Desk, person: str, value: int) -> None:
    item = desk.next_item(person)
    assert item is not None
    for question in item.questions:
        desk.answer(person, item.id, question.id, value, 0.1 if value == 5 else 4.0)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    fresh.set_default_timeout(120_000)
    yield fresh
    fresh.close()


@pytest.fixture
def page(
    context: BrowserContext, server: Server, desk: Desk, people: dict[str, str]
) -> Iterator[Page]:
    opened = context.new_page()
    opened.goto(f"{server.address}/?token={desk.token(people['boss'])}")
    opened.get_by_text("Items answered").wait_for()
    yield opened
    assert opened.evaluate("window.evil") is None
    assert opened.locator("img[src=x]").count() == 0
    assert opened.locator("[data-testid=stException]").count() == 0


def go_to(page: Page, name: str, words: str) -> None:
    page.get_by_role("link", name=name).click()
    page.get_by_text(words).first.wait_for()


def cells(page: Page, table: int = 0) -> list[list[str]]:
    """The cells of a table on the page, as its canvas tells them to screen readers."""
    grid = page.locator("[data-testid=stDataFrame]").nth(table)
    grid.locator("table td").first.wait_for(state="attached")
    rows: list[list[str]] = grid.locator("table tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))"
    )
    return rows


def wait_for(page: Page, what: Any) -> None:
    end = time.monotonic() + 120
    while not what():
        assert time.monotonic() < end, page.inner_text("body")[:500]
        page.wait_for_timeout(50)


def test_downloads_are_what_the_command_line_writes(page: Page, desk: Desk) -> None:
    go_to(page, "Export", "All answers as they stand")
    answers = admin(desk).answers()
    got = {}
    for kind in ("csv", "parquet", "json"):
        with page.expect_download() as coming:
            page.get_by_role("button", name=f"answers.{kind}").click()
        assert coming.value.suggested_filename == f"answers.{kind}"
        got[kind] = Path(coming.value.path()).read_bytes()
    assert got["csv"] == encode(answers, "csv")
    assert got["json"] == encode(answers, "json")
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(got["parquet"])), answers)
    reasons = {row["reason"] for row in json.loads(got["json"])["answers"]}
    assert reasons == {None, HOSTILE}


def test_hostile_words_are_words_on_every_page(page: Page, people: dict[str, str]) -> None:
    assert any(HOSTILE in row for row in cells(page, 1))
    go_to(page, "Agreement", "without flagged")
    go_to(page, "Annotators", "Withdraw someone")
    assert any(HOSTILE in row for row in cells(page))
    page.get_by_text(f"{HOSTILE}: ").wait_for()  # flagged, with the reasons
    page.get_by_label("Who?").click()
    page.get_by_role("option", name=HOSTILE, exact=True).wait_for()


def test_the_chosen_row_is_the_item_that_opens(
    page: Page, desk: Desk, people: dict[str, str]
) -> None:
    go_to(page, "Items", "Choose a row")
    item_id, *_ = cells(page)[2]
    # While the table is read, answers come that put other items first.
    late = ready(desk, "late")
    for _ in range(8):
        rate(desk, late, 1)
    frame = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    assert frame is not None
    page.mouse.click(frame["x"] + 15, frame["y"] + 35 + 2.5 * 35)
    page.locator(".stage img").first.wait_for()
    item = desk.item(people["boss"], item_id)
    sources = page.locator(".stage img").evaluate_all("all => all.map(i => i.getAttribute('src'))")
    assert sources == [f"/picture/{image}" for image in item.images]
    page.get_by_text(item.questions[0].text).wait_for()
    assert cells(page)[2][0] == item_id
    answers = admin(desk).answers()
    given = answers[(answers["item"] == item_id) & (answers["question"] == item.questions[0].id)]
    shown = cells(page, 1)
    names = admin(desk).annotators().set_index("annotator")["name"]
    assert sorted(row[0] for row in shown) == sorted(given["annotator"].map(names))


def held(desk: Desk, person: str) -> list[int]:
    tables = (db.answer, db.answer_history, db.lease)
    with desk.study.database.reading() as connection:
        return [
            connection.scalar(
                select(func.count()).select_from(table).where(table.c.annotator_id == person)
            )
            or 0
            for table in tables
        ]


def test_an_admin_withdraws_for_somebody(page: Page, desk: Desk, people: dict[str, str]) -> None:
    person = people["careless"]
    assert min(held(desk, person)) > 0
    go_to(page, "Annotators", "Withdraw someone")
    page.get_by_label("Who?").click()
    page.get_by_role("option", name=HOSTILE, exact=True).click()
    button = page.get_by_role("button", name="Withdraw and delete")
    assert button.is_disabled()
    page.get_by_text("I am sure").click()
    button.click()
    wait_for(page, lambda: held(desk, person) == [0, 0, 0])
    wait_for(page, lambda: not any(HOSTILE in row for row in cells(page)))
    assert HOSTILE not in set(admin(desk).annotators()["name"])
    assert person not in encode(admin(desk).answers(), "json").decode()


def test_somebody_withdraws(context: BrowserContext, server: Server, desk: Desk) -> None:
    person = ready(desk, "Zoë")
    for _ in range(3):
        rate(desk, person, 3)
    page = context.new_page()
    page.goto(f"{server.address}/?token={desk.token(person)}")
    page.get_by_role("link", name="You").click()
    page.get_by_text("You are signed in as Zoë.").wait_for()
    page.get_by_text("I am sure").click()
    page.get_by_role("button", name="Withdraw and delete my answers").click()
    wait_for(page, lambda: held(desk, person) == [0, 0, 0])
    assert "Zoë" not in set(admin(desk).annotators()["name"])
    page.goto(f"{server.address}/?token={desk.token(person)}")
    page.get_by_text("You have withdrawn").wait_for()
    assert page.get_by_role("button").filter(has_text="agree").count() == 0

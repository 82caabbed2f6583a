"""The app in a real browser: headless Chromium against a real server process."""

from __future__ import annotations

import re
import shutil
import socket
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sample_study import METHODS, admin, make_sample_study, ready, sample_config

from annotator_ui.desk import Desk
from annotator_ui.serving import start
from annotator_ui.storing import Draft, store_study
from annotator_ui.study import open_study
from humangenai.human_ratings.questions import LEFT, RIGHT, TIE, preference_question

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

ITEMS = 30
EVIL = "<img src=x onerror=alert(1)> **bold** ![](/picture/x)"
ANSWER_KEY = re.compile(r"st-key-answer-([\w-]{22})-(\d+)-\d")


class Server:
    """The app in a process of its own, which can be killed and started again."""

    def __init__(self, url: str, study: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url, self.study = url, study
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = start(self.study, self.url, self.port)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=1)  # noqa: S310
            except OSError:
                assert self.process.poll() is None, "the app does not start"
                time.sleep(0.1)
            else:
                return
        raise AssertionError("the app does not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def serving(desk_of: tuple[str, str]) -> Iterator[Server]:
    server = Server(*desk_of)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("study")
    return make_sample_study(folder, items_per_annotator=ITEMS, raters_per_item=5)


@pytest.fixture(scope="module")
def server(study: tuple[str, str]) -> Iterator[Server]:
    with serving(study) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    fresh = browser.new_context(viewport={"width": 1280, "height": 800})
    fresh.set_default_timeout(120_000)
    yield fresh
    fresh.close()


def where(page: Page) -> tuple[str, int] | None:
    """Item and question on the screen; None where there is none."""
    answers = page.locator(".st-key-answers [class*=st-key-answer-]")
    names = answers.evaluate_all("all => all.map(one => one.className)")
    match = ANSWER_KEY.search(names[0]) if names else None
    return (match[1], int(match[2])) if match else None


def wait_for(page: Page, what: Any, seconds: float = 120) -> Any:
    """Wait until ``what()`` is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = what()
        except playwright.Error:  # the page changed while it was looked at
            found = None
        if found:
            return found
        page.wait_for_timeout(15)
    raise AssertionError(f"nothing came; on the screen: {page.inner_text('body')[:500]}")


def arrive(page: Page, desk: Desk, annotator: str) -> tuple[str, int]:
    """Wait until a question is there with its pictures; return item and question."""
    place = wait_for(page, lambda: where(page))
    wanted = [f"/picture/{image}" for image in desk.item(annotator, place[0]).images]
    pictures = page.locator(".stage img")
    wait_for(page, lambda: pictures.evaluate_all(SHOWN) == wanted)
    page.wait_for_timeout(350)  # quicker answers are taken for a key pressed twice
    return place


SHOWN = "all => all.filter(i => i.complete && i.naturalWidth).map(i => i.getAttribute('src'))"


def press(page: Page, key: str) -> None:
    """Press a key and wait until another question is there, or the end."""
    before = where(page)
    page.keyboard.press(key)
    wait_for(page, lambda: where(page) != before)
    end = page.get_by_text("You have finished")
    wait_for(page, lambda: where(page) or end.count())


def watch(page: Page) -> tuple[list[bytes], set[str]]:
    """Collect from now on what comes over websockets, and the addresses of everything else."""
    frames: list[bytes] = []
    addresses: set[str] = set()
    page.on("request", lambda request: addresses.add(request.url))
    page.on(
        "websocket",
        lambda channel: channel.on("framereceived", lambda data: frames.append(as_bytes(data))),
    )
    return frames, addresses


def all_bytes(page: Page, frames: list[bytes], addresses: set[str]) -> bytes:
    """All that the browser was sent, in small letters; addresses are asked for again."""
    answers = [page.request.get(address) for address in addresses if address.startswith("http")]
    parts = [*frames, *map(str.encode, addresses)]
    for answer in answers:
        parts += [repr(answer.headers).encode(), answer.body()]
    return b"\n".join(parts).lower()


def as_bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


MARKED = ".st-key-answers button[kind=primary]"


def begin(page: Page) -> None:
    """Consent, instructions and training, by keyboard."""
    page.get_by_role("button", name="I agree").wait_for()
    assert "token" not in page.url
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start with examples").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="cannot decide").wait_for()
    page.keyboard.press("3")
    page.get_by_text("is what we expect here").wait_for()
    page.keyboard.press("ArrowRight")


def test_thirty_items_by_keyboard(
    study: tuple[str, str], server: Server, context: BrowserContext
) -> None:
    desk = Desk(open_study(*study))
    ada = admin(desk).add_annotator("ada")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    frames, addresses = watch(page)

    page.goto(f"{server.address}/?token={desk.token(ada)}")
    begin(page)

    given: dict[tuple[str, int], int] = {}
    items: list[str] = []
    press_count = 0
    while where(page) or press_count == 0:
        place = arrive(page, desk, ada)
        if place[0] not in items:
            items.append(place[0])
            if len(items) == 15:
                page.reload()
                assert arrive(page, desk, ada) == place
            if len(items) == 20:  # one back, another answer, and on by itself
                page.keyboard.press("ArrowLeft")
                wait_for(page, lambda here=place: where(page) not in (None, here))
                last = arrive(page, desk, ada)
                assert last[0] == items[-2]
                assert page.locator(MARKED).inner_text().startswith(str(given[last]))
                given[last] = 1 + given[last] % 5
                press(page, str(given[last]))
                assert arrive(page, desk, ada) == place
        press_count += 1
        given[place] = 1 + (press_count * 7) % 5
        press(page, str(given[place]))

    assert len(items) == ITEMS
    assert desk.progress(ada).done == ITEMS
    answers = admin(desk).answers()
    own = answers[answers["annotator"] == ada]
    stored = {(row.item, row.question): row.value for row in own.itertuples()}
    expected = {
        (item, desk.item(ada, item).questions[at].id): value for (item, at), value in given.items()
    }
    assert stored == expected
    assert (own["seconds"] >= 0.3).all()

    shown = [image for item in items for image in desk.item(ada, item).images]
    assert {f"{server.address}/picture/{image}" for image in shown} <= addresses
    assert len(frames) > len(given)
    everything = all_bytes(page, frames, addresses)
    assert len(everything) > 1_000_000
    for secret in (*METHODS, "person 0"):
        assert secret.encode() not in everything

    page.get_by_role("link", name="You").click()
    page.get_by_role("link", name="Log out").click()
    page.get_by_text("You have logged out").wait_for()
    assert page.request.get(f"{server.address}/picture/{shown[0]}").status == 403
    assert problems == []


def test_links_and_pictures_are_personal(
    study: tuple[str, str], server: Server, context: BrowserContext
) -> None:
    desk = Desk(open_study(*study))
    bob, carl = ready(desk, "bob"), ready(desk, "carl")
    item = desk.next_item(bob)
    assert item is not None
    mine = f"{server.address}/picture/{item.images[0]}"
    enter = f"{server.address}/?token="
    ask = context.request
    assert ask.get(mine).status == 403
    forged = ask.get(enter + desk.token(bob)[:-3] + "abc", max_redirects=0)
    assert forged.status == 303
    assert forged.headers["location"] == "/?problem=link"
    assert ask.get(enter + desk.token(bob, days=-1), max_redirects=0).headers["location"] != "/"
    assert ask.get(mine).status == 403
    ask.get(enter + desk.token(carl))
    assert ask.get(mine).status == 404
    assert ask.get(f"{server.address}/picture/..%2f..%2fstudy.db").status >= 400
    entered = ask.get(enter + desk.token(bob), max_redirects=0)
    assert "httponly" in entered.headers["set-cookie"].lower()
    assert "frame-ancestors 'none'" in entered.headers["content-security-policy"]
    picture = ask.get(mine)
    assert picture.body().startswith(b"\x89PNG")
    assert "no-store" in picture.headers["cache-control"]

    page = context.new_page()
    ask.get(enter + desk.token(carl))
    page.goto(f"{server.address}/?item={item.id}&q=0")
    page.get_by_text("There is no such item").wait_for()
    assert page.locator(".stage img").count() == 0


def test_zoom_by_key_on_every_item(
    study: tuple[str, str], server: Server, context: BrowserContext
) -> None:
    desk = Desk(open_study(*study))
    fay = ready(desk, "fay")
    page = context.new_page()
    page.goto(f"{server.address}/?token={desk.token(fay)}")
    stage = page.locator(".stage")
    for _ in range(3):
        arrive(page, desk, fay)
        seen = []
        for _ in range(4):
            page.keyboard.press("z")
            seen.append(stage.evaluate(ZOOM))
        assert seen == ["50% 12%", "50% 50%", "50% 88%", ""]
        press(page, "3")


ZOOM = "e => e.classList.contains('zoomed') ? e.style.getPropertyValue('--spot') : ''"


def test_phone_skip_and_names_as_text(
    study: tuple[str, str], server: Server, browser: Browser
) -> None:
    desk = Desk(open_study(*study))
    eve = ready(desk, EVIL)
    phone = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True
    )
    page = phone.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"{server.address}/?token={desk.token(eve)}")
    arrive(page, desk, eve)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for _ in range(4):
        arrive(page, desk, eve)
        last = page.get_by_role("button", name=re.compile("^5")).bounding_box()
        assert last is not None
        assert last["y"] + last["height"] <= 740, "all answers without scrolling"
        page.keyboard.press("4")
        page.wait_for_timeout(1000)
    first = arrive(page, desk, eve)
    assert last["height"] >= 44

    page.get_by_role("button", name="Skip").tap()
    page.get_by_label("Another reason").fill(EVIL)
    page.get_by_role("button", name="Skip for this reason").tap()
    wait_for(page, lambda: (where(page) or first)[0] != first[0])
    answers = admin(desk).answers()
    skipped = answers[(answers["annotator"] == eve) & answers["value"].isna()]
    assert len(skipped) and set(skipped["reason"]) == {EVIL}

    page.goto(f"{server.address}/you")
    page.get_by_text(f"You are signed in as {EVIL}.", exact=True).wait_for()
    assert dialogs == []
    phone.close()


def test_admin_pages(study: tuple[str, str], server: Server, context: BrowserContext) -> None:
    desk = Desk(open_study(*study))
    boss = admin(desk).add_annotator("boss", "admin")
    dan, dora = ready(desk, "dan"), ready(desk, "dora")
    for annotator, value in ((dan, 1), (dora, 5)):
        for _ in range(3):
            item = desk.next_item(annotator)
            assert item is not None
            for question in item.questions:
                desk.answer(annotator, item.id, question.id, value, 2.0)
    page = context.new_page()
    page.goto(f"{server.address}/?token={desk.token(boss)}")
    page.get_by_text("Items answered").wait_for()
    for link, text in (
        ("Agreement", "what people say"),
        ("Items", "most disagreement first"),
        ("Export", "Columns"),
        ("Annotators", "Withdraw someone"),
    ):
        page.get_by_role("link", name=link).click()
        page.get_by_text(text).first.wait_for()
        assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_label("Who?").click()
    page.get_by_role("option", name="dan").click()
    page.get_by_text("I am sure").click()
    page.get_by_role("button", name="Withdraw and delete").click()
    wait_for(page, lambda: "dan" not in set(admin(desk).annotators()["name"]))
    left = set(admin(desk).answers()["annotator"])
    assert dora in left
    assert dan not in left


def test_kill_while_rating(tmp_path: Path, context: BrowserContext) -> None:
    url, name = make_sample_study(tmp_path)
    desk = Desk(open_study(url, name))
    annotator = ready(desk, "zoe")
    acknowledged: dict[tuple[str, int], int] = {}
    with serving((url, name)) as server:
        page = context.new_page()
        page.goto(f"{server.address}/?token={desk.token(annotator)}")
        for turn in range(3):
            for step in range(3):
                place = arrive(page, desk, annotator)
                value = 1 + (turn + step) % 5
                press(page, str(value))  # back when the next question is there
                acknowledged[place] = value
            arrive(page, desk, annotator)
            page.keyboard.press("5")
            page.wait_for_timeout(turn * 60)  # before, while or after it is stored
            server.kill()
            server.start()
            page.reload()
    answers = admin(desk).answers()
    stored = {(row.item, row.question): row.value for row in answers.itertuples()}
    for (item, at), value in acknowledged.items():
        assert stored[item, desk.item(annotator, item).questions[at].id] == value
    assert len(acknowledged) <= len(stored) <= len(acknowledged) + 3


def test_preference_keys(tmp_path: Path, context: BrowserContext) -> None:
    picture = np.full((640, 480, 3), 120, np.uint8)
    drafts = [
        Draft(
            role="rated",
            display="preference",
            method="weakblur",
            against="maskout",
            source=str(number),
            questions=(preference_question("body"),),
            images=(picture, picture),
        )
        for number in range(3)
    ]
    url = f"sqlite:///{tmp_path / 'study.db'}"
    config = sample_config(questions=["preference"])
    store_study(url, config, tmp_path, drafts)
    desk = Desk(open_study(url, config.name))
    annotator = ready(desk, "gil")
    given = {}
    with serving((url, config.name)) as server:
        page = context.new_page()
        page.goto(f"{server.address}/?token={desk.token(annotator)}")
        for key, value in (("1", LEFT), ("0", TIE), ("2", RIGHT)):
            given[arrive(page, desk, annotator)[0]] = value
            press(page, key)
    assert (
        dict(zip(*(admin(desk).answers()[name] for name in ("item", "value")), strict=True))
        == given
    )

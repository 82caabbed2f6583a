"""The review page in a real browser: headless Chromium against a real server process."""

from __future__ import annotations

import shutil
import socket
import time
import urllib.request
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from annotator_ui.review.serving import start
from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.corrections import read_corrections
from humangenai.records import ReviewRecord, RunRecord
from humangenai.review import Review
from humangenai.runner import run
from humangenai.verification import verify_release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

TOKEN = "a-token-for-one-test"
HEIGHT, WIDTH = 240, 360
NAMES = ("a.png", "b.png", "c.png")
SHOWN = (40, 30, 90, 220)
MISSED = (200, 30, 250, 220)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on three pictures; of two people in each the boxes know one."""
    folder = tmp_path_factory.mktemp("review")
    photos = folder / "photos"
    photos.mkdir()
    rows = ["file,x0,y0,x1,y1"]
    for number, name in enumerate(NAMES):
        image = np.random.default_rng(number).integers(90, 130, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        for colour, (x0, y0, x1, y1) in (((200, 30, 30), SHOWN), ((30, 30, 200), MISSED)):
            image[y0:y1, x0:x1] = colour
        Image.fromarray(image).save(photos / name)
        rows.append(",".join(map(str, (name, *SHOWN))))
    boxes = folder / "boxes.csv"
    boxes.write_text("\n".join(rows) + "\n")
    options = {"path": str(photos), "boxes": str(boxes)}
    run(
        RunConfig(
            dataset=DatasetConfig(dataset="folder", options=options),
            methods=(method_config("maskout"), method_config("weakblur")),
            tracks=(),
        ),
        folder / "run",
    )
    return folder / "run"


@pytest.fixture(scope="module")
def address(reviewed: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = start(reviewed, port, TOKEN)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1)
                break
            except OSError:
                assert process.poll() is None, "the page does not start"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 860})
        context.set_default_timeout(30_000)
        yield context.new_page()
        browser.close()


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the first picture is on the screen."""
    box = page.locator(".first .inner").bounding_box()
    assert box is not None
    return box["x"] + x / WIDTH * box["width"], box["y"] + y / HEIGHT * box["height"]


def settle(page: Page) -> None:
    """Wait until nothing is left on the screen of what was there before."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(100)


def open_item(page: Page, name: str) -> None:
    """Wait until an item is there, long enough for somebody to have seen it."""
    page.get_by_text(name).first.wait_for()
    page.locator(".first img").wait_for()
    page.wait_for_timeout(600)
    settle(page)


def press(page: Page, name: str) -> None:
    settle(page)
    page.get_by_role("button", name=name).click()


def drag(page: Page, box: tuple[int, int, int, int]) -> None:
    page.mouse.move(*on_screen(page, box[0], box[1]))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (box[0] + box[2]) / 2, box[3]))
    page.mouse.move(*on_screen(page, box[2], box[3]))
    page.mouse.up()


def test_nobody_sees_anything_without_the_link(address: str, page: Page) -> None:
    ask = page.request
    assert ask.get(f"{address}/picture/0/0").status == 403
    page.goto(f"{address}/?token=another")
    page.get_by_text("Please open the link").wait_for()
    page.goto(f"{address}/?item=0")
    page.get_by_text("Please open the link").wait_for()
    assert NAMES[0] not in page.content()
    assert ask.get(f"{address}/picture/0/0").status == 403
    entered = ask.get(f"{address}/?token={TOKEN}", max_redirects=0)
    assert "httponly" in entered.headers["set-cookie"].lower()
    picture = ask.get(f"{address}/picture/0/0")
    assert picture.body().startswith(b"\x89PNG")
    assert "no-store" in picture.headers["cache-control"]
    assert {ask.get(f"{address}/picture/{wrong}").status for wrong in ("99/0", "0/99")} == {404}
    assert b"PNG" not in ask.get(f"{address}/picture/0/a.png").body()
    for path in ("/_stcore/upload_file/a/b", "/picture/0/0"):
        assert ask.put(f"{address}{path}", data=b"x").status == 405


def test_missed_people_are_added_and_made_again(address: str, page: Page, reviewed: Path) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{address}/?token={TOKEN}")
    page.get_by_role("button", name="Review the next picture").wait_for()
    assert "token" not in page.url
    page.keyboard.press("n")

    # Drag a box around the person whom nobody found.
    open_item(page, "a.png")
    assert page.locator(".first path").count() == 1
    assert page.locator(".output").count() == 1, "methods that remove people, not the blur"
    drag(page, MISSED)
    page.locator(".first path.added").wait_for()
    for factor in ("1.5×", "2×"):  # a key counts once, however often the page was drawn
        page.keyboard.press("+")
        assert page.locator(".factor").inner_text() == factor
    press(page, "Save 1 correction")

    # Take out somebody, and bring a box by numbers.
    open_item(page, "b.png")
    page.mouse.click(*on_screen(page, 65, 120))
    press(page, "This is no person")
    page.locator(".first path.removed").wait_for()
    settle(page)
    page.get_by_text("By numbers").click()
    for label, value in zip(("left", "top", "right", "bottom"), MISSED, strict=True):
        page.get_by_label(label, exact=True).fill(str(value))
        page.keyboard.press("Tab")
    press(page, "Use this box")
    page.locator(".first path.added").wait_for()
    press(page, "Save 2 corrections")

    # Draw somebody again, think better of it, and say that all is right.
    open_item(page, "c.png")
    page.mouse.click(*on_screen(page, 65, 120))
    press(page, "Draw again")
    page.get_by_text("Drag a box around person 1").wait_for()
    drag(page, (30, 20, 100, 230))
    page.locator(".first path.redrawn").wait_for()
    press(page, "As it was found")
    page.locator(".first path.redrawn").wait_for(state="detached")
    settle(page)
    page.keyboard.press("s")
    page.get_by_text("3 of 3 reviewed").wait_for()
    assert problems == []

    edits = {
        key: [edit.kind for edit in one.edits]
        for key, one in read_corrections(reviewed / "private").items()
    }
    assert edits == {"a.png": ["add"], "b.png": ["remove", "add"], "c.png": []}
    box = read_corrections(reviewed / "private")["a.png"].edits[0].box
    assert box == pytest.approx(MISSED, abs=1.5)

    make_them_again(address, page, reviewed)


def make_them_again(address: str, page: Page, reviewed: Path) -> None:
    press(page, "Make them again")
    page.get_by_text("were made again").wait_for(timeout=120_000)
    record = RunRecord.model_validate_json((reviewed / "private" / "run.json").read_text())
    assert record.review == ReviewRecord(reviewed=3, corrected=2, added=2, removed=1, redrawn=0)
    review = Review(reviewed)
    x0, y0, x1, y1 = MISSED
    for name in ("a.png", "b.png"):
        inside = review.output(name, "MaskOut")[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2]
        assert (inside == 127).all()
    assert verify_release(reviewed, None).verdict == "passed"

    # What is saved is there again after a reload, and the picture is the new one.
    page.goto(f"{address}/?item=0")
    page.locator(".first path.added").wait_for()
    page.get_by_text("Saved: 1 correction.").wait_for()
    page.goto(f"{address}/?item=77")
    page.get_by_text("3 of 3 reviewed").wait_for()

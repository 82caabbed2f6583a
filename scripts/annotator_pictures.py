"""Makes the annotator's pictures in docs/pictures: a study of rendered people, in Chromium.

Usage: .venv/bin/python scripts/annotator_pictures.py [--chromium /usr/bin/chromium]

Everybody shown is rendered (crowd), the answers on the admins' page are simulated, and the page
says so. Takes about three minutes.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
HUMANGENAI = Path(sys.executable).parent / "humangenai"
PATIENCE = 120_000
"""Milliseconds for a page; a busy machine takes long."""

STUDY = """\
title: How well are these people replaced?
runs: [{run: run}]
track: body
items_per_method: 8
raters_per_item: 5
questions: [psi_A, psi_B, psi_C, preference]
gold: {share: 0.1, automatic: 3}
attention_checks: {share: 0.1, automatic: 3}
"""


def main() -> None:
    """Make a run, a study and its pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        methods = ["refsd", "maskout", "strongblur"]
        humangenai(folder, "eval", *[word for method in methods for word in ("-m", method)],
                   "-d", "crowd", "--limit", "8", "--track", "none", "-o", "run")  # fmt: skip
        chromium = playwright.chromium.launch(executable_path=given.chromium, args=["--no-sandbox"])
        with study(folder, "shown") as address:
            rate(chromium, link(folder, "shown", "ada", address))
        # No study mixes people and programs.
        with study(folder, "simulated") as address:
            humangenai(folder, "study", "simulate", "simulated", "--careful", "5", "--lazy", "1",
                       "--straight", "1", "--random", "1")  # fmt: skip
            administer(chromium, link(folder, "simulated", "me", address, "--admin"))


@contextmanager
def study(folder: Path, name: str) -> Iterator[str]:
    """Make a study and serve it; its address."""
    (folder / f"{name}.yaml").write_text(f"name: {name}\n{STUDY}")
    humangenai(folder, "study", "create", f"{name}.yaml")
    port = free_port()
    app = subprocess.Popen(
        [HUMANGENAI, "annotate", "--study", name, "--port", str(port)], cwd=folder
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait()


def humangenai(folder: Path, *words: str) -> str:
    """Run a command in a folder; what it said."""
    return subprocess.run(
        [HUMANGENAI, *words], cwd=folder, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def link(folder: Path, name: str, who: str, address: str, *words: str) -> str:
    """Somebody's personal link to a study."""
    said = humangenai(folder, "study", "link", name, "-a", who, *words, "--address", address)
    return said.split()[-1]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        port: int = some.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Until the app answers."""
    for _ in range(240):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the app did not start")


def rate(chromium: Browser, address: str) -> None:
    """Sign in, look at the examples, rate; one picture on a desktop, one on a phone."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(address, timeout=PATIENCE)
    page.get_by_role("button", name="I agree").click(timeout=PATIENCE)
    page.get_by_role("button", name="Start with").click(timeout=PATIENCE)
    leave_examples(page)
    answer_until(page, "who is in the left one")
    page.screenshot(path=PICTURES / "annotator-rating.png")
    state = context.storage_state()
    phone = chromium.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True,
        storage_state=state,
    ).new_page()  # fmt: skip
    phone.goto(address.partition("?")[0], timeout=PATIENCE)
    answer_until(phone, "keep the pose")
    phone.screenshot(path=PICTURES / "annotator-phone.png")
    phone.context.close()
    context.close()


def leave_examples(page: Page) -> None:
    """Answer every example until real questions come."""
    for _ in range(60):
        page.wait_for_timeout(1000)
        if page.locator(".st-key-progress").count():
            return
        page.keyboard.press("2")
        page.wait_for_timeout(1000)
        page.keyboard.press("ArrowRight")
    raise SystemExit("the examples do not end")


def answer_until(page: Page, words: str) -> None:
    """Answer until a question with these words comes, and all of it is there."""
    page.locator(".st-key-asked").wait_for(timeout=PATIENCE)
    for number in range(40):
        page.wait_for_timeout(1500)
        if page.get_by_text(words).count():
            return
        # The second answer of every question, or one more where there are five.
        page.keyboard.press("2" if number % 2 else "4")
    raise SystemExit(f"no question came with the words '{words}'")


def administer(chromium: Browser, address: str) -> None:
    """Scores and agreement, as admins see them."""
    page = chromium.new_page(viewport={"width": 1280, "height": 1370})
    page.goto(address, timeout=PATIENCE)
    page.get_by_role("link", name="Agreement").click(timeout=PATIENCE)
    page.get_by_text("how far annotators agree").first.wait_for(timeout=PATIENCE)
    page.wait_for_timeout(4000)
    page.screenshot(path=PICTURES / "annotator-agreement.png")


if __name__ == "__main__":
    main()

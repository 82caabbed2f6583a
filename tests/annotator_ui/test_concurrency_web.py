"""25 annotators at once, each at a window of their own, on a real ``humangenai annotate``."""

from __future__ import annotations

import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from app_server import Server
from sample_study import METHODS, admin, make_sample_study
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from annotator_ui import database as db
from annotator_ui.desk import Desk
from annotator_ui.items import read_questions
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sqlalchemy import Table

ANNOTATORS = 25
Answer = tuple[str, str, int]
"""Item, question, value."""


@pytest.fixture(scope="module")
def web() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import web_annotator  # type: ignore[import-not-found]

        yield web_annotator
    sys.modules.pop("web_annotator", None)


@dataclass
class Person:
    """An annotator, and what happened.

    Attributes:
        acknowledged: what was answered and followed by the next question, in that order.
        doubtful: what was answered when the app died.
    """

    id: str
    token: str
    questions: dict[str, list[str]]
    rng: np.random.Generator
    acknowledged: list[Answer] = field(default_factory=list)
    doubtful: list[Answer] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def look(self, window: Any) -> None:
        """Have all pictures of the page, as a browser has, and read."""
        for image in window.page.images():
            self.shown.append(image)
            status, png = window.picture(image)
            assert status == 200
            assert png.startswith(b"\x89PNG")
        time.sleep(0.35)

    def answer(self, window: Any) -> None:
        """Answer the question on the screen."""
        item, at = window.page.place
        value = int(self.rng.integers(1, 6))
        given = (item, self.questions[item][at], value)
        self.look(window)
        self.doubtful.append(given)
        assert window.answer(value), window.page.words()
        self.doubtful.remove(given)
        self.acknowledged.append(given)

    def rate(self, window: Any, items: int) -> None:
        """Answer so many items."""
        for _ in range(items):
            item = window.page.place.item
            while window.page.place.item == item:
                self.answer(window)


def people_of(desk: Desk) -> list[Person]:
    with desk.study.database.reading() as connection:
        rows = connection.execute(select(db.item.c.id, db.item.c.questions)).all()
    questions = {row[0]: [q.id for q in read_questions(row[1])] for row in rows}
    people = []
    for number in range(ANNOTATORS):
        person = admin(desk).add_annotator(f"annotator {number}")
        rng = np.random.default_rng(number)
        people.append(Person(person, desk.token(person), questions, rng))
    return people


def stored(desk: Desk, person: Person, table: Table) -> list[Answer]:
    query = select(table.c.item_id, table.c.question, table.c.value).where(
        table.c.annotator_id == person.id
    )
    with desk.study.database.reading() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def at_once(people: list[Person], work: Any) -> None:
    with ThreadPoolExecutor(ANNOTATORS) as pool:
        list(pool.map(work, people))


def test_25_windows_lose_double_and_mix_up_nothing(
    tmp_path: Path, database_url: str, web: ModuleType
) -> None:
    url, name = make_sample_study(tmp_path, database_url, raters_per_item=ANNOTATORS)
    desk = Desk(open_study(url, name))
    people = people_of(desk)

    def annotate(person: Person) -> None:
        with web.WebAnnotator(server.address, person.token) as window:
            window.begin()
            person.rate(window, 2)
            # The last answer was not meant: back, and another one.
            window.click(window.page.buttons()["Back"])
            item, at = window.page.place
            assert (item, person.questions[item][at]) == person.acknowledged[-1][:2]
            person.look(window)
            changed = (*person.acknowledged[-1][:2], 1 + person.acknowledged[-1][2] % 5)
            assert window.answer(changed[2])
            person.acknowledged.append(changed)
            place = window.page.place
        # The window was closed; the link leads to where it was.
        with web.WebAnnotator(server.address, person.token) as window:
            assert window.page.place == place
            person.rate(window, 2)

    with Server(url, name) as server:
        at_once(people, annotate)
        assert server.terminate() == 128 + signal.SIGTERM
        assert not server.answers()

    for person in people:
        assert sorted(stored(desk, person, db.answer_history)) == sorted(person.acknowledged)
        final = {(item, question): value for item, question, value in person.acknowledged}
        now = stored(desk, person, db.answer)
        assert len(now) == len(final)
        assert {row[:2]: row[2] for row in now} == final
    items = admin(desk).items()
    rated = items[items["role"] == "rated"]
    assert rated["annotators"].max() - rated["annotators"].min() <= 2
    per_method = rated.groupby("method")["annotators"].sum()
    assert set(per_method.index) == set(METHODS)
    assert per_method.max() - per_method.min() <= 24


@pytest.mark.slow
def test_kill_9_while_25_work_loses_nothing_acknowledged(
    tmp_path: Path, database_url: str, web: ModuleType
) -> None:
    url, name = make_sample_study(tmp_path, database_url, raters_per_item=ANNOTATORS)
    desk = Desk(open_study(url, name))
    people = people_of(desk)
    for person in people:
        desk.consent(person.id)
        desk.finish_training(person.id)
    over = threading.Event()

    def annotate(person: Person) -> None:
        while not over.is_set():
            with (
                suppress(ConnectionClosed, OSError, HTTPException),
                web.WebAnnotator(server.address, person.token) as window,
            ):
                while not over.is_set() and window.page.place is not None:
                    person.answer(window)
            time.sleep(0.2)  # then the browser tries again

    rng = np.random.default_rng(0)
    with Server(url, name) as server, ThreadPoolExecutor(ANNOTATORS) as pool:
        working = [pool.submit(annotate, person) for person in people]
        try:
            for _ in range(2):
                before = sum(len(person.acknowledged) for person in people)
                while sum(len(person.acknowledged) for person in people) < before + 20:
                    assert not any(work.done() for work in working), "somebody gave up"
                    time.sleep(0.01)
                time.sleep(float(rng.random()) * 0.3)
                server.kill()
                server.start()
        finally:
            over.set()
        for work in working:
            work.result()

    assert sum(len(person.doubtful) for person in people) > 0, "nobody was interrupted"
    for person in people:
        history = stored(desk, person, db.answer_history)
        assert len(history) == len(set(history))
        assert set(person.acknowledged) <= set(history)
        assert set(history) <= set(person.acknowledged) | set(person.doubtful)
        # The same question is asked again where its answer was not stored.
        questions = [row[:2] for row in person.acknowledged]
        assert len(questions) == len(set(questions))

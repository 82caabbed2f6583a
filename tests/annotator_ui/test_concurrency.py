"""Many annotators at once, and crashes: no answer is lost, doubled or mixed up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_study import admin, make_sample_study, ready
from sqlalchemy import event, select

from annotator_ui import database as db
from annotator_ui.desk import Desk
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from pathlib import Path

ANNOTATORS = 25

WORKER = """
import sys
import numpy as np
from annotator_ui.desk import Desk
from annotator_ui.study import open_study
url, annotator = sys.argv[1:]
desk, rng = Desk(open_study(url, "sample")), np.random.default_rng()
while (item := desk.next_item(annotator)) is not None:
    for question in item.questions:
        value = int(rng.integers(1, len(question.anchors) + 1))
        desk.answer(annotator, item.id, question.id, value, 0.5)
        print(item.id, question.id, value, flush=True)  # acknowledged
"""
"""An annotator as a process of its own: says what was acknowledged, once it was."""

Triple = tuple[str, str, str, int]


def stored(desk: Desk, table: db.Table) -> list[Triple]:
    columns = (table.c.annotator_id, table.c.item_id, table.c.question, table.c.value)
    with desk.study.database.reading() as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(select(*columns))]


def check_loads(desk: Desk, raters: int) -> None:
    """The number of annotators kept with each item is the number of its leases that count."""
    with desk.study.database.reading() as connection:
        leases = connection.scalars(
            select(db.lease.c.item_id).where(db.lease.c.state.in_(("open", "done")))
        ).all()
    counts = {item: leases.count(item) for item in set(leases)}
    items = admin(desk).items()
    kept = dict(zip(items["item"], items["annotators"], strict=True))
    assert kept == {item: counts.get(item, 0) for item in kept}
    rated = items[items["role"] == "rated"]["annotators"]
    assert rated.max() <= raters


def test_25_at_once_lose_double_and_mix_up_nothing(tmp_path: Path, database_url: str) -> None:
    url, name = make_sample_study(tmp_path, database_url, people=4, raters_per_item=10)
    desks = [Desk(open_study(url, name)) for _ in range(3)]
    people = [ready(desks[0], f"annotator {number}") for number in range(ANNOTATORS)]
    acknowledged: set[Triple] = set()
    given: list[tuple[str, str]] = []
    start = threading.Barrier(ANNOTATORS)

    def annotate(number: int) -> None:
        desk, person = desks[number % 3], people[number]
        rng = np.random.default_rng(number)
        start.wait()
        while (item := desk.next_item(person)) is not None:
            given.append((person, item.id))
            for question in item.questions:
                value = int(rng.integers(1, 6))
                desk.answer(person, item.id, question.id, value, 1.0)
                acknowledged.add((person, item.id, question.id, value))

    with ThreadPoolExecutor(ANNOTATORS) as pool:
        list(pool.map(annotate, range(ANNOTATORS)))
    for table in (db.answer, db.answer_history):
        rows = stored(desks[0], table)
        assert len(rows) == len(set(rows))
        assert set(rows) == acknowledged
    assert len(given) == len(set(given))  # nobody got an item twice
    check_loads(desks[0], 10)
    rated = admin(desks[0]).items().query("role == 'rated'")
    assert set(rated["annotators"]) == {10}
    per_method = rated.groupby("method")["annotators"].sum()
    assert per_method.nunique() == 1


def test_the_work_is_balanced_at_every_moment(tmp_path: Path, database_url: str) -> None:
    url, name = make_sample_study(tmp_path, database_url, people=4, raters_per_item=25)
    desk = Desk(open_study(url, name))
    people = [ready(desk, f"annotator {number}") for number in range(ANNOTATORS)]

    def take(person: str) -> None:
        for _ in range(6):
            item = desk.next_item(person)
            assert item is not None
            for question in item.questions:
                desk.answer(person, item.id, question.id, 3, 1.0)

    with ThreadPoolExecutor(ANNOTATORS) as pool:
        list(pool.map(take, people))
    rated = admin(desk).items().query("role == 'rated'")["annotators"]
    # A draw passes over an item that another one holds in that moment, so one more step may be.
    assert rated.max() - rated.min() <= 2
    check_loads(desk, 25)


def test_two_tabs_of_one_annotator_share_one_item(tmp_path: Path, database_url: str) -> None:
    url, name = make_sample_study(tmp_path, database_url)
    desk = Desk(open_study(url, name))
    ada = ready(desk, "ada")
    with ThreadPoolExecutor(8) as pool:
        items = list(pool.map(lambda _: desk.next_item(ada), range(8)))
    (shown,) = {item.id for item in items if item is not None}
    question = items[0].questions[0].id  # type: ignore[union-attr]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: desk.answer(ada, shown, question, value, 1.0), [4] * 8))
    assert stored(desk, db.answer) == [(ada, shown, question, 4)]
    assert len(stored(desk, db.answer_history)) == 1


def test_no_call_reads_a_whole_table(desk: Desk) -> None:
    """However large a study is, an annotator's call steps into indexes."""
    ada = ready(desk, "ada")
    asked: list[tuple[str, object]] = []
    engine = desk.study.database.engine

    def note(_c: object, _u: object, statement: str, values: object, *_: object) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    item = desk.next_item(ada)
    assert item is not None
    desk.answer(ada, item.id, item.questions[0].id, 3, 1.0)
    desk.progress(ada)
    desk.previous_item(ada, item.id)
    desk.item(ada, item.id)
    desk.image(ada, item.images[0])
    desk.sign_in(desk.token(ada))
    event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        for statement, values in dict.fromkeys(asked):
            if statement.startswith(("SELECT", "UPDATE")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                steps = [row[3] for row in plan]
                # There are few studies, and SELECT EXISTS reads one row that is no table's.
                small = ("SCAN study", "SCAN CONSTANT ROW")
                scans = [step for step in steps if step.startswith("SCAN") and step not in small]
                assert not scans, statement


def start(url: str, annotator: str, out: Path) -> subprocess.Popen[bytes]:
    with out.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER, url, annotator], stdout=file, stderr=subprocess.PIPE
        )


def said(path: Path, annotator: str) -> list[Triple]:
    """What one worker said was acknowledged; a torn last line was not said."""
    text = path.read_text()
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [
        (annotator, item, question, int(value))
        for item, question, value in (line.split() for line in lines)
    ]


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_acknowledged(tmp_path: Path, database_url: str) -> None:
    url, name = make_sample_study(tmp_path, database_url, people=25, raters_per_item=3)
    desk = Desk(open_study(url, name))
    people = [ready(desk, f"annotator {number}") for number in range(3)]
    rng = np.random.default_rng(0)
    kills = 0
    acknowledged: set[Triple] = set()
    for turn in range(4):
        # A file each: what a kill tore off would run into the next one's first line.
        files = {person: tmp_path / f"{person}-{turn}" for person in people}
        workers = [start(url, person, file) for person, file in files.items()]
        deadline = time.monotonic() + 120
        # Killed while it works, not while Python starts; each by itself, or who starts first is
        # through with everything before the last one starts.
        waiting = {
            worker: (file, float(rng.random()) * 0.1)
            for file, worker in zip(files.values(), workers, strict=True)
        }
        heard: dict[subprocess.Popen[bytes], float] = {}
        while waiting:
            assert time.monotonic() < deadline
            for worker, (file, pause) in list(waiting.items()):
                if file.stat().st_size > 0:
                    heard.setdefault(worker, time.monotonic())
                over = worker in heard and time.monotonic() - heard[worker] > pause
                if worker.poll() is None and not over:
                    continue
                if worker.poll() is None:
                    os.kill(worker.pid, signal.SIGKILL)
                    kills += 1
                worker.communicate()
                del waiting[worker]
            time.sleep(0.002)
        acknowledged |= {row for person, file in files.items() for row in said(file, person)}
        rows = stored(desk, db.answer)
        assert acknowledged <= set(stored(desk, db.answer_history)), turn
        # Killed between the commit and the line that says so: at most one answer of each.
        assert len(set(rows) - acknowledged) <= len(people) * (turn + 1)
        assert len({row[:3] for row in rows}) == len(rows)
        check_loads(desk, 3)
    # Who is quick may be through with all items before the last kills.
    assert kills >= 4
    # Everyone goes on where they were: the item that was open is the next one.
    for person in people:
        with desk.study.database.reading() as connection:
            held = connection.scalars(
                select(db.lease.c.item_id).where(
                    db.lease.c.annotator_id == person, db.lease.c.state == "open"
                )
            ).all()
        assert len(held) <= 1
        item = desk.next_item(person)
        if held:
            assert item is not None
            assert item.id == held[0]

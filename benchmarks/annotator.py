"""How long annotators wait for the database: 25 at once, on a large study that is half answered.

Usage: python benchmarks/annotator.py [--through web] [--database URL] [--out FILE]

Makes a study of 10 000 items with 100 000 answers (its pictures are specks: reading files is not
what is measured), then lets annotators work at one desk, each in a thread, as the app does: take
the next item, wait, answer, look at the progress. Every call is timed; afterwards the database must
hold exactly the answers that were acknowledged, each item at most as many annotators as asked for,
and the numbers of annotators per item must differ by no more than one.

With --through web they sit at windows of their own instead: a real app process serves them over
HTTP and websockets (benchmarks/web_annotator.py is the browser), every page and every picture is
timed where it arrives, and in the app every call of the database as well.

Without --database SQLite in a temporary folder; a PostgreSQL database must be empty. Figures of a
second database are added to --out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import psutil
from sqlalchemy import insert, select, text, update
from web_annotator import READING_SECONDS, WebAnnotator

from annotator_ui import database as db
from annotator_ui.admin_desk import AdminDesk
from annotator_ui.database import random_id
from annotator_ui.desk import Desk
from annotator_ui.serving import LOOPBACK, environment
from annotator_ui.storing import Draft, store_study
from annotator_ui.study import open_study
from humangenai.human_ratings.questions import questions
from humangenai.human_ratings.study import StudyConfig
from humangenai.provenance import hardware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from web_annotator import Place

METHODS = 10
RATERS = 20
"""Annotators per item that the study asks for: half of them have answered."""


def make_study(url: str, folder: Path, items: int, answers: int) -> None:
    """A study whose items all have as many answers, but for the remainder."""
    config = StudyConfig.model_validate(
        {
            "name": "large",
            "title": "Large",
            "runs": [{"run": "none"}],
            "track": "body",
            "raters_per_item": RATERS,
            "gold": {"share": 0.05},
            "attention_checks": {"share": 0.05},
        }
    )
    (privacy,) = questions("body", "psi_A")
    speck = np.zeros((1, 1, 3), np.uint8)
    roles: list[Literal["rated", "gold", "attention"]] = ["rated"] * items
    roles += ["gold"] * 20 + ["attention"] * 20
    store_study(
        url,
        config,
        folder,
        (
            Draft(
                role=role,
                display="pair",
                method=f"method {number % METHODS}",
                source=f"person {number // METHODS}",
                questions=(privacy,),
                images=(speck, speck),
                expected=None if role == "rated" else {"psi_A": 1},
            )
            for number, role in enumerate(roles)
        ),
    )
    fill(url, answers)


def fill(url: str, answers: int) -> None:
    """Write answers as if 100 annotators had worked through the items in turn."""
    database = db.connect(url)
    rng = np.random.default_rng(0)
    now = time.time()
    with database.writing() as connection:
        study = connection.execute(select(db.study.c.id)).scalar_one()
        ids = connection.scalars(
            select(db.item.c.id).where(db.item.c.role == "rated").order_by(db.item.c.place)
        ).all()
        people = [random_id() for _ in range(max(100, -(-answers // len(ids))))]
        common = {"study_id": study, "role": "annotator", "state": "rating", "simulated": True}
        connection.execute(
            insert(db.annotator),
            [
                {"id": person, "name": f"earlier {place}", "created": now, **common}
                for place, person in enumerate(people)
            ],
        )
        numbers = dict.fromkeys(people, 0)
        leases, given = [], []
        for place in range(answers):
            turn, index = divmod(place, len(ids))
            person = people[(index + turn * 7) % len(people)]
            key = {"annotator_id": person, "item_id": ids[index]}
            number = numbers[person] = numbers[person] + 1
            leases.append(
                {**key, "study_id": study, "number": number, "state": "done", "expires": now}
            )
            given.append(
                {
                    **key,
                    "question": "psi_A",
                    "value": int(rng.integers(1, 6)),
                    "seconds": 3.0,
                    "created": now,
                }
            )
        for start in range(0, answers, 5000):
            connection.execute(insert(db.lease), leases[start : start + 5000])
            connection.execute(insert(db.answer), given[start : start + 5000])
            connection.execute(insert(db.answer_history), given[start : start + 5000])
        whole, rest = divmod(answers, len(ids))
        connection.execute(update(db.item).where(db.item.c.role == "rated").values(load=whole))
        for item_id in ids[:rest]:
            connection.execute(
                update(db.item).where(db.item.c.id == item_id).values(load=whole + 1)
            )
        connection.execute(text("ANALYZE"))  # a server that has run for a while has done so
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM"))  # and these
            connection.execute(text("CHECKPOINT"))


class Times:
    """Wall-clock seconds of every call, by its name."""

    def __init__(self, seconds: dict[str, list[float]] | None = None) -> None:
        self.seconds = seconds or {}
        self._lock = threading.Lock()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Time the block."""
        began = time.perf_counter()
        yield
        taken = time.perf_counter() - began
        with self._lock:
            self.seconds.setdefault(name, []).append(taken)

    def summary(self) -> dict[str, dict[str, float]]:
        """Milliseconds: median, 95th percentile, longest; and the number of calls."""
        return {
            name: {
                "calls": len(values),
                "median_ms": round(1000 * float(np.median(values)), 1),
                "p95_ms": round(1000 * float(np.percentile(values, 95)), 1),
                "max_ms": round(1000 * max(values), 1),
            }
            for name, values in sorted(self.seconds.items())
            if values
        }


Acknowledged = set[tuple[str, ...]]
"""Annotator, item, question and value of every answer that was said to be stored."""


@dataclass(frozen=True)
class Sitting:
    """What every annotator does.

    Attributes:
        desk: of the study.
        each: items per annotator.
        think: seconds per answer, on average.
        times: what they waited for.
    """

    desk: Desk
    each: int
    think: float
    times: Times

    def at_desk(self, person: str) -> Acknowledged:
        """One annotator, who asks the database."""
        rng = np.random.default_rng()
        acknowledged: Acknowledged = set()
        time.sleep(rng.random() * self.think)
        for _ in range(self.each):
            with self.times.of("next item"):
                item = self.desk.next_item(person)
            if item is None:
                break
            for question in item.questions:
                time.sleep(self.think * rng.uniform(0.5, 1.5))
                value = int(rng.integers(1, 6))
                with self.times.of("store answer"):
                    self.desk.answer(person, item.id, question.id, value, self.think)
                acknowledged.add((person, item.id, question.id, str(value)))
            with self.times.of("progress"):
                self.desk.progress(person)
        return acknowledged

    def at_window(self, person: str, address: str) -> Acknowledged:
        """One annotator, who looks at the app's pages."""
        rng = np.random.default_rng()
        answered: list[tuple[Place, int]] = []
        time.sleep(rng.random() * self.think)
        with ExitStack() as stack:
            with self.times.of("page opened"):
                window = stack.enter_context(WebAnnotator(address, self.desk.token(person)))
            for _ in range(self.each):
                place = window.page.place
                if place is None:
                    break
                with self.times.of("pictures of an item"):
                    for image in window.page.images():
                        status, _ = window.picture(image)
                        if status != 200:
                            raise RuntimeError("a picture was refused")
                time.sleep(max(READING_SECONDS, self.think * rng.uniform(0.5, 1.5)))
                value = int(rng.integers(1, 6))
                with self.times.of("answer to next question"):
                    stored = window.answer(value)
                if not stored:
                    raise RuntimeError(window.page.words())
                answered.append((place, value))
        names = {place: self.desk.item(person, place.item).questions for place, _ in answered}
        return {
            (person, place.item, names[place][place.at].id, str(value)) for place, value in answered
        }


def work(desk: Desk, annotators: int, annotate: Callable[[str], Acknowledged]) -> Acknowledged:
    """Let new annotators do something at once; what was acknowledged, with the values."""
    admin = AdminDesk(desk.study)
    people = [admin.add_annotator(f"now {random_id()}", simulated=True) for _ in range(annotators)]
    for person in people:
        desk.consent(person)
        desk.finish_training(person)
    with ThreadPoolExecutor(annotators) as pool:
        return set().union(*pool.map(annotate, people))


@contextmanager
def app(study: str, url: str, taken: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The app, serving; its address and its process. What its calls took is written at its end."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("timed_app.py")), str(taken)],
        env=environment(study, url, port),
        stdout=subprocess.DEVNULL,
    )
    address = f"http://{LOOPBACK}:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5)  # noqa: S310
                break
            except OSError:
                if process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield address, psutil.Process(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(60)
    finally:
        process.kill()


def check(desk: Desk, url: str, acknowledged: set[tuple[str, ...]]) -> dict[str, int]:
    """Count what is wrong in the database; all must be 0."""
    people = {person for person, *_ in acknowledged}
    with db.connect(url).reading() as connection:
        rows = connection.execute(
            select(
                db.answer.c.annotator_id,
                db.answer.c.item_id,
                db.answer.c.question,
                db.answer.c.value,
            ).where(db.answer.c.annotator_id.in_(people))
        ).all()
    stored = [(*row[:3], str(row[3])) for row in rows]
    rated = AdminDesk(desk.study).items().query("role == 'rated'")["annotators"]
    return {
        "lost": len(acknowledged - set(stored)),
        "not acknowledged": len(set(stored) - acknowledged),
        "doubled": len(stored) - len(set(stored)),
        "items with too many annotators": int((rated > RATERS).sum()),
        "annotators per item: highest - lowest - 1": max(0, int(rated.max() - rated.min()) - 1),
    }


def measure(url: str, folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    began = time.perf_counter()
    make_study(url, folder, arguments.items, arguments.answers)
    made = time.perf_counter() - began
    os.sync()  # the study's files are out of the way of the annotators' answers
    desk = Desk(open_study(url, "large"))
    times = Times()
    sitting = Sitting(desk, arguments.each, arguments.think, times)
    load = os.getloadavg()[0]
    app_figures: dict[str, object] = {}
    if arguments.through == "web":
        taken = folder / "taken.json"
        with app("large", url, taken) as (address, process):
            used = sum(process.cpu_times()[:2])
            began = time.perf_counter()
            acknowledged = work(
                desk, arguments.annotators, partial(sitting.at_window, address=address)
            )
            took = time.perf_counter() - began
            used = sum(process.cpu_times()[:2]) - used
        app_figures = {
            "app_cpu_ms_per_answer": round(1000 * used / len(acknowledged), 1),
            "app_cpu_share": round(used / took, 2),
            "waits_in_the_app": Times(json.loads(taken.read_text())).summary(),
        }
    else:
        began = time.perf_counter()
        acknowledged = work(desk, arguments.annotators, sitting.at_desk)
        took = time.perf_counter() - began
    return {
        "items": arguments.items,
        "answers_before": arguments.answers,
        "annotators": arguments.annotators,
        "items_each": arguments.each,
        "think_s": arguments.think,
        "answers_per_second": round(len(acknowledged) / took, 1),
        "seconds_to_make": round(made, 1),
        "other_load": round(load, 1),
        "waits": times.summary(),
        **app_figures,
        "wrong": check(desk, url, acknowledged),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--through", choices=("desk", "web"), default="desk")
    parser.add_argument("--database", help="URL of an empty database")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--answers", type=int, default=100_000)
    parser.add_argument("--annotators", type=int, default=25)
    parser.add_argument("--each", type=int, default=20, help="items per annotator")
    parser.add_argument("--think", type=float, default=2.0, help="seconds per answer, on average")
    parser.add_argument("--out", type=Path, help="JSON file that the figures are added to")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = arguments.database or f"sqlite:///{folder}/study.db"
        figures = measure(url, Path(folder), arguments)
        kind = db.connect(url).engine.dialect.name
        if arguments.through == "web":
            kind += " through web"
        db.connect(url).engine.dispose()
    print(json.dumps({kind: figures}, indent=1))
    if arguments.out:
        known = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        known = {**known, "hardware": hardware(), kind: figures}
        arguments.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

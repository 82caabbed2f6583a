"""How long annotators wait for the database: 25 at once, on a large study that is half answered.

Usage: python benchmarks/annotator.py [--database URL] [--out FILE]

Makes a study of 10 000 items with 100 000 answers (its pictures are specks: reading files is not
what is measured), then lets annotators work at one desk, each in a thread, as the app does: take
the next item, wait, answer, look at the progress. Every call is timed; afterwards the database must
hold exactly the answers that were acknowledged, each item at most as many annotators as asked for,
and the numbers of annotators per item must differ by no more than one.

Without --database SQLite in a temporary folder; a PostgreSQL database must be empty. Figures of a
second database are added to --out.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import insert, select, text, update

from annotator_ui import database as db
from annotator_ui.admin_desk import AdminDesk
from annotator_ui.database import random_id
from annotator_ui.desk import Desk
from annotator_ui.making import Draft, store_study
from annotator_ui.study import open_study
from humangenai.human_ratings.questions import questions
from humangenai.human_ratings.study import StudyConfig
from humangenai.provenance import hardware

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    roles = ["rated"] * items + ["gold"] * 20 + ["attention"] * 20
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


class Times:
    """Wall-clock seconds of every call, by its name."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
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
        }


def work(
    desk: Desk, annotators: int, each: int, think: float
) -> tuple[Times, set[tuple[str, ...]]]:
    """Let annotators answer so many items each; what was acknowledged, with the values."""
    times = Times()
    acknowledged: set[tuple[str, ...]] = set()
    failures: list[BaseException] = []

    def annotate(number: int, person: str) -> None:
        rng = np.random.default_rng(number)
        time.sleep(rng.random() * think)
        for _ in range(each):
            with times.of("next item"):
                item = desk.next_item(person)
            if item is None:
                return
            for question in item.questions:
                time.sleep(think * rng.uniform(0.5, 1.5))
                value = int(rng.integers(1, 6))
                with times.of("store answer"):
                    desk.answer(person, item.id, question.id, value, think)
                acknowledged.add((person, item.id, question.id, str(value)))
            with times.of("progress"):
                desk.progress(person)

    def safely(number: int, person: str) -> None:
        try:
            annotate(number, person)
        except BaseException as error:
            failures.append(error)
            raise

    admin = AdminDesk(desk.study)
    people = [admin.add_annotator(f"now {random_id()}", simulated=True) for _ in range(annotators)]
    for person in people:
        desk.consent(person)
        desk.finish_training(person)
    threads = [
        threading.Thread(target=safely, args=(number, person))
        for number, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return times, acknowledged


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
    load = os.getloadavg()[0]
    began = time.perf_counter()
    times, acknowledged = work(desk, arguments.annotators, arguments.each, arguments.think)
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
        "wrong": check(desk, url, acknowledged),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        db.connect(url).engine.dispose()
    print(json.dumps({kind: figures}, indent=1))
    if arguments.out:
        known = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        known = {**known, "hardware": hardware(), kind: figures}
        arguments.out.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

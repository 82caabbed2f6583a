"""Stores a study: writes its blinded pictures and fills the database.

A picture's name and an item's id are random; what method made it is in the database alone. All
pictures are PNG files without metadata.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select, text

from annotator_ui import database as db
from annotator_ui.items import write_questions
from annotator_ui.migrations import upgrade
from humangenai.errors import UserError
from humangenai.store import writing
from refsd.images import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.human_ratings.questions import Question
    from humangenai.human_ratings.study import StudyConfig


@dataclass(frozen=True)
class Draft:
    """An item before it has an id.

    Attributes:
        role: ``rated``, ``gold``, ``attention`` or ``training``.
        display: as :class:`annotator_ui.items.Item` has it in ``kind``.
        method: whose picture is asked about; the left one where two are compared.
        source: who is in the original; the same for all methods.
        questions: what is asked.
        images: uint8 (height, width, 3), in the order of display.
        against: the method on the right, where two are compared.
        prompt: the attribute that was asked of the method.
        expected: known answers by question id.
        explanation: why, for training.
        shows: of a picture that was made for ϕ its ``sha256``, the ``crop``, and the ``attribute``
            and ``value`` that are asked about.
    """

    role: Literal["rated", "gold", "attention", "training"]
    display: Literal["single", "pair", "preference"]
    method: str
    source: str
    questions: tuple[Question, ...]
    images: tuple[NDArray[np.uint8], ...]
    against: str | None = None
    prompt: str | None = None
    expected: Mapping[str, int] | None = None
    explanation: str | None = None
    shows: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Made:
    """What a study consists of.

    Attributes:
        items: items to rate, per method (both methods of a comparison).
        checks: gold items and attention checks.
        training: training examples.
        pictures: files written.
    """

    items: dict[str, int]
    checks: int
    training: int
    pictures: int


def store_study(url: str, config: StudyConfig, folder: Path, drafts: Iterable[Draft]) -> Made:
    """Write a study's pictures and fill the database; both or neither.

    Args:
        url: of the database; its tables are made where they are missing.
        config: the study.
        folder: becomes the study's folder; ``images/`` is made in it.
        drafts: its items; taken one by one, so that their pictures need not fit into memory.

    Raises:
        UserError: there is a study of that name, or the folder cannot be written.
    """
    upgrade(url)
    database = db.connect(url)
    with database.reading() as connection:
        if connection.scalar(select(db.study.c.id).where(db.study.c.name == config.name)):
            raise UserError(
                f"the database has a study '{config.name}' already; give it another name"
            )
    images = folder / "images"
    with writing(images):
        images.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # originals are in it
    written: list[Path] = []
    try:
        entries = [_write(draft, images, written) for draft in drafts]
        # One date for all pictures: the order in which they were written follows the runs.
        now = time.time()
        for path in written:
            os.utime(path, (now, now))
        os.sync()  # all pictures are on the disk before the database speaks of them
        _insert(database, config, folder, entries)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return _summary(entries)


@dataclass(frozen=True)
class _Entry:
    """An item whose pictures are written: the draft without them, and their ids."""

    id: str
    draft: Draft
    images: tuple[str, ...]


def _write(draft: Draft, images: Path, written: list[Path]) -> _Entry:
    names = tuple(db.random_id() for _ in draft.images)
    for name, picture in zip(names, draft.images, strict=True):
        written.append(images / f"{name}.png")
        with writing(written[-1]):
            written[-1].write_bytes(encode_png(picture))
    return _Entry(db.random_id(), replace(draft, images=()), names)


def _insert(
    database: db.Database, config: StudyConfig, folder: Path, entries: Sequence[_Entry]
) -> None:
    mixed = list(entries)
    random.SystemRandom().shuffle(mixed)  # the order of rows must not follow the methods either
    sources = {entry.draft.source: db.random_id() for entry in mixed}
    with database.writing() as connection:
        study_id = connection.execute(
            insert(db.study)
            .values(
                name=config.name,
                state="open",
                config=config.model_dump_json(),
                folder=str(folder.resolve()),
                secret=secrets.token_hex(32),
                created=time.time(),
            )
            .returning(db.study.c.id)
        ).scalar_one()
        if mixed:
            connection.execute(
                insert(db.item), [_item_row(entry, study_id, sources) for entry in mixed]
            )
            connection.execute(
                insert(db.image),
                [
                    {"id": name, "item_id": entry.id, "position": position}
                    for entry in mixed
                    for position, name in enumerate(entry.images)
                ],
            )
    with database.writing() as connection:
        connection.execute(text("ANALYZE"))  # or the first annotators wait for unplanned queries


def _item_row(entry: _Entry, study_id: int, sources: Mapping[str, str]) -> dict[str, object]:
    draft = entry.draft
    return {
        "id": entry.id,
        "study_id": study_id,
        "role": draft.role,
        "display": draft.display,
        "method": draft.method,
        "against": draft.against,
        "source": sources[draft.source],
        "questions": write_questions(draft.questions),
        "prompt": draft.prompt,
        "shows": json.dumps(dict(draft.shows)) if draft.shows else None,
        "expected": json.dumps(dict(draft.expected)) if draft.expected else None,
        "explanation": draft.explanation,
        "load": 0,
        "place": secrets.randbelow(2**53) / 2**53,
    }


def _summary(entries: Iterable[_Entry]) -> Made:
    items: dict[str, int] = {}
    checks = training = written = 0
    for entry in entries:
        written += len(entry.images)
        checks += entry.draft.role in ("gold", "attention")
        training += entry.draft.role == "training"
        if entry.draft.role == "rated":
            for method in filter(None, (entry.draft.method, entry.draft.against)):
                items[method] = items.get(method, 0) + 1
    return Made(dict(sorted(items.items())), checks, training, written)

"""What annotators are shown and asked, and how the database keeps it.

Nothing here names a method, an original or another annotator.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select

from annotator_ui import database as db
from humangenai.human_ratings.questions import Question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

CAPTIONS = {"single": ("",), "pair": ("Original", "Replaced"), "preference": ("Left", "Right")}


@dataclass(frozen=True)
class Item:
    """What is shown and asked at once.

    Attributes:
        images: ids for :meth:`annotator_ui.desk.Desk.image`, in the order of display.
        captions: what stands above each image.
        kind: ``single``: one picture; ``pair``: the original and what was made of it;
            ``preference``: two pictures to choose from.
        prompt: the attribute that was asked of the method, where that is the question.
        answers: this annotator's own, by question id; skipped questions are missing.
        skipped: whether this annotator has skipped it.
    """

    id: str
    images: tuple[str, ...]
    captions: tuple[str, ...]
    kind: Literal["single", "pair", "preference"]
    questions: tuple[Question, ...]
    prompt: str | None = None
    answers: Mapping[str, int] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True)
class Example:
    """A training example: one question about an item, its answer, and why."""

    item: Item
    question_id: str
    answer: int
    explanation: str


def build_item(connection: Connection, row: Any, annotator_id: str | None) -> Item:
    """An item out of its row, with an annotator's own answers; None: without any."""
    images = connection.scalars(
        select(db.image.c.id).where(db.image.c.item_id == row.id).order_by(db.image.c.position)
    ).all()
    known = own_answers(connection, annotator_id, row.id) if annotator_id else {}
    return Item(
        id=row.id,
        images=tuple(images),
        captions=CAPTIONS[row.display],
        kind=row.display,
        questions=read_questions(row.questions),
        prompt=row.prompt,
        answers={key: value for key, value in known.items() if value is not None},
        skipped=bool(known) and all(value is None for value in known.values()),
    )


def own_answers(connection: Connection, annotator_id: str, item_id: str) -> dict[str, int | None]:
    """An annotator's answers to an item by question id; None where skipped."""
    rows = connection.execute(
        select(db.answer.c.question, db.answer.c.value).where(
            db.answer.c.annotator_id == annotator_id, db.answer.c.item_id == item_id
        )
    )
    return {row.question: row.value for row in rows}


def write_questions(questions: Sequence[Question]) -> str:
    """Questions as an item keeps them."""
    return json.dumps([asdict(question) for question in questions], ensure_ascii=False)


def read_questions(text: str) -> tuple[Question, ...]:
    """Questions as an item keeps them."""
    return tuple(
        Question(**{**entry, "anchors": tuple(entry["anchors"])}) for entry in json.loads(text)
    )

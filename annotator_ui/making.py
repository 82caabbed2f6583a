"""Makes a study: draws people, writes their blinded pictures, fills the database.

A picture's name and an item's id are random; what method made it is in the database alone. All
pictures of a study have one size, and are PNG files without metadata.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select

from annotator_ui import database as db
from annotator_ui.desk import random_id, write_questions
from annotator_ui.migrations import upgrade
from humangenai.errors import UserError
from humangenai.store import atomic_write, writing
from refsd.images import encode_png

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
        display: as :class:`annotator_ui.desk.Item` has it in ``kind``.
        method: whose picture is asked about; the left one where two are compared.
        source: who is in the original; the same for all methods.
        questions: what is asked.
        images: uint8 (height, width, 3), in the order of display.
        against: the method on the right, where two are compared.
        prompt: the attribute that was asked of the method.
        expected: known answers by question id.
        explanation: why, for training.
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


def store_study(url: str, config: StudyConfig, folder: Path, drafts: Sequence[Draft]) -> None:
    """Write a study's pictures and fill the database; both or neither.

    Args:
        url: of the database; its tables are made where they are missing.
        config: the study.
        folder: becomes the study's folder; ``images/`` is made in it.
        drafts: its items.

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
        images.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Shuffled, so that not even the order of rows or of files' dates follows the methods.
    mixed = list(drafts)
    random.SystemRandom().shuffle(mixed)
    sources = {source: random_id() for source in dict.fromkeys(draft.source for draft in mixed)}
    items, pictures = [], []
    for draft in mixed:
        item_id = random_id()
        for position, picture in enumerate(draft.images):
            image_id = random_id()
            atomic_write(images / f"{image_id}.png", encode_png(picture))
            pictures.append({"id": image_id, "item_id": item_id, "position": position})
        items.append(
            {
                "id": item_id,
                "role": draft.role,
                "display": draft.display,
                "method": draft.method,
                "against": draft.against,
                "source": sources[draft.source],
                "questions": write_questions(draft.questions),
                "prompt": draft.prompt,
                "expected": json.dumps(draft.expected) if draft.expected else None,
                "explanation": draft.explanation,
                "load": 0,
                "place": secrets.randbelow(2**53) / 2**53,
            }
        )
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
        if items:
            connection.execute(insert(db.item), [{**row, "study_id": study_id} for row in items])
            connection.execute(insert(db.image), pictures)

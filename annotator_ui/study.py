"""An open study: where its rows and pictures are, and how it is set up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from annotator_ui import database as db
from humangenai.errors import UserError
from humangenai.human_ratings.study import StudyConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection


@dataclass(frozen=True)
class Study:
    """A study in a database; :func:`open_study` finds it there.

    Attributes:
        id: its number in the database.
        config: how it was set up.
        database: where its rows are.
        images: folder of its pictures, ``ID.png`` each.
        secret: signs the annotators' links.
        clock: seconds since 1970 (UTC).
    """

    id: int
    config: StudyConfig
    database: db.Database
    images: Path
    secret: str
    clock: Callable[[], float]

    def state(self) -> Literal["open", "closed"]:
        """Whether it can be answered."""
        with self.database.reading() as connection:
            found: Literal["open", "closed"] = connection.execute(
                select(db.study.c.state).where(db.study.c.id == self.id)
            ).scalar_one()
        return found

    def note(self, connection: Connection, kind: str, annotator_id: str | None = None) -> None:
        """Write into the log that something has happened, to an annotator or to the study."""
        connection.execute(
            insert(db.event_log).values(
                study_id=self.id, annotator_id=annotator_id, kind=kind, created=self.clock()
            )
        )


def open_study(url: str, name: str, clock: Callable[[], float] = time.time) -> Study:
    """Find a study in a database.

    Args:
        url: of the database.
        name: of the study.
        clock: seconds since 1970 (UTC); tests give their own.

    Raises:
        UserError: there is no such study, or no such database.
    """
    database = db.connect(url)
    try:
        with database.reading() as connection:
            row = connection.execute(select(db.study).where(db.study.c.name == name)).first()
            names = connection.scalars(select(db.study.c.name)).all() if row is None else ()
    except (OperationalError, ProgrammingError) as error:
        raise db.unreachable(error) from error
    if row is None:
        known = ", ".join(sorted(names)) or "none"
        raise UserError(
            f"there is no study '{name}' in this database; known: {known}; make one with "
            "humangenai study create CONFIG.yaml"
        )
    return Study(
        id=row.id,
        config=StudyConfig.model_validate_json(row.config),
        database=database,
        images=Path(row.folder) / "images",
        secret=row.secret,
        clock=clock,
    )

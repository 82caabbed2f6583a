"""The tables of the annotator, on SQLite or PostgreSQL.

SQLite is the default and needs nothing: write-ahead log, a busy timeout, foreign keys, and every
commit on the disk before it is acknowledged. For many annotators give a PostgreSQL URL.

Times are seconds since 1970 (UTC). Every id that a browser can see is random.
"""

from __future__ import annotations

import os
import secrets
import threading
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Boolean,
    CheckConstraint,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

BUSY_SECONDS = 30.0
"""How long SQLite waits for another process that writes."""


def random_id() -> str:
    """22 random characters that are safe in URLs and file names: 128 bits, nothing to guess."""
    return secrets.token_urlsafe(16)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("state", String(10), nullable=False),  # open, closed
    Column("config", Text, nullable=False),  # the StudyConfig as JSON
    Column("folder", Text, nullable=False),  # where images/<id>.png are
    Column("secret", String(64), nullable=False),  # signs the annotators' links
    Column("created", Float, nullable=False),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
)

item = Table(
    "item",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    # rated: counts; gold and attention: tell who answers carelessly; training: before the start.
    Column("role", String(10), nullable=False),
    Column("display", String(10), nullable=False),  # what is shown: see items.Item.kind
    Column("method", Text, nullable=False),
    Column("against", Text),  # the method on the right of a pairwise item
    Column("source", String(22), nullable=False),  # opaque: the person in the original
    Column("questions", Text, nullable=False),  # JSON: the words as the annotators see them
    Column("prompt", Text),
    Column("shows", Text),  # JSON {sha256, crop, attribute, value} of a picture made for ϕ
    Column("expected", Text),  # JSON {question id: answer} of gold, attention and training
    Column("explanation", Text),  # why that is the answer, shown in training
    # How many annotators have finished the item or hold it. Kept beside the leases so that the
    # least-annotated item is found through an index, however many answers there are.
    Column("load", Integer, nullable=False, default=0),
    Column("place", Float, nullable=False),  # random, in [0, 1): where the draws begin
    CheckConstraint("role IN ('rated', 'gold', 'attention', 'training')", name="role"),
    Index(None, "study_id", "role", "load", "place"),
)

image = Table(
    "image",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("item_id", ForeignKey("item.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Index(None, "item_id", "position", unique=True),
)

annotator = Table(
    "annotator",
    metadata,
    Column("id", String(22), primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("identity", String(320)),  # what an OIDC provider calls them, e.g. an e-mail address
    Column("role", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("simulated", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    CheckConstraint("role IN ('annotator', 'admin')", name="role"),
    CheckConstraint("state IN ('consent', 'training', 'rating', 'withdrawn')", name="state"),
    Index(None, "study_id", "name", unique=True),
    Index(None, "study_id", "identity", unique=True),
)

# Who has which item. A lease that ends in a finished or skipped item stays, so that the annotator
# can go back to it; one that runs out is released, and the item goes to somebody else.
lease = Table(
    "lease",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id"), primary_key=True),
    Column("item_id", ForeignKey("item.id"), primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("number", Integer, nullable=False),  # the annotator's how-manieth item, from 0
    Column("state", String(10), nullable=False),
    Column("expires", Float, nullable=False),
    CheckConstraint("state IN ('open', 'done', 'skipped', 'released')", name="state"),
    Index(None, "annotator_id", "state"),
    Index(None, "annotator_id", "number"),
    Index(None, "study_id", "state", "expires"),
    Index(None, "item_id"),
)

# The current view: one row per annotator, item and question. NULL is a skipped question.
answer = Table(
    "answer",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id"), primary_key=True),
    Column("item_id", ForeignKey("item.id"), primary_key=True),
    Column("question", String(100), primary_key=True),
    Column("value", Integer),
    Column("reason", Text),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "item_id"),
)

# Everything that was ever answered; rows are only added. Withdrawing consent is the one exception.
answer_history = Table(
    "answer_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("item_id", ForeignKey("item.id"), nullable=False),
    Column("question", String(100), nullable=False),
    Column("value", Integer),
    Column("reason", Text),
    Column("seconds", Float, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "annotator_id"),
)

event_log = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("study_id", ForeignKey("study.id"), nullable=False),
    Column("annotator_id", ForeignKey("annotator.id")),
    Column("kind", String(30), nullable=False),  # consent, training, withdrawn, closed, …
    Column("created", Float, nullable=False),
    Index(None, "annotator_id"),
)


class Database:
    """One database: an engine, and short transactions on it.

    Args:
        url: ``sqlite:///path/to/file.db`` or ``postgresql://user@host/name``.

    Raises:
        UserError: the URL is not understood, or its driver is not installed.

    Use :func:`connect`, which keeps one per URL and process.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self._sqlite = self.engine.dialect.name == "sqlite"
        # SQLite has one writer at a time, and lets the others poll. A queue in front of it is
        # fairer and faster; other processes still poll.
        self._queue = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: on the disk when the block is left, or not at all."""
        if not self._sqlite:
            with self.engine.begin() as connection:
                yield connection
            return
        # Claimed at once: a reader that turns writer could not wait for another one.
        writer = self.engine.execution_options(begins="BEGIN IMMEDIATE")
        with self._queue, writer.begin() as connection:
            yield connection

    def purge(self) -> None:
        """Leave nothing of what was deleted in SQLite's files.

        Deleted rows are overwritten as they go (``secure_delete``); here the log of changes, which
        still holds them, is written back and emptied. It waits for whoever is reading. PostgreSQL
        overwrites deleted rows when it vacuums.
        """
        if self._sqlite:
            with self._queue, self.engine.connect() as connection:
                # Not within a transaction, where SQLite does not do it.
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect(url: str) -> Database:
    """The database at a URL, one per process: threads share its connections.

    Raises:
        UserError: the URL is not understood, or its driver is not installed.
    """
    file = sqlite_file(url)
    if file is not None and str(file) != ":memory:":
        # Another working directory would mean another file.
        url = _parse(url).set(database=str(file.resolve())).render_as_string(hide_password=False)
    return _database(url, os.getpid())


@lru_cache(maxsize=16)
def _database(url: str, _process: int) -> Database:
    return Database(url)


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for others.

    Raises:
        UserError: the URL is not understood.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise UserError(
            "--database: not a database URL; write sqlite:///FILE.db or postgresql://USER@HOST/NAME"
        ) from error


def _engine(url: str) -> Engine:
    parsed = _parse(url)
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, pool_size=10)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if backend == "postgresql":
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise UserError(
                "PostgreSQL needs its driver: pip install 'humangenai[postgresql]'"
            ) from error
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_size=20, pool_pre_ping=True
        )
    raise UserError(f"--database: {backend} is not supported; use sqlite:/// or postgresql://")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" below decides how transactions start
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # NORMAL may lose the last answers in a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # who withdraws is not left in the file
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begins", "BEGIN"))


def unreachable(error: DBAPIError) -> UserError:
    """One line about a database that does not answer, without its password."""
    reason = str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
    return UserError(f"--database: cannot be opened: {reason}")

"""Brings a database's tables to the form that this version needs; shipped with the package.

A change of :mod:`annotator_ui.database` needs a new file in ``versions/``; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from annotator_ui import database as db
from humangenai.errors import UserError

_LOCK = 20211123
"""Any number: PostgreSQL's advisory lock that lets one process at a time upgrade."""


def upgrade(url: str) -> None:
    """Make or change the tables as needed; does nothing where they are right already.

    Any number of processes may call it at once.

    Raises:
        UserError: the database cannot be reached, or was made by a later version.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    database = db.connect(url)
    try:
        with database.reading() as connection:
            if MigrationContext.configure(connection).get_current_revision() == newest:
                return
        with database.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise db.unreachable(error) from error
    except CommandError as error:
        raise UserError(
            "--database: made by a later version of humangenai; upgrade humangenai"
        ) from error

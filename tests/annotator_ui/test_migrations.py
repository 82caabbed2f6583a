"""The tables that migrations make are the ones the code describes, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from annotator_ui import database as db
from annotator_ui.migrations import upgrade
from humangenai.errors import UserError


def test_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    upgrade(database_url)
    with db.connect(database_url).reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_upgrading_again_and_at_once_does_no_harm(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, [database_url] * 4))
    upgrade(database_url)


def test_a_database_of_a_later_version_is_one_line(database_url: str) -> None:
    upgrade(database_url)
    with db.connect(database_url).writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UserError, match="later version"):
        upgrade(database_url)


def test_sqlite_is_set_up_for_many_writers(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    upgrade(url)
    with db.connect(url).reading() as connection:
        asked = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert asked == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 1000 * db.BUSY_SECONDS,
    }


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://root@localhost/x", "mysql is not supported"),
        ("sqlite:////nowhere/at/all/x.db", "cannot be opened"),
        ("postgresql://ada:secret@127.0.0.1:1/x", "cannot be opened"),
    ],
)
def test_a_wrong_url_is_one_line_without_the_password(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        upgrade(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_driver_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UserError, match=r"pip install 'humangenai\[postgresql\]'"):
        db.Database("postgresql://ada@127.0.0.1/x")

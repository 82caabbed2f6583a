"""Studies of a few drawn pictures, on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest
from postgres_server import fresh_database, programs, server
from sample_study import make_sample_study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from annotator_ui.desk import Desk


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that this session has started."""
    if programs() is None:
        pytest.skip("there is no PostgreSQL here; scripts/system_parts.sh installs it on Debian")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'humangenai[postgresql]'")
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'study.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The desk of a sample study on SQLite."""
    from annotator_ui.desk import Desk
    from annotator_ui.study import open_study

    return Desk(open_study(*make_sample_study(tmp_path)))


@pytest.fixture
def either_desk(tmp_path: Path, database_url: str) -> Desk:
    """The desk of a sample study, on SQLite and on PostgreSQL."""
    from annotator_ui.desk import Desk
    from annotator_ui.study import open_study

    return Desk(open_study(*make_sample_study(tmp_path, database_url)))

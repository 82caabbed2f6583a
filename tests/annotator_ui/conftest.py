"""Studies of a few drawn pictures, on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sample_study import make_sample_study

if TYPE_CHECKING:
    from pathlib import Path

    from annotator_ui.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """The desk of a sample study on SQLite."""
    from annotator_ui.desk import Desk

    return Desk(*make_sample_study(tmp_path))

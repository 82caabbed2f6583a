from pathlib import Path

import pytest

from refsd.prompts.__main__ import TABLES

PAGE = Path(__file__).parents[3] / "docs" / "prompts.md"


@pytest.mark.parametrize("name", TABLES)
def test_the_page_shows_the_tables_as_they_are(name: str) -> None:
    assert "\n".join(TABLES[name]()) in PAGE.read_text(encoding="utf-8"), (
        f"put the output of 'python -m refsd.prompts {name}' into docs/prompts.md"
    )

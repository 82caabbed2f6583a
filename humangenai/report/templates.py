"""Where the pages' templates are, and how they are filled: all text is escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(*folders: Path) -> Environment:
    """Templates of ``folders``, then those that all pages share.

    Args:
        folders: other rooms' templates, e.g. the leaderboard's; they may extend ``base.html.j2``.
    """
    return Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

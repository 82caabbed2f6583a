"""What people look at after a run: tables for the terminal, and an HTML report with pictures.

Everything is made from what the run wrote down (``run.json``, the JSON lines, the example
pictures), so that it can be made again at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.report.tables import Cell, Table, render, tables

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Cell", "Table", "render", "tables", "write_report"]


def write_report(run_folder: Path) -> Path:
    """Write ``private/report/index.html``: see :func:`humangenai.report.page.write_report`."""
    from humangenai.report.page import write_report as write  # pictures and templates: only here

    return write(run_folder)

"""Answers as files that other programs read: CSV, Parquet and JSON, with what each column means."""

from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING, Literal

from annotator_ui.admin_desk import ANSWER_COLUMNS
from humangenai.store import atomic_write, writing

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

Format = Literal["csv", "parquet", "json"]
FORMATS: tuple[Format, ...] = ("csv", "parquet", "json")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula."""


def encode(answers: pd.DataFrame, kind: Format) -> bytes:
    """Answers as the content of a file.

    Args:
        answers: as :meth:`annotator_ui.admin_desk.AdminDesk.answers` gives them.
        kind: ``csv``: UTF-8, missing values empty, an apostrophe before words that a spreadsheet
            would take for a formula; ``parquet``; ``json``: an object with ``columns`` (name →
            meaning) and ``answers`` (a list of objects, missing values null).
    """
    if kind == "csv":
        safe = answers.assign(reason=answers["reason"].map(_plain, na_action="ignore"))
        return safe.to_csv(index=False, lineterminator="\n").encode()
    if kind == "parquet":
        buffer = io.BytesIO()
        answers.to_parquet(buffer, index=False)
        return buffer.getvalue()
    rows = answers.assign(created=answers["created"].map(lambda time: time.isoformat()))
    content = {
        "columns": dict(ANSWER_COLUMNS),
        "answers": [
            {key: None if _missing(value) else value for key, value in row.items()}
            for row in rows.to_dict("records")
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def export(answers: pd.DataFrame, pictures: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``answers.csv``, ``.parquet`` and ``.json``, and ``columns.json``: what columns mean.

    Where pictures made for ϕ were shown, ``pictures.csv`` says which; with it the folder is what
    ``eval --judge human:FOLDER`` reads.

    Args:
        answers: as :meth:`annotator_ui.admin_desk.AdminDesk.answers` gives them.
        pictures: as :meth:`annotator_ui.admin_desk.AdminDesk.pictures` gives them.
        folder: where to; made where it is missing.

    Returns:
        The files.

    Raises:
        UserError: the folder cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"answers.{kind}" for kind in FORMATS]
    for path, kind in zip(paths, FORMATS, strict=True):
        atomic_write(path, encode(answers, kind))
    columns = folder / "columns.json"
    atomic_write(columns, json.dumps(dict(ANSWER_COLUMNS), indent=1).encode())
    if pictures.empty:
        return [*paths, columns]
    shown = folder / "pictures.csv"
    atomic_write(shown, pictures.to_csv(index=False, lineterminator="\n").encode())
    return [*paths, columns, shown]


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))

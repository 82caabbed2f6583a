"""Any folder of pictures with a CSV of labels, to train and test classifiers.

One row a picture, one column a task::

    file,split,pid,emotion,age group
    a/01.jpg,train,7,happy,elderly
    a/02.jpg,test,9,,child

Only ``file`` (relative to the folder) and one task must be there. ``split`` is ``train`` or
``test``; without that column every picture is a test picture. ``pid`` says who it is: nobody may
be in both splits, since a classifier could then recognize people instead of what it is asked for.
An empty label is one that nobody knows. Every picture of the folder has a row.
"""

from __future__ import annotations

import csv
import difflib
from pathlib import Path  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from humangenai.datasets import folder
from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.datasets.tasks import Task, TaskClass
from humangenai.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.people import Person

IDS = ("file", "split", "pid")
"""Columns that are no tasks."""

SPLITS = ("train", "test")

MOST_CLASSES = 50
"""A column with more different values than these holds numbers or names, not classes."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder; folders within it are searched too.
        labels: the CSV; ``labels.csv`` of the folder where nothing is said.
        crops: True if every picture is a crop around one person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    labels: Path | None = None
    crops: bool = True


class LabelledFolder:
    """Pictures of a folder with what the user's CSV says of them.

    Attributes:
        name: ``labelled-folder``.
        crops: as chosen.
        rendered: False: nothing is known of them.
    """

    name = "labelled-folder"
    rendered = False

    def __init__(self, root: Path, labels: Path, *, crops: bool) -> None:
        self.crops = crops
        self._root = root
        self._folder = folder.load(folder.Options(path=root, crops=crops))
        rows = _read(labels)
        _check_pictures(rows, {item.key for item in self._folder.items()}, labels)
        self._tasks = _tasks(rows, labels)
        items = [_item(row, self._tasks) for row in sorted(rows, key=lambda row: row.name)]
        self._train = [item for item in items if item.split == "train"]
        self._test = [item for item in items if item.split != "train"]
        if not self._test:
            raise UserError(f"{labels}: every picture is in 'train'; test on some of other people")

    def tasks(self) -> Sequence[Task]:
        """One per column, in the CSV's order."""
        return self._tasks

    def items(self) -> Sequence[Item]:
        """The test pictures, by name; all of them where the CSV has no splits."""
        return self._test

    def train_items(self) -> Sequence[Item]:
        """The training pictures, by name."""
        return self._train

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The picture: uint8 (H, W, 3), sRGB, upright."""
        return self._folder.image(item)

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: they are to be found."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: no masks are known."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over names, labels and files of the test pictures."""
        return manifest_hash(self.items(), lambda item: file_hash(self._root / item.key))


class _Row(BaseModel):
    """One line of the CSV, its labels still as they are written."""

    model_config = ConfigDict(frozen=True)

    where: str
    name: str
    split: str
    pid: int | None
    labels: dict[str, str]


def _item(row: _Row, tasks: Sequence[Task]) -> Item:
    names = {task.name: task for task in tasks}
    labels = {}
    for column, value in row.labels.items():
        found = names[column].of_code(value)
        if found is not None:
            labels[column] = found.name
    return Item(row.name, "train" if row.split == "train" else "all", row.pid, labels=labels)


def _read(path: Path) -> list[_Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            columns = reader.fieldnames or ()
            _check_columns(path, columns)
            rows = [_row(line, f"{path}, line {reader.line_num}") for line in reader]
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; name your CSV in 'labels'") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    _check_splits(rows)
    return rows


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if "file" not in columns:
        raise UserError(f"{path}: the column 'file' is missing")
    for column in columns:
        if not column.strip() or columns.count(column) > 1:
            raise UserError(f"{path}: a column is named '{column}', or two are")
        # A misspelt column of ids would be taken for a task.
        near = difflib.get_close_matches(column.lower(), IDS, n=1, cutoff=0.75)
        if near and column not in IDS:
            raise UserError(f"{path}: unknown column '{column}'; did you mean '{near[0]}'?")
    if not set(columns) - set(IDS):
        raise UserError(f"{path}: has no column of labels, such as 'emotion'")


def _row(line: Mapping[str, str], where: str) -> _Row:
    if None in line or None in line.values():
        raise UserError(f"{where}: has another number of values than the first line")
    name = line["file"].strip()
    if not name:
        raise UserError(f"{where}: 'file' is empty")
    split = line.get("split", "test").strip()
    if split not in SPLITS:
        raise UserError(f"{where}: {unknown('split', split, SPLITS)}")
    pid = line.get("pid", "").strip()
    if pid and not pid.isdecimal():
        raise UserError(f"{where}: 'pid' is '{pid}', not a whole number")
    labels = {column: value.strip() for column, value in line.items() if column not in IDS}
    return _Row(where=where, name=name, split=split, pid=int(pid) if pid else None, labels=labels)


def _check_splits(rows: Iterable[_Row]) -> None:
    """Nobody is in both splits, and no picture is there twice."""
    names: set[str] = set()
    splits: dict[int, str] = {}
    for row in rows:
        if row.name in names:
            raise UserError(f"{row.where}: '{row.name}' is there a second time")
        names.add(row.name)
        if row.pid is not None and splits.setdefault(row.pid, row.split) != row.split:
            raise UserError(
                f"{row.where}: person {row.pid} is in 'train' and in 'test'; put all pictures of "
                "a person into one of them"
            )


def _check_pictures(rows: Iterable[_Row], there: set[str], labels: Path) -> None:
    for row in rows:
        if row.name not in there:
            raise UserError(f"{row.where}: '{row.name}' is not a picture of the folder")
    without = sorted(there - {row.name for row in rows})
    if without:
        raise UserError(
            f"{labels}: has no row for '{without[0]}'; give it one, with empty labels if nobody "
            "knows them"
        )


def _tasks(rows: Sequence[_Row], path: Path) -> tuple[Task, ...]:
    """A task per column, its classes sorted: by number where all are numbers."""
    if not rows:
        raise UserError(f"{path}: has no rows")
    tasks = []
    for column in rows[0].labels:
        values = sorted({row.labels[column] for row in rows} - {""}, key=_in_order)
        if len(values) < 2:
            said = f"only '{values[0]}'" if values else "nothing"
            raise UserError(f"{path}: the column '{column}' says {said}; there is nothing to tell")
        if len(values) > MOST_CLASSES:
            raise UserError(
                f"{path}: the column '{column}' has {len(values)} different values, such as "
                f"'{values[0]}'; classes are at most {MOST_CLASSES}: group them, or take it out"
            )
        classes = (TaskClass(value, value, _said(column, value)) for value in values)
        tasks.append(Task(column, tuple(classes)))
    return tuple(tasks)


def _in_order(value: str) -> tuple[float, str]:
    return (float(value) if value.isdecimal() else float("inf"), value)


def _said(column: str, value: str) -> dict[str, str]:
    """What a prompt says of the class; nothing where the vocabulary has no such word."""
    from refsd.prompts import PromptError, canonical

    try:
        # No free words: a label of real people could name someone.
        return dict(canonical({column: value}, free=False))
    except PromptError:
        return {}


def load(options: Options) -> LabelledFolder:
    """The pictures of a folder and their labels.

    Raises:
        UserError: there is no such folder or CSV, a row is wrong (the message names its line), a
            picture has no row, or a person is in both splits.
    """
    if options.path is None:
        raise UserError("labelled-folder: say where the pictures are: --path")
    root = options.path.expanduser()
    labels = root / "labels.csv" if options.labels is None else options.labels.expanduser()
    return LabelledFolder(root, labels, crops=options.crops)

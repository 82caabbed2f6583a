"""RAF-DB's basic emotions (Li, Deng and Du, CVPR 2017), from the user's own copy.

The parts that are read, as the archives unpack::

    basic/Image/aligned/train_00001_aligned.jpg              faces, 100 x 100
    basic/EmoLabel/list_patition_label.txt                   "train_00001.jpg 5"
    basic/Annotation/manual/train_00001_manu_attri.txt       five landmarks, gender, race, age

Names begin with ``train`` or ``test``. Who is in a picture is not known: the two splits are the
authors', and nobody says that they share no person. RAF-DB is for non-commercial research only.
"""

from __future__ import annotations

import math
import re
from functools import cached_property
from pathlib import Path  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.datasets.tasks import Task, TaskClass
from humangenai.errors import UserError
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.people import Person

PICTURES = "Image/aligned"
EMOTIONS = "EmoLabel/list_patition_label.txt"  # spelt so by the authors
ATTRIBUTES = "Annotation/manual"

PUBLISHED = {"train": 12271, "test": 3068}
"""Split → pictures."""

LICENCE = "RAF-DB is for non-commercial research only: so are pictures and models made from it"

NAME = re.compile(r"(?P<split>train|test)_\d{4,5}\.jpg")
LANDMARKS = 5

EMOTION = Task(
    "emotion",
    tuple(
        TaskClass(word, str(code), {"emotion": word})
        for code, word in enumerate(
            ("surprised", "fearful", "disgusted", "happy", "sad", "angry", "neutral"), start=1
        )
    ),
)
GENDER = Task(
    "gender",
    (TaskClass("male", "0", {"gender": "male"}), TaskClass("female", "1", {"gender": "female"})),
)
UNSURE = "2"
"""Gender: the authors' annotators could not say, so there is no label."""

# RAF-DB's "Asian" is wider than any one of the vocabulary's words, and its ages lie across two of
# the vocabulary's groups; prompts take the nearest word, tables keep RAF-DB's class.
ETHNICITY = Task(
    "ethnicity",
    (
        TaskClass("Caucasian", "0", {"ethnicity": "White"}),
        TaskClass("African-American", "1", {"ethnicity": "Black"}),
        TaskClass("Asian", "2", {"ethnicity": "East Asian"}),
    ),
)
AGE = Task(
    "age group",
    (
        TaskClass("0–3", "0", {"age": "2"}),
        TaskClass("4–19", "1", {"age": "12"}),
        TaskClass("20–39", "2", {"age": "30"}),
        TaskClass("40–69", "3", {"age": "55"}),
        TaskClass("70+", "4", {"age": "75"}),
    ),
)

TASKS = (EMOTION, AGE, GENDER, ETHNICITY)
"""In the order of the paper's table."""

_WRITTEN = (GENDER, ETHNICITY, AGE)
"""The order in which a picture's file of attributes has them."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder ``basic``, or the one above it.
        tasks: ``all``, or ``emotion`` for a copy without the manual annotations.
        allow_incomplete: measure although pictures are missing; tables then say
            ``rafdb-incomplete``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    tasks: Literal["all", "emotion"] = "all"
    allow_incomplete: bool = False


class RafDb:
    """Aligned faces of real people with emotion, age, gender and ethnicity.

    Attributes:
        name: ``rafdb``, or ``rafdb-incomplete``.
        crops: True: one face each.
        rendered: False.
        licence: what the copy may be used for.
    """

    crops = True
    rendered = False
    licence = LICENCE

    def __init__(self, root: Path, options: Options) -> None:
        self._root = root
        self._tasks = TASKS if options.tasks == "all" else (EMOTION,)
        labels = _read_emotions(root / EMOTIONS)
        _check_pictures(root, labels)
        if options.tasks == "all":
            labels = {
                name: {**known, **_read_attributes(_attribute_file(root, name))}
                for name, known in labels.items()
            }
        self._splits: dict[str, list[Item]] = {"train": [], "test": []}
        for name, known in sorted(labels.items()):
            split = "train" if name.startswith("train") else "test"
            # Items that are evaluated have the split "all" where there are no queries.
            item = Item(name, "train" if split == "train" else "all", labels=known)
            self._splits[split].append(item)
        wrong = [
            f"{len(self._splits[split])} pictures of {split} instead of {count}"
            for split, count in PUBLISHED.items()
            if len(self._splits[split]) != count
        ]
        if wrong and not options.allow_incomplete:
            raise UserError(
                f"{root}: not the published RAF-DB: {' and '.join(wrong)}; unpack the archives "
                "again, or set allow_incomplete: true to measure on what is there"
            )
        self.name = "rafdb-incomplete" if wrong else "rafdb"

    def tasks(self) -> Sequence[Task]:
        """Emotion, age group, gender and ethnicity, or emotion alone."""
        return self._tasks

    def items(self) -> Sequence[Item]:
        """The test split, by name."""
        return self._splits["test"]

    def train_items(self) -> Sequence[Item]:
        """The training split, by name."""
        return self._splits["train"]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The aligned face: uint8 (100, 100, 3), sRGB."""
        return load_image(_picture(self._root, item.key))

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: they are to be found within the crop."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: no masks are known."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over names, labels and files of the test split."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        return manifest_hash(self.items(), lambda item: file_hash(_picture(self._root, item.key)))


def _picture(root: Path, name: str) -> Path:
    return root / PICTURES / f"{name}_aligned.jpg"


def _attribute_file(root: Path, name: str) -> Path:
    return root / ATTRIBUTES / f"{name}_manu_attri.txt"


def _lines(path: Path) -> list[str]:
    """The lines of a label file, without empty ones at its end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; unpack RAF-DB's archives again") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    return text.rstrip().splitlines()


def _read_emotions(path: Path) -> dict[str, dict[str, str]]:
    """Name without ending → its emotion, as ``Item.labels`` has it."""
    known: dict[str, dict[str, str]] = {}
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path}, line {number}"
        words = line.split()
        if len(words) != 2 or not NAME.fullmatch(words[0]):
            raise UserError(f"{where}: '{line.strip()}' is not as 'train_00001.jpg 5'")
        name = words[0].removesuffix(".jpg")
        if name in known:
            raise UserError(f"{where}: '{words[0]}' is there a second time")
        known[name] = _labelled(EMOTION, words[1], where)
    return known


def _read_attributes(path: Path) -> dict[str, str]:
    """Gender, ethnicity and age of one picture, as ``Item.labels`` has them."""
    lines = _lines(path)
    expected = LANDMARKS + len(_WRITTEN)
    if len(lines) != expected:
        at = min(len(lines), expected) + 1
        wrong = "is missing" if len(lines) < expected else "is one too many"
        raise UserError(
            f"{path}, line {at}: {wrong}; the file has {LANDMARKS} landmarks, gender, race and "
            "age, a line each"
        )
    for number, line in enumerate(lines[:LANDMARKS], start=1):
        if not _is_point(line):
            raise UserError(f"{path}, line {number}: '{line.strip()}' is not a landmark's x and y")
    labels: dict[str, str] = {}
    for number, task in enumerate(_WRITTEN, start=LANDMARKS + 1):
        labels |= _labelled(task, lines[number - 1].strip(), f"{path}, line {number}")
    return labels


def _labelled(task: Task, code: str, where: str) -> dict[str, str]:
    """The label that a code stands for; empty where it says that nobody knows."""
    if task is GENDER and code == UNSURE:
        return {}
    found = task.of_code(code)
    if found is None:
        codes = ", ".join(f"{one.code} {one.name}" for one in task.classes)
        unsure = f", {UNSURE} unsure" if task is GENDER else ""
        raise UserError(f"{where}: '{code}' is no {task.name}; known: {codes}{unsure}")
    return {task.name: found.name}


def _is_point(line: str) -> bool:
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        return False
    return len(values) == 2 and all(math.isfinite(value) for value in values)


def _check_pictures(root: Path, labels: Mapping[str, object]) -> None:
    """Every label has a picture and every picture a label."""
    folder = root / PICTURES
    try:
        there = {
            path.name.removesuffix("_aligned.jpg")
            for path in folder.iterdir()
            if path.name.endswith("_aligned.jpg")
        }
    except OSError as error:
        raise UserError(f"{folder}: cannot be read: {error.strerror or error}") from error
    for name in sorted(set(labels) - there):
        raise UserError(f"{root / EMOTIONS}: there is no picture {_picture(root, name)}")
    for name in sorted(there - set(labels)):
        raise UserError(f"{_picture(root, name)}: has no line in {root / EMOTIONS}")


def load(options: Options) -> RafDb:
    """The user's copy, checked against the published layout and counts; says what it may serve for.

    Raises:
        UserError: there is no such folder, a part of it is missing, a label is wrong (the message
            names file and line), or the counts differ from the published ones.
    """
    if options.path is None:
        raise UserError("rafdb: say where your copy is: --path, the folder that holds 'basic'")
    path = options.path.expanduser()
    if not path.is_dir():
        raise UserError(f"{path}: there is no such folder (--path)")
    root = path / "basic" if (path / "basic").is_dir() else path
    parts = (PICTURES, EMOTIONS, *((ATTRIBUTES,) if options.tasks == "all" else ()))
    for part in parts:
        if (root / part).exists():
            continue
        without = "; without them set tasks: emotion" if part == ATTRIBUTES else ""
        archive = (root / part).with_suffix(".zip")
        unpack = f"; unpack {archive.name}, which lies beside it" if archive.is_file() else ""
        raise UserError(f"{root}: not RAF-DB (--path): {part} is missing{unpack}{without}")
    dataset = RafDb(root, options)
    _say(LICENCE)
    return dataset


def _say(line: str) -> None:
    from rich.console import Console

    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)

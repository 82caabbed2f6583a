"""OpenImages (Kuznetsova et al., IJCV 2020) from the user's copy: boxes of 600 classes.

::

    train/000002b66c9c498e.jpg …
    validation/0001eeaf4aed83f9.jpg …
    class-descriptions-boxable.csv                 (or oidv7-…)
    train-annotations-bbox.csv                     (or oidv6-…)
    validation-annotations-bbox.csv

The CSVs are read as they are published; a part of the pictures will do, and rows of others are
passed over. Pictures of a folder that have no row are left out: OpenImages says nothing of them.
Boxes around groups (``IsGroupOf``) are regions of many. There are no masks here.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path  # noqa: TC003  (pydantic needs it)
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.datasets.dataset import Item, TruePerson
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.datasets.objects import TrueObject
from humangenai.errors import UserError
from refsd.images import image_size, load_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

PEOPLE = ("person", "man", "woman", "boy", "girl")
"""Classes, in lower case, whose boxes hold a person; a box has one of them, the nearest."""

COORDINATES = ("XMin", "XMax", "YMin", "YMax")
FLAGS = ("IsGroupOf", "IsDepiction")
COLUMNS = ("ImageID", "LabelName", *COORDINATES, *FLAGS)


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder that holds the CSVs and the folders of pictures.
        test: the part that is evaluated.
        train: the part to learn from; empty: there is none.
        people: ``find``: people are found as in any picture, and the boxes serve for scoring;
            ``annotations``: the boxes are believed, groups too, and who has none stays in the
            picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    # Plain names: they become parts of paths.
    test: str = Field(default="validation", pattern=r"^[\w-]+$")
    train: str = Field(default="train", pattern=r"^[\w-]*$")
    people: Literal["find", "annotations"] = "find"


@dataclass(frozen=True)
class _Row:
    """One box, in shares of the picture's width and height.

    Attributes:
        category: number in the order of the class descriptions.
        corners: x0 y0 x1 y1 in [0, 1].
        group: many at once.
        depiction: a drawing or photograph of one.
    """

    category: int
    corners: tuple[float, float, float, float]
    group: bool
    depiction: bool


class OpenImages:
    """Pictures with boxes of many classes.

    Attributes:
        name: ``openimages``.
        crops: False: whole scenes.
        rendered: False.
    """

    name = "openimages"
    crops = False
    rendered = False

    def __init__(self, root: Path, options: Options) -> None:
        self._root = root
        self._options = options
        self._labels = _read_classes(_file(root, "class-descriptions-boxable.csv"))
        self._test = self._read(options.test)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names, in the order of the class descriptions."""
        return tuple(self._labels.values())

    def items(self) -> Sequence[Item]:
        """Pictures of the part ``test`` that have boxes, by name."""
        return [Item(key, "all") for key in self._test]

    def train_items(self) -> Sequence[Item]:
        """Pictures of the part ``train`` that have boxes, by name; empty where there is none.

        Raises:
            UserError: a row of its CSV is wrong.
        """
        return [Item(key, "train") for key in self._train]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The picture: uint8 (H, W, 3), sRGB, upright."""
        return load_image(self._path(item))

    def objects(self, item: Item) -> Sequence[TrueObject]:
        """All boxes of a picture; groups are regions of many."""
        width, height = image_size(self._path(item))
        size = np.array([width, height, width, height], dtype=np.float32)
        found = []
        for row in self._rows(item):
            box = np.array(row.corners, dtype=np.float32) * size
            area = float((box[2] - box[0]) * (box[3] - box[1]))
            found.append(TrueObject(box, row.category, area, crowd=row.group))
        return found

    def people(self, item: Item) -> Sequence[Person] | None:
        """None, so that they are found; or, if the user wants it so, those in the boxes."""
        if self._options.people == "find":
            return None
        boxes = self._people_boxes(item, groups=True)
        if not boxes:
            return None  # an omission must not leave anybody in
        from refsd.people import people_from_boxes

        return people_from_boxes(self.image(item), np.stack(boxes))

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """The people in boxes of their own; no masks are known, so whole boxes count."""
        width, height = image_size(self._path(item))
        people = []
        for box in self._people_boxes(item, groups=False):
            mask = np.zeros((height, width), dtype=np.bool_)
            x0, y0 = np.floor(box[:2]).astype(int)
            x1, y1 = np.ceil(box[2:]).astype(int)
            mask[y0:y1, x0:x1] = True
            if mask.any():
                people.append(TruePerson(box=box, mask=mask))
        return people

    def manifest_hash(self) -> str:
        """sha256 over names and files of ``test``, and over their boxes."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        names = self.categories

        def content(item: Item) -> bytes:
            said = [
                (names[row.category], row.corners, row.group, row.depiction)
                for row in self._rows(item)
            ]
            return file_hash(self._path(item)) + json.dumps(said).encode()

        return manifest_hash(self.items(), content)

    @cached_property
    def _train(self) -> dict[str, list[_Row]]:
        return self._read(self._options.train) if self._options.train else {}

    def _read(self, part: str) -> dict[str, list[_Row]]:
        """Rows by key of a picture that is there."""
        folder = self._root / part
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder of pictures; check --path")
        pictures = {path.stem for path in folder.glob("*.jpg")}
        if not pictures:
            raise UserError(f"{folder}: holds no .jpg")
        numbers = {label: number for number, label in enumerate(self._labels)}
        path = _file(self._root, f"{part}-annotations-bbox.csv")
        rows = _read_boxes(path, pictures, numbers)
        if not rows:
            raise UserError(f"{path}: has no row of a picture in {folder}")
        return {f"{part}/{name}": rows[name] for name in sorted(rows)}

    def _rows(self, item: Item) -> list[_Row]:
        return (self._train if item.split == "train" else self._test)[item.key]

    def _path(self, item: Item) -> Path:
        return self._root / f"{item.key}.jpg"

    def _people_boxes(self, item: Item, *, groups: bool) -> list[NDArray[np.float32]]:
        names = self.categories
        return [
            one.box
            for row, one in zip(self._rows(item), self.objects(item), strict=True)
            if names[row.category].lower() in PEOPLE
            and not row.depiction
            and (groups or not row.group)
            and (one.box[2:] > one.box[:2]).all()
        ]


# ---- reading ---------------------------------------------------------------------------------


def _file(root: Path, name: str) -> Path:
    """The CSV of that name, perhaps with the edition before it (``oidv6-``)."""
    found = sorted({*root.glob(name), *root.glob(f"oidv*-{name}")})
    if not found:
        raise UserError(f"{root}: holds no '{name}' (--path)")
    return found[-1]


def _read_classes(path: Path) -> dict[str, str]:
    """Label → name; some editions have a line of headings, some have none."""
    labels: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if row == ["LabelName", "DisplayName"]:
                    continue
                if len(row) != 2 or not all(value.strip() for value in row):
                    raise UserError(f"{where}: is not a label and a name")
                label, name = (value.strip() for value in row)
                if label in labels or name in labels.values():
                    raise UserError(f"{where}: '{label}' or '{name}' is there already")
                labels[label] = name
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not labels:
        raise UserError(f"{path}: is empty")
    return labels


def _read_boxes(
    path: Path, pictures: set[str], numbers: Mapping[str, int]
) -> dict[str, list[_Row]]:
    """Rows by picture; every row is checked, also those of pictures that are not there."""
    rows: dict[str, list[_Row]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            head = next(reader, [])
            missing = [column for column in COLUMNS if column not in head]
            if missing:
                raise UserError(f"{path}, line 1: the column '{missing[0]}' is missing")
            places = {column: head.index(column) for column in COLUMNS}
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if len(row) != len(head):
                    raise UserError(f"{where}: has {len(row)} values, the first line {len(head)}")
                said = {column: row[place].strip() for column, place in places.items()}
                made = _row(said, numbers, where)
                if said["ImageID"] in pictures:
                    rows.setdefault(said["ImageID"], []).append(made)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    return rows


def _row(said: Mapping[str, str], numbers: Mapping[str, int], where: str) -> _Row:
    if said["LabelName"] not in numbers:
        raise UserError(f"{where}: 'LabelName' is '{said['LabelName']}', which no class has")
    values = {}
    for column in COORDINATES:
        try:
            values[column] = float(said[column])
        except ValueError as error:
            raise UserError(f"{where}: '{column}' is '{said[column]}', no number") from error
        if not 0 <= values[column] <= 1:
            raise UserError(f"{where}: '{column}' is {said[column]}, not within 0 and 1")
    if values["XMin"] > values["XMax"] or values["YMin"] > values["YMax"]:
        raise UserError(f"{where}: the box ends before it begins")
    for column in FLAGS:
        # -1: nobody knows.
        if said[column] not in ("0", "1", "-1"):
            raise UserError(f"{where}: '{column}' is '{said[column]}', not 0, 1 or -1")
    return _Row(
        numbers[said["LabelName"]],
        (values["XMin"], values["YMin"], values["XMax"], values["YMax"]),
        group=said["IsGroupOf"] == "1",
        depiction=said["IsDepiction"] == "1",
    )


def load(options: Options) -> OpenImages:
    """The user's copy, its rows checked.

    Raises:
        UserError: a folder or file is missing, or a row is wrong; the message names file and line.
    """
    if options.path is None:
        raise UserError("openimages: say where its folder is that holds the CSVs: --path")
    root = options.path.expanduser()
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder (--path)")
    if options.test == options.train:
        raise UserError(f"openimages: 'train' and 'test' are both '{options.test}'; name another")
    return OpenImages(root, options)

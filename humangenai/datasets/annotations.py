"""What a user knows of the people in a folder of pictures: boxes, masks, ids.

Two ways to write it down. **CSV**, one row a person (or a picture, where only ids are known)::

    file,x0,y0,x1,y1,mask,pid,camid,split
    street/01.jpg,10,20,60,180,masks/01_a.png,,,

``file`` is relative to the folder, ``mask`` (a picture of the same size, white where the person is)
to the CSV. Only ``file`` must be there; boxes need all four columns. **COCO JSON**: ``images``,
``annotations`` with ``bbox`` and ``segmentation`` (polygons or RLE), ``categories`` of which
``person`` counts; an image may have ``pid``, ``camid`` and ``split``.

Boxes are in pixels of the upright picture (EXIF orientation applied), x1 and y1 exclusive.
A picture without a box of its own is searched as if nothing were known of it: an omission must not
leave anybody in.
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast, get_args

from humangenai.datasets.dataset import Split
from humangenai.datasets.masks import Mask, MaskFile, Polygons, RunLengths
from humangenai.errors import UserError, unknown
from refsd.images import ImageError, image_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

BOX = ("x0", "y0", "x1", "y1")
COLUMNS = ("file", *BOX, "mask", "pid", "camid", "split")

TOLERANCE = 1.0
"""Boxes may stick out by so many pixels, as rounding makes them; they are cut at the edge."""


@dataclass(frozen=True)
class Box:
    """One person's box.

    Attributes:
        corners: x0, y0, x1, y1 in pixels, x1 and y1 exclusive.
        mask: the person's shape within the picture, where it is known.
        where: the row or annotation that says so, for messages.
    """

    corners: tuple[float, float, float, float]
    mask: Mask | None
    where: str


@dataclass
class Known:
    """What is known of one picture."""

    boxes: list[Box] = field(default_factory=list)
    pid: int | None = None
    camid: int | None = None
    split: Split = "all"


def read_annotations(path: Path, folder: Path) -> dict[str, Known]:
    """Read a CSV or a COCO JSON, and check it against the pictures.

    Args:
        path: the file; its ending says which kind it is.
        folder: of the pictures.

    Returns:
        File name, relative to ``folder``, with slashes → what is known.

    Raises:
        UserError: the file cannot be read or is of another kind, a column is unknown, a value is
            of another type, a picture is missing, or a box lies outside its picture; naming the
            file, the row and the value.
    """
    kinds = {".csv": _read_csv, ".json": _read_coco}
    if path.suffix.lower() not in kinds:
        raise UserError(f"{path}: boxes are read from a .csv or a COCO .json")
    try:
        known = kinds[path.suffix.lower()](path)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; check 'boxes'") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    return {name: _checked(name, picture, folder, path) for name, picture in known.items()}


def _checked(name: str, known: Known, folder: Path, path: Path) -> Known:
    """The same, with every box within the picture, and masks of its size."""
    picture = folder / name
    if not picture.is_file():
        raise UserError(f"{path}: there is no picture '{name}' in {folder}")
    if not known.boxes:
        return known
    try:
        width, height = image_size(picture)
    except ImageError:
        # Unreadable: it fails when its turn comes, and the others go on.
        return known
    for index, box in enumerate(known.boxes):
        known.boxes[index] = Box(_within(box, width, height, name), box.mask, box.where)
        try:
            if box.mask is not None:
                box.mask.check(height, width)
        except ImageError as error:
            raise UserError(f"{box.where}: {error}") from error
    return known


def _within(box: Box, width: int, height: int, name: str) -> tuple[float, float, float, float]:
    """The corners, cut at the picture's edge."""
    x0, y0, x1, y1 = box.corners
    inside = (
        -TOLERANCE <= x0 < x1 <= width + TOLERANCE and -TOLERANCE <= y0 < y1 <= height + TOLERANCE
    )
    cut = (max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height)))
    if not inside or cut[0] >= cut[2] or cut[1] >= cut[3]:
        shown = ", ".join(f"{value:g}" for value in box.corners)
        raise UserError(
            f"{box.where}: the box ({shown}) is not within '{name}', {width} x {height} pixels; "
            "boxes are x0, y0, x1, y1 in pixels of the upright picture"
        )
    return cut


# ---- CSV -------------------------------------------------------------------------------------


def _read_csv(path: Path) -> dict[str, Known]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, strict=True)
        _check_columns(path, reader.fieldnames or ())
        known: dict[str, Known] = {}
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise UserError(f"{where}: has another number of values than the first line")
            name = row["file"].strip()
            if not name:
                raise UserError(f"{where}: 'file' is empty")
            _add(known, name, row, where)
            box = _csv_box(row, where, path)
            if box is not None:
                known[name].boxes.append(box)
    return known


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in COLUMNS:
            raise UserError(f"{path}: {unknown('column', column, COLUMNS)}")
    if "file" not in columns:
        raise UserError(f"{path}: the column 'file' is missing; known: {', '.join(COLUMNS)}")
    missing = [name for name in BOX if name not in columns]
    if missing and len(missing) < len(BOX):
        raise UserError(f"{path}: the column '{missing[0]}' is missing; boxes need all four")
    if "mask" in columns and missing:
        raise UserError(f"{path}: masks need boxes too: the columns x0, y0, x1, y1")


def _csv_box(row: Mapping[str, str], where: str, path: Path) -> Box | None:
    values = [row.get(name, "").strip() for name in BOX]
    mask = row.get("mask", "").strip()
    if not any(values):
        if mask:
            raise UserError(f"{where}: the mask '{mask}' needs a box")
        return None
    corners = tuple(_number(value, name, where) for name, value in zip(BOX, values, strict=True))
    return Box(
        cast("tuple[float, float, float, float]", corners),
        MaskFile(path.parent / mask) if mask else None,
        where,
    )


# ---- COCO ------------------------------------------------------------------------------------


def _read_coco(path: Path) -> dict[str, Known]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON in line {error.lineno}: {error.msg}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: not COCO: expected an object with 'images' and 'annotations'")
    images = _entries(data, "images", path)
    known: dict[str, Known] = {}
    names: dict[object, str] = {}
    for number, image in enumerate(images):
        where = f"{path}, images[{number}]"
        name = str(_value(image, "file_name", where))
        names[_value(image, "id", where)] = name
        _add(
            known, name, {key: str(image.get(key, "")) for key in ("pid", "camid", "split")}, where
        )
    person = _person_categories(data, path)
    for number, annotation in enumerate(_entries(data, "annotations", path)):
        where = f"{path}, annotations[{number}]"
        if person is not None and annotation.get("category_id") not in person:
            continue
        image_id = _value(annotation, "image_id", where)
        if image_id not in names:
            raise UserError(f"{where}: 'images' has no id {image_id!r}")
        known[names[image_id]].boxes.append(_coco_box(annotation, where))
    return known


def _person_categories(data: Mapping[str, Any], path: Path) -> set[object] | None:
    """Ids of the category ``person``; None where there are no categories, and all are people."""
    if not data.get("categories"):
        return None
    names: dict[str, set[object]] = {}
    for number, category in enumerate(_entries(data, "categories", path)):
        where = f"{path}, categories[{number}]"
        name = str(_value(category, "name", where)).lower()
        names.setdefault(name, set()).add(_value(category, "id", where))
    if "person" not in names:
        raise UserError(f"{path}: no category is named 'person', only {', '.join(sorted(names))}")
    return names["person"]


def _coco_box(annotation: Mapping[str, Any], where: str) -> Box:
    bbox = _value(annotation, "bbox", where)
    if not isinstance(bbox, list) or len(bbox) != len(BOX):
        raise UserError(f"{where}: 'bbox' is {bbox!r} instead of [x, y, width, height]")
    x, y, width, height = (_number(str(value), "bbox", where) for value in bbox)
    return Box((x, y, x + width, y + height), _coco_mask(annotation, where), where)


def _coco_mask(annotation: Mapping[str, Any], where: str) -> Mask | None:
    segmentation = annotation.get("segmentation")
    if not segmentation:
        return None
    try:
        if isinstance(segmentation, list):
            return Polygons.from_coco(segmentation)
        return RunLengths.from_coco(segmentation)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{where}: 'segmentation' is neither polygons nor RLE as COCO has them: {error}"
        ) from error


def _entries(data: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    entries = data.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: not COCO: '{key}' is not a list of objects")
    return entries


def _value(entry: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in entry:
        raise UserError(f"{where}: '{key}' is missing")
    return entry[key]


# ---- both ------------------------------------------------------------------------------------


def _add(known: dict[str, Known], name: str, ids: Mapping[str, str], where: str) -> None:
    """Note a picture's ids; every row of a picture must say the same."""
    now = Known(
        pid=_integer(ids.get("pid", ""), "pid", where),
        camid=_integer(ids.get("camid", ""), "camid", where),
        split=_split(ids.get("split", ""), where),
    )
    before = known.setdefault(name, now)
    if (before.pid, before.camid, before.split) != (now.pid, now.camid, now.split):
        raise UserError(
            f"{where}: another pid, camid or split than before for '{name}'; ids are of pictures, "
            "so cut out people first (a crop each)"
        )


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{where}: '{name}' is '{text}', not a number")
    return value


def _integer(text: str, name: str, where: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UserError(f"{where}: '{name}' is '{text}', not a whole number") from error


def _split(text: str, where: str) -> Split:
    text = text.strip() or "all"
    splits: Iterable[str] = get_args(Split)
    if text not in splits:
        raise UserError(f"{where}: {unknown('split', text, splits)}")
    return cast("Split", text)

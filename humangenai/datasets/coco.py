"""Folders in the layout of COCO (Lin et al., ECCV 2014): pictures, and what is in them.

::

    train2017/000000000009.jpg …
    val2017/000000000139.jpg …
    annotations/instances_train2017.json
    annotations/instances_val2017.json

Any folder laid out so will do; ``test`` and ``train`` name its parts. All categories are read, for
detectors; those named ``person`` are also people, whose number, boxes and masks are the truth that
coverage is counted by. Crowds (``iscrowd``) are no people there, since nobody knows how many.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from humangenai.datasets.dataset import Item, TruePerson
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.datasets.masks import Polygons, RunLengths
from humangenai.datasets.objects import TrueObject
from humangenai.errors import UserError
from refsd.images import ImageError, load_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

T = TypeVar("T")

PERSON = "person"


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder that holds ``annotations`` and the folders of pictures.
        test: the part that is evaluated.
        train: the part to learn from; empty: there is none.
        people: ``find``: people are found as in any picture, and the annotations serve for
            scoring; ``annotations``: they are believed, crowds too, and who is not annotated
            stays in the picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    # Plain names: they become parts of paths.
    test: str = Field(default="val2017", pattern=r"^[\w-]+$")
    train: str = Field(default="train2017", pattern=r"^[\w-]*$")
    people: Literal["find", "annotations"] = "find"


@dataclass(frozen=True, eq=False)
class _Picture:
    """One entry of ``images`` with its annotations."""

    file: Path
    height: int
    width: int
    annotations: list[_Annotation]


@dataclass(frozen=True, eq=False)
class _Annotation:
    """One entry of ``annotations``, checked but for what its segmentation covers.

    Attributes:
        box: x0 y0 x1 y1, cut at the picture's edge.
        category: number in the order of the file's ids.
        where: for messages.
    """

    box: tuple[float, float, float, float]
    category: int
    area: float
    crowd: bool
    segmentation: list[Any] | dict[str, Any] | None
    where: str


@dataclass(frozen=True, eq=False)
class _Part:
    """One JSON: categories in the order of their ids, pictures by key."""

    categories: tuple[str, ...]
    pictures: dict[str, _Picture]


class Coco:
    """Pictures with boxes, masks and categories.

    Attributes:
        name: ``coco``.
        crops: False: whole scenes.
        rendered: False.
    """

    name = "coco"
    crops = False
    rendered = False

    def __init__(self, root: Path, options: Options) -> None:
        self._root = root
        self._options = options
        self._test = _read(root, options.test)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names, in the order of the file's ids."""
        return self._test.categories

    def items(self) -> Sequence[Item]:
        """Pictures of the part ``test``, in the order of their ids."""
        return [Item(key, "all") for key in self._test.pictures]

    def train_items(self) -> Sequence[Item]:
        """Pictures of the part ``train``, in the order of their ids; empty where there is none.

        Raises:
            UserError: its JSON is wrong, or its categories differ from those of ``test``.
        """
        return [Item(key, "train") for key in self._train.pictures]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The picture: uint8 (H, W, 3), sRGB, upright.

        Raises:
            ImageError: it cannot be read, or has another size than its annotations say.
        """
        picture = self._picture(item)
        image = load_image(picture.file)
        if image.shape[:2] != (picture.height, picture.width):
            raise ImageError(
                f"{picture.file}: is {image.shape[1]} x {image.shape[0]} (upright), its "
                f"annotations say {picture.width} x {picture.height}"
            )
        return image

    def objects(self, item: Item) -> Sequence[TrueObject]:
        """Everything annotated in a picture, of all categories, crowds too.

        Raises:
            UserError: a segmentation cannot be decoded.
        """
        picture = self._picture(item)
        return [
            TrueObject(
                box=np.array(one.box, dtype=np.float32),
                category=one.category,
                area=one.area,
                crowd=one.crowd,
                mask=_decode(one, picture.height, picture.width),
            )
            for one in picture.annotations
        ]

    def people(self, item: Item) -> Sequence[Person] | None:
        """None, so that they are found; or, if the user wants it so, the annotated ones."""
        if self._options.people == "find":
            return None
        annotated = self._people(item, crowds=True)
        if not annotated:
            return None  # an omission must not leave anybody in
        from refsd.people import people_from_boxes

        boxes = np.stack([one.box for one in annotated])
        return people_from_boxes(self.image(item), boxes, [one.mask for one in annotated])

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """The annotated people without crowds; None where the file knows no ``person``."""
        if PERSON not in self.categories:
            return None
        picture = self._picture(item)
        people = (
            TruePerson(box=one.box, mask=_shape(one, picture.height, picture.width))
            for one in self._people(item, crowds=False)
        )
        # Outlines thinner than a pixel cover none: there is nothing to hide.
        return [person for person in people if person.mask.any()]

    def manifest_hash(self) -> str:
        """sha256 over ids and files of ``test``, and over what is annotated in them."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        def content(item: Item) -> bytes:
            picture = self._picture(item)
            said = [
                (one.box, self.categories[one.category], one.area, one.crowd, one.segmentation)
                for one in picture.annotations
            ]
            return file_hash(picture.file) + json.dumps(said, sort_keys=True).encode()

        return manifest_hash(self.items(), content)

    @cached_property
    def _train(self) -> _Part:
        if not self._options.train:
            return _Part(self.categories, {})
        part = _read(self._root, self._options.train)
        if part.categories != self.categories:
            raise UserError(
                f"{_json(self._root, self._options.train)}: 'categories' differ from those of "
                f"{_json(self._root, self._options.test).name}; train and test must name the same"
            )
        return part

    def _picture(self, item: Item) -> _Picture:
        part = self._train if item.split == "train" else self._test
        return part.pictures[item.key]

    def _people(self, item: Item, *, crowds: bool) -> list[TrueObject]:
        return [
            one
            for one in self.objects(item)
            if self.categories[one.category] == PERSON
            and (crowds or not one.crowd)
            and (one.box[2:] > one.box[:2]).all()  # COCO itself has some without an area
        ]


def _shape(one: TrueObject, height: int, width: int) -> NDArray[np.bool_]:
    """The object's mask, or its box where only that is known."""
    if one.mask is not None:
        return one.mask
    x0, y0 = np.floor(one.box[:2]).astype(int)
    x1, y1 = np.ceil(one.box[2:]).astype(int)
    filled = np.zeros((height, width), dtype=np.bool_)
    filled[y0:y1, x0:x1] = True
    return filled


def _decode(one: _Annotation, height: int, width: int) -> NDArray[np.bool_] | None:
    """The mask as COCO's own tools draw it."""
    if one.segmentation is None:
        return None
    from pycocotools import mask as coco_masks

    try:
        # pycocotools ends the process on some broken input: look first.
        if isinstance(one.segmentation, list):
            Polygons.from_coco(one.segmentation)
            runs = coco_masks.merge(coco_masks.frPyObjects(one.segmentation, height, width))
        else:
            RunLengths.from_coco(one.segmentation).check(height, width)
            runs = one.segmentation
            if isinstance(runs["counts"], list):
                runs = coco_masks.frPyObjects(runs, height, width)
    except (KeyError, TypeError, ValueError, ImageError) as error:
        raise UserError(
            f"{one.where}: 'segmentation' is neither polygons nor RLE as COCO has them: {error}"
        ) from error
    return np.asarray(coco_masks.decode(runs), dtype=np.bool_)


# ---- reading ---------------------------------------------------------------------------------


def _json(root: Path, part: str) -> Path:
    return root / "annotations" / f"instances_{part}.json"


def _read(root: Path, part: str) -> _Part:
    path, folder = _json(root, part), root / part
    data = _load(path)
    categories = _categories(data, path)
    pictures: dict[str, _Picture] = {}
    keys: dict[int, str] = {}
    for number, image in enumerate(_entries(data, "images", path)):
        where = f"{path}, images[{number}]"
        name = _value(image, "file_name", str, where)
        file = folder / name
        # A name such as ../../x.jpg would be read from anywhere.
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            raise UserError(f"{where}: 'file_name': there is no picture '{name}' in {folder}")
        key = f"{part}/{Path(name).with_suffix('').as_posix()}"
        identity = _value(image, "id", int, where)
        if identity in keys or key in pictures:
            raise UserError(f"{where}: 'id' {identity} or 'file_name' '{name}' is there already")
        height = _value(image, "height", int, where)
        width = _value(image, "width", int, where)
        if height < 1 or width < 1:
            raise UserError(f"{where}: 'height' and 'width' are {height} and {width}")
        keys[identity] = key
        pictures[key] = _Picture(file, height, width, [])
    if not pictures:
        raise UserError(f"{path}: 'images' is empty")
    numbers = {identity: number for number, identity in enumerate(sorted(categories))}
    for number, entry in enumerate(_entries(data, "annotations", path)):
        where = f"{path}, annotations[{number}]"
        image_id = _value(entry, "image_id", int, where)
        if image_id not in keys:
            raise UserError(f"{where}: 'image_id': 'images' has no id {image_id}")
        picture = pictures[keys[image_id]]
        picture.annotations.append(_annotation(entry, numbers, picture, where))
    ordered = {keys[identity]: pictures[keys[identity]] for identity in sorted(keys)}
    return _Part(tuple(categories[identity] for identity in sorted(categories)), ordered)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; check --path and the parts") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not valid JSON in line {error.lineno}: {error.msg}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise UserError(f"{path}: not COCO: expected an object with 'images' and 'annotations'")
    return data


def _categories(data: Mapping[str, Any], path: Path) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, entry in enumerate(_entries(data, "categories", path)):
        where = f"{path}, categories[{number}]"
        identity = _value(entry, "id", int, where)
        name = _value(entry, "name", str, where)
        if identity in found or name in found.values():
            raise UserError(f"{where}: 'id' {identity} or 'name' '{name}' is there already")
        found[identity] = name
    if not found:
        raise UserError(f"{path}: 'categories' is empty")
    return found


def _annotation(
    entry: Mapping[str, Any], numbers: Mapping[int, int], picture: _Picture, where: str
) -> _Annotation:
    category = _value(entry, "category_id", int, where)
    if category not in numbers:
        raise UserError(f"{where}: 'category_id': 'categories' has no id {category}")
    segmentation = entry.get("segmentation") or None
    if not isinstance(segmentation, (list, dict, type(None))):
        raise UserError(f"{where}: 'segmentation' is neither polygons nor RLE")
    box = _box(entry, picture, where)
    area = entry.get("area", (box[2] - box[0]) * (box[3] - box[1]))
    if not _is_number(area) or area < 0:
        raise UserError(f"{where}: 'area' is {area!r}, not a number of pixels")
    crowd = entry.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise UserError(f"{where}: 'iscrowd' is {crowd!r}, not 0 or 1")
    return _Annotation(box, numbers[category], float(area), bool(crowd), segmentation, where)


def _box(
    entry: Mapping[str, Any], picture: _Picture, where: str
) -> tuple[float, float, float, float]:
    """Corners, cut at the picture's edge."""
    bbox = _value(entry, "bbox", list, where)
    if len(bbox) != 4 or not all(_is_number(value) for value in bbox):
        raise UserError(f"{where}: 'bbox' is {bbox!r} instead of [x, y, width, height]")
    x, y, width, height = (float(value) for value in bbox)
    x0, y0 = max(x, 0.0), max(y, 0.0)
    x1, y1 = min(x + width, float(picture.width)), min(y + height, float(picture.height))
    if x1 < x0 or y1 < y0 or width < 0 or height < 0:
        raise UserError(
            f"{where}: 'bbox' {bbox!r} is not within its picture, {picture.width} x "
            f"{picture.height} pixels"
        )
    return x0, y0, x1, y1


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)


def _entries(data: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    entries = data.get(key)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{path}: not COCO: '{key}' is not a list of objects")
    return entries


def _value(entry: Mapping[str, Any], key: str, kind: type[T], where: str) -> T:
    if key not in entry:
        raise UserError(f"{where}: '{key}' is missing")
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{where}: '{key}' is {value!r}, not of the type {kind.__name__}")
    return value


def load(options: Options) -> Coco:
    """The user's folder, its annotations checked.

    Raises:
        UserError: the folder or a part of it is missing, or an entry of its JSON is wrong; the
            message names the file, the entry and the key.
    """
    if options.path is None:
        raise UserError("coco: say where the folder is that holds 'annotations': --path")
    root = options.path.expanduser()
    if not (root / "annotations").is_dir():
        raise UserError(f"{root}: holds no folder 'annotations' (--path)")
    if options.test == options.train:
        raise UserError(f"coco: 'train' and 'test' are both '{options.test}'; name another part")
    return Coco(root, options)

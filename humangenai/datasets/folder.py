"""Any folder of JPEG, PNG and WebP pictures, with boxes, masks and ids of your own if you like.

See :mod:`humangenai.datasets.annotations` for how to write these down.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.datasets.annotations import Known, read_annotations
from humangenai.datasets.dataset import Item
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.errors import UserError
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.bodies.estimate_files import Estimated
    from refsd.people import Person

READABLE = (".jpg", ".jpeg", ".png", ".webp")

PICTURES = (*READABLE, ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
"""Files with these endings are listed: what cannot be read among them is reported as failed, not
passed over."""


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder; folders within it are searched too.
        boxes: CSV or COCO JSON with what is known of the people.
        poses: folder with an external estimator's poses, a file per picture; see
            ``refsd.bodies.estimate_files``.
        crops: True if every picture is a crop around one person, as in re-ID data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    boxes: Path | None = None
    poses: Path | None = None
    crops: bool = False


class Folder:
    """Pictures of a folder, by name.

    Attributes:
        name: ``folder``.
        crops: as chosen.
        rendered: False: nothing is known of them.
    """

    name = "folder"
    rendered = False

    def __init__(self, root: Path, options: Options) -> None:
        self.crops = options.crops
        self._root = root
        names = _pictures(root)
        self._known: dict[str, Known] = {}
        if options.boxes is not None:
            self._known = read_annotations(options.boxes.expanduser(), root)
            _check_names(self._known, names, options.boxes)
        self._poses = None if options.poses is None else options.poses.expanduser()
        if self._poses is not None:
            _check_poses(self._poses, names)
        found = [(name, self._known.get(name, Known())) for name in names]
        self._all = [Item(name, known.split, known.pid, known.camid) for name, known in found]

    def items(self) -> Sequence[Item]:
        """All pictures but those of the training split, by name; with splits, queries first."""
        shown = [item for item in self._all if item.split != "train"]
        return sorted(shown, key=lambda item: item.split == "gallery")  # stable: names stay sorted

    def train_items(self) -> Sequence[Item]:
        """The training split; empty where the annotations name none."""
        return [item for item in self._all if item.split == "train"]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The picture: uint8 (H, W, 3), sRGB, upright."""
        return load_image(self._root / item.key)

    def people(self, item: Item) -> Sequence[Person] | None:
        """The people of the user's boxes, and with the user's poses.

        None, so that they are found, where the user knows nothing of the picture. With poses but
        no boxes they are found too: an estimator that misses somebody must not leave them in.

        Raises:
            UserError: the picture's file of poses is wrong.
        """
        boxes = self._known[item.key].boxes if item.key in self._known else []
        poses = self._estimates(item.key)
        if not boxes and not poses:
            return None
        from refsd.bodies.estimate_files import EstimateError, with_estimates
        from refsd.people import find_people, people_from_boxes

        image = self.image(item)
        height, width = image.shape[:2]
        people: Sequence[Person]
        if boxes:
            people = people_from_boxes(
                image,
                np.array([box.corners for box in boxes], dtype=np.float32),
                [None if box.mask is None else box.mask.decode(height, width) for box in boxes],
            )
        else:
            people = find_people([image], crops=self.crops)[0]
        try:
            return with_estimates(people, poses, image.shape)
        except EstimateError as error:
            raise UserError(f"{item.key}: {error}") from error

    def _estimates(self, name: str) -> list[Estimated]:
        if self._poses is None:
            return []
        from refsd.bodies.estimate_files import EstimateError, find_estimates

        try:
            return find_estimates(self._poses, name)
        except EstimateError as error:
            raise UserError(str(error)) from error

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: the user's boxes say where to work, not what is true."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over names, ids and files."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        return manifest_hash(self.items(), lambda item: file_hash(self._root / item.key))


def _pictures(root: Path) -> list[str]:
    """Names of the pictures, relative, with slashes, sorted by code point (the same everywhere)."""

    def refuse(error: OSError) -> None:
        fix = "change its rights" if isinstance(error, PermissionError) else "check --path"
        raise UserError(f"{error.filename}: cannot be read: {error.strerror}; {fix}")

    names: list[str] = []
    for folder, subfolders, files in os.walk(root, onerror=refuse):
        # Hidden files are other programs' (thumbnails, macOS's "._IMG_1.jpg").
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        names.extend(
            (Path(folder) / file).relative_to(root).as_posix()
            for file in files
            if not file.startswith(".") and file.lower().endswith(PICTURES)
        )
    for name in names:
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise UserError(f"{root}: the file name {name!a} is not UTF-8; rename it")
    if not any(name.lower().endswith(READABLE) for name in names):
        others = f", only {len(names)} of other kinds, such as '{names[0]}'" if names else ""
        raise UserError(f"{root}: holds no JPEG, PNG or WebP picture{others} (--path)")
    return sorted(names)


def _check_names(known: dict[str, Known], names: Sequence[str], boxes: Path) -> None:
    """Every annotated picture must be listed and, with splits, every listed one be in a split."""
    strangers = sorted(set(known) - set(names))
    if strangers:
        raise UserError(f"{boxes}: '{strangers[0]}' is not a picture of the folder")
    if all(picture.split == "all" for picture in known.values()):
        return
    for name in names:
        if name not in known or known[name].split == "all":
            raise UserError(f"{boxes}: says nothing of the split of '{name}'; give it one")


def _check_poses(poses: Path, names: Sequence[str]) -> None:
    """At least one picture has a file of poses; people of the others are posed by landmarks."""
    from refsd.bodies.estimate_files import estimate_files

    if not poses.is_dir():
        raise UserError(f"{poses}: there is no such folder; check 'poses'")
    if not any(estimate_files(poses, name) for name in names):
        raise UserError(
            f"{poses}: holds no poses for any picture; '{names[0]}' would have "
            f"'{Path(names[0]).with_suffix('.npz')}' (or .json)"
        )


def load(options: Options) -> Folder:
    """The pictures of a folder.

    Raises:
        UserError: there is no such folder, it may not be read, it holds no picture, or the
            annotations are wrong.
    """
    if options.path is None:
        raise UserError("folder: say where the pictures are: --path")
    return Folder(options.path.expanduser(), options)

"""Pictures made by any other tool, matched to a dataset by their names or by a manifest."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict

from humangenai.errors import UserError
from humangenai.methods.method import Claim, Outcome, Task
from refsd.people import PersonOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.people import Person

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

CHANGED_LEVELS = 12
"""A pixel counts as changed if a channel moved by more than so many of 255 levels; storing a
picture as JPEG of quality 90 moves most pixels by less."""

CHANGED_SHARE = 0.5
"""A person counts as obscured if at least this share of the mask's pixels changed."""


class Options(BaseModel):
    """Where the pictures are.

    Attributes:
        outputs: folder of the tool's pictures.
        manifest: CSV with the columns ``original`` and ``output`` (names within the two folders),
            for tools that rename; None: the names are the same, but for the file type.
        name: what the table says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outputs: Path
    manifest: Path | None = None
    name: str = "imported"


class Imported:
    """Reads another tool's pictures.

    Nothing is known of what the tool did, so it claims nothing and its pictures are not copied to
    ``release/``. A person is ``obscured`` if most of the mask's pixels changed, else ``kept``.
    """

    claim: Claim = "none"
    batch_size = 8

    def __init__(self, options: Options) -> None:
        self.name = options.name
        self._folder = options.outputs
        if not options.outputs.is_dir():
            raise UserError(f"{options.outputs} is not a folder of pictures (--outputs)")
        self._files = sorted(
            path for path in options.outputs.rglob("*") if path.suffix.lower() in SUFFIXES
        )
        if not self._files:
            raise UserError(f"{options.outputs} holds no JPEG, PNG or WebP picture (--outputs)")
        self._named = None if options.manifest is None else _read_manifest(options)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in self._files:
            relative = path.relative_to(options.outputs)
            self._by_stem[relative.with_suffix("").as_posix()].append(path)
            if len(relative.parts) > 1:
                self._by_stem[relative.stem].append(path)

    def settings(self) -> Mapping[str, object]:
        """A hash of all the pictures, and what counts as a change."""
        content = hashlib.sha256()
        for path in self._files:
            content.update(path.relative_to(self._folder).as_posix().encode() + b"\0")
            content.update(hashlib.sha256(path.read_bytes()).digest())
        if self._named is not None:
            content.update(repr(sorted(self._named.items())).encode())
        return {
            "outputs_sha256": content.hexdigest(),
            "pictures": len(self._files),
            "changed_levels": CHANGED_LEVELS,
            "changed_share": CHANGED_SHARE,
        }

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        """Read the tool's picture of every task.

        Raises:
            UserError: there is none, several could be meant, or its size is not the original's.
            refsd.images.ImageError: it cannot be read.
        """
        from refsd.images import load_image

        outcomes = []
        for task in tasks:
            path = self.find(task.key)
            image = load_image(path)
            if image.shape != task.image.shape:
                height, width = task.image.shape[:2]
                raise UserError(
                    f"{path} is {image.shape[1]} x {image.shape[0]}, its original {width} x "
                    f"{height}; resize it to the original's size first"
                )
            people = [
                PersonOutcome(index, "obscured" if _changed(task.image, image, person) else "kept")
                for index, person in enumerate(task.people)
            ]
            outcomes.append(Outcome(image=image, people=people))
        return outcomes

    def find(self, key: str) -> Path:
        """The tool's picture of an item.

        Raises:
            UserError: there is none, or several could be meant.
        """
        if self._named is not None:
            if key not in self._named:
                raise UserError(f"the manifest names no output for '{key}'")
            return self._named[key]
        item = PurePosixPath(key)
        for stem in (item.as_posix(), item.with_suffix("").as_posix(), item.stem):
            found = self._by_stem.get(stem, [])
            if len(found) > 1:
                raise UserError(
                    f"{len(found)} pictures in {self._folder} could be the output for '{key}'; "
                    "say which by --manifest"
                )
            if found:
                return found[0]
        raise UserError(f"{self._folder} holds no output for '{key}'")


def _read_manifest(options: Options) -> dict[str, Path]:
    assert options.manifest is not None  # noqa: S101  (the caller looked)
    try:
        with options.manifest.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if not {"original", "output"} <= set(reader.fieldnames or ()):
                raise UserError(f"{options.manifest}: needs the columns 'original' and 'output'")
            named = {row["original"]: options.outputs / row["output"] for row in reader}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{options.manifest}: cannot be read: {error}") from error
    root = options.outputs.resolve()
    for original, output in named.items():
        if not output.resolve().is_relative_to(root) or not output.is_file():
            raise UserError(
                f"{options.manifest}: the output of '{original}' is not a file in {options.outputs}"
            )
    return named


def _changed(before: NDArray[np.uint8], after: NDArray[np.uint8], person: Person) -> bool:
    x0, y0, x1, y1 = person.window
    moved = np.abs(before[y0:y1, x0:x1].astype(np.int16) - after[y0:y1, x0:x1]).max(axis=2)
    inside = moved[person.mask]
    return bool(inside.size) and float((inside > CHANGED_LEVELS).mean()) >= CHANGED_SHARE


def load(options: Options) -> Imported:
    """Build the method.

    Raises:
        UserError: the folder or the manifest cannot be used.
    """
    return Imported(options)

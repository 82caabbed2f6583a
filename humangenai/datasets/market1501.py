"""Market-1501 (Zheng et al., ICCV 2015), from the user's own copy.

The archive holds three folders of 128 x 64 crops, one person each::

    bounding_box_train/   751 identities
    bounding_box_test/    750 other identities, distractors and junk: the gallery
    query/                the same 750 identities, at most one picture per identity and camera

A name such as ``0002_c1s1_000451_03.jpg`` says person 2, camera 1. In the gallery, person 0 marks
distractors (wrong or foreign boxes): they stay, with pid -1 here, as nobody's match. Person -1
marks junk (badly placed boxes): the protocol leaves it out of every ranking, and so it is left out
here.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from humangenai.datasets.dataset import Item, Split
from humangenai.datasets.manifest import file_hash, manifest_hash
from humangenai.errors import UserError
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets.dataset import TruePerson
    from refsd.people import Person

FOLDERS: dict[Split, str] = {
    "train": "bounding_box_train",
    "query": "query",
    "gallery": "bounding_box_test",
}

PUBLISHED = {"train": (12936, 751), "query": (3368, 750), "gallery": (15913, 750)}
"""Split → pictures and identities, junk and distractors not counted as identities. The gallery has
19732 files, 3819 of them junk."""

NAME = re.compile(r"(?P<pid>-1|\d{4})_c(?P<camid>[1-6])s\d_\d{6}_\d{2}\.(jpg|png)")

JUNK = -1
DISTRACTOR = 0


class Options(BaseModel):
    """What a user may choose.

    Attributes:
        path: the folder that holds ``bounding_box_train``, ``bounding_box_test`` and ``query``, or
            the one above it, as the archive unpacks.
        allow_incomplete: measure although pictures are missing; tables then say
            ``market1501-incomplete``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = None
    allow_incomplete: bool = False


class Market1501:
    """Crops of real pedestrians with identity and camera.

    Attributes:
        name: ``market1501``, or ``market1501-incomplete``.
        crops: True.
        rendered: False.
    """

    crops = True
    rendered = False

    def __init__(self, root: Path, *, allow_incomplete: bool) -> None:
        self._paths: dict[str, Path] = {}
        self._splits = {
            split: self._read(root / folder, split) for split, folder in FOLDERS.items()
        }
        wrong = [line for split in FOLDERS if (line := self._deviation(split))]
        if wrong and not allow_incomplete:
            raise UserError(
                f"{root}: not the published Market-1501: {'; '.join(wrong)}; unpack the archive "
                "again, or set allow_incomplete: true to measure on what is there"
            )
        self.name = "market1501-incomplete" if wrong else "market1501"

    def items(self) -> Sequence[Item]:
        """Queries, then gallery, each by file name."""
        return [*self._splits["query"], *self._splits["gallery"]]

    def train_items(self) -> Sequence[Item]:
        """The training split, of other identities."""
        return self._splits["train"]

    def image(self, item: Item) -> NDArray[np.uint8]:
        """The crop: uint8 (128, 64, 3), sRGB."""
        return load_image(self._paths[item.key])

    def people(self, item: Item) -> Sequence[Person] | None:
        """None: they are to be found within the crop."""
        return None

    def truth(self, item: Item) -> Sequence[TruePerson] | None:
        """None: no masks are known."""
        return None

    def manifest_hash(self) -> str:
        """sha256 over keys, ids and files of query and gallery."""
        return self._manifest

    @cached_property
    def _manifest(self) -> str:
        return manifest_hash(self.items(), lambda item: file_hash(self._paths[item.key]))

    def _read(self, folder: Path, split: Split) -> list[Item]:
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            raise UserError(f"{folder}: cannot be read: {error.strerror or error}") from error
        found = []
        for path in files:
            if path.suffix.lower() not in (".jpg", ".png"):
                continue  # the archive holds a Thumbs.db or two
            match = NAME.fullmatch(path.name)
            if not match:
                raise UserError(
                    f"{path}: not a name as Market-1501 has them, such as 0002_c1s1_000451_03.jpg"
                )
            pid = int(match["pid"])
            if pid == JUNK:
                continue
            key = f"{split}/{path.stem}"
            self._paths[key] = path
            item_pid = -1 if pid == DISTRACTOR else pid
            found.append(Item(key=key, split=split, pid=item_pid, camid=int(match["camid"])))
        return found

    def _deviation(self, split: Split) -> str | None:
        """What differs from the published split, or None."""
        items = self._splits[split]
        counts = (len(items), len({item.pid for item in items} - {-1}))
        if counts == PUBLISHED[split]:
            return None
        return "{} has {} pictures of {} identities instead of {} of {}".format(
            FOLDERS[split], *counts, *PUBLISHED[split]
        )


def load(options: Options) -> Market1501:
    """The user's copy, checked against the published layout and counts.

    Raises:
        UserError: there is no such folder, a part of it is missing, a name is of another kind, or
            the counts differ from the published ones.
    """
    if options.path is None:
        raise UserError(
            "market1501: say where your copy is: --path, the folder that holds "
            + ", ".join(sorted(FOLDERS.values()))
        )
    path = options.path.expanduser()
    if not path.is_dir():
        raise UserError(f"{path}: there is no such folder (--path)")
    inner = path / "Market-1501-v15.09.15"  # as the archive unpacks
    root = inner if inner.is_dir() else path
    missing = [name for name in sorted(FOLDERS.values()) if not (root / name).is_dir()]
    if missing:
        raise UserError(
            f"{root}: not a copy of Market-1501 (--path): the folder {missing[0]} is missing"
        )
    return Market1501(root, allow_incomplete=options.allow_incomplete)

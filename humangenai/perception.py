"""Who is in the pictures: found once per picture, cached, and the same for all methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.store import atomic, image_hash, people_hash
from refsd.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item
    from humangenai.progress import Progress
    from humangenai.store import RunFolder
    from refsd.people import Person

BATCH = 16
"""Pictures perceived at once, at most."""

BATCH_PIXELS = 40_000_000
"""A batch is closed when its pictures have so many pixels: 120 MB as uint8."""


@dataclass
class Perception:
    """What is known of the pictures of a run.

    Attributes:
        files: item key → the file with the picture's people.
        errors: item key → one line, for pictures that cannot be read or perceived.
        searched: whether people were looked for, so that the people models were used.
    """

    files: dict[str, Path] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    searched: bool = False

    def people(self, item: Item) -> list[Person]:
        """The people of one picture."""
        from refsd.people import load_people

        return list(load_people(self.files[item.key]))


def one_line(error: BaseException) -> str:
    """An error as one line."""
    text = " ".join(str(error).split())
    if isinstance(error, UserError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def batches(
    dataset: Dataset,
    items: Sequence[Item],
    size: int,
    failed: Callable[[Item, BaseException], None],
) -> Iterator[list[tuple[Item, NDArray[np.uint8]]]]:
    """Decode pictures, a few at a time, so that memory stays bounded.

    Args:
        dataset: whose pictures.
        items: which, in order.
        size: most pictures in a batch.
        failed: told of pictures that cannot be read; they are left out.
    """
    batch: list[tuple[Item, NDArray[np.uint8]]] = []
    pixels = 0
    for item in items:
        try:
            image = dataset.image(item)
        except Exception as error:  # recorded per item; the run goes on
            failed(item, error)
            continue
        batch.append((item, image))
        pixels += image.shape[0] * image.shape[1]
        if len(batch) == size or pixels >= BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def perceive(
    folder: RunFolder, dataset: Dataset, items: Sequence[Item], progress: Progress
) -> Perception:
    """Find the people of every picture, unless that was done before.

    A dataset that brings its own boxes and masks is believed.

    Args:
        folder: where people are kept, in ``private/perception``, by the picture's content.
        dataset: whose pictures.
        items: which.
        progress: told of every picture.
    """
    perception = Perception()

    def failed(item: Item, error: BaseException) -> None:
        perception.errors[item.key] = one_line(error)
        advance(1)

    with progress.stage("finding people", len(items)) as advance:
        for batch in batches(dataset, items, BATCH, failed):
            unknown = []
            for item, image in batch:
                try:
                    own = dataset.people(item)
                except Exception as error:  # recorded per item; the run goes on
                    perception.errors[item.key] = one_line(error)
                    continue
                path = _path(folder, image_hash(image), own, dataset.crops)
                perception.files[item.key] = path
                perception.searched |= own is None
                if path.exists():
                    continue
                if own is None:
                    unknown.append((item, image))
                else:
                    _save(path, own)
            for item, people in _find(unknown, dataset.crops, perception.errors):
                _save(perception.files[item.key], people)
            advance(len(batch))
    for key in perception.errors:
        perception.files.pop(key, None)
    return perception


def _path(folder: RunFolder, item_hash: str, own: Sequence[Person] | None, crops: bool) -> Path:
    """Where a picture's people are kept: the name changes with all that they come from."""
    if own is not None:
        source: object = people_hash(own)
    else:
        from refsd.people import PERCEPTION_VERSION

        source = [PERCEPTION_VERSION, crops]
    return folder.private / "perception" / f"{digest([item_hash, source])}.npz"


def _save(path: Path, people: Sequence[Person]) -> None:
    from refsd.people import save_people

    with atomic(path) as temporary:
        save_people(temporary, people)


def _find(
    pictures: Sequence[tuple[Item, NDArray[np.uint8]]], crops: bool, errors: dict[str, str]
) -> Iterator[tuple[Item, Sequence[Person]]]:
    """Find people in a batch; if that fails, picture by picture, to know which one is at fault."""
    if not pictures:
        return
    from refsd.people import find_people

    try:
        found = find_people([image for _, image in pictures], crops=crops)
        yield from zip([item for item, _ in pictures], found, strict=True)
    except (UserError, SetupError, OSError):
        raise  # not this picture's fault
    except Exception as error:  # recorded per item; the run goes on
        if len(pictures) == 1:
            errors[pictures[0][0].key] = one_line(error)
            return
        for picture in pictures:
            yield from _find([picture], crops, errors)

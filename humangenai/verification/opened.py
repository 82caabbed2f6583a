"""A finished run, opened to be read: its pictures, lines, frozen people, and methods."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attributes import labels_of, preserves_labels
from humangenai.config import RunConfig, digest
from humangenai.errors import UserError
from humangenai.perception import Perception, one_line
from humangenai.pseudonymization import Pseudonymization, settings_hash
from humangenai.records import RunRecord
from humangenai.runner import (
    choose,
    choose_training,
    load_dataset,
    load_methods,
    planned_items,
)
from humangenai.store import RunFolder
from refsd.refinement import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item
    from humangenai.methods import Method, Task
    from humangenai.records import ItemRecord, MethodRecord, PersonRecord
    from refsd.people import Person

IMPORTED = "imported"
"""The registry's name of the method that reads another tool's pictures."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture as the method got it.

    Attributes:
        image: uint8 (H, W, 3): the original, decoded, upright, sRGB.
        region: bool (H, W): where the method may change it, by what its line says.
        unseen: bool (H, W): the part of it that no stage of the method may see.
    """

    image: NDArray[np.uint8]
    region: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class OpenedMethod:
    """One method of the run.

    Attributes:
        run: the run it belongs to.
        record: what the run's record says of it.
        imported: whether its pictures were made by another tool.
        method: the method, built again; None where that cannot be done.
        why: why it cannot; None otherwise.
        lines: item key → its last line.
    """

    run: OpenedRun
    record: MethodRecord
    imported: bool
    method: Method | None
    why: str | None
    lines: dict[str, ItemRecord]

    @property
    def name(self) -> str:
        """What the table says."""
        return self.record.name

    @cached_property
    def stored(self) -> dict[str, ItemRecord]:
        """Public id → line, of all pictures that are published, in the order of the ids.

        The ids are drawn by the run's key: their order is as good as chance.
        """
        made = {
            self.run.folder.public_id(self.name, key): line
            for key, line in self.lines.items()
            if line.status == "done" and line.output is not None
        }
        return dict(sorted(made.items()))

    def picture(self, public_id: str) -> NDArray[np.uint8]:
        """A published picture, as its file holds it: no profile and no orientation is applied.

        Returns:
            uint8 (H, W, 3).

        Raises:
            Unavailable: there is none, or it is none.
        """
        from PIL import Image

        path = self.run.folder.image_path(self.name, self.stored[public_id].key)
        try:
            with Image.open(path, formats=["PNG"]) as file:
                if file.mode != "RGB":
                    raise Unavailable(f"the file is of mode {file.mode}, not 8-bit RGB")
                return np.asarray(file)
        except (OSError, SyntaxError, ValueError) as error:
            raise Unavailable(f"the file cannot be read: {type(error).__name__}") from error

    def scene(self, public_id: str) -> Scene:
        """The original of a published picture, and where it may differ from it.

        Raises:
            Unavailable: the original or the people cannot be had, or they do not fit the line.
        """
        line = self.stored[public_id]
        people = self.people(line.key)
        if len(people) != len(line.people):
            raise Unavailable(
                f"its line speaks of {len(line.people)} people, the folder holds {len(people)}"
            )
        image = self.run.original(line.key)
        shape = (image.shape[0], image.shape[1])
        return Scene(
            image,
            processed(people, line.people, shape),
            processed(people, [_as_seen_at_first(person) for person in line.people], shape),
        )

    def people(self, key: str) -> list[Person]:
        """The people of an item, as they were when its line was written; nobody is looked for.

        Raises:
            Unavailable: the folder does not hold them any more.
        """
        from refsd.people import load_people

        if key not in self.perception.files:
            raise Unavailable("private/perception does not hold its people")
        try:
            return list(load_people(self.perception.files[key]))
        except Exception as error:
            raise Unavailable("the file with its people is broken") from error

    def task(self, public_id: str, image: NDArray[np.uint8]) -> Task:
        """What the method was given for a picture, with ``image`` in the original's place."""
        run, key = self.run, self.stored[public_id].key
        if run.dataset is None or self.method is None:
            raise Unavailable(run.why or self.why or "the run cannot be repeated")
        work = Pseudonymization(
            run.folder, run.dataset, self.method, self.perception, settings_hash(self.method)
        )
        return work.task(run.items[key], image)

    @cached_property
    def perception(self) -> Perception:
        """Which file holds the people of which item.

        A line's content key is made from the name of that file (see ``Pseudonymization``), so the
        right one is known when it is tried. Files were written in the order of the lines, but for
        a few: the next one is tried first.
        """
        found = Perception()
        files = sorted(
            (self.run.folder.private / "perception").glob("*.npz"),
            key=lambda path: path.stat().st_mtime_ns,
        )
        place = 0
        for key, line in self.lines.items():
            for step in range(len(files)):
                path = files[(place + step) % len(files)]
                content = self.run.folder.content_key(
                    self.run.record.humangenai_version,
                    path.stem,
                    self.record.settings_hash,
                    key,
                    *self._labels(key, path),
                )
                if content == line.content:
                    found.files[key] = path
                    place += step + 1
                    break
        return found

    def _labels(self, key: str, people: Path) -> list[dict[str, str]]:
        """The labels that the method preserves, were these the people of an item."""
        from refsd.people import load_people

        run = self.run
        if self.method is None or run.dataset is None or not preserves_labels(self.method):
            return []
        try:
            truth = run.dataset.truth(run.items[key])
            return [dict(some) for some in labels_of(truth, load_people(people), run.dataset.name)]
        except Exception:  # people of another picture, or a file that is broken
            return []


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """A finished run.

    Attributes:
        folder: its folder; nobody else may write there meanwhile.
        record: ``private/run.json``.
        config: what was run.
        dataset: the dataset, built again; None where that cannot be done.
        why: why it cannot; None otherwise.
        items: item key → item, of the whole dataset.
        planned: keys of the items that the run was to pseudonymize.
    """

    folder: RunFolder
    record: RunRecord
    config: RunConfig
    dataset: Dataset | None
    why: str | None
    items: dict[str, Item]
    planned: tuple[str, ...]

    def original(self, key: str) -> NDArray[np.uint8]:
        """An original: uint8 (H, W, 3), upright, sRGB.

        Raises:
            Unavailable: the dataset does not hold it any more.
        """
        if self.dataset is None:
            raise Unavailable(self.why or "the dataset cannot be opened")
        if key not in self.items:
            raise Unavailable("its original is not in the dataset any more")
        try:
            return self.dataset.image(self.items[key])
        except Exception as error:
            raise Unavailable(
                f"its original cannot be read any more ({type(error).__name__})"
            ) from error


class Unavailable(Exception):  # noqa: N818  (a state of the run, not a fault of ours)
    """Something of the run that a check needs cannot be had; the message names no item."""


def processed(
    people: Sequence[Person], outcomes: Sequence[PersonRecord], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Where a method may have changed a picture, by what it says that it did with everybody.

    Args:
        people: who is in it.
        outcomes: what became of them, in the same order.
        shape: (height, width).

    Returns:
        bool (H, W): the dilated masks, and the whole dilated boxes of those who were masked
        because they could not be replaced. Nobody who was kept is in it.
    """
    from refsd import masks

    region = np.zeros(shape, dtype=np.bool_)
    for person, outcome in zip(people, outcomes, strict=True):
        if outcome.status == "kept":
            continue
        fallback = outcome.status == "masked" and outcome.reason is not None
        region |= (masks.box_region if fallback else masks.region)(person, shape)
    return region


def _as_seen_at_first(person: PersonRecord) -> PersonRecord:
    """What was to become of a person before anything was painted."""
    # Until a safety checker refuses somebody, what is around their dilated mask is scenery, for
    # the neighbours too; only then their whole box is filled.
    return person.model_copy(update={"reason": None}) if person.reason == REFUSED else person


@contextmanager
def opened(root: Path) -> Iterator[tuple[OpenedRun, tuple[OpenedMethod, ...]]]:
    """Open a finished run; nothing changes in it, and nobody may write there meanwhile.

    Args:
        root: the run's folder.

    Raises:
        UserError: the folder holds no finished run, or somebody writes there.
    """
    record = _read_record(root)
    try:
        config = RunConfig.model_validate(record.config)
    except ValueError as error:
        raise UserError(
            f"{root / 'private' / 'run.json'} was written by another version of humangenai "
            f"({record.humangenai_version}); verify with that one"
        ) from error
    _refuse_unfinished(root, record, config)
    plan = {
        "dataset": config.dataset.model_dump(mode="json", include={"dataset", "options"}),
        "methods": [method.name for method in record.methods],
    }
    with RunFolder(root, config.seed, plan) as folder:
        dataset, why, items, planned = _reopen_dataset(config)
        run = OpenedRun(folder, record, config, dataset, why, items, planned)
        methods = tuple(
            _reopen_method(run, place, method) for place, method in enumerate(record.methods)
        )
        yield run, methods


def _read_record(root: Path) -> RunRecord:
    path = root / "private" / "run.json"
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; name the folder of a run")
    try:
        return RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        inner = sorted(found.parent.parent.name for found in root.glob("*/private/run.json"))
        hint = f"; it holds the runs {', '.join(inner)}: name one of them" if inner else ""
        raise UserError(f"{root} holds no finished run: {path} is missing{hint}") from error
    except ValueError as error:
        raise UserError(f"{path} is not the record of a run") from error


def _refuse_unfinished(root: Path, record: RunRecord, config: RunConfig) -> None:
    """Refuse what opening the folder would mend: looking at a release must not change it."""
    private = root / "private"
    needed = [root / "release", private / "plan.json"]
    if config.seed is None:
        needed.append(private / "run.key")
    for path in needed:
        if not path.exists():
            raise UserError(f"{path} is missing; without it nothing can be said of the release")
    torn = [
        path
        for path in (private / "items").glob("*.jsonl")
        if not path.read_bytes().endswith(b"\n")
    ]
    if (
        torn
        or any(root.rglob(".part-*"))
        or _planned_methods(private / "plan.json") != [method.name for method in record.methods]
    ):
        raise UserError(
            f"{root} is unfinished: a run was stopped there, or is still at work; give its "
            "command again, then verify"
        )


def _planned_methods(path: Path) -> list[str]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["methods"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is broken; it is not the plan of a run") from error


def _reopen_dataset(
    config: RunConfig,
) -> tuple[Dataset | None, str | None, dict[str, Item], tuple[str, ...]]:
    try:
        dataset = load_dataset(config)
        queries, gallery = choose(dataset, config)
        train = choose_training(dataset, config)
        items = {item.key: item for item in (*dataset.items(), *train)}
    except Exception as error:  # moved, deleted, its package gone: told in the verdict
        return None, f"the dataset cannot be opened: {one_line(error)}", {}, ()
    planned = planned_items(config, queries, gallery, train)
    return dataset, None, items, tuple(item.key for item in planned)


def _reopen_method(run: OpenedRun, place: int, record: MethodRecord) -> OpenedMethod:
    entry = run.config.methods[place]
    method, why = None, None
    try:
        method = load_methods(run.config.model_copy(update={"methods": (entry,)}))[0]
        why = _what_changed(record, method)
    except Exception as error:  # a checkpoint or plugin is gone: told in the verdict
        why = f"the method cannot be built again: {one_line(error)}"
    return OpenedMethod(
        run=run,
        record=record,
        imported=entry.method == IMPORTED,
        method=None if why else method,
        why=why,
        lines=run.folder.items(record.name),
    )


def _what_changed(record: MethodRecord, method: Method) -> str | None:
    """How the method's settings differ from the run's; None if they do not."""
    if settings_hash(method) == record.settings_hash:
        return None
    now = method.settings()
    changed = sorted(
        name
        for name in {*now, *record.settings}
        if digest(now.get(name)) != digest(record.settings.get(name))
    )
    return f"other settings here than in the run: {', '.join(changed) or 'its name'}"

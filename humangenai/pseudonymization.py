"""One method's way through the items of a run: what is done is kept, what fails is written down."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from humangenai import __version__
from humangenai.attributes import labels_of, labels_of_largest, preserves_labels
from humangenai.config import digest
from humangenai.datasets.tasks import Labelled
from humangenai.fates import fates_and_leaks
from humangenai.labels import label_record
from humangenai.methods import Task
from humangenai.perception import batches, one_line
from humangenai.poses import pose_records
from humangenai.records import ItemRecord, PersonRecord
from humangenai.utility.labels import prompt_attributes
from refsd.errors import SetupError
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item
    from humangenai.methods import Method, Outcome
    from humangenai.perception import Perception
    from humangenai.progress import Advance, Progress
    from humangenai.store import RunFolder

EXAMPLES = 8
"""So many items keep the pictures of every stage, for the report."""


def settings_hash(method: Method) -> str:
    """sha256, in hex, of all that makes this method what it is."""
    return digest([method.name, dict(method.settings())])


def attempt(
    method: Method, tasks: Sequence[Task], *, stages: bool = False
) -> Iterator[tuple[Outcome, float] | str]:
    """Outcome and seconds of every task, or why it failed.

    If a batch fails its tasks are tried one by one, so that only the one at fault is lost.
    """
    began = time.perf_counter()
    try:
        outcomes = method.pseudonymize(tasks, stages=stages)
        for task, outcome in zip(tasks, outcomes, strict=True):
            if outcome.image.shape != task.image.shape or outcome.image.dtype != np.uint8:
                raise ValueError("the method gave a picture of another size or type")
    except SetupError:
        raise  # not this picture's fault
    except Exception as error:  # recorded per item; the run goes on
        if len(tasks) == 1:
            yield one_line(error)
            return
        for task in tasks:
            yield from attempt(method, [task], stages=stages)
        return
    seconds = (time.perf_counter() - began) / len(tasks)
    for outcome in outcomes:
        yield outcome, seconds


@dataclass(frozen=True, eq=False)
class Pseudonymization:
    """A method at work on a dataset.

    Attributes:
        folder: where everything is written.
        dataset: whose pictures.
        method: what is done to them.
        perception: who is in them.
        settings: hash of the method's settings.
    """

    folder: RunFolder
    dataset: Dataset
    method: Method
    perception: Perception
    settings: str

    def run(self, items: Sequence[Item], progress: Progress) -> dict[str, ItemRecord]:
        """Do all items that are not done yet.

        Returns:
            Item key → its line, for all ``items``.
        """
        examples = {item.key for item in items[:EXAMPLES]}
        with progress.stage(self.method.name, len(items)) as advance:
            todo = list(self._todo(items, advance))

            def unreadable(item: Item, error: BaseException) -> None:
                self._fail(item, one_line(error))
                advance(1)

            for batch in batches(self.dataset, todo, self.method.batch_size, unreadable):
                tasks = [self.task(item, image) for item, image in batch]
                stages = any(task.key in examples for task in tasks)
                for (item, _), task, done in zip(
                    batch, tasks, attempt(self.method, tasks, stages=stages), strict=True
                ):
                    if isinstance(done, str):
                        self._fail(item, done)
                    else:
                        self._keep(item, task, *done, example=item.key in examples)
                    advance(1)
        lines = self.folder.items(self.method.name)
        return {item.key: lines[item.key] for item in items}

    def task(self, item: Item, image: NDArray[np.uint8]) -> Task:
        """What the method is given for an item."""
        return Task(
            key=item.key,
            image=image,
            people=self.perception.people(item),
            seed=self.folder.seed(item.key, self.settings),
            crop=self.dataset.crops,
            attributes=self._labels(item),
        )

    def _labels(self, item: Item) -> Sequence[Mapping[str, str]]:
        """What the dataset says of each person found, where the method preserves it."""
        if not preserves_labels(self.method):
            return ()
        truth, people = self.dataset.truth(item), self.perception.people(item)
        if truth is None and isinstance(self.dataset, Labelled):
            return labels_of_largest(prompt_attributes(self.dataset.tasks(), item.labels), people)
        return labels_of(truth, people, self.dataset.name)

    def output(self, item: Item, record: ItemRecord) -> NDArray[np.uint8]:
        """The method's picture of an item that is done, by its line.

        Where pictures are not stored (the method claims nothing: originals, other tools' outputs)
        the method is asked again; it only reads.
        """
        if record.output is not None:
            return load_image(self.folder.root / record.output)
        return self.method.pseudonymize([self.task(item, self.dataset.image(item))])[0].image

    def _content(self, item: Item) -> str:
        """Changes with anything the output is made from: picture, people, settings, key, code.

        So it does with labels that are preserved. The name of the file with the people is a hash
        of the picture and of how, or from what, they were found.
        """
        people = self.perception.files[item.key].stem
        labels = [dict(some) for some in self._labels(item)]
        return self.folder.content_key(__version__, people, self.settings, item.key, *labels)

    def _todo(self, items: Sequence[Item], advance: Advance) -> Iterator[Item]:
        """The items that are neither done nor known to be unreadable."""
        known = self.folder.items(self.method.name)
        for item in items:
            if item.key in self.perception.errors:
                self._fail(item, self.perception.errors[item.key], known.get(item.key))
                advance(1)
            elif self._is_done(item, known.get(item.key)):
                advance(1)
            else:
                yield item

    def _is_done(self, item: Item, record: ItemRecord | None) -> bool:
        if record is None or record.status != "done" or record.content != self._content(item):
            return False
        if record.output is None:
            return self.method.claim == "none"
        path = self.folder.root / record.output
        return (
            path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == record.output_sha256
        )

    def _keep(
        self, item: Item, task: Task, outcome: Outcome, seconds: float, *, example: bool
    ) -> None:
        """Store a picture, then the line that speaks of it."""
        name = self.method.name
        truth = self.dataset.truth(item)
        shape = (task.image.shape[0], task.image.shape[1])
        fates = leaks = poses = None
        if truth is not None:
            fates, leaks = fates_and_leaks(truth, task.people, outcome.people, shape)
            if any(person.new is not None for person in outcome.people):
                poses = pose_records(truth, task.people, outcome.people, shape)
        output = sha256 = None
        if self.method.claim != "none":
            output, sha256 = self.folder.write_image(name, item.key, outcome.image)
        if example:
            stages = {**outcome.stages}
            self.folder.write_example(
                name, item.key, {"original": task.image, **stages, "output": outcome.image}
            )
        self.folder.append_item(
            ItemRecord(
                method=name,
                key=item.key,
                content=self._content(item),
                status="done",
                people=tuple(
                    PersonRecord(
                        index=person.index,
                        status=person.status,
                        reason=person.reason,
                        avatar=person.avatar,
                        prompt=person.prompt,
                        situations=person.situations,
                        label=None if person.new is None else label_record(person.new, shape),
                        by_hand=task.people[person.index].source == "hand",
                    )
                    for person in outcome.people
                ),
                fates=fates,
                leaks=leaks,
                poses=poses,
                size=shape,
                output=output,
                output_sha256=sha256,
                seconds={"pseudonymize": round(seconds, 4)},
            )
        )

    def _fail(self, item: Item, error: str, known: ItemRecord | None = None) -> None:
        """Write down that an item failed, unless the last line says just that."""
        record = ItemRecord(
            method=self.method.name, key=item.key, content="", status="failed", error=error
        )
        if record != known:
            self.folder.append_item(record)

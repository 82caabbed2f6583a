"""What runs hold for a study: the people whom all its methods show, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from annotator_ui import pictures
from humangenai.errors import UserError, unknown
from humangenai.verification.opened import OpenedMethod, opened, processed
from refsd import masks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from numpy.typing import NDArray

    from humangenai.human_ratings.study import StudyConfig
    from humangenai.records import LabelRecord, PersonRecord
    from refsd.people import Person

    Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Shown:
    """One person who is shown.

    Attributes:
        key: of the picture in the runs.
        index: which person of the picture.
        person: as found in the original.
        where: the frame in which the person is shown.
    """

    key: str
    index: int
    person: Person
    where: pictures.Frame

    @property
    def source(self) -> str:
        """The same for all methods, and for nobody else."""
        return f"{self.key} {self.index}"


class Material:
    """The pictures of all methods of a study.

    Args:
        config: of the study.
        methods: name → the method in its run.
    """

    def __init__(self, config: StudyConfig, methods: dict[str, OpenedMethod]) -> None:
        self.methods = methods
        self._track = config.track
        self._first = next(iter(methods.values()))
        # A person's picture is needed once per kind of item, one person after the other.
        self._original = lru_cache(maxsize=2)(self._load_original)
        self._output = lru_cache(maxsize=2 * len(methods))(self._load_output)

    def people(self) -> Iterator[tuple[str, int]]:
        """Key and index of everyone whom every method has dealt with, in a fixed order."""
        lines = [method.lines for method in self.methods.values()]
        for key, line in sorted(self._first.lines.items()):
            if all(key in other and other[key].status == "done" for other in lines):
                yield from ((key, index) for index in range(len(line.people)))

    def shown(self, key: str, index: int) -> Shown | None:
        """A person, unless too small, without a head, or somebody else in another run."""
        person = self._person(self._first, key, index)
        if person is None:
            return None
        where = pictures.frame(person, self._track)
        runs = {id(method.run): method for method in self.methods.values()}
        others = [self._person(method, key, index) for method in runs.values()]
        same = all(other and np.allclose(other.box, person.box, atol=2) for other in others)
        return Shown(key, index, person, where) if where and same else None

    def _person(self, method: OpenedMethod, key: str, index: int) -> Person | None:
        people = method.people(key)
        return people[index] if index < len(people) else None

    def original(self, shown: Shown, *, cut_out: bool = False) -> Picture:
        """A person in the original; cut out along the person's own mask."""
        image = self._original(shown.key)
        return self._show(image, shown, self._own_mask(shown, image) if cut_out else None)

    def output(self, method: str, shown: Shown, *, cut_out: bool = False) -> Picture:
        """What a method made of a person.

        Cut out is the avatar along its label. Where a method makes none it is all that the method
        painted over: along the person's own mask, a blurred or masked person would have the sharp
        outline of the original, which the method has hidden.
        """
        image = self._output(method, shown.key)
        return self._show(image, shown, self._painted(method, shown, image) if cut_out else None)

    def prompt(self, method: str, shown: Shown) -> str | None:
        """What the method was asked to show instead of a person."""
        record = self._record(method, shown)
        return None if record is None else record.prompt

    def _show(self, image: Picture, shown: Shown, mask: NDArray[np.bool_] | None) -> Picture:
        return pictures.show(image, shown.where, self._track, mask)

    def _own_mask(self, shown: Shown, image: Picture) -> NDArray[np.bool_]:
        shape = image.shape[:2]
        if masks.is_believable(shown.person):
            return shown.person.full_mask(*shape)
        return masks.region(shown.person, shape)

    def _painted(self, method: str, shown: Shown, image: Picture) -> NDArray[np.bool_]:
        record = self._record(method, shown)
        if record is not None and record.label is not None:
            return _outline(record.label, image.shape[:2])
        if record is None or record.status == "kept":
            return self._own_mask(shown, image)
        return processed([shown.person], [record], image.shape[:2])

    def _record(self, method: str, shown: Shown) -> PersonRecord | None:
        people = self.methods[method].lines[shown.key].people
        return people[shown.index] if shown.index < len(people) else None

    def _load_original(self, key: str) -> Picture:
        return self._first.run.original(key)

    def _load_output(self, method: str, key: str) -> Picture:
        source = self.methods[method]
        if source.lines[key].output is None:  # the original: runs do not store it again
            return source.run.original(key)
        return source.picture(source.run.folder.public_id(method, key))


def _outline(label: LabelRecord, shape: tuple[int, int]) -> NDArray[np.bool_]:
    from pycocotools import mask as coco_masks

    rle = {"size": list(shape), "counts": label.outline.encode("ascii")}
    return np.asarray(coco_masks.decode(rle), dtype=np.bool_)


def gather(config: StudyConfig, stack: ExitStack) -> Material:
    """Open the runs of a study.

    Args:
        config: names them.
        stack: closes them.

    Raises:
        UserError: a run is missing or unfinished, has no such method, was made from other pictures,
            or its originals cannot be had.
    """
    methods: dict[str, OpenedMethod] = {}
    first: OpenedMethod | None = None
    for source in config.runs:
        run, found = stack.enter_context(opened(source.run))
        if run.dataset is None:
            raise UserError(f"{source.run}: {run.why}")
        by_name = {method.name: method for method in found}
        for name in source.methods:
            if name not in by_name:
                raise UserError(f"{source.run}: {unknown('method', name, by_name)}")
        for name in source.methods or [name for name in by_name if name != "Original"]:
            if name in methods:
                raise UserError(
                    f"{source.run}: a study can show '{name}' only once; say under 'methods' which "
                    "methods of each run to show"
                )
            methods[name] = by_name[name]
            first = first or by_name[name]
            if _data(by_name[name]) != _data(first):
                raise UserError(
                    f"{source.run} was made from other pictures than {first.run.folder.root}; "
                    "a study compares methods on the same pictures"
                )
    if not methods:
        raise UserError("the runs hold no method to show but the original; name it under 'methods'")
    return Material(config, methods)


def _data(method: OpenedMethod) -> str:
    return method.run.record.dataset.manifest_hash

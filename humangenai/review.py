"""Review before release: whoever owns a run looks at its people, corrects them, and applies that.

:class:`Review` is what a page, or a program, needs for it: the run's items with their states, the
people of one item as they are and as they would be, the pictures. :func:`apply_review` makes the
corrected items again, by the same code as every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from humangenai.config import RunConfig
from humangenai.corrections import (
    Edit,
    edited,
    is_applied,
    read_corrections,
    save_correction,
)
from humangenai.errors import UserError
from humangenai.records import RunRecord
from humangenai.store import read_items, slug
from humangenai.verification.opened import Unavailable, opened
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.corrections import Correction
    from humangenai.progress import Progress
    from humangenai.records import ItemRecord
    from humangenai.runner import Finished
    from refsd.people import Person

SURE = 0.7
"""Whoever has a lower score than this was found with doubt."""


@dataclass(frozen=True)
class ItemState:
    """One item in the list of a review.

    Attributes:
        place: in the run, from 0; what addresses may show, unlike the key.
        key: the item's.
        people: how many were found; None where the picture failed.
        uncertain: how many of them were found with doubt.
        correction: the reviewer's last word; None where nobody has looked.
    """

    place: int
    key: str
    people: int | None
    uncertain: int
    correction: Correction | None


@dataclass(frozen=True)
class Found:
    """Who was found in one picture.

    Attributes:
        file: name of the file with the people, without its ending.
        people: how many; uncertain: how many of them with doubt.
    """

    file: str
    people: int
    uncertain: int


class Review:
    """A finished run, to be looked at by whoever owns it.

    Args:
        run: the run's folder.

    Raises:
        UserError: it holds no finished run, its originals or people cannot be had, or somebody
            writes there.

    Attributes:
        folder: the run's.
        private: its private part.
        keys: of its items, in their order.
        methods: names of those that remove people; where none does, all that change pictures.
    """

    def __init__(self, run: Path) -> None:
        self.folder = run
        self.private = run / "private"
        with opened(run) as (self._run, methods):
            if self._run.dataset is None:
                raise UserError(f"{run} cannot be reviewed: {self._run.why}")
            self.keys = self._run.planned
            claims = {one.name: one.record.claim for one in methods}
            removing = [name for name, claim in claims.items() if claim == "removes"]
            self.methods = tuple(
                removing or [name for name, claim in claims.items() if claim != "none"]
            )
            files = {key: path for one in methods for key, path in one.perception.files.items()}
            self._found = _found(self.keys, files, read_corrections(self.private))
            done = {line.key for one in methods for line in one.lines.values() if line.people}
            gone = done - self._found.keys()
            if gone:
                raise UserError(
                    f"{self.private / 'perception'} does not hold the people of {len(gone)} "
                    "pictures any more; give the run's command again, then review"
                )

    @property
    def name(self) -> str:
        """What the page calls the run."""
        return self.folder.resolve().name

    @property
    def corrections(self) -> dict[str, Correction]:
        """The last word on every item, by item key, as it is on the disk now."""
        return read_corrections(self.private)

    @property
    def is_applied(self) -> bool:
        """Whether the run was made with all that was said."""
        return is_applied(self.private, self.corrections)

    def items(self) -> list[ItemState]:
        """All items: those nobody has looked at first, those with most doubts before others."""
        corrections = self.corrections
        states = [
            ItemState(
                place=place,
                key=key,
                people=found.people if (found := self._found.get(key)) else None,
                uncertain=found.uncertain if found else 0,
                correction=corrections.get(key),
            )
            for place, key in enumerate(self.keys)
        ]
        return sorted(
            states,
            key=lambda state: (
                state.people is None,
                state.correction is not None,
                -state.uncertain,
                state.place,
            ),
        )

    def original(self, key: str) -> NDArray[np.uint8]:
        """An original: uint8 (H, W, 3), upright, sRGB.

        Raises:
            UserError: it is gone.
        """
        try:
            return self._run.original(key)
        except Unavailable as error:
            raise UserError(str(error)) from error

    def found(self, key: str) -> list[Person]:
        """The people that were found in a picture, without any correction.

        Raises:
            UserError: the picture failed, or the file with its people is gone.
        """
        from refsd.people import load_people

        if key not in self._found:
            raise UserError("nothing is known of this picture's people; run again, then review")
        return load_people(self._people_path(self._found[key].file))

    def people(self, key: str, edits: Sequence[Edit]) -> list[Person]:
        """The people of a picture after some edits; see :func:`humangenai.corrections.edited`."""
        return edited(self.original(key), self.found(key), edits)

    def outputs(self, key: str) -> dict[str, Path]:
        """Method → its picture of an item, as it is in the release now."""
        return {
            name: self.folder / line.output
            for name in self.methods
            if (line := self._lines(name).get(key)) is not None
            and line.status == "done"
            and line.output is not None
        }

    def output(self, key: str, method: str) -> NDArray[np.uint8]:
        """A method's picture of an item: uint8 (H, W, 3)."""
        return load_image(self.outputs(key)[method])

    def save(self, key: str, edits: Sequence[Edit]) -> None:
        """Write down what a reviewer says of an item; no edits: all is right.

        Raises:
            UserError: an edit does not fit the picture, or it cannot be written.
        """
        if edits:
            self.people(key, edits)  # refuses what could not be applied later
        elif key not in self._found:
            raise UserError("nothing is known of this picture's people; run again, then review")
        save_correction(self.private, key, self._found[key].file, edits)

    def _people_path(self, file: str) -> Path:
        return self.private / "perception" / f"{file}.npz"

    def _lines(self, method: str) -> Mapping[str, ItemRecord]:
        path = self.private / "items" / f"{slug(method)}.jsonl"
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        known = self._read.get(method)
        if known is None or known[0] != stamp:
            known = self._read[method] = stamp, read_items(path)
        return known[1]

    @cached_property
    def _read(self) -> dict[str, tuple[int, Mapping[str, ItemRecord]]]:
        """Method → its lines, and the time of change of their file."""
        return {}


def is_uncertain(person: Person) -> bool:
    """Whether a person was found with doubt: a low score, no pose, or a mask nobody believes."""
    from refsd.masks import is_believable

    return person.score < SURE or person.landmarks is None or not is_believable(person)


def _found(
    keys: Sequence[str], files: Mapping[str, Path], corrections: Mapping[str, Correction]
) -> dict[str, Found]:
    """Who was found in every item: in corrected ones too, what was there before correction."""
    from refsd.people import load_people

    found = {}
    for key in keys:
        path = files.get(key)
        if path is None:
            continue
        if key in corrections:
            path = path.with_name(f"{corrections[key].people}.npz")
        if not path.exists():
            continue
        people = load_people(path)
        found[key] = Found(path.stem, len(people), sum(is_uncertain(one) for one in people))
    return found


def apply_review(run: Path, progress: Progress | None = None) -> Finished | None:
    """Make the corrected items again, with all methods of the run, and measure again.

    Nothing else is made again: what a picture is made from has not changed elsewhere.

    Args:
        run: the run's folder.
        progress: told how far it has come.

    Returns:
        The run, finished again; None where all corrections are in it already.

    Raises:
        UserError: the folder holds no finished run, nobody has reviewed it, or the pictures are
            others than those that were reviewed.
    """
    from humangenai import runner

    return runner.run(run_config(run), run, progress) if is_pending(run) else None


def is_pending(run: Path) -> bool:
    """Whether a run has corrections that it was not made with.

    Raises:
        UserError: the folder holds no finished run, or nobody has reviewed it.
    """
    run_config(run)
    corrections = read_corrections(run / "private")
    if not corrections:
        raise UserError(f"{run} was not reviewed yet: humangenai review {run}")
    return not is_applied(run / "private", corrections)


def run_config(run: Path) -> RunConfig:
    """What a finished run was made with.

    Raises:
        UserError: the folder holds no finished run.
    """
    path = run / "private" / "run.json"
    try:
        record = RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
        return RunConfig.model_validate(record.config)
    except FileNotFoundError as error:
        raise UserError(f"{run} holds no finished run: {path} is missing") from error
    except ValueError as error:
        raise UserError(f"{path} is not the record of a run") from error

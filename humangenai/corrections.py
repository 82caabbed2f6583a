"""What a reviewer says of the people in a run's pictures, and the people that follow from it.

Who owns a run may look at it before its release: people whom nobody found are added, what is no
person is removed, masks are drawn again (``humangenai review RUN``). ``private/review`` keeps this:

::

    corrections.jsonl   one line per look at a picture; the last line of a picture counts
    applied             what the finished run was made with

Corrections count whenever the run is made, continued or scored again: a person who was added once
is never forgotten. They are about the people that were found in *these* pixels; where the picture
or the finder has changed, they are refused rather than guessed at.
"""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Self

from pydantic import ValidationError, model_validator

from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.records import Record, ReviewRecord
from humangenai.store import (
    StoreError,
    append_line,
    atomic,
    atomic_write,
    drop_torn_line,
    read_lines,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item
    from humangenai.perception import Perception
    from refsd.people import Person

Box = tuple[float, float, float, float]
"""x0 y0 x1 y1 in pixels of the original, x1 and y1 exclusive."""

REACH = (0.12, 0.25, 0.5, 0.9)
"""Heights of the people who are looked for around a point, as shares of the picture's height."""

UPRIGHT = 0.5
"""Width of the boxes around a point, as a share of their height."""

SEEN = 0.5
"""Least visibility of a landmark that says how far a person reaches."""

ROOM = 0.08
"""Room around the landmarks, as a share of the longer side: hair, hands, shoes."""

UNKNOWN_HEIGHT = 0.25
"""Where nobody is recognised around a point: the height of the box, as a share of the picture's."""


class Edit(Record):
    """One change to the people of a picture.

    Attributes:
        kind: a person whom nobody found; what is no person; a person in another shape.
        person: place among the people that were found; None where one is added.
        box: around the person; None where one is removed.
        whole: True: the box is the mask; False: the person's silhouette in it, where recognised.
    """

    kind: Literal["add", "remove", "redraw"]
    person: int | None = None
    box: Box | None = None
    whole: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.person is None) != (self.kind == "add"):
            raise ValueError("an edit names a person unless it adds one")
        if (self.box is None) != (self.kind == "remove"):
            raise ValueError("an edit has a box unless it removes a person")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("a box needs x0 < x1 and y0 < y1")
        return self


class Correction(Record):
    """One line of ``corrections.jsonl``: all that a reviewer says of one picture.

    Attributes:
        key: the item.
        people: name of the file with the people that were found, without its ending; it changes
            with the picture and with the finder.
        edits: none where all is right.
        time: ISO 8601, UTC.
    """

    key: str
    people: str
    edits: tuple[Edit, ...] = ()
    time: str = ""

    @model_validator(mode="after")
    def _one_edit_per_person(self) -> Self:
        persons = [edit.person for edit in self.edits if edit.person is not None]
        if len(persons) != len(set(persons)):
            raise ValueError("two edits of one person")
        return self


def read_corrections(private: Path) -> dict[str, Correction]:
    """The last word on every item that was reviewed, by item key.

    Args:
        private: the run's private folder.

    Raises:
        StoreError: a line is not a correction.
    """
    path = _path(private)
    corrections: dict[str, Correction] = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            correction = Correction.model_validate_json(line)
        except ValidationError as error:
            raise StoreError(f"{path}: line {number} is not a correction") from error
        corrections[correction.key] = correction
    return corrections


def save_correction(private: Path, key: str, people: str, edits: Sequence[Edit]) -> Correction:
    """Append a reviewer's word on an item, flushed to the disk.

    Args:
        private: the run's private folder.
        key: the item.
        people: see ``Correction``.
        edits: all of them; earlier ones of this item do not count any more.

    Raises:
        StoreError: it cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    correction = Correction(key=key, people=people, edits=tuple(edits), time=now)
    path = _path(private)
    with writing(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Two tabs may save at once, and a torn line must be cut off before the next one.
        with (path.parent / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            drop_torn_line(path)
            append_line(path, correction.model_dump_json())
    return correction


def mark_applied(private: Path, corrections: Mapping[str, Correction]) -> None:
    """Remember what the run that is finished now was made with."""
    path = _applied(private)
    if corrections and (not path.exists() or path.read_text(encoding="ascii") != _sum(corrections)):
        atomic_write(path, _sum(corrections).encode())


def is_applied(private: Path, corrections: Mapping[str, Correction]) -> bool:
    """Whether the finished run was made with these corrections."""
    path = _applied(private)
    if not path.exists():
        return not corrections
    return path.read_text(encoding="ascii") == _sum(corrections)


def correct(
    private: Path,
    dataset: Dataset,
    items: Iterable[Item],
    perception: Perception,
    corrections: Mapping[str, Correction],
) -> ReviewRecord | None:
    """Put corrected people in the place of those that were found.

    The files of people who were found stay as they are; corrected ones are written beside them,
    under a name that changes with both.

    Args:
        private: the run's private folder.
        dataset: whose pictures.
        items: those of the run; corrections of others are left alone.
        perception: what was found; gets the corrected files.
        corrections: by item key.

    Returns:
        What was done by hand; None where nobody has looked.

    Raises:
        UserError: corrections speak of other people than those that were found.
    """
    from refsd.people import PERCEPTION_VERSION, load_people, save_people

    used = [(item, corrections[item.key]) for item in items if item.key in corrections]
    used = [(item, one) for item, one in used if item.key in perception.files]
    outdated = sum(perception.files[item.key].stem != one.people for item, one in used)
    if outdated:
        raise UserError(
            f"{_path(private)}: in {outdated} pictures other people are found now than those who "
            "were reviewed (the pictures, their boxes or the version changed); bring these back, "
            "or remove the file and review again"
        )
    for item, one in used:
        if not one.edits:
            continue
        found = perception.files[item.key]
        edits = [edit.model_dump(mode="json") for edit in one.edits]
        path = found.with_name(f"{digest([found.stem, PERCEPTION_VERSION, edits])}.npz")
        if not path.exists():
            people = edited(dataset.image(item), load_people(found), one.edits)
            with atomic(path) as temporary:
                save_people(temporary, people)
        perception.files[item.key] = path
        perception.searched |= any(edit.box is not None and not edit.whole for edit in one.edits)
    return summarise(one for _, one in used)


def edited(
    image: NDArray[np.uint8], found: Sequence[Person], edits: Sequence[Edit]
) -> list[Person]:
    """The people of a picture as a reviewer says.

    Args:
        image: uint8 (H, W, 3), sRGB.
        found: the people that were found.
        edits: what is to change.

    Returns:
        Who was found, in order, without those removed, then those added. Who was drawn by hand has
        the source ``hand``.

    Raises:
        UserError: an edit speaks of a person who was not found, or its box is outside the picture.
    """
    beyond = [edit for edit in edits if edit.person is not None and edit.person >= len(found)]
    if beyond:
        raise UserError(f"a correction is about person {beyond[0].person}, of {len(found)} people")
    about = {edit.person: edit for edit in edits if edit.person is not None}
    people = []
    for place, person in enumerate(found):
        edit = about.get(place)
        if edit is None:
            people.append(person)
        elif edit.kind == "redraw":
            people.append(drawn(image, edit))
    return [*people, *(drawn(image, edit) for edit in edits if edit.kind == "add")]


def drawn(image: NDArray[np.uint8], edit: Edit) -> Person:
    """The person in a box that was drawn by hand.

    Args:
        image: uint8 (H, W, 3), sRGB.
        edit: with a box.

    Returns:
        The person, with landmarks where the network recognises one. The mask is the silhouette
        within the box, or the whole box where nobody is recognised or the reviewer says so.

    Raises:
        UserError: the box has no pixel of the picture.
    """
    from dataclasses import replace

    import numpy as np

    from refsd.people import people_from_boxes

    box = np.array([edit.box], dtype=np.float32)
    mask = None
    if edit.whole and edit.box is not None:
        x0, y0 = (max(0, int(np.floor(value))) for value in edit.box[:2])
        x1, y1 = (int(np.ceil(value)) for value in edit.box[2:])
        mask = np.zeros(image.shape[:2], dtype=np.bool_)
        mask[y0:y1, x0:x1] = True
    try:
        person = people_from_boxes(image, box, [mask])[0]
    except ValueError as error:
        raise UserError(f"a box drawn by hand: {error}") from error
    return replace(person, source="hand")


def box_at(image: NDArray[np.uint8], x: float, y: float) -> Box:
    """The box of the person at a point.

    Boxes of several sizes around the point are tried; the surest person in any of them counts,
    from the ends of the landmarks that are seen.

    Args:
        image: uint8 (H, W, 3), sRGB.
        x: of the point, in pixels to the right.
        y: likewise, down.

    Returns:
        A box inside the picture, in whole pixels, that holds the point.
    """
    import numpy as np

    from refsd.people import people_from_boxes

    height, width = image.shape[:2]
    tried = [_around(x, y, share * height, (width, height)) for share in REACH]
    best: tuple[float, Box] | None = None
    for person in people_from_boxes(image, np.array(tried, dtype=np.float32)):
        if person.landmarks is None or person.visibility is None:
            continue
        seen = person.landmarks[person.visibility >= SEEN]
        sure = float(person.visibility.mean())
        if len(seen) < 2 or (best is not None and sure <= best[0]):
            continue
        (x0, y0), (x1, y1) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
        room = ROOM * max(x1 - x0, y1 - y0)
        reach = _inside((x0 - room, y0 - room, x1 + room, y1 + room), (width, height))
        if reach[0] <= x < reach[2] and reach[1] <= y < reach[3]:
            best = sure, reach
    return best[1] if best else _around(x, y, UNKNOWN_HEIGHT * height, (width, height))


def summarise(corrections: Iterable[Correction]) -> ReviewRecord | None:
    """How much was done by hand; None where nobody has looked."""
    all_of = list(corrections)
    kinds = [edit.kind for one in all_of for edit in one.edits]
    if not all_of:
        return None
    return ReviewRecord(
        reviewed=len(all_of),
        corrected=sum(bool(one.edits) for one in all_of),
        added=kinds.count("add"),
        removed=kinds.count("remove"),
        redrawn=kinds.count("redraw"),
    )


def _around(x: float, y: float, tall: float, size: tuple[int, int]) -> Box:
    half = max(2.0, tall / 2)
    return _inside((x - half * UPRIGHT, y - half, x + half * UPRIGHT, y + half), size)


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """A box in whole pixels within a picture (width, height); at least a pixel of it."""
    width, height = size
    x0, y0 = min(max(0, int(box[0])), width - 1), min(max(0, int(box[1])), height - 1)
    x1, y1 = max(x0 + 1, min(width, int(box[2]) + 1)), max(y0 + 1, min(height, int(box[3]) + 1))
    return float(x0), float(y0), float(x1), float(y1)


def _sum(corrections: Mapping[str, Correction]) -> str:
    """Changes with what is said of any picture, and not with when it was said."""
    plain = (one.model_dump(mode="json", exclude={"time"}) for one in corrections.values())
    return digest(sorted(plain, key=lambda one: str(one["key"])))


def _path(private: Path) -> Path:
    return private / "review" / "corrections.jsonl"


def _applied(private: Path) -> Path:
    return private / "review" / "applied"

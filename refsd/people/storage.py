"""People in files: NumPy arrays without pickle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from refsd.bodies.model import BodyEstimate
from refsd.people.person import Person

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.people.person import Source

FORMAT = 1

POSE = ("landmarks", "landmarks_world", "visibility")


def save_people(path: Path, people: Sequence[Person]) -> None:
    """Write the people of one picture, whole or not at all.

    Args:
        path: the file, in the format of ``numpy.savez``, whatever its suffix; one that is there
            is replaced.
        people: nobody is fine.
    """
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "count": np.array(len(people)),
    }
    for index, person in enumerate(people):
        arrays[f"{index}/box"] = person.box
        arrays[f"{index}/window"] = np.array(person.window, dtype=np.int64)
        arrays[f"{index}/mask"] = np.packbits(person.mask)
        arrays[f"{index}/score"] = np.array(person.score, dtype=np.float64)
        arrays[f"{index}/source"] = np.array(person.source)
        for name in POSE:
            value = getattr(person, name)
            if value is not None:
                arrays[f"{index}/{name}"] = value
        if person.estimate is not None:
            arrays[f"{index}/estimate/rotations"] = person.estimate.rotations
            arrays[f"{index}/estimate/place"] = person.estimate.place
            arrays[f"{index}/estimate/focal"] = np.array(person.estimate.focal, dtype=np.float64)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def load_people(path: Path) -> list[Person]:
    """Read what ``save_people`` wrote.

    Raises:
        ValueError: the file is another one; remove it.
    """
    with np.load(path, allow_pickle=False) as arrays:
        if "format" not in arrays or int(arrays["format"]) != FORMAT:
            raise ValueError(f"{path}: not people of format {FORMAT}; remove it")
        return [_person(arrays, index) for index in range(int(arrays["count"]))]


def _person(arrays: Any, index: int) -> Person:
    x0, y0, x1, y1 = (int(value) for value in arrays[f"{index}/window"])
    height, width = y1 - y0, x1 - x0
    packed = np.unpackbits(arrays[f"{index}/mask"], count=height * width)
    pose = {name: arrays[f"{index}/{name}"] for name in POSE if f"{index}/{name}" in arrays}
    return Person(
        box=arrays[f"{index}/box"],
        window=(x0, y0, x1, y1),
        mask=packed.reshape(height, width).astype(np.bool_),
        score=float(arrays[f"{index}/score"]),
        source=cast("Source", str(arrays[f"{index}/source"])),
        estimate=_estimate(arrays, f"{index}/estimate"),
        **pose,
    )


def _estimate(arrays: Any, place: str) -> BodyEstimate | None:
    if f"{place}/place" not in arrays:
        return None
    return BodyEstimate(
        rotations=arrays[f"{place}/rotations"],
        place=arrays[f"{place}/place"],
        focal=float(arrays[f"{place}/focal"]),
    )

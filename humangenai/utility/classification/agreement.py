"""Does S show what its labels say? A judge of attributes looks at S, and at the originals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.judges.looking import BATCH, look
from humangenai.attribute_fidelity.judges.mapping import locate
from humangenai.attribute_fidelity.sources import HEAD_SHARE
from humangenai.records import UtilityAgreement
from humangenai.utility.classification.pictures import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.judges.judge import Judge
    from humangenai.datasets import Item
    from humangenai.datasets.tasks import Task
    from humangenai.records import Ends
    from humangenai.utility.classification.pictures import Window

PICTURES = 400
"""At most so many of S are judged, evenly spread."""

SIZE = 96
"""Pixels in which judges are shown heads."""

AROUND = 1 / HEAD_SHARE
"""Side of what judges see in sides of a face's window, which is as high as a head: their heads have
air and shoulders around them."""

Said = dict[str, dict[str, float]]


def ask(
    judge: Judge,
    items: Sequence[Item],
    image: Callable[[Item], NDArray[np.uint8]],
    face: Callable[[Item], Window] | None = None,
) -> dict[str, Said]:
    """What a judge says of heads: item key → attribute → value → probability.

    Args:
        judge: who looks.
        items: at what.
        image: reads a picture: uint8 (H, W, 3).
        face: where the face is (:class:`.pictures.Framed`); None: pictures are heads as they are.
    """
    said: dict[str, Said] = {}
    for start in range(0, len(items), BATCH):
        some = items[start : start + BATCH]
        windows = [None if face is None else _widened(face(item)) for item in some]
        pictures = np.stack(
            [cut(image(item), at, SIZE) for item, at in zip(some, windows, strict=True)]
        )
        answers = look(judge, pictures, "head")
        said |= {item.key: one for item, one in zip(some, answers, strict=True)}
    return said


def _widened(window: Window) -> Window:
    """A face's window as one of head and shoulders, around the same middle."""
    x0, y0, x1, y1 = window
    more = round((x1 - x0) * (AROUND - 1) / 2)
    return x0 - more, y0 - more, x1 + more, y1 + more


def spread(items: Sequence[Item]) -> list[Item]:
    """The items that are judged."""
    wanted = min(PICTURES, len(items))
    return [items[place * len(items) // wanted] for place in range(wanted)]


def agreements(
    judge: Judge,
    tasks: Sequence[Task],
    labels: Mapping[str, Mapping[str, str]],
    synthetic: Mapping[str, Said],
    originals: Mapping[str, Said],
) -> Iterator[UtilityAgreement]:
    """How often the judge sees the label, in S and, as the ceiling, in the originals.

    Tasks of which the judge tells no two classes apart are left out.

    Args:
        judge: who looked.
        tasks: what labels say.
        labels: item key → task → class.
        synthetic: item key → what the judge says of S.
        originals: the same of the originals.
    """
    values = judge.values("head")
    for task in tasks:
        known = {one.name: _place(values, one.attributes) for one in task.classes}
        if len({place for place in known.values() if place is not None}) < 2:
            continue
        value, chance, n, unjudged = _agreement(task, known, labels, synthetic)
        ceiling = _agreement(task, known, labels, originals)[0]
        yield UtilityAgreement(
            judge=judge.name,
            version=judge.version,
            task=task.name,
            value=value,
            ceiling=ceiling,
            chance=chance,
            n=n,
            unjudged=unjudged,
        )


def _place(
    values: Mapping[str, Sequence[str]], attributes: Mapping[str, str]
) -> tuple[str, str] | None:
    """Which of the judge's values a class is; None: none of them."""
    for key, value in attributes.items():
        found = locate(values, key, value)
        if found is not None:
            return found
    return None


def _agreement(
    task: Task,
    known: Mapping[str, tuple[str, str] | None],
    labels: Mapping[str, Mapping[str, str]],
    said: Mapping[str, Said],
) -> tuple[Ends, float, int, int]:
    """Mean recall with its interval, chance, pictures, and pictures that are not judged."""
    wanted: list[tuple[str, str]] = []
    seen: list[tuple[str, str]] = []
    unjudged = 0
    for key, answers in said.items():
        label = labels.get(key, {}).get(task.name)
        place = known.get(label) if label is not None else None
        if place is None or place[0] not in answers:
            unjudged += label is not None
            continue
        shares = answers[place[0]]
        wanted.append(place)
        seen.append((place[0], max(shares, key=shares.__getitem__)))
    if not wanted:
        return (math.nan, math.nan, math.nan), math.nan, 0, unjudged
    numbers = {place: number for number, place in enumerate(dict.fromkeys([*wanted, *seen]))}
    result = accuracy(
        np.array([numbers[place] for place in wanted]), np.array([numbers[place] for place in seen])
    )
    return (result.value, result.low, result.high), result.chance, result.n, unjudged

"""Do a detector and a pose estimator that were trained elsewhere still see the people?

The automatic counterpart of ψ_B. The suite's own people finder (``refsd.people``: MediaPipe's
networks, which learned from photographs) looks at originals and at a method's pictures:

- **recall**: the share of true people in whose box it finds somebody (IoU of at least 0.5);
- **PCK@0.1** (Yang & Ramanan, TPAMI 2013): the share of landmarks, of those that it was sure of in
  the original, that it finds in the method's picture within a tenth of the person's size.

Who is not found in both has no landmarks to compare, and is counted as unscored for PCK.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from humangenai.config import digest
from humangenai.records import UtilityMeasure
from humangenai.statistics import clustered_mean
from humangenai.store import atomic, image_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.datasets import Item
    from humangenai.progress import Progress
    from humangenai.scoring import Measured
    from humangenai.statistics import Estimate
    from refsd.people import Person

PICTURES = 60
"""At most so many training pictures are looked at, evenly spread."""

SAME = 0.5
"""Least IoU of boxes of the same person."""

NEAR = 0.1
"""A landmark is right within this share of the person's size, the longer side of the box."""

SURE = 0.5
"""Least visibility in the original of landmarks that count."""

NOTHING = (math.nan, math.nan, math.nan)

RECALL = "recall of the people finder"
PCK = "PCK@0.1 of the pose estimator"


def sight(
    run: Measured, method: str, items: Sequence[Item], progress: Progress
) -> tuple[UtilityMeasure, ...]:
    """Recall and PCK on pictures of a method; nothing where nobody knows who is in them.

    Args:
        run: whose pictures.
        method: whose of them.
        items: those that were made.
        progress: told of every picture.
    """
    chosen = spread(items, PICTURES)
    found: list[float] = []
    found_before: list[float] = []
    right: list[float] = []
    pictures: list[int] = []
    with progress.stage(f"{method}: seen by others", len(chosen)) as advance:
        for number, item in enumerate(chosen):
            truth = run.dataset.truth(item)
            if truth is None:
                return ()
            boxes = np.array([person.box for person in truth], dtype=np.float32).reshape(-1, 4)
            before = looked_at(run.folder.private, run.dataset.image(item))
            after = looked_at(run.folder.private, run.output(method, item))
            for box, old, new in zip(boxes, match(boxes, before), match(boxes, after), strict=True):
                found_before.append(float(old is not None))
                found.append(float(new is not None))
                right.append(pck(box, old, new))
                pictures.append(number)
            advance(1)
    recall = clustered_mean(found, pictures)
    landmarks = clustered_mean(right, pictures)
    return (
        _measure(RECALL, recall, clustered_mean(found_before, pictures), len(found)),
        # Against itself every landmark is right.
        _measure(PCK, landmarks, None, len(right)),
    )


def _measure(name: str, of: Estimate, originals: Estimate | None, people: int) -> UtilityMeasure:
    return UtilityMeasure(
        name=name,
        value=_ends(of),
        originals=NOTHING if originals is None else _ends(originals),
        better="higher",
        n=of.n,
        unscored=people - of.n,
        clusters=of.clusters,
    )


def _ends(one: Estimate) -> tuple[float, float, float]:
    return one.value, one.low, one.high


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many, evenly spread in their order."""
    wanted = min(most, len(items))
    return [items[place * len(items) // wanted] for place in range(wanted)]


def looked_at(private: Path, image: NDArray[np.uint8]) -> list[Person]:
    """Whom the people finder finds, from the cache where it has looked before."""
    from refsd.people import PERCEPTION_VERSION, find_people, load_people, save_people

    key = digest([image_hash(image), PERCEPTION_VERSION])
    path = private / "utility" / "seen" / f"{key}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            save_people(temporary, find_people([image])[0])
    return list(load_people(path))


def match(boxes: NDArray[np.float32], people: Sequence[Person]) -> list[Person | None]:
    """Who of the people found is in which box, each in one at most: best overlaps first.

    Args:
        boxes: float32 (N, 4), x0 y0 x1 y1.
        people: who was found.
    """
    matched: list[Person | None] = [None] * len(boxes)
    if not len(boxes) or not people:
        return matched
    overlaps = iou(boxes, np.stack([person.box for person in people]))
    for _ in range(min(overlaps.shape)):
        row, column = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        if overlaps[row, column] < SAME:
            break
        matched[row] = people[int(column)]
        overlaps[row], overlaps[:, column] = -1, -1
    return matched


def iou(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union of every pair: float64 (N, M)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2).astype(np.float64)
    areas = [(one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, others)]
    return np.asarray(common / np.maximum(areas[0][:, None] + areas[1][None] - common, 1e-9))


def pck(box: NDArray[np.float32], before: Person | None, after: Person | None) -> float:
    """The share of landmarks that stay where they were; NaN where there is nothing to compare.

    Args:
        box: float32 (4,), the true one, which gives the person's size.
        before: the person as found in the original.
        after: as found in the method's picture.
    """
    if before is None or after is None or before.landmarks is None or after.landmarks is None:
        return math.nan
    sure = np.ones(len(before.landmarks), dtype=np.bool_)
    if before.visibility is not None:
        sure = before.visibility >= SURE
    if not sure.any():
        return math.nan
    size = float(max(box[2] - box[0], box[3] - box[1]))
    distances = np.linalg.norm(before.landmarks[sure] - after.landmarks[sure], axis=1)
    return float((distances <= NEAR * size).mean())

"""Whose places ϕ's new people take: a few people of the dataset, the same for all methods.

What a judge sees are crops framed as the renders that it learned from (``refsd.training.scenes``):
head and shoulders, or the whole person. The method is given that crop, not the whole picture, so
that it paints a face at the resolution of a face. Who is seen is decided by perception alone,
before any method runs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attributes import labels_of
from refsd.bodies.landmarks import LANDMARKS
from refsd.prompts import PromptError, canonical
from refsd.situations import assess

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.datasets import Dataset, Item
    from humangenai.perception import Perception
    from refsd.people import Person

HEIGHT = 256
"""Pixels, of both crops: what crowd's pictures have, twice and more of what the probe sees."""

CANDIDATES = 6
"""So many pictures are looked at for every source person that is wanted."""

HEAD = 0.24
"""Metres from crown to chin; heads differ less than bodies do."""

HEAD_SHARE = 0.66
"""Of a head crop's height that the head takes: the middle of what renders have
(:data:`refsd.training.scenes.HEAD_SHARE`)."""

ABOVE_HEAD = 0.16
"""Air above the crown, in heights of the head."""

BODY_SHARE, ABOVE_BODY = 0.87, 0.04
"""The same of whole bodies, in heights of the person."""

TURNED = 50.0
"""Degrees by which a face may be turned away from us to be a source of heads."""

LEAST_HEAD, LEAST_BODY = 20.0, 96.0
"""Pixels that the head, or the person, must be high."""

_NOSE = LANDMARKS.index("nose")
_EARS = [LANDMARKS.index("left_ear"), LANDMARKS.index("right_ear")]
_FEET = [LANDMARKS.index("left_ankle"), LANDMARKS.index("right_ankle")]
_TRUNK = [
    LANDMARKS.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip")
]

Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Source:
    """One person whose place new people take, as one crop shows them.

    Attributes:
        key: of the item.
        index: of the person among those found there.
        crop: what is shown.
        image: uint8 (256, 256, 3) of a head, (256, 128, 3) of a body; sRGB.
        person: where the person is in that image.
        labels: what the dataset says of the person, in the vocabulary's words; may be empty.
        people: name of the file with the people who were found: changes with the picture and with
            how people were found.
    """

    key: str
    index: int
    crop: Crop
    image: NDArray[np.uint8]
    person: Person
    labels: Mapping[str, str]
    people: str


def candidates(items: Sequence[Item], people: int) -> list[Item]:
    """Pictures to look for source people in, evenly spread over the dataset's people.

    Args:
        items: of the dataset, in order.
        people: how many source people are wanted.

    Returns:
        At most ``CANDIDATES`` items for each, of as many different people as there are.
    """
    by_person: dict[object, list[Item]] = {}
    for number, item in enumerate(items):
        # Without ids, or of a distractor, every picture may show somebody else.
        whose: object = number if item.pid in (None, -1) else ("pid", item.pid)
        by_person.setdefault(whose, []).append(item)
    groups = list(by_person.values())
    wanted = min(CANDIDATES * people, len(groups))
    chosen = [groups[place * len(groups) // wanted] for place in range(wanted)]
    # Of each person another of their pictures, so that all cameras come to their turn.
    return [group[place % len(group)] for place, group in enumerate(chosen)]


def choose_sources(
    dataset: Dataset, perception: Perception, items: Sequence[Item], crop: Crop, people: int
) -> list[Source]:
    """The first people of some pictures who are suited to a crop.

    A source of heads faces us; a source of bodies is seen from head to foot. Nobody else is in the
    crop, for a judge would not know whom to look at. Those of whom the crop shows enough to pose a
    body come first, then the others: a head fills its crop, and shoulders may lie outside.

    Args:
        dataset: whose pictures.
        perception: who is in them.
        items: which pictures; see :func:`candidates`.
        crop: what shall be shown.
        people: how many people, at most one from each picture.
    """
    posed: list[Source] = []
    others: list[Source] = []
    for item in items:
        if len(posed) == people:
            break
        if item.key in perception.files:
            source = next(_suited(dataset, perception, item, crop), None)
            if source is not None:
                (seen,) = assess([source.person], source.image.shape[:2])
                (posed if seen.reason is None else others).append(source)
    return [*posed, *others][:people]


def _suited(dataset: Dataset, perception: Perception, item: Item, crop: Crop) -> Iterator[Source]:
    image = dataset.image(item)
    people = perception.people(item)
    for index, (person, known) in enumerate(
        zip(people, assess(people, image.shape[:2]), strict=True)
    ):
        poor = {"tiny", "lying", "back-facing", *(["truncated"] if crop == "body" else [])}
        if known.reason is not None or poor & set(known.situations):
            continue
        window = _head_window(person) if crop == "head" else _body_window(person)
        others = [other for other in people if other is not person]
        if window is None or any(_meet(window, other) for other in others):
            continue
        yield Source(
            key=item.key,
            index=index,
            crop=crop,
            image=_cut(image, window, crop),
            person=_moved(person, window, crop),
            labels=_labels(dataset, item, people, index),
            people=perception.files[item.key].stem,
        )


def _head_window(person: Person) -> Window | None:
    """The square around head and shoulders; None where the face is turned away or too small."""
    points, world = person.landmarks, person.landmarks_world
    if points is None or world is None:
        return None
    ahead = world[_NOSE] - world[_EARS].mean(axis=0)
    if abs(np.degrees(np.arctan2(ahead[0], -ahead[2]))) > TURNED:
        return None
    # Pixels per metre, from the trunk: a face alone is too small to measure by.
    measured = [*_EARS, *_TRUNK]
    flat, seen = world[measured, :2], points[measured]
    spread = float(np.linalg.norm(flat - flat.mean(axis=0)))
    head = HEAD * float(np.linalg.norm(seen - seen.mean(axis=0))) / max(spread, 1e-6)
    if head < LEAST_HEAD:
        return None
    side = head / HEAD_SHARE
    # Ears are half way down the head.
    x, y = points[_EARS].mean(axis=0)
    return _window(float(x), float(y) - (0.5 + ABOVE_HEAD) * head, side, side)


def _body_window(person: Person) -> Window | None:
    """Twice as high as wide, around all of a person; None where the feet are not seen."""
    rows, columns = np.nonzero(person.mask)
    if person.landmarks is None or not len(rows):
        return None
    x0, y0 = person.window[:2]
    top, bottom = y0 + float(rows.min()), y0 + float(rows.max()) + 1
    across = (x0 + float(columns.min()), x0 + float(columns.max()) + 1)
    tall = bottom - top
    if tall < LEAST_BODY or (person.landmarks[_FEET, 1] > bottom + 0.03 * tall).any():
        return None
    height = max(tall / BODY_SHARE, (across[1] - across[0]) * 2 / 0.97)
    return _window(sum(across) / 2, top - ABOVE_BODY * tall, height / 2, height)


def _window(middle: float, top: float, width: float, height: float) -> Window:
    x0, y0 = round(middle - width / 2), round(top)
    return x0, y0, x0 + round(width), y0 + round(height)


def _meet(window: Window, other: Person) -> bool:
    x0, y0, x1, y1 = other.window
    return x0 < window[2] and window[0] < x1 and y0 < window[3] and window[1] < y1


def _size(crop: Crop) -> tuple[int, int]:
    """Height and width of a crop in pixels."""
    return HEIGHT, HEIGHT if crop == "head" else HEIGHT // 2


def _cut(image: NDArray[np.uint8], window: Window, crop: Crop) -> NDArray[np.uint8]:
    """A window of a picture in the crop's size; what is outside the picture repeats its edge."""
    import cv2

    x0, y0, x1, y1 = window
    rows = np.clip(np.arange(y0, y1), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(x0, x1), 0, image.shape[1] - 1)
    part = image[rows[:, None], columns]
    height, width = _size(crop)
    way = cv2.INTER_AREA if part.shape[0] > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (width, height), interpolation=way), dtype=np.uint8)


def _moved(person: Person, window: Window, crop: Crop) -> Person:
    """A person as the crop shows them.

    An external estimate of the pose is of the whole picture's camera, so the landmarks take its
    place.
    """
    import cv2

    height, width = _size(crop)
    x0, y0, x1, y1 = window
    corner = np.array([x0, y0], dtype=np.float32)
    scale = np.array([width / (x1 - x0), height / (y1 - y0)], dtype=np.float32)
    left, top, right, bottom = person.window
    full = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    a, b, c, d = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    full[b - y0 : d - y0, a - x0 : c - x0] = person.mask[b - top : d - top, a - left : c - left]
    mask = np.asarray(cv2.resize(full * 255, (width, height), interpolation=cv2.INTER_LINEAR))
    box = (person.box.reshape(2, 2) - corner) * scale
    assert person.landmarks is not None  # noqa: S101  (whoever has none is no source)
    return replace(
        person,
        box=np.clip(box, 0, [width, height]).astype(np.float32).ravel(),
        window=(0, 0, width, height),
        mask=mask >= 128,
        landmarks=((person.landmarks - corner) * scale).astype(np.float32),
        estimate=None,
    )


def _labels(dataset: Dataset, item: Item, people: Sequence[Person], index: int) -> dict[str, str]:
    """What the dataset says of somebody, as far as the vocabulary has words for it."""
    truth = dataset.truth(item)
    if truth is None:
        return {}
    known: dict[str, str] = {}
    for key, value in labels_of(truth, people, dataset.name)[index].items():
        with suppress(PromptError):  # a dataset may know more than prompts can say
            known |= canonical({key: value}, free=False)
    return known

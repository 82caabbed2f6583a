"""Finding the people of a picture: detectors on many squares, then a closer look at everyone.

The parts are tuned for recall: a person who is missed stays in the picture, while a bush that is
taken for one only costs a patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.people.detectors import (
    Detections,
    far_face_detector,
    join,
    near_face_detector,
    pose_detector,
)
from refsd.people.landmarks import LandmarkModel, Pose, body_square
from refsd.people.person import Person
from refsd.people.silhouettes import HIPS, SHOULDERS, silhouette
from refsd.people.squares import Pyramid, Square
from refsd.people.tiling import squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.people.person import Source
    from refsd.people.squares import Window

POSE_THRESHOLD = 0.4
"""Least score of the pose detector: lower than its own 0.5, as everything is looked at again."""

FACE_THRESHOLD = 0.6
"""Least score of the face detectors (published: 0.5 for near, 0.6 for far faces)."""

PRESENCE = 0.5
"""Least presence that makes a pose (as published)."""

SAME_PLACE = 0.12
"""Two detections are of one person when their hips and their heads are this near to each other, as
a share of the side of the square around the body (which is about 1.3 times as tall as a person)."""

TRUNK = [0, 7, 8, *SHOULDERS, *HIPS]
"""Landmarks that tell people apart: limbs swing, and are taken for those of neighbours."""


BOX_MARGIN = 1.25
"""The landmark network looks at a square this much larger than a given box, as in training."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Somebody, before pixels are drawn."""

    pose: Pose
    score: float
    source: Source


class PeopleFinder:
    """Finds people. Making one loads the networks (and fetches them, the first time).

    Raises:
        refsd.weights.WeightsError: a model file cannot be had.
    """

    def __init__(self) -> None:
        self._poses = pose_detector(POSE_THRESHOLD)
        self._near_faces = near_face_detector(FACE_THRESHOLD)
        self._far_faces = far_face_detector(FACE_THRESHOLD)
        self._landmarks = LandmarkModel()

    def find(self, image: NDArray[np.uint8], *, crop: bool = False) -> list[Person]:
        """The people of one picture.

        Args:
            image: uint8 (H, W, 3), sRGB.
            crop: the picture is a crop around one person, as in re-identification data. There is
                exactly one person then; where none is recognised, the whole crop.

        Returns:
            Everyone who was found, the surest first.
        """
        pyramid = Pyramid(image)
        if crop:
            return [self._in_crop(pyramid)]
        found = self._by_pose(pyramid)
        found += self._by_face(pyramid, found)
        people = [_person(one, pyramid.shape) for one in found]
        return [person for person in people if person is not None]

    def in_box(
        self, image: NDArray[np.uint8], box: NDArray[np.float32], mask: NDArray[np.bool_] | None
    ) -> Person:
        """The person in a box that somebody else drew.

        Args:
            image: uint8 (H, W, 3), sRGB.
            box: float32 (4,), x0 y0 x1 y1 in pixels, within the picture, not empty.
            mask: bool (H, W), where it is known.

        Returns:
            The person, with landmarks where the network recognises one.
        """
        pyramid = Pyramid(image)
        window = _within(box, pyramid.shape)
        x0, y0, x1, y1 = (float(value) for value in box)
        square = Square((x0 + x1) / 2, (y0 + y1) / 2, BOX_MARGIN * max(x1 - x0, y1 - y0))
        pose = self._look(pyramid, square)
        if pose is not None and not _overlaps(pose, window):
            pose = None
        if mask is None and pose is not None:
            mask = np.zeros(pyramid.shape, dtype=np.bool_)
            mask[window[1] : window[3], window[0] : window[2]] = silhouette(pose, window)
        if mask is None or not mask.any():
            mask = np.zeros(pyramid.shape, dtype=np.bool_)
            mask[window[1] : window[3], window[0] : window[2]] = True
        where = _bounds(mask)
        return Person(
            box=np.array([x0, y0, x1, y1], dtype=np.float32),
            window=where,
            mask=mask[where[1] : where[3], where[0] : where[2]],
            landmarks=None if pose is None else pose.landmarks,
            landmarks_world=None if pose is None else pose.world,
            visibility=None if pose is None else pose.visibility,
            source="dataset",
        )

    def _by_pose(self, pyramid: Pyramid) -> list[_Found]:
        detections = join([self._poses(pyramid, square) for square in squares(pyramid.shape)])
        candidates = _distinct(detections)
        found: list[_Found] = []
        for index in candidates:
            hips, rim = detections.keypoints[index, :2]
            body = body_square(hips, rim)
            if any(_same_square(body, other.pose.body) for other in found):
                continue
            pose = self._look(pyramid, body)
            if pose is None or any(_same_pose(pose, other.pose) for other in found):
                continue
            found.append(_Found(pose, float(detections.scores[index]), "detector"))
        return found

    def _by_face(self, pyramid: Pyramid, known: Sequence[_Found]) -> list[_Found]:
        return []

    def _in_crop(self, pyramid: Pyramid) -> Person:
        height, width = pyramid.shape
        whole = Square(width / 2, height / 2, max(height, width) * 1.1)
        pose = self._look(pyramid, whole)
        person = None
        if pose is not None:
            person = _person(_Found(pose, pose.presence, "landmarks"), pyramid.shape)
        return person or Person(
            box=np.array([0, 0, width, height], dtype=np.float32),
            window=(0, 0, width, height),
            mask=np.ones((height, width), dtype=np.bool_),
            score=0.0,
            source="whole crop",
        )

    def _look(self, pyramid: Pyramid, square: Square) -> Pose | None:
        """Look twice, the second time where the first look says that the body is."""
        first = self._landmarks(pyramid, square)
        if first.presence < PRESENCE:
            return None
        second = self._landmarks(pyramid, first.body)
        return second if second.presence >= first.presence - 0.1 else first


def _within(box: NDArray[np.float32], shape: tuple[int, int]) -> Window:
    """The whole pixels of a box that the picture (height, width) has.

    Raises:
        ValueError: it has none.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    window = (
        max(0, math.floor(x0)), max(0, math.floor(y0)),
        min(shape[1], math.ceil(x1)), min(shape[0], math.ceil(y1)),
    )  # fmt: skip
    if window[0] >= window[2] or window[1] >= window[3]:
        raise ValueError(
            f"box {x0:g} {y0:g} {x1:g} {y1:g} has no pixel of a picture of {shape[1]} x {shape[0]}"
        )
    return window


def _overlaps(pose: Pose, window: Window) -> bool:
    """Whether most of a pose's trunk lies in a window."""
    points = pose.landmarks[TRUNK]
    inside = (points >= window[:2]) & (points < window[2:])
    return bool(inside.all(axis=1).mean() >= 0.5)


def _distinct(detections: Detections) -> list[int]:
    """Indices of detections, best first, without those of a person who is there already."""
    kept: list[int] = []
    bodies: list[Square] = []
    for index in np.argsort(-detections.scores, kind="stable"):
        body = body_square(*detections.keypoints[index, :2])
        if not any(_same_square(body, other) for other in bodies):
            kept.append(int(index))
            bodies.append(body)
    return kept


def _same_square(one: Square, other: Square) -> bool:
    ends = np.array([[0.5, 0.5], [0.5, 0.1]], dtype=np.float32)  # hips, rim
    apart = np.linalg.norm(one.to_picture(ends) - other.to_picture(ends), axis=1)
    return bool(apart.max() < SAME_PLACE * min(one.size, other.size))


def _same_pose(one: Pose, other: Pose) -> bool:
    apart = np.linalg.norm(one.landmarks[TRUNK] - other.landmarks[TRUNK], axis=1)
    return bool(apart.mean() < 0.08 * min(one.body.size, other.body.size))


def _person(found: _Found, shape: tuple[int, int]) -> Person | None:
    """Somebody with their pixels; None where not a pixel of them is in the picture."""
    pose = found.pose
    x0, y0, x1, y1 = pose.square.window(shape)
    if x0 >= x1 or y0 >= y1:
        return None
    mask = silhouette(pose, (x0, y0, x1, y1))
    if not mask.any():
        return None
    left, top, right, bottom = _bounds(mask)
    window = (x0 + left, y0 + top, x0 + right, y0 + bottom)
    return Person(
        box=np.array(window, dtype=np.float32),
        window=window,
        mask=mask[top:bottom, left:right],
        landmarks=pose.landmarks,
        landmarks_world=pose.world,
        visibility=pose.visibility,
        score=found.score,
        source=found.source,
    )


def _bounds(mask: NDArray[np.bool_]) -> Window:
    """The smallest window that holds a mask, which is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@lru_cache(maxsize=1)
def shared_finder() -> PeopleFinder:
    """The finder that all callers of this process share."""
    return PeopleFinder()

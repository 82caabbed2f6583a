"""Finding the people of a picture: detectors on many squares, then a closer look at everyone.

All is tuned for recall: a person who is missed stays in the picture, while a bush that is taken for
one only costs a patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from refsd.people.detectors import far_face_detector, join, near_face_detector, pose_detector
from refsd.people.faces import Face, bust, distinct_faces
from refsd.people.landmarks import LandmarkModel, body_square
from refsd.people.networks import Network, at_once
from refsd.people.person import Person
from refsd.people.scaling import enlarged
from refsd.people.silhouettes import (
    HIPS,
    SHOULDERS,
    agreement,
    silhouette,
    torso_length,
)
from refsd.people.squares import Pyramid, Square
from refsd.people.tiling import squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.people.detectors import Detector
    from refsd.people.landmarks import Pose
    from refsd.people.person import Source
    from refsd.people.squares import Window

LONGEST_SIDE = 2400
"""Larger pictures are shrunk: the networks see 256 pixels at most, and people of 2 % of such a
picture's height cannot be told from noise anyway."""

POSE_THRESHOLD = 0.4
"""Least score of the pose detector: lower than its own 0.5, as everything is looked at again."""

FACE_THRESHOLD = 0.6
"""Least score of the face detectors (published: 0.5 for near, 0.6 for far faces)."""

FACE_SIDE = 0.5
"""Faces are looked for in squares down to this share of the picture's shorter side: smaller ones
belong to people whose bodies are seen."""

PRESENCE = 0.5
"""Least presence that makes a pose (as published)."""

LOOK_AGAIN = 0.2
"""Least presence at the first look; at the second, closer one people often become clear."""

NEAR_LARGER = 1.5
"""Neighbours are of about the same size: the square around their body must not be larger than the
square where they were found by more than this. (Elsewhere it may: a head and shoulders tell where
the body is, six times as large as the square that shows them.)"""

STRAY = 0.5
STRAY_SIZE = 2.0
"""A closer look that ends up this far away (in sides of the square), or at a body this much larger
or smaller, has lost whom it looked for: a patch of road, say, that resembles nobody."""

SAME_PLACE = 0.14
"""Two detections are of one person when their hips and their heads are this near to each other, as
a share of the side of the square around the body (which is about 1.3 times as tall as a person)."""

COVERED = 0.6
"""Whoever has this share of their pixels in common with people found before is one of them."""

ROUNDS = 2
"""The detector reports the clearest of people who stand together. So it looks again where people
were found, with these wiped out, so many times."""

NEAR_THRESHOLD = 0.3
"""Least score there: people stand together more often than where nobody was found."""

NEIGHBOURHOOD = 1.6
BESIDE = (-0.35, 0.0, 0.35)
"""Where it looks again: side of the squares, and distance of their middles from somebody's hips to
the right, in sides of the square around the body. A square off to one side shows the neighbour in
its middle, where the detector is best."""

SURE = 0.7
"""Whoever has this score is believed, however strange the shape."""

AGREEMENT = 0.25
"""Least intersection over union of the network's mask and a sketch of its landmarks: about 0.7 for
people in full view, 0.4 for half hidden ones, often below 0.2 for lamps and shadows."""

TORSO = 0.16
"""Least length of the torso as a share of the body's square: 0.22 in upright people, 0.13 where
parts of several people were taken for one."""

PORTRAIT = 0.8
CERTAIN = 0.98
"""Bodies that would fill the picture (their square has more than this share of its longer side)
need a face or this presence: else they would wipe out the picture for nothing."""

TRUNK = [0, 7, 8, *SHOULDERS, *HIPS]
"""Landmarks that say where somebody is; limbs swing."""

BOX_MARGIN = 1.25
"""The landmark network looks at a square this much larger than a given box, as in training."""


@dataclass(frozen=True, eq=False)
class _Found:
    """Somebody in the picture, and the square around their body."""

    person: Person
    body: Square


@dataclass(frozen=True, eq=False)
class _Search:
    """A search for poses.

    Attributes:
        pyramid: the picture.
        where: squares to look at.
        detector: the pose detector, with its threshold.
        larger: how much larger than a square the square around a body may be that was found in it.
    """

    pyramid: Pyramid
    where: Sequence[Square]
    detector: Detector
    larger: float

    def bodies(self) -> list[tuple[float, Square]]:
        """Scores and squares around bodies, many of them of the same people."""
        detected = at_once(lambda square: self.detector(self.pyramid, square), self.where)
        found = []
        for square, detections in zip(self.where, detected, strict=True):
            for score, points in zip(detections.scores, detections.keypoints, strict=True):
                body = body_square(*points[:2])
                if body.size <= self.larger * square.size:
                    found.append((float(score), body))
        return found


class PeopleFinder:
    """Finds people. Making one loads the networks (and fetches them, the first time).

    Raises:
        refsd.weights.WeightsError: a model file cannot be had.
    """

    def __init__(self) -> None:
        self._poses = pose_detector(POSE_THRESHOLD)
        self._near_poses = pose_detector(NEAR_THRESHOLD)
        self._near_faces = near_face_detector(FACE_THRESHOLD)
        self._far_faces = far_face_detector(FACE_THRESHOLD)
        self._landmarks = LandmarkModel()
        self._selfie = Network("selfie_segmentation.tflite")

    def find(self, image: NDArray[np.uint8]) -> list[Person]:
        """The people of one picture, the surest of every kind first.

        Args:
            image: uint8 (H, W, 3), sRGB. Where a side is longer than ``LONGEST_SIDE``, people are
                looked for in a smaller copy.
        """
        height, width = image.shape[:2]
        if max(height, width) <= LONGEST_SIDE:
            return self._find(image)
        scale = LONGEST_SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return [enlarged(person, size, (width, height)) for person in self._find(small)]

    def _find(self, image: NDArray[np.uint8]) -> list[Person]:
        pyramid = Pyramid(image)
        covered = np.zeros(pyramid.shape, dtype=np.bool_)
        everywhere = squares(pyramid.shape)
        faces = self._faces(pyramid, everywhere)
        search = _Search(pyramid, everywhere, self._poses, math.inf)
        found = self._by_pose(search, faces, covered)
        newest = found
        for _ in range(ROUNDS):
            if not newest:
                break
            others = Pyramid(_wiped(image, newest, covered))
            around = [_beside(one.body, share) for one in newest for share in BESIDE]
            search = _Search(others, around, self._near_poses, NEAR_LARGER)
            newest = self._by_pose(search, faces, covered)
            found += newest
        people = [one.person for one in found]
        return people + self._by_face(pyramid, faces, people, covered)

    def in_crop(self, image: NDArray[np.uint8]) -> Person:
        """The person of a crop around one; the whole crop where nobody is recognised.

        Args:
            image: uint8 (H, W, 3), sRGB.
        """
        pyramid = Pyramid(image)
        height, width = pyramid.shape
        pose = self._look(pyramid, Square(width / 2, height / 2, BOX_MARGIN * max(height, width)))
        person = None if pose is None else _person(pose, pyramid.shape, pose.presence, "landmarks")
        return person or Person(
            box=np.array([0, 0, width, height], dtype=np.float32),
            window=(0, 0, width, height),
            mask=np.ones((height, width), dtype=np.bool_),
            score=0.0,
            source="whole crop",
        )

    def in_box(
        self, image: NDArray[np.uint8], box: NDArray[np.float32], mask: NDArray[np.bool_] | None
    ) -> Person:
        """The person in a box that somebody else drew.

        Args:
            image: uint8 (H, W, 3), sRGB.
            box: float32 (4,), x0 y0 x1 y1 in pixels.
            mask: bool (H, W), where it is known.

        Returns:
            The person, with landmarks where the network recognises one. A mask that is not known
            is the network's, within the box, or the whole box.

        Raises:
            ValueError: the box has no pixel of the picture, or the mask has another size.
        """
        pyramid = Pyramid(image)
        if mask is not None and mask.shape != pyramid.shape:
            raise ValueError(f"mask of {mask.shape} for a picture of {pyramid.shape}")
        window = _within(box, pyramid.shape)
        x0, y0, x1, y1 = window
        pose = self._look(
            pyramid, Square((x0 + x1) / 2, (y0 + y1) / 2, BOX_MARGIN * max(x1 - x0, y1 - y0))
        )
        if pose is not None and not _lies_in(pose, window):
            pose = None
        if mask is not None and mask.any():
            window = _bounds(mask)
            part = mask[window[1] : window[3], window[0] : window[2]]
        elif pose is not None and (drawn := silhouette(pose, window)).any():
            part = drawn
        else:
            part = np.ones((y1 - y0, x1 - x0), dtype=np.bool_)
        return Person(
            box=np.array([x0, y0, x1, y1], dtype=np.float32),
            window=window,
            mask=part,
            landmarks=None if pose is None else pose.landmarks,
            landmarks_world=None if pose is None else pose.world,
            visibility=None if pose is None else pose.visibility,
            source="dataset",
        )

    def _by_pose(
        self, search: _Search, faces: Sequence[Face], covered: NDArray[np.bool_]
    ) -> list[_Found]:
        """People whom the pose detector finds; adds their pixels to those that are covered."""
        pyramid = search.pyramid
        bodies = _distinct(search.bodies())
        found: list[_Found] = []
        # The surest first: others often are parts of them, and need no look then.
        for group in (
            [one for one in bodies if one[0] >= SURE],
            [one for one in bodies if one[0] < SURE],
        ):
            new = [
                one for one in group if not any(_same_place(one[1], other.body) for other in found)
            ]
            looks = zip(new, at_once(lambda one: self._look(pyramid, one[1]), new), strict=True)
            poses = [
                (score * _agreement(pose, pyramid.shape), score, pose)
                for (score, body), pose in looks
                if pose is not None and not _strays(pose.body, body)
            ]
            # Whole bodies before parts of them.
            for _, score, pose in sorted(poses, key=lambda one: -one[0]):
                if score < SURE and not _is_plausible(pose, pyramid.shape, faces):
                    continue
                person = _person(pose, pyramid.shape, score, "detector")
                if person is not None and _add(person, covered):
                    found.append(_Found(person, pose.body))
        return found

    def _faces(self, pyramid: Pyramid, where: Sequence[Square]) -> list[Face]:
        """All faces, best first."""
        side = min(pyramid.shape)
        far = [square for square in where if square.size >= FACE_SIDE * side]
        near = [square for square in where if square.size >= side]
        return distinct_faces(
            join(
                at_once(lambda square: self._far_faces(pyramid, square), far)
                + at_once(lambda square: self._near_faces(pyramid, square), near)
            )
        )

    def _by_face(
        self,
        pyramid: Pyramid,
        found: Sequence[Face],
        known: Sequence[Person],
        covered: NDArray[np.bool_],
    ) -> list[Person]:
        """People of whom only a face was found; adds their pixels to those that are covered."""
        faces = [face for face in found if not _has_head(face, known)]
        poses = at_once(lambda face: self._look(pyramid, face.body()), faces)
        people: list[Person] = []
        for face, pose in zip(faces, poses, strict=True):
            person = None
            if pose is not None and face.is_head_of(pose.landmarks):
                person = _person(pose, pyramid.shape, face.score, "face")
            if person is None:
                person = bust(face, pyramid, self._selfie)
            if _add(person, covered):
                people.append(person)
        return people

    def _look(self, pyramid: Pyramid, square: Square) -> Pose | None:
        """Look twice, the second time where the first look says that the body is."""
        first = self._landmarks(pyramid, square)
        if first.presence < LOOK_AGAIN:
            return None
        second = self._landmarks(pyramid, first.body)
        if second.presence >= PRESENCE:
            return second
        return first if first.presence >= PRESENCE else None


@lru_cache(maxsize=1)
def shared_finder() -> PeopleFinder:
    """The finder that all callers of this process share."""
    return PeopleFinder()


def _distinct(bodies: Sequence[tuple[float, Square]]) -> list[tuple[float, Square]]:
    """The best for every place, best first."""
    kept: list[tuple[float, Square]] = []
    for score, body in sorted(bodies, key=lambda one: -one[0]):
        if not any(_same_place(body, other) for _, other in kept):
            kept.append((score, body))
    return kept


def _strays(body: Square, square: Square) -> bool:
    """Whether a body is far from the square where it was looked for, or of quite another size."""
    apart = math.hypot(body.x - square.x, body.y - square.y)
    return apart > STRAY * square.size or not 1 / STRAY_SIZE < body.size / square.size < STRAY_SIZE


def _same_place(one: Square, other: Square) -> bool:
    ends = np.array([[0.5, 0.5], [0.5, 0.1]], dtype=np.float32)  # hips, rim
    apart = np.linalg.norm(one.to_picture(ends) - other.to_picture(ends), axis=1)
    return bool(apart.max() < SAME_PLACE * min(one.size, other.size))


def _has_head(face: Face, people: Sequence[Person]) -> bool:
    """Whether a face is that of somebody who was found."""
    return any(
        person.landmarks is not None and face.is_head_of(person.landmarks) for person in people
    )


def _add(person: Person, covered: NDArray[np.bool_]) -> bool:
    """Cover somebody's pixels; False for one whose pixels are mostly covered already."""
    x0, y0, x1, y1 = person.window
    part = covered[y0:y1, x0:x1]
    if part[person.mask].mean() >= COVERED:
        return False
    part |= person.mask
    return True


def _wiped(
    image: NDArray[np.uint8], found: Sequence[_Found], covered: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The picture without people: blurred from around them, as flat shapes look like people too."""
    wiped = image.copy()
    for one in found:
        x0, y0, x1, y1 = _beside(one.body, 0.0).window(covered.shape)
        if x0 >= x1 or y0 >= y1:
            continue
        grain = max(3, round(one.body.size / 40) * 2 + 1)
        around = np.ones((grain, grain), dtype=np.uint8)
        hidden = cv2.dilate(covered[y0:y1, x0:x1].astype(np.uint8), around) == 1
        part = wiped[y0:y1, x0:x1]
        part[hidden] = _surroundings(part, hidden, one.body.size / 10)[hidden]
    return wiped


def _surroundings(
    image: NDArray[np.uint8], hidden: NDArray[np.bool_], reach: float
) -> NDArray[np.uint8]:
    """Every pixel as the mean of what is not hidden around it, a little blurred.

    Args:
        image: uint8 (H, W, 3).
        hidden: bool (H, W).
        reach: standard deviation of the Gaussian window, in pixels.
    """
    # Shrunk, so that the window is of 4 pixels: what is smaller would not be seen anyway.
    height, width = hidden.shape
    shrink = max(1.0, reach / 4)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    seen = (~hidden).astype(np.float32)
    shown = np.dstack([image * seen[..., None], seen])
    shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(shown, (0, 0), max(0.5, reach / shrink))
    mean = image[~hidden].mean(axis=0) if seen.any() else 127.0
    weight = blurred[..., 3:]
    filled = np.where(weight > 1e-3, blurred[..., :3] / np.maximum(weight, 1e-3), mean)
    filled = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(filled, 0, 255), dtype=np.uint8)


def _beside(body: Square, share: float) -> Square:
    """A square to look for the neighbours of somebody."""
    return Square(body.x + share * body.size, body.y, NEIGHBOURHOOD * body.size)


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


def _is_plausible(pose: Pose, shape: tuple[int, int], faces: Sequence[Face]) -> bool:
    """Whether mask and landmarks agree on something that is built like a person."""
    fills_picture = pose.body.size > PORTRAIT * max(shape)
    has_face = any(face.is_head_of(pose.landmarks) for face in faces)
    if fills_picture and not has_face and pose.presence < CERTAIN:
        return False
    return (
        torso_length(pose.landmarks) >= TORSO * pose.body.size
        and _agreement(pose, shape) >= AGREEMENT
    )


def _agreement(pose: Pose, shape: tuple[int, int]) -> float:
    return agreement(pose, pose.square.window(shape))


def _lies_in(pose: Pose, window: Window) -> bool:
    """Whether most of a pose's trunk lies in a window."""
    points = pose.landmarks[TRUNK]
    inside = (points >= window[:2]) & (points < window[2:])
    return bool(inside.all(axis=1).mean() >= 0.5)


def _person(pose: Pose, shape: tuple[int, int], score: float, source: Source) -> Person | None:
    """Somebody with their pixels; None where not a pixel of them is in the picture."""
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
        score=score,
        source=source,
    )


def _bounds(mask: NDArray[np.bool_]) -> Window:
    """The smallest window that holds a mask, which is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

"""People of whom a face was found: where their body must be, and the pixels of a half body."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.people.landmarks import BODY_SCALE
from refsd.people.person import Person
from refsd.people.squares import Square, paste

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people.detectors import Detections
    from refsd.people.networks import Network
    from refsd.people.squares import Pyramid

HIPS_BELOW = 3.8
BODY_RADIUS = 5.2
"""Distance from the face to the hips, and radius of the circle around the body, in sides of the
face's box; measured where both detectors find somebody (astronaut, messi5)."""

BUST = (-2.0, -1.4, 2.0, 4.0)
"""x0 y0 x1 y1 around the middle of a face, in sides of its box: head with hair, shoulders, chest;
more than most people need."""

BUST_SIDE = 6.0
"""Side of the square in which the segmenter looks, likewise."""

SEEN = 0.3
"""Least probability of the segmenter that counts (see ``silhouettes.THRESHOLD``)."""

FILLED = 0.35
"""Least share of the bust that is believed to be somebody; people fill about half of it."""

HEAD = [0, 2, 5, 7, 8, 9, 10]
"""Nose, eyes, ears and mouth among the landmarks of the body."""


@dataclass(frozen=True)
class Face:
    """A face.

    Attributes:
        x: middle, in pixels.
        y: middle.
        size: longer side of its box.
        angle: of the head, in radians, clockwise; 0 is upright.
        score: in [0, 1].
    """

    x: float
    y: float
    size: float
    angle: float
    score: float

    def body(self) -> Square:
        """Where the body of a standing person with this face is, as the landmark network likes."""
        return Square(
            self.x - HIPS_BELOW * self.size * math.sin(self.angle),
            self.y + HIPS_BELOW * self.size * math.cos(self.angle),
            2 * BODY_SCALE * BODY_RADIUS * self.size,
            self.angle,
        )

    def is_head_of(self, landmarks: NDArray[np.float32]) -> bool:
        """Whether this is the face of somebody with these landmarks, float32 (33, 2)."""
        middle = landmarks[HEAD].mean(axis=0)
        return math.hypot(middle[0] - self.x, middle[1] - self.y) < 0.75 * self.size


def distinct_faces(detections: Detections) -> list[Face]:
    """Faces, best first, one for every head."""
    faces: list[Face] = []
    for index in np.argsort(-detections.scores, kind="stable"):
        x0, y0, x1, y1 = (float(value) for value in detections.boxes[index])
        right_eye, left_eye = detections.keypoints[index, :2]
        across, down = (float(value) for value in left_eye - right_eye)
        face = Face(
            x=(x0 + x1) / 2,
            y=(y0 + y1) / 2,
            size=max(x1 - x0, y1 - y0),
            angle=math.atan2(down, across),
            score=float(detections.scores[index]),
        )
        if not any(
            math.hypot(face.x - other.x, face.y - other.y) < 0.5 * max(face.size, other.size)
            for other in faces
        ):
            faces.append(face)
    return faces


def bust(face: Face, pyramid: Pyramid, segmenter: Network) -> Person:
    """Head, shoulders and chest of a person of whom only the face is sure.

    Args:
        face: with its middle in the picture.
        pyramid: the picture.
        segmenter: the selfie segmentation network.

    Returns:
        The person, without landmarks; the whole box where the segmenter does not see a person.
    """
    height, width = pyramid.shape
    x0, y0, x1, y1 = (
        round(middle + side * face.size)
        for middle, side in zip((face.x, face.y) * 2, BUST, strict=True)
    )
    window = (max(0, x0), max(0, y0), min(width, max(1, x1)), min(height, max(1, y1)))
    square = Square(face.x, face.y + (BUST[1] + BUST[3]) / 2 * face.size, BUST_SIDE * face.size)
    probability = segmenter(pyramid.cut(square, segmenter.side))[0][..., 0]
    mask = paste(probability, square, window) >= SEEN
    if mask.mean() < FILLED:
        mask = np.ones_like(mask)
    return Person(
        box=np.array(window, dtype=np.float32),
        window=window,
        mask=mask,
        score=face.score,
        source="face",
    )

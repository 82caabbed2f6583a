"""BlazePose: 33 landmarks in 2D and 3D, and a mask, of one person in a square.

After the model's published configuration (MediaPipe 0.10.21, ``modules/pose_landmark``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.people.networks import Network, sigmoid
from refsd.people.squares import Square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people.squares import Pyramid

LANDMARKS = 33

BODY_SCALE = 1.25
"""The network was trained on squares this much larger than the circle around the body."""

HEATMAP_WINDOW = 3
"""Landmarks are refined by the heatmap within so many cells on each side (a kernel of 7)."""


@dataclass(frozen=True, eq=False)
class Pose:
    """What the network says of one square.

    Attributes:
        presence: in [0, 1], that a person is there.
        landmarks: float32 (33, 2), pixels of the picture.
        world: float32 (33, 3), metres, origin between the hips, x right, y down, z away.
        visibility: float32 (33,) in [0, 1].
        mask: float32 (256, 256), probability, of the square.
        square: where the network looked.
        body: the square in which the network would look next, around the body that it found.
    """

    presence: float
    landmarks: NDArray[np.float32]
    world: NDArray[np.float32]
    visibility: NDArray[np.float32]
    mask: NDArray[np.float32]
    square: Square
    body: Square


def body_square(hips: NDArray[np.float32], rim: NDArray[np.float32]) -> Square:
    """The square around a body.

    Args:
        hips: float32 (2,), the middle of the hips.
        rim: float32 (2,), a point on the circle around the body, above the head: the person is
            turned so that it is straight above the hips.
    """
    x, y = float(rim[0] - hips[0]), float(rim[1] - hips[1])
    return Square(
        float(hips[0]),
        float(hips[1]),
        size=2 * BODY_SCALE * math.hypot(x, y),
        angle=math.atan2(x, -y),
    )


class LandmarkModel:
    """The network with what goes before and after it."""

    def __init__(self) -> None:
        self._network = Network("pose_landmark_full.tflite")

    def __call__(self, pyramid: Pyramid, square: Square) -> Pose:
        """Look for one person, in the middle of the square, upright in it."""
        side = self._network.side
        flat, presence, logits, heatmap, world = self._network(pyramid.cut(square, side))
        points = flat.reshape(-1, 5)
        places = refine(points[:, :2] / np.float32(side), heatmap)
        # Two of the network's further points say where the body is: hips and rim.
        hips, rim = square.to_picture(places[LANDMARKS : LANDMARKS + 2])
        cosine, sine = math.cos(square.angle), math.sin(square.angle)
        metres = world.reshape(-1, 3)[:LANDMARKS].copy()
        metres[:, :2] = metres[:, :2] @ np.array([[cosine, sine], [-sine, cosine]], np.float32)
        return Pose(
            presence=float(presence[0]),
            landmarks=square.to_picture(places[:LANDMARKS]),
            world=metres,
            visibility=sigmoid(points[:LANDMARKS, 3]),
            mask=sigmoid(logits[..., 0]),
            square=square,
            body=body_square(hips, rim),
        )


def refine(points: NDArray[np.float32], heatmap: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move landmarks to the centre of mass of their heatmap around them.

    Args:
        points: float32 (39, 2) in [0, 1].
        heatmap: float32 (64, 64, 39), logits.

    Returns:
        float32 (39, 2); a landmark whose heatmap stays below 0.5 there stays where it was.
    """
    height, width, _ = heatmap.shape
    refined = points.copy()
    for index, (x, y) in enumerate(points):
        column, row = int(x * width), int(y * height)
        if not (0 <= column < width and 0 <= row < height):
            continue
        left, top = max(0, column - HEATMAP_WINDOW), max(0, row - HEATMAP_WINDOW)
        part = sigmoid(
            heatmap[top : row + HEATMAP_WINDOW + 1, left : column + HEATMAP_WINDOW + 1, index]
        )
        if part.max() < 0.5:
            continue
        total = part.sum()
        refined[index] = (
            (part.sum(axis=0) @ (left + np.arange(part.shape[1]))) / total / width,
            (part.sum(axis=1) @ (top + np.arange(part.shape[0]))) / total / height,
        )
    return refined

"""Single-shot detectors: MediaPipe's for poses and for faces, run on one square at a time.

Anchors, box coding and thresholds follow the models' published configuration (MediaPipe 0.10.21,
``modules/pose_detection`` and ``modules/face_detection``): every anchor is a point, in the middle
of its cell, and predicts a box and keypoints relative to itself, in pixels of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.people.networks import Network, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people.squares import Pyramid, Square


@dataclass(frozen=True)
class Layers:
    """Where a detector's anchors are.

    Attributes:
        strides: distance of anchors in input pixels, per group of layers.
        anchors: anchors per cell, for each stride.
    """

    strides: tuple[int, ...]
    anchors: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found, in pixels of the picture.

    Attributes:
        scores: float32 (N,) in [0, 1].
        boxes: float32 (N, 4), x0 y0 x1 y1; around the face in both kinds of detectors.
        keypoints: float32 (N, K, 2).
    """

    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    keypoints: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, which: NDArray[np.intp]) -> Detections:
        """Some of them, by index."""
        return Detections(self.scores[which], self.boxes[which], self.keypoints[which])


def join(parts: list[Detections]) -> Detections:
    """All detections of several squares of a picture."""
    return Detections(
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.keypoints for part in parts]),
    )


def make_anchors(side: int, layers: Layers) -> NDArray[np.float32]:
    """The anchors of a detector: float32 (A, 2), x y in [0, 1], row by row, stride by stride."""
    groups = []
    for stride, count in zip(layers.strides, layers.anchors, strict=True):
        cells = -(-side // stride)
        middle = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        groups.append(np.repeat(grid, count, axis=0))
    return np.concatenate(groups)


class Detector:
    """A detector.

    Args:
        name: of the model file.
        layers: its anchors.
        threshold: least score that counts.
    """

    def __init__(self, name: str, layers: Layers, threshold: float) -> None:
        self._network = Network(name)
        self._anchors = make_anchors(self._network.side, layers)
        self._threshold = threshold

    def __call__(self, pyramid: Pyramid, square: Square) -> Detections:
        """Look at one square of a picture; neighbouring anchors may find the same thing."""
        side = self._network.side
        raw, logits = self._network(pyramid.cut(square, side) * 2 - 1)
        scores = sigmoid(logits[:, 0])
        (found,) = np.nonzero(scores >= self._threshold)
        coded = raw.reshape(len(raw), -1, 2)[found] / np.float32(side)
        # The first pair is the centre of the box relative to the anchor, the second its size, the
        # rest are keypoints relative to the anchor.
        points = coded + self._anchors[found, np.newaxis]
        half = coded[:, 1] * np.float32(0.5)
        corners = np.stack([points[:, 0] - half, points[:, 0] + half], axis=1)
        boxes = square.to_picture(corners).reshape(-1, 4)
        return Detections(scores[found], boxes, square.to_picture(points[:, 2:]))


def pose_detector(threshold: float) -> Detector:
    """Finds people.

    Keypoints: middle of the hips, a point on the circle around the body, middle of the shoulders,
    a point on the circle around the upper body.
    """
    layers = Layers(strides=(8, 16, 32), anchors=(2, 2, 6))
    return Detector("pose_detection.tflite", layers, threshold)


def near_face_detector(threshold: float) -> Detector:
    """Finds large faces; keypoints: eyes, nose, mouth, ears."""
    layers = Layers(strides=(8, 16), anchors=(2, 6))
    return Detector("face_detection_short_range.tflite", layers, threshold)


def far_face_detector(threshold: float) -> Detector:
    """Finds small faces; keypoints: eyes, nose, mouth, ears."""
    layers = Layers(strides=(4,), anchors=(1,))
    return Detector("face_detection_full_range_sparse.tflite", layers, threshold)

"""Anchors as the models' published configuration counts them, and detections in known places."""

import numpy as np
import pytest
import skimage.data

from refsd.people.detectors import (
    Layers,
    far_face_detector,
    make_anchors,
    near_face_detector,
    pose_detector,
)
from refsd.people.faces import distinct_faces
from refsd.people.squares import Pyramid, Square

EYES = np.array([[203, 101], [246, 104]])
"""Of skimage's astronaut, seen by eye: her right one is on the left."""


@pytest.mark.parametrize(
    ("side", "layers", "count"),
    [
        (224, Layers((8, 16, 32), (2, 2, 6)), 2254),
        (128, Layers((8, 16), (2, 6)), 896),
        (192, Layers((4,), (1,)), 2304),
    ],
)
def test_as_many_anchors_as_published(side: int, layers: Layers, count: int) -> None:
    anchors = make_anchors(side, layers)
    assert anchors.shape == (count, 2)
    np.testing.assert_allclose(anchors.mean(axis=0), 0.5, atol=1e-6)
    first = layers.strides[0] / side
    np.testing.assert_allclose(anchors[0], first / 2)
    np.testing.assert_allclose(anchors[layers.anchors[0]], [1.5 * first, first / 2])


@pytest.mark.parametrize("detector", [near_face_detector, far_face_detector])
def test_face_where_it_is(detector) -> None:  # type: ignore[no-untyped-def]
    found = detector(0.6)(Pyramid(skimage.data.astronaut()), Square(256, 256, 512))
    (face,) = distinct_faces(found)
    best = found.keypoints[found.scores.argmax(), :2]
    np.testing.assert_allclose(best, EYES, atol=8)
    assert abs(face.angle) < 0.2
    assert 80 < face.size < 130


def test_pose_above_the_hips() -> None:
    found = pose_detector(0.5)(Pyramid(skimage.data.astronaut()), Square(256, 256, 512))
    hips, _, shoulders, _ = found.keypoints[found.scores.argmax()]
    assert 200 < shoulders[1] < 300 < hips[1]


def test_nothing_in_nothing() -> None:
    grey = np.full((300, 300, 3), 127, dtype=np.uint8)
    for make in (pose_detector, near_face_detector, far_face_detector):
        assert len(make(0.5)(Pyramid(grey), Square(150, 150, 300))) == 0

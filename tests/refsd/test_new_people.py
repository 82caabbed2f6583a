"""Labels of an avatar, from a rendering whose geometry is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from refsd.bodies import blazepose_landmarks, load_body
from refsd.compositing import Layer
from refsd.labels import COCO_KEYPOINTS, new_person
from refsd.rendering import Camera, Light, make_renderer
from refsd.wardrobe import bank_avatar, dress

if TYPE_CHECKING:
    from refsd.people import NewPerson

CAMERA = Camera(fx=700, fy=700, cx=100, cy=120, width=200, height=260)


class Standing:
    """An avatar that faces us, arms apart."""

    def __init__(self, x: float = 0.0, z: float = 5.5, turned: float = 0.0) -> None:
        body, avatar = load_body(), bank_avatar(5)
        rotations = np.zeros((1, len(body.joint_names), 3), dtype=np.float32)
        rotations[0, 0, 1] = turned
        place = np.float32([[x, 0.0, z]])
        bodies = body.pose([avatar.shape], rotations, place)
        self.landmarks = blazepose_landmarks(body, bodies)[0]
        self.joints, self.names = bodies.joints[0], body.joint_names
        meshes = dress(avatar, body, bodies.vertices[0])
        rendering = make_renderer("numpy").render(meshes, CAMERA, Light())
        whole = np.ones((CAMERA.height, CAMERA.width), dtype=np.bool_)
        self.layer = Layer(rendering, (0, 0, CAMERA.width, CAMERA.height), whole)

    def label(self, others: tuple[Standing, ...] = (), a: np.ndarray | None = None) -> NewPerson:
        shown = np.ones((CAMERA.height, CAMERA.width), np.bool_) if a is None else a
        return new_person(
            self.layer, [other.layer for other in others], landmarks=self.landmarks,
            joints=self.joints, joint_names=self.names, camera=CAMERA, a=shown,
        )  # fmt: skip


@pytest.fixture(scope="module")
def alone() -> Standing:
    return Standing()


def point(label: NewPerson, name: str) -> tuple[np.ndarray, int]:
    row = COCO_KEYPOINTS.index(name)
    return label.keypoints[row], int(label.visibility[row])


def test_keypoints_lie_on_the_avatar(alone: Standing) -> None:
    label = alone.label()
    for (x, y), seen in zip(label.keypoints, label.visibility, strict=True):
        assert seen in (1, 2)
        assert label.mask[int(y), int(x)] or seen == 1
    # Ears may lie under hair, or at the outline's edge.
    hidden = {name for name, seen in zip(COCO_KEYPOINTS, label.visibility, strict=True) if seen < 2}
    assert hidden <= {"left_ear", "right_ear"}
    # The person's own left is on our right when they face us.
    assert point(label, "left_shoulder")[0][0] > point(label, "right_shoulder")[0][0]
    assert point(label, "nose")[0][1] < point(label, "left_hip")[0][1]
    assert label.joints.shape == (len(label.joint_names), 3)


def test_the_box_is_tight(alone: Standing) -> None:
    label = alone.label()
    rows, columns = np.nonzero(label.mask)
    assert label.box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_face_that_looks_away_is_hidden() -> None:
    label = Standing(turned=np.pi).label()
    assert point(label, "nose")[1] == 1
    assert point(label, "left_eye")[1] == 1
    assert point(label, "left_shoulder")[0][0] < point(label, "right_shoulder")[0][0]


def test_who_stands_before_hides(alone: Standing) -> None:
    nearer = Standing(x=0.05, z=5.0)
    behind = alone.label((nearer,))
    assert (behind.mask & nearer.label((alone,)).mask).sum() == 0
    assert behind.mask.sum() < 0.5 * alone.label().mask.sum()
    assert (behind.visibility == 1).sum() >= 8
    assert (nearer.label((alone,)).visibility[:3] == 2).all()


def test_what_is_outside_the_picture_is_not_there() -> None:
    label = Standing(x=0.75).label()
    outside = (label.keypoints[:, 0] < 0) | (label.keypoints[:, 0] >= CAMERA.width)
    assert outside.any()
    assert (label.visibility[outside] == 0).all()
    assert label.box[2] <= CAMERA.width


def test_an_avatar_is_cut_where_nothing_may_change(alone: Standing) -> None:
    a = np.zeros((CAMERA.height, CAMERA.width), dtype=np.bool_)
    a[:120] = True
    label = alone.label(a=a)
    assert not label.mask[120:].any()
    assert label.box[3] <= 120
    assert point(label, "left_knee")[1] == 1
    nobody = alone.label(a=np.zeros_like(a))
    assert not nobody.mask.any()
    assert nobody.box.tolist() == [0, 0, 0, 0]

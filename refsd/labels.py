"""Where an avatar is in a picture: labels that stay true for the pseudonymized data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.bodies.landmarks import LANDMARKS
from refsd.people.person import NewPerson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.compositing import Layer
    from refsd.rendering import Camera

COCO_KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""COCO's keypoints in its order; all are among BlazePose's landmarks."""

BEHIND = 0.12
"""A keypoint lies inside the body; it counts as hidden where the surface before it is further
away from it than this, in metres."""

BEHIND_HIP = 0.20
"""The same for hips, which lie deepest."""


def new_person(
    layer: Layer,
    others: Sequence[Layer],
    *,
    landmarks: NDArray[np.float32],
    joints: NDArray[np.float32],
    joint_names: tuple[str, ...],
    camera: Camera,
    a: NDArray[np.bool_],
) -> NewPerson:
    """The labels of one avatar.

    Args:
        layer: the avatar, rendered.
        others: the other avatars of the picture, which may stand before this one.
        landmarks: float32 (33, 3), metres, camera coordinates.
        joints: float32 (J, 3), metres, camera coordinates.
        joint_names: J names.
        camera: of the whole picture.
        a: bool (H, W), where avatars are shown: they are cut off outside.
    """
    x0, y0, x1, y1 = layer.window
    depth = np.full(a.shape, np.inf, dtype=np.float32)
    for other in others:
        left, top, right, bottom = other.window
        part = depth[top:bottom, left:right]
        np.minimum(part, other.rendering.depth, out=part)
    drawn = layer.rendering.rgba[..., 3] >= 128
    seen = drawn & a[y0:y1, x0:x1] & (layer.rendering.depth <= depth[y0:y1, x0:x1])
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    box = np.zeros(4, dtype=np.float32)
    if rows.size:
        box[:] = x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1
    points = landmarks[[LANDMARKS.index(name) for name in COCO_KEYPOINTS]]
    keypoints = np.stack(
        [
            camera.fx * points[:, 0] / points[:, 2] + camera.cx,
            camera.fy * points[:, 1] / points[:, 2] + camera.cy,
        ],
        axis=1,
    ).astype(np.float32)
    visibility = np.zeros(len(points), dtype=np.uint8)
    for row, (column, line) in enumerate(np.floor(keypoints).astype(int).tolist()):
        if not (0 <= column < camera.width and 0 <= line < camera.height):
            continue
        visibility[row] = 1
        if x0 <= column < x1 and y0 <= line < y1 and seen[line - y0, column - x0]:
            surface = layer.rendering.depth[line - y0, column - x0]
            deepest = BEHIND_HIP if COCO_KEYPOINTS[row].endswith("hip") else BEHIND
            visibility[row] = 2 if points[row, 2] - surface <= deepest else 1
    return NewPerson(box, layer.window, seen, keypoints, visibility, joints, joint_names)

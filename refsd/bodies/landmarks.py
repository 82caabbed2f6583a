"""Where BlazePose's 33 landmarks lie on a body."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from refsd.bodies.rigs import rig_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies.model import Bodies, BodyModel

LANDMARKS = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""BlazePose's landmarks in its order; left is the person's own left."""

# Points of the left half of anny's face that have no keypoint, as offsets in metres from the left
# eye's centre of the usual shape; measured on a drawing of it. The nearest vertex is the landmark.
_FACE = {
    "nose": (-0.029, 0.037, -0.042),
    "eye_inner": (-0.010, 0.001, -0.012),
    "eye": (0.001, 0.000, -0.018),
    "eye_outer": (0.015, -0.001, -0.005),
    "mouth": (-0.006, 0.070, -0.020),
}


def landmark_part(landmark: str) -> tuple[str, str]:
    """A landmark's name without its side, and the side: ``L``, ``R`` or empty.

    >>> landmark_part("left_foot_index"), landmark_part("mouth_right"), landmark_part("nose")
    (('foot_index', 'L'), ('mouth', 'R'), ('nose', ''))
    """
    words = [word for word in landmark.split("_") if word not in {"left", "right"}]
    if "left" in landmark:
        return "_".join(words), "L"
    return "_".join(words), "R" if "right" in landmark else ""


def landmark_bones(body: BodyModel) -> NDArray[np.int64]:
    """int64 (33,): the joint that moves each landmark."""
    rig = rig_of(body)
    parts = [landmark_part(landmark) for landmark in LANDMARKS]
    names = [rig.name(rig.landmark_bones.get(part, "head"), side) for part, side in parts]
    return np.array([body.joint_names.index(name) for name in names])


def landmark_points(
    body: BodyModel, vertices: NDArray[np.float32], joints: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The landmarks of one body.

    Args:
        body: whose vertices and joints these are.
        vertices: float32 (V, 3), metres.
        joints: float32 (J, 3), metres.

    Returns:
        float32 (33, 3), metres.
    """
    of_vertices, of_joints = _weights(body)
    points: NDArray[np.float32] = (of_vertices @ vertices + of_joints @ joints).astype(np.float32)
    return points


def blazepose_landmarks(body: BodyModel, bodies: Bodies) -> NDArray[np.float32]:
    """BlazePose's landmarks of posed bodies, as a perfect landmark model would find them.

    Args:
        body: the model that posed them.
        bodies: B posed bodies.

    Returns:
        float32 (B, 33, 3), metres, camera coordinates.
    """
    return np.stack(
        [
            landmark_points(body, vertices, joints)
            for vertices, joints in zip(bodies.vertices, bodies.joints, strict=True)
        ]
    )


@cache
def _weights(body: BodyModel) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Landmarks as means of vertices, sparse (33, V), and of joints, sparse (33, J)."""
    rest, rest_joints = body.rest_vertices({}), body.rest_joints({})
    rig = rig_of(body)
    of_vertices = np.zeros((len(LANDMARKS), len(rest)))
    of_joints = np.zeros((len(LANDMARKS), len(rest_joints)))
    for row, landmark in enumerate(LANDMARKS):
        part, side = landmark_part(landmark)
        if part in rig.landmark_joints:
            name = rig.name(rig.landmark_joints[part], side)
            of_joints[row, body.joint_names.index(name)] = 1.0
        elif part in rig.landmark_keypoints:
            word = {"L": "left", "R": "right"}.get(side, "")
            name = rig.landmark_keypoints[part].format(side=word)
            of_vertices[row] = body.keypoint_weights[body.keypoint_names.index(name)]
        else:
            of_vertices[row, _face_vertex(body, rest, rest_joints, part, side)] = 1.0
    return sparse.csr_matrix(of_vertices), sparse.csr_matrix(of_joints)


def _face_vertex(
    body: BodyModel,
    rest: NDArray[np.float32],
    rest_joints: NDArray[np.float32],
    part: str,
    side: str,
) -> int:
    """The vertex of a point of the face, by its offset from the eye."""
    names = {name: index for index, name in enumerate(body.joint_names)}
    eyeballs = body.skin_weights[:, [names["eye.L"], names["eye.R"]]].sum(axis=1) > 0.5
    point = rest_joints[names["eye.L"]] + np.array(_FACE[part])
    mirrored = point * [-1.0 if side == "R" else 1.0, 1.0, 1.0]
    distance = np.linalg.norm(rest - mirrored, axis=1)
    # The eye itself is the eyeball's front; its corners are the lids'.
    distance[~eyeballs if part == "eye" else eyeballs] = np.inf
    return int(distance.argmin())

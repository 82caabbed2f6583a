"""Where BlazePose's 33 landmarks lie on a body."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies.anny import AnnyBody
    from refsd.bodies.model import Bodies

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

# Landmarks of the body → anny's mean of vertices (COCO's keypoints), or the joint that is it.
_KEYPOINTS = {
    "ear": "ear",
    "shoulder": "shoulder",
    "elbow": "elbow",
    "wrist": "wrist",
    "hip": "hip",
    "knee": "knee",
    "ankle": "ankle",
    "heel": "heel",
    "foot_index": "big_toe",
}
_JOINTS = {"pinky": "finger5-1", "index": "finger2-1", "thumb": "finger1-2"}

# Points of the left half of anny's face that have no keypoint, as offsets in metres from the left
# eye's centre of the usual shape; measured on a drawing of it. The nearest vertex is the landmark.
_FACE = {
    "nose": (-0.029, 0.037, -0.042),
    "eye_inner": (-0.010, 0.001, -0.012),
    "eye": (0.001, 0.000, -0.018),
    "eye_outer": (0.015, -0.001, -0.005),
    "mouth": (-0.006, 0.070, -0.020),
}

_BONES = {
    "shoulder": "shoulder01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "pinky": "wrist",
    "index": "wrist",
    "thumb": "wrist",
    "hip": "root",
    "knee": "lowerleg01",
    "ankle": "lowerleg02",
    "heel": "foot",
    "foot_index": "foot",
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


def landmark_bones(body: AnnyBody) -> NDArray[np.int64]:
    """int64 (33,): the joint that moves each landmark."""
    bones = []
    for landmark in LANDMARKS:
        part, side = landmark_part(landmark)
        bone = _BONES.get(part, "head")
        bones.append(body.joint_names.index(bone if bone in {"root", "head"} else f"{bone}.{side}"))
    return np.array(bones)


def landmark_points(
    body: AnnyBody, vertices: NDArray[np.float32], joints: NDArray[np.float32]
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


def blazepose_landmarks(body: AnnyBody, bodies: Bodies) -> NDArray[np.float32]:
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
def _weights(body: AnnyBody) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Landmarks as means of vertices, sparse (33, V), and of joints, sparse (33, J)."""
    rest, rest_joints = body.rest_vertices({}), body.rest_joints({})
    names = {name: index for index, name in enumerate(body.joint_names)}
    eyeballs = body.skin_weights[:, [names["eye.L"], names["eye.R"]]].sum(axis=1) > 0.5
    of_vertices = np.zeros((len(LANDMARKS), len(rest)))
    of_joints = np.zeros((len(LANDMARKS), len(rest_joints)))
    for row, landmark in enumerate(LANDMARKS):
        part, side = landmark_part(landmark)
        if part in _JOINTS:
            of_joints[row, names[f"{_JOINTS[part]}.{side}"]] = 1.0
        elif part in _KEYPOINTS:
            name = f"{'left' if side == 'L' else 'right'}_{_KEYPOINTS[part]}"
            of_vertices[row] = body.keypoint_weights[body.keypoint_names.index(name)]
        else:
            point = rest_joints[names["eye.L"]] + np.array(_FACE[part])
            mirrored = point * [-1.0 if side == "R" else 1.0, 1.0, 1.0]
            distance = np.linalg.norm(rest - mirrored, axis=1)
            # The eye itself is the eyeball's front; its corners are the lids'.
            distance[~eyeballs if part == "eye" else eyeballs] = np.inf
            of_vertices[row, int(distance.argmin())] = 1.0
    return sparse.csr_matrix(of_vertices), sparse.csr_matrix(of_joints)

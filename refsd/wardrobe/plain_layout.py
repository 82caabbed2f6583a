"""Canonical coordinates and a UV layout for bodies whose meshes the wardrobe does not know.

Clothes are cut for one neutral body (see ``canonical``). Another body model's vertices are given
the coordinates of the corresponding places on that body: heights by way of its joints and its
face's landmarks, arms by how far along and which way round they are. What is painted there then
fits, to a few centimetres.

The layout has four charts, rolled off head, torso, arm and leg; both arms share one, both legs
too. A chart's width is the angle around the part and its height runs along it, so that hems and
faces are as fine as the texture, however coarse the mesh is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.bodies.landmarks import LANDMARKS, landmark_points
from refsd.bodies.rigs import rig_of
from refsd.wardrobe.arrays import floats
from refsd.wardrobe.canonical import Places, Texels, drawn_texels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import BodyModel

_SIZE = 512

# The neutral body's places, metres (see ``canonical``; joints and landmarks of anny at rest).
_CROWN, _EYES, _MOUTH, _SHOULDERS, _KNEES, _ANKLES, _SOLES = (
    -0.85, -0.733, -0.6645, -0.484, 0.454, 0.905, 0.99,
)  # fmt: skip
_EYE_X, _EYE_Z, _EAR_Z, _SHOULDER_X = 0.0313, -0.132, -0.03, 0.187
_ARM = np.array([(0.187, -0.484, -0.009), (0.378, -0.269, -0.016), (0.51, -0.135, -0.192)])
# Outwards and up from the arm, for the left one.
_ARM_UP = np.array([0.747, -0.665, 0.0])

# Charts: left, top, width and height in the unit square, and what they show from top to bottom.
# The face takes most.
_CHARTS = {
    "head": (0.0, 0.0, 1.0, 0.5),
    "torso": (0.0, 0.5, 0.4, 0.5),
    "arm": (0.4, 0.5, 0.25, 0.5),
    "leg": (0.65, 0.5, 0.35, 0.5),
}
_SPANS = {"head": (-0.87, -0.50), "torso": (-0.66, 0.20), "arm": (-0.15, 1.65), "leg": (-0.1, 1.02)}
# Charts are wider than a full turn: faces across the back stay whole.
_OVERLAP = 1.2
_MARGIN = 0.01


@dataclass(frozen=True, eq=False)
class Layout:
    """What is needed to paint and pad a body.

    Attributes:
        places: of the body's vertices.
        uv: float32 (3 F, 2), v down. uv_faces: int32 (F, 3).
        texels: of the layout.
    """

    places: Places
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texels: Texels


@cache
def layout_of(body: BodyModel) -> Layout:
    """The layout of a body model, from its usual shape at rest; made once per model."""
    places = _places(body)
    parts = np.stack(
        [places.head, 1 - places.head - places.arm - places.leg, places.arm, places.leg], axis=1
    )
    chart = parts[body.faces].mean(axis=1).argmax(axis=1)
    uv = np.zeros((*body.faces.shape, 2), dtype=np.float32)
    for number, (name, (x, y, width, height)) in enumerate(_CHARTS.items()):
        mine = body.faces[chart == number]
        angle, along = _rolled(name, places)
        angles = angle[mine]
        across_back = np.ptp(angles, axis=1) > np.pi
        angles = np.where(across_back[:, None] & (angles < 0), angles + 2 * np.pi, angles)
        top, bottom = _SPANS[name]
        inside = np.stack(
            [(angles + np.pi) / (2 * np.pi + _OVERLAP), (along[mine] - top) / (bottom - top)],
            axis=-1,
        )
        inside = np.clip(inside, _MARGIN, 1 - _MARGIN)
        uv[chart == number] = np.array([x, y]) + np.array([width, height]) * inside
    flat = uv.reshape(-1, 2)
    uv_faces = np.arange(len(flat), dtype=np.int32).reshape(-1, 3)
    # Where faces lie over one another, as a mouth's inside on its lips, the outer one is painted.
    order = np.argsort(_distances(places)[body.faces].mean(axis=1), kind="stable")
    texels = drawn_texels(places, body.faces[order], flat, uv_faces[order], _SIZE)
    return Layout(places, flat, uv_faces, texels)


def _distances(places: Places) -> NDArray[np.float32]:
    """Metres from the middle of the head or of whatever else a vertex is on."""
    x, _, z = places.position.T
    return floats(np.hypot(x, z + np.where(places.head > 0.5, 0.03, 0.0)))


def _rolled(chart: str, places: Places) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Angle around a part in radians, 0 in front, and how far along it, of every vertex."""
    x, y, z = places.position.T
    out = np.abs(x)
    if chart == "arm":
        line = _arm_line(places.along_arm)
        across = (out - line[:, 0]) * _ARM_UP[0] + (y - line[:, 1]) * _ARM_UP[1]
        return floats(np.arctan2(across, line[:, 2] - z)), places.along_arm
    if chart == "leg":
        middle = 0.115 + 0.09 * np.clip(y / _ANKLES, 0, 1)
        return floats(np.arctan2(out - middle, -z)), floats(y)
    return floats(np.arctan2(x, -z - (0.03 if chart == "head" else 0.0))), floats(y)


def _places(body: BodyModel) -> Places:
    """Canonical coordinates of a body's vertices."""
    rest, joints = body.rest_vertices({}), body.rest_joints({})
    rig = rig_of(body)
    index = {name: number for number, name in enumerate(body.joint_names)}
    points = landmark_points(body, rest, joints)

    def joint(bone: str, side: str = "L") -> int:
        return index[rig.name(rig.bones[bone], side)]

    def landmark(name: str) -> NDArray[np.float32]:
        found: NDArray[np.float32] = points[LANDMARKS.index(name)]
        return found

    def share(*tops: int) -> NDArray[np.float32]:
        """How much joints, and all that hangs from them, move each vertex."""
        below = np.zeros(len(joints), dtype=np.bool_)
        for number, parent in enumerate(body.parents.tolist()):
            below[number] = number in tops or (parent >= 0 and below[parent])
        return floats(body.skin_weights[:, below].sum(axis=1))

    def both(bone: str) -> NDArray[np.float32]:
        return share(joint(bone, "L"), joint(bone, "R"))

    arm, head = both("upper_arm"), share(index["head"])
    position = np.empty_like(rest)
    heights = [
        (float(rest[:, 1].min()), _CROWN),
        (float(landmark("left_eye")[1]), _EYES),
        (float(landmark("mouth_left")[1]), _MOUTH),
        (float(joints[joint("upper_arm"), 1]), _SHOULDERS),
        (0.0, 0.0),
        (float(joints[joint("shin"), 1]), _KNEES),
        (float(joints[joint("foot"), 1]), _ANKLES),
        (float(rest[:, 1].max()), _SOLES),
    ]
    own, canonical = np.array(heights).T
    position[:, 1] = np.interp(rest[:, 1], own, canonical)
    wide = _SHOULDER_X / joints[joint("upper_arm"), 0]
    position[:, 0] = rest[:, 0] * wide
    position[:, 2] = rest[:, 2] * wide
    face = head > 0.5
    position[face, 0] = rest[face, 0] * (_EYE_X / landmark("left_eye")[0])
    depths = [(landmark("left_eye")[2], _EYE_Z), (landmark("left_ear")[2], _EAR_Z)]
    (near, near_z), (far, far_z) = depths
    position[face, 2] = near_z + (rest[face, 2] - near) * (far_z - near_z) / (far - near)

    along = np.zeros(len(rest), dtype=np.float32)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        line = joints[[joint(bone, side) for bone in ("upper_arm", "forearm", "hand")]]
        mine = rest[:, 0] * sign > 0
        upper, lower = (_along(rest, line[i], line[i + 1]) for i in (0, 1))
        along[mine] = np.where(upper < 1, upper, 1 + np.maximum(lower, 0))[mine] / 2
        on = mine & (arm > 0.5)
        at = np.stack(
            [np.interp(along[on], (0, 0.5, 1), line[:, axis]) for axis in range(3)], axis=1
        )
        up = (at - rest[on])[:, 1:2]
        there = _arm_line(along[on]) + up * _ARM_UP
        there[:, 2] += (rest[on] - at)[:, 2]
        position[on] = there * [sign, 1, 1]
    return Places(
        position=floats(position),
        arm=arm,
        along_arm=along,
        leg=both("thigh"),
        foot=both("foot"),
        hand=both("hand"),
        head=head,
        eye=np.zeros(len(rest), dtype=np.float32),
    )


def _arm_line(along: NDArray[np.float32]) -> NDArray[np.float64]:
    """float64 (N, 3): the neutral body's left arm, straight on beyond its ends."""
    first = np.clip(along, None, 0.5)[:, None] * 2
    then = np.clip(along - 0.5, 0, None)[:, None] * 2
    line: NDArray[np.float64] = _ARM[0] + first * (_ARM[1] - _ARM[0]) + then * (_ARM[2] - _ARM[1])
    return line


def _along(
    points: NDArray[np.float32], start: NDArray[np.float32], end: NDArray[np.float32]
) -> NDArray[np.float32]:
    axis = end - start
    return floats((points - start) @ axis / (axis @ axis))

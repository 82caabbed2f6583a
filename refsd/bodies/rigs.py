"""How each body model's joints are called, by what they are to an anatomist.

``anatomy`` and ``landmarks`` speak of elbows and thighs; a rig says which joints of one body model
those are. In every name ``{side}`` stands for the body's own left or right: in names of joints as
the model says it, in names of keypoints ``left`` and ``right``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refsd.bodies.model import BodyModel

    Shares = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Rig:
    """The joints of one body model.

    Attributes:
        left: what ``{side}`` is on the left. right: on the right.
        hinges: hinge, without its side, → joints that turn, with each one's share of the angle.
        bones: ``root``, ``clavicle``, ``upper_arm`` and ``upper_arm_end`` (the joint above the
            elbow that turns last), ``forearm``, ``hand``, ``thigh``, ``thigh_end``, ``shin``,
            ``foot`` → joint.
        knuckles: joints of the index and the little finger; None where fingers have none, and
            palms face the ground at rest.
        straight_arms: whether the rest pose has straight arms, which bend forward; such arms do
            not show how they are twisted.
        landmark_joints: landmark, without its side, → joint that lies there.
        landmark_keypoints: landmark → keypoint of the body that lies there.
        landmark_bones: landmark → joint that moves it; those not named move with ``head``.
    """

    left: str
    right: str
    hinges: Mapping[str, Shares]
    bones: Mapping[str, str]
    knuckles: tuple[str, str] | None
    straight_arms: bool
    landmark_joints: Mapping[str, str]
    landmark_keypoints: Mapping[str, str]
    landmark_bones: Mapping[str, str]

    def name(self, pattern: str, side: str) -> str:
        """A joint's name.

        Args:
            pattern: with or without ``{side}``.
            side: ``L``, ``R`` or empty.
        """
        return pattern.format(side=self.left if side == "L" else self.right)


SMPL_JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar",
    "head", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist",
    "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
"""SMPL's joints in its order; SMPL-H and SMPL-X have the first 22 and other hands."""

SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)


def rig_of(body: BodyModel) -> Rig:
    """The rig of a body model."""
    return _RIGS[body.name]


_ANNY_FINGERS = tuple(
    (f"finger{finger}-{bone}.{{side}}", share)
    for finger in (2, 3, 4, 5)
    for bone, share in ((1, 0.8), (2, 1.0), (3, 0.7))
)
_ANNY_SPINE = tuple((f"spine0{i}", 0.2) for i in (5, 4, 3, 2, 1))
_ANNY_NECK = (("neck01", 0.2), ("neck02", 0.15), ("neck03", 0.15), ("head", 0.5))

_ANNY = Rig(
    left="L",
    right="R",
    hinges={
        "spine_bend": _ANNY_SPINE,
        "spine_side": _ANNY_SPINE,
        "spine_turn": _ANNY_SPINE,
        "neck_turn": _ANNY_NECK,
        "neck_side": _ANNY_NECK,
        "neck_bend": _ANNY_NECK,
        "clavicle_raise": (("clavicle.{side}", 1.0),),
        "clavicle_forward": (("clavicle.{side}", 1.0),),
        "shoulder_flex": (("upperarm01.{side}", 1.0),),
        "shoulder_abduct": (("upperarm01.{side}", 1.0),),
        "shoulder_twist": (("upperarm01.{side}", 0.5), ("upperarm02.{side}", 0.5)),
        "elbow": (("lowerarm01.{side}", 1.0),),
        "pronation": (("lowerarm02.{side}", 0.5), ("wrist.{side}", 0.5)),
        "wrist_flex": (("wrist.{side}", 1.0),),
        "wrist_side": (("wrist.{side}", 1.0),),
        "fingers": _ANNY_FINGERS,
        "hip_flex": (("upperleg01.{side}", 1.0),),
        "hip_abduct": (("upperleg01.{side}", 1.0),),
        "hip_twist": (("upperleg01.{side}", 0.5), ("upperleg02.{side}", 0.5)),
        "knee": (("lowerleg01.{side}", 1.0),),
        "ankle": (("foot.{side}", 1.0),),
        "ankle_roll": (("foot.{side}", 1.0),),
        "foot_turn": (("foot.{side}", 1.0),),
        "toes": tuple((f"toe{toe}-1.{{side}}", 1.0) for toe in (1, 2, 3, 4, 5)),
    },
    bones={
        "root": "root",
        "clavicle": "clavicle.{side}",
        "upper_arm": "upperarm01.{side}",
        "upper_arm_end": "upperarm02.{side}",
        "forearm": "lowerarm01.{side}",
        "hand": "wrist.{side}",
        "thigh": "upperleg01.{side}",
        "thigh_end": "upperleg02.{side}",
        "shin": "lowerleg01.{side}",
        "foot": "foot.{side}",
    },
    knuckles=("finger2-1.{side}", "finger5-1.{side}"),
    straight_arms=False,
    landmark_joints={
        "pinky": "finger5-1.{side}",
        "index": "finger2-1.{side}",
        "thumb": "finger1-2.{side}",
    },
    # Means of vertices that the package gives for COCO's keypoints.
    landmark_keypoints={
        "ear": "{side}_ear",
        "shoulder": "{side}_shoulder",
        "elbow": "{side}_elbow",
        "wrist": "{side}_wrist",
        "hip": "{side}_hip",
        "knee": "{side}_knee",
        "ankle": "{side}_ankle",
        "heel": "{side}_heel",
        "foot_index": "{side}_big_toe",
    },
    landmark_bones={
        "shoulder": "shoulder01.{side}",
        "elbow": "lowerarm01.{side}",
        "wrist": "wrist.{side}",
        "pinky": "wrist.{side}",
        "index": "wrist.{side}",
        "thumb": "wrist.{side}",
        "hip": "root",
        "knee": "lowerleg01.{side}",
        "ankle": "lowerleg02.{side}",
        "heel": "foot.{side}",
        "foot_index": "foot.{side}",
    },
)

_SMPL_SPINE = tuple((f"spine{i}", 1 / 3) for i in (1, 2, 3))
_SMPL_NECK = (("neck", 0.5), ("head", 0.5))


def _smpl_rig(fingers: Shares, knuckles: tuple[str, str] | None) -> Rig:
    """SMPL, SMPL-H and SMPL-X share their 22 joints of the body; they differ in their hands.

    Args:
        fingers: what turns when the hand closes.
        knuckles: see ``Rig``.
    """
    eyes = {"nose": "nose"} | {
        part: f"{{side}}_{part}" for part in ("eye", "eye_inner", "eye_outer", "ear", "mouth")
    }
    feet = {"heel": "{side}_heel", "foot_index": "{side}_big_toe"}
    hands = {part: f"{{side}}_{part}" for part in ("index", "pinky", "thumb")}
    limbs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    return Rig(
        left="left",
        right="right",
        hinges={
            "spine_bend": _SMPL_SPINE,
            "spine_side": _SMPL_SPINE,
            "spine_turn": _SMPL_SPINE,
            "neck_turn": _SMPL_NECK,
            "neck_side": _SMPL_NECK,
            "neck_bend": _SMPL_NECK,
            "clavicle_raise": (("{side}_collar", 1.0),),
            "clavicle_forward": (("{side}_collar", 1.0),),
            "shoulder_flex": (("{side}_shoulder", 1.0),),
            "shoulder_abduct": (("{side}_shoulder", 1.0),),
            "shoulder_twist": (("{side}_shoulder", 1.0),),
            "elbow": (("{side}_elbow", 1.0),),
            "pronation": (("{side}_elbow", 0.5), ("{side}_wrist", 0.5)),
            "wrist_flex": (("{side}_wrist", 1.0),),
            "wrist_side": (("{side}_wrist", 1.0),),
            "fingers": fingers,
            "hip_flex": (("{side}_hip", 1.0),),
            "hip_abduct": (("{side}_hip", 1.0),),
            "hip_twist": (("{side}_hip", 1.0),),
            "knee": (("{side}_knee", 1.0),),
            "ankle": (("{side}_ankle", 1.0),),
            "ankle_roll": (("{side}_ankle", 1.0),),
            "foot_turn": (("{side}_ankle", 1.0),),
            "toes": (("{side}_foot", 1.0),),
        },
        bones={
            "root": "pelvis",
            "clavicle": "{side}_collar",
            "upper_arm": "{side}_shoulder",
            "upper_arm_end": "{side}_shoulder",
            "forearm": "{side}_elbow",
            "hand": "{side}_wrist",
            "thigh": "{side}_hip",
            "thigh_end": "{side}_hip",
            "shin": "{side}_knee",
            "foot": "{side}_ankle",
        },
        knuckles=knuckles,
        straight_arms=True,
        landmark_joints={part: f"{{side}}_{part}" for part in limbs},
        landmark_keypoints=eyes | hands | feet,
        landmark_bones={
            "shoulder": "{side}_collar",
            "elbow": "{side}_elbow",
            "wrist": "{side}_wrist",
            "pinky": "{side}_wrist",
            "index": "{side}_wrist",
            "thumb": "{side}_wrist",
            "hip": "pelvis",
            "knee": "{side}_knee",
            "ankle": "{side}_ankle",
            "heel": "{side}_ankle",
            "foot_index": "{side}_ankle",
        },
    )


_SMPL_FINGERS = tuple(
    (f"{{side}}_{finger}{bone}", share)
    for finger in ("index", "middle", "ring", "pinky")
    for bone, share in ((1, 0.8), (2, 1.0), (3, 0.7))
)
_SMPL_HANDS = _smpl_rig(_SMPL_FINGERS, ("{side}_index1", "{side}_pinky1"))

_RIGS = {
    "anny": _ANNY,
    "smpl": _smpl_rig((("{side}_hand", 1.0),), None),
    "smplh": _SMPL_HANDS,
    "smplx": _SMPL_HANDS,
}

"""Joint angles as an anatomist names them, and the body's joint rotations that they amount to.

All angles are zero in the *anatomical zero*: upright, legs and arms straight and vertical, palms
towards the thighs, soles level. Each is a turn about one axis, within the limits of a living
joint; so a pose made of angles cannot bend a knee backwards. Left and right mirror each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from refsd.bodies.kinematics import rotation_matrices
from refsd.bodies.rigs import rig_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from refsd.bodies.model import BodyModel

_FORWARD = (-1.0, 0.0, 0.0)  # turns what hangs down towards the front
_BACKWARD = (1.0, 0.0, 0.0)
_OUTWARD = (0.0, 0.0, -1.0)  # turns what hangs down on the left side away from the body
_INWARD = (0.0, 0.0, 1.0)
_LEFTWARD = (0.0, -1.0, 0.0)  # turns the front towards the body's left
_RIGHTWARD = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Hinge:
    """One angle.

    Attributes:
        name: e.g. ``knee.L``.
        axis: unit vector in the anatomical zero's axes, which are the camera's.
        low: smallest angle, degrees. high: the largest.
        usual: the angle of someone standing at ease, degrees.
        spread: how far people are from it, degrees (one standard deviation); 0 for angles that
            landmarks say nothing about.
    """

    name: str
    axis: tuple[float, float, float]
    low: float
    high: float
    usual: float
    spread: float


# Limits: American Academy of Orthopaedic Surgeons, Joint Motion (1965), rounded and somewhat
# tightened; usual angles and spreads are ours, for people who stand and walk.
_CENTRE = (
    Hinge("spine_bend", _BACKWARD, -25, 80, 3, 12),
    Hinge("spine_side", _INWARD, -30, 30, 0, 6),
    Hinge("spine_turn", _LEFTWARD, -40, 40, 0, 12),
    Hinge("neck_turn", _LEFTWARD, -70, 70, 0, 20),
    Hinge("neck_side", _INWARD, -35, 35, 0, 9),
    Hinge("neck_bend", _BACKWARD, -45, 45, 3, 14),
)
_LEFT = (
    Hinge("clavicle_raise", _OUTWARD, -8, 25, 0, 4),
    Hinge("clavicle_forward", _RIGHTWARD, -15, 20, 0, 5),
    Hinge("shoulder_flex", _FORWARD, -50, 170, 5, 35),
    Hinge("shoulder_abduct", _OUTWARD, -25, 150, 12, 25),
    Hinge("shoulder_twist", _RIGHTWARD, -60, 85, 5, 30),
    Hinge("elbow", _FORWARD, 2, 145, 20, 40),
    Hinge("pronation", _RIGHTWARD, -70, 80, 10, 25),
    Hinge("wrist_flex", _INWARD, -60, 60, 5, 12),
    Hinge("wrist_side", _FORWARD, -20, 20, 0, 8),
    Hinge("fingers", _INWARD, 0, 85, 20, 0),
    Hinge("hip_flex", _FORWARD, -25, 120, 2, 30),
    Hinge("hip_abduct", _OUTWARD, -20, 45, 3, 8),
    Hinge("hip_twist", _RIGHTWARD, -40, 35, -4, 12),
    Hinge("knee", _BACKWARD, 1, 140, 6, 30),
    Hinge("ankle", _FORWARD, -40, 25, 0, 12),
    Hinge("ankle_roll", _INWARD, -15, 20, 2, 5),
    Hinge("foot_turn", _RIGHTWARD, -20, 15, -2, 6),
    Hinge("toes", _FORWARD, 0, 45, 0, 0),
)


def _side(hinge: Hinge, side: str) -> Hinge:
    x, y, z = hinge.axis
    return Hinge(
        f"{hinge.name}.{side}",
        (x, y, z) if side == "L" else (x, -y, -z),
        hinge.low,
        hinge.high,
        hinge.usual,
        hinge.spread,
    )


HINGES: tuple[Hinge, ...] = _CENTRE + tuple(_side(h, side) for side in "LR" for h in _LEFT)
"""Every angle, in the order in which turns of the same joint follow one another."""

HINGE_INDEX: Mapping[str, int] = {hinge.name: index for index, hinge in enumerate(HINGES)}

USUAL: NDArray[np.float64] = np.radians([hinge.usual for hinge in HINGES])
"""float64 (H,), radians: the angles of someone standing at ease."""


@dataclass(frozen=True)
class Turn:
    """A joint's part in a hinge: indices into ``HINGES`` and ``joint_names``, and the share."""

    hinge: int
    joint: int
    share: float


class Anatomy:
    """Which hinges turn which joints of a body, and in which angles its rest pose stands.

    Attributes:
        turns: every joint's part in every hinge, hinge by hinge.
    """

    def __init__(self, body: BodyModel) -> None:
        self._body = body
        self._place = {name: index for index, name in enumerate(body.joint_names)}
        self._rig = rig_of(body)
        turns = []
        for index, hinge in enumerate(HINGES):
            base, _, side = hinge.name.partition(".")
            for joint, share in self._rig.hinges[base]:
                turns.append(Turn(index, self._place[self._rig.name(joint, side)], share))
        self.turns = tuple(turns)
        self._turn_hinges = np.array([turn.hinge for turn in self.turns])
        self._turn_shares = np.array([turn.share for turn in self.turns])
        self._turns_of: list[list[int]] = [[] for _ in body.joint_names]
        for index, turn in enumerate(self.turns):
            self._turns_of[turn.joint].append(index)

    def orientations(
        self, angles: NDArray[np.float64], root: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How each bone is turned from the anatomical zero.

        Args:
            angles: float64 (B, H), radians, by ``HINGES``.
            root: float64 (B, 3, 3), how the whole body is turned.

        Returns:
            float64 (B, J, 3, 3), and float64 (B, T, 3), the axis of each of ``turns`` as it lies
            in the world.
        """
        own = np.array([HINGES[turn.hinge].axis for turn in self.turns])
        amounts = angles[:, self._turn_hinges] * self._turn_shares
        steps = rotation_matrices(amounts[..., None] * own)
        oriented = np.empty((len(angles), len(self._turns_of), 3, 3))
        axes = np.empty((len(angles), len(self.turns), 3))
        for joint, parent in enumerate(self._body.parents.tolist()):
            current = root if parent < 0 else oriented[:, parent]
            for index in self._turns_of[joint]:
                axes[:, index] = current @ own[index]
                current = current @ steps[:, index]
            oriented[:, joint] = current
        return oriented, axes

    def zero(self, rest_joints: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """How each bone at rest is turned from the anatomical zero.

        Args:
            rest_joints: (J, 3), as ``BodyModel.rest_joints`` gives them.

        Returns:
            float64 (J, 3, 3). A bone's rotation from rest is its orientation times the transpose
            of this.
        """
        angles = np.zeros((1, len(HINGES)))

        def bones() -> NDArray[np.float64]:
            oriented: NDArray[np.float64] = self.orientations(angles, np.eye(3)[None])[0][0]
            return oriented

        for side, sign in (("L", 1.0), ("R", -1.0)):

            def place(name: str, side: str = side) -> int:
                return self._place[self._rig.name(name, side)]

            def joint(bone: str) -> int:
                return place(self._rig.bones[bone])

            def seen(vector: NDArray[np.floating[Any]], bone: int) -> NDArray[np.float64]:
                """A vector at rest, in the axes of a bone whose angles so far are known."""
                there = bones()[bone].T @ vector
                unit: NDArray[np.float64] = there / np.linalg.norm(there)
                return unit

            def between(start: int, end: int) -> NDArray[np.float64]:
                step: NDArray[np.float64] = np.subtract(
                    rest_joints[end], rest_joints[start], dtype=np.float64
                )
                return step

            def put(name: str, angle: float, side: str = side) -> None:
                angles[0, HINGE_INDEX[f"{name}.{side}"]] = angle

            arm = seen(between(joint("upper_arm"), joint("forearm")), joint("clavicle"))
            put("shoulder_flex", np.arctan2(-arm[2], arm[1]))
            put("shoulder_abduct", np.arcsin(sign * arm[0]))
            fore = seen(between(joint("forearm"), joint("hand")), joint("upper_arm_end"))
            bend = fore
            if self._rig.straight_arms:
                bend = seen(np.array([0.0, 0.0, -1.0]), joint("upper_arm_end"))
            put("shoulder_twist", np.arctan2(-sign * bend[0], -bend[2]))
            put("elbow", np.arccos(np.clip(fore[1], -1.0, 1.0)))
            across = np.array([0.0, 0.0, 1.0])
            if self._rig.knuckles is not None:
                index, little = self._rig.knuckles
                across = between(place(index), place(little))
            knuckles = seen(across, joint("hand"))
            put("pronation", np.arctan2(sign * knuckles[0], knuckles[2]))
            thigh = seen(between(joint("thigh"), joint("shin")), joint("root"))
            put("hip_flex", np.arctan2(-thigh[2], thigh[1]))
            put("hip_abduct", np.arcsin(sign * thigh[0]))
            shin = seen(between(joint("shin"), joint("foot")), joint("thigh_end"))
            put("knee", np.arctan2(shin[2], shin[1]))
            # All bodies stand at rest with level soles.
            ahead = seen(np.array([0.0, 0.0, -1.0]), joint("foot"))
            put("ankle", np.arctan2(-ahead[1], -ahead[2]))
            down = seen(np.array([0.0, 1.0, 0.0]), joint("foot"))
            put("ankle_roll", np.arctan2(-sign * down[0], down[1]))
        return bones()

    def rotations(
        self,
        angles: NDArray[np.float64],
        root: NDArray[np.float64],
        zero: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        """Joint rotations as ``BodyModel.pose`` takes them.

        Args:
            angles: float64 (B, H), radians.
            root: float64 (B, 3, 3), how the whole body is turned.
            zero: float64 (J, 3, 3), from :meth:`zero`.

        Returns:
            float32 (B, J, 3), axis-angle, radians.
        """
        from_rest = self.orientations(angles, root)[0] @ zero.swapaxes(-1, -2)
        parents = self._body.parents[1:]
        local = from_rest.copy()
        local[:, 1:] = from_rest[:, parents].swapaxes(-1, -2) @ from_rest[:, 1:]
        count, joints = local.shape[:2]
        vectors = Rotation.from_matrix(local.reshape(-1, 3, 3)).as_rotvec()
        axis_angle: NDArray[np.float32] = vectors.reshape(count, joints, 3).astype(np.float32)
        return axis_angle


def angle_vector(degrees: Mapping[str, float]) -> NDArray[np.float64]:
    """float64 (H,), radians, kept within the hinges' limits; hinges not named are at their usual.

    Raises:
        KeyError: there is no hinge of that name.
    """
    angles = np.array([hinge.usual for hinge in HINGES], dtype=np.float64)
    for name, value in degrees.items():
        angles[HINGE_INDEX[name]] = value
    return np.radians(np.clip(angles, *limits()))


def limits() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """float64 (H,) twice, degrees: the smallest and the largest angle of each hinge."""
    return (
        np.array([hinge.low for hinge in HINGES], dtype=np.float64),
        np.array([hinge.high for hinge in HINGES], dtype=np.float64),
    )


def mirror(degrees: Mapping[str, float]) -> dict[str, float]:
    """The same pose with left and right exchanged."""
    swapped: dict[str, float] = {}
    for name, value in degrees.items():
        base, _, side = name.partition(".")
        if side:
            swapped[f"{base}.{'R' if side == 'L' else 'L'}"] = value
        else:
            swapped[name] = -value if base.endswith(("_side", "_turn")) else value
    return swapped


@cache
def anatomy_of(body: BodyModel) -> tuple[Anatomy, NDArray[np.float64]]:
    """A body's anatomy, and the anatomical zero of its usual shape, float64 (J, 3, 3).

    That zero serves every shape: their rest poses differ by a few degrees only, by which the
    joints' limits are then off.
    """
    anatomy = Anatomy(body)
    return anatomy, anatomy.zero(body.rest_joints({}))

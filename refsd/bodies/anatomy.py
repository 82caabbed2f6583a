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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from refsd.bodies.anny import AnnyBody

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
        shares: joints that turn, with each one's share of the angle.
        low: smallest angle, degrees. high: the largest.
        usual: the angle of someone standing at ease, degrees.
        spread: how far people are from it, degrees (one standard deviation); 0 for angles that
            landmarks say nothing about.
    """

    name: str
    axis: tuple[float, float, float]
    shares: tuple[tuple[str, float], ...]
    low: float
    high: float
    usual: float
    spread: float


_SPINE = tuple((f"spine0{i}", 0.2) for i in (5, 4, 3, 2, 1))
_NECK = (("neck01", 0.2), ("neck02", 0.15), ("neck03", 0.15), ("head", 0.5))
_FINGERS = tuple(
    (f"finger{finger}-{bone}", share)
    for finger in (2, 3, 4, 5)
    for bone, share in ((1, 0.8), (2, 1.0), (3, 0.7))
)
_TOES = tuple((f"toe{toe}-1", 1.0) for toe in (1, 2, 3, 4, 5))

# Limits: American Academy of Orthopaedic Surgeons, Joint Motion (1965), rounded and somewhat
# tightened; usual angles and spreads are ours, for people who stand and walk.
_CENTRE = (
    Hinge("spine_bend", _BACKWARD, _SPINE, -25, 80, 3, 12),
    Hinge("spine_side", _INWARD, _SPINE, -30, 30, 0, 6),
    Hinge("spine_turn", _LEFTWARD, _SPINE, -40, 40, 0, 12),
    Hinge("neck_turn", _LEFTWARD, _NECK, -70, 70, 0, 20),
    Hinge("neck_side", _INWARD, _NECK, -35, 35, 0, 9),
    Hinge("neck_bend", _BACKWARD, _NECK, -45, 45, 3, 14),
)
_LEFT = (
    Hinge("clavicle_raise", _OUTWARD, (("clavicle", 1.0),), -8, 25, 0, 4),
    Hinge("clavicle_forward", _RIGHTWARD, (("clavicle", 1.0),), -15, 20, 0, 5),
    Hinge("shoulder_flex", _FORWARD, (("upperarm01", 1.0),), -50, 170, 5, 35),
    Hinge("shoulder_abduct", _OUTWARD, (("upperarm01", 1.0),), -25, 150, 12, 25),
    Hinge("shoulder_twist", _RIGHTWARD, (("upperarm01", 0.5), ("upperarm02", 0.5)), -60, 85, 5, 30),
    Hinge("elbow", _FORWARD, (("lowerarm01", 1.0),), 2, 145, 20, 40),
    Hinge("pronation", _RIGHTWARD, (("lowerarm02", 0.5), ("wrist", 0.5)), -70, 80, 10, 25),
    Hinge("wrist_flex", _INWARD, (("wrist", 1.0),), -60, 60, 5, 12),
    Hinge("wrist_side", _FORWARD, (("wrist", 1.0),), -20, 20, 0, 8),
    Hinge("fingers", _INWARD, _FINGERS, 0, 85, 20, 0),
    Hinge("hip_flex", _FORWARD, (("upperleg01", 1.0),), -25, 120, 2, 30),
    Hinge("hip_abduct", _OUTWARD, (("upperleg01", 1.0),), -20, 45, 3, 8),
    Hinge("hip_twist", _RIGHTWARD, (("upperleg01", 0.5), ("upperleg02", 0.5)), -40, 35, -4, 12),
    Hinge("knee", _BACKWARD, (("lowerleg01", 1.0),), 1, 140, 6, 30),
    Hinge("ankle", _FORWARD, (("foot", 1.0),), -40, 25, 0, 12),
    Hinge("ankle_roll", _INWARD, (("foot", 1.0),), -15, 20, 2, 5),
    Hinge("foot_turn", _RIGHTWARD, (("foot", 1.0),), -20, 15, -2, 6),
    Hinge("toes", _FORWARD, _TOES, 0, 45, 0, 0),
)


def _side(hinge: Hinge, side: str) -> Hinge:
    x, y, z = hinge.axis
    return Hinge(
        f"{hinge.name}.{side}",
        (x, y, z) if side == "L" else (x, -y, -z),
        tuple((f"{joint}.{side}", share) for joint, share in hinge.shares),
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

    def __init__(self, body: AnnyBody) -> None:
        self._body = body
        self._place = {name: index for index, name in enumerate(body.joint_names)}
        self.turns = tuple(
            Turn(index, self._place[joint], share)
            for index, hinge in enumerate(HINGES)
            for joint, share in hinge.shares
        )
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
            rest_joints: (J, 3), as ``AnnyBody.rest_joints`` gives them.

        Returns:
            float64 (J, 3, 3). A bone's rotation from rest is its orientation times the transpose
            of this.
        """
        angles = np.zeros((1, len(HINGES)))

        def bones() -> NDArray[np.float64]:
            oriented: NDArray[np.float64] = self.orientations(angles, np.eye(3)[None])[0][0]
            return oriented

        def seen(vector: NDArray[np.floating[Any]], frame: str) -> NDArray[np.float64]:
            """A vector at rest, in the axes of a bone whose angles so far are known."""
            there = bones()[self._place[frame]].T @ vector
            unit: NDArray[np.float64] = there / np.linalg.norm(there)
            return unit

        def between(start: str, end: str) -> NDArray[np.float64]:
            step: NDArray[np.float64] = np.subtract(
                rest_joints[self._place[end]], rest_joints[self._place[start]], dtype=np.float64
            )
            return step

        for side, sign in (("L", 1.0), ("R", -1.0)):

            def put(name: str, angle: float, side: str = side) -> None:
                angles[0, HINGE_INDEX[f"{name}.{side}"]] = angle

            arm = seen(between(f"upperarm01.{side}", f"lowerarm01.{side}"), f"clavicle.{side}")
            put("shoulder_flex", np.arctan2(-arm[2], arm[1]))
            put("shoulder_abduct", np.arcsin(sign * arm[0]))
            fore = seen(between(f"lowerarm01.{side}", f"wrist.{side}"), f"upperarm02.{side}")
            put("shoulder_twist", np.arctan2(-sign * fore[0], -fore[2]))
            put("elbow", np.arccos(np.clip(fore[1], -1.0, 1.0)))
            knuckles = seen(between(f"finger2-1.{side}", f"finger5-1.{side}"), f"wrist.{side}")
            put("pronation", np.arctan2(sign * knuckles[0], knuckles[2]))
            thigh = seen(between(f"upperleg01.{side}", f"lowerleg01.{side}"), "root")
            put("hip_flex", np.arctan2(-thigh[2], thigh[1]))
            put("hip_abduct", np.arcsin(sign * thigh[0]))
            shin = seen(between(f"lowerleg01.{side}", f"foot.{side}"), f"upperleg02.{side}")
            put("knee", np.arctan2(shin[2], shin[1]))
            # Anny stands at rest with level soles.
            ahead = seen(np.array([0.0, 0.0, -1.0]), f"foot.{side}")
            put("ankle", np.arctan2(-ahead[1], -ahead[2]))
            down = seen(np.array([0.0, 1.0, 0.0]), f"foot.{side}")
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
def anatomy_of(body: AnnyBody) -> tuple[Anatomy, NDArray[np.float64]]:
    """A body's anatomy, and the anatomical zero of its usual shape, float64 (J, 3, 3).

    That zero serves every shape: their rest poses differ by a few degrees only, by which the
    joints' limits are then off.
    """
    anatomy = Anatomy(body)
    return anatomy, anatomy.zero(body.rest_joints({}))

"""Poses of people who stand, walk and use their hands, in four disjoint families.

Each kind of pose is a function from a random generator to joint angles in degrees; the kinds of
one family never occur in another, so that a model trained on one family has not seen the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from refsd.bodies.anatomy import anatomy_of, angle_vector, mirror
from refsd.bodies.kinematics import rotation_matrices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from refsd.bodies.model import BodyModel
    from refsd.wardrobe import Family

Angles = dict[str, float]

# Level walking, in degrees over one stride from heel strike to heel strike, after the normal
# curves of Winter, The Biomechanics and Motor Control of Human Gait (1991), rounded.
_STRIDE = np.linspace(0.0, 1.0, 11)
_HIP = np.array([28, 24, 17, 8, -1, -9, -6, 10, 24, 31, 28], dtype=np.float64)
_KNEE = np.array([5, 15, 17, 11, 6, 11, 35, 60, 48, 16, 5], dtype=np.float64)
_ANKLE = np.array([0, -5, 3, 7, 10, 5, -16, -9, 0, 1, 0], dtype=np.float64)
_TOES = np.array([10, 0, 0, 0, 5, 22, 20, 0, 0, 5, 10], dtype=np.float64)


def _around(rng: np.random.Generator, mean: float, spread: float) -> float:
    """A normal deviate, cut off at two and a half standard deviations."""
    return mean + spread * float(np.clip(rng.standard_normal(), -2.5, 2.5))


def _gait(phase: float, stride: float) -> Angles:
    """Legs at a phase of the stride in [0, 1) (left heel strike at 0); ``stride`` scales it."""
    angles: Angles = {}
    for side, offset in (("L", 0.0), ("R", 0.5)):
        at = (phase + offset) % 1.0
        hip = 4 + stride * (float(np.interp(at, _STRIDE, _HIP)) - 4)
        knee = 5 + stride * (float(np.interp(at, _STRIDE, _KNEE)) - 5)
        angles[f"hip_flex.{side}"] = hip
        angles[f"knee.{side}"] = knee
        angles[f"ankle.{side}"] = stride * float(np.interp(at, _STRIDE, _ANKLE))
        angles[f"toes.{side}"] = stride * float(np.interp(at, _STRIDE, _TOES))
        angles[f"hip_abduct.{side}"] = 1.5
        angles[f"ankle_roll.{side}"] = 1.5
        angles[f"hip_twist.{side}"] = -4.0
    # Curves of one leg do not know of the other: where the one behind or in the air would reach
    # deeper than the one that carries, its knee bends further.
    carries, other = ("L", "R") if phase < 0.5 else ("R", "L")
    while _depth(angles, other) > _depth(angles, carries) and angles[f"knee.{other}"] < 80:
        angles[f"knee.{other}"] += 1.0
    return angles


def _depth(angles: Angles, side: str) -> float:
    """How far below the hip a foot reaches, in lengths of a thigh (as long as a shin)."""
    hip = np.radians(angles[f"hip_flex.{side}"])
    shin = hip - np.radians(angles[f"knee.{side}"])
    sole = shin + np.radians(angles[f"ankle.{side}"])
    toes = 0.17 * np.cos(sole) - 0.44 * np.sin(sole)
    heel = 0.17 * np.cos(sole) + 0.12 * np.sin(sole)
    return float(np.cos(hip) + np.cos(shin) + max(toes, heel))


def _walk(rng: np.random.Generator, stride: float, swing: float, elbow: float) -> Angles:
    """A walker at a random phase; each arm swings with the other side's leg."""
    phase = float(rng.random())
    angles = _gait(phase, stride)
    for side, offset in (("L", 0.5), ("R", 0.0)):
        ahead = float(np.cos(2 * np.pi * (phase + offset)))
        angles[f"shoulder_flex.{side}"] = -3 + swing * ahead + _around(rng, 0, 2)
        angles[f"shoulder_abduct.{side}"] = _around(rng, 11, 1.5)
        angles[f"shoulder_twist.{side}"] = _around(rng, 15, 6)
        angles[f"elbow.{side}"] = elbow + 0.5 * swing * max(ahead, -0.6) + _around(rng, 0, 3)
        angles[f"pronation.{side}"] = _around(rng, 15, 8)
    turn = float(np.cos(2 * np.pi * phase))
    angles["spine_turn"] = -0.25 * swing * turn
    angles["neck_turn"] = 0.25 * swing * turn + _around(rng, 0, 10)
    angles["spine_bend"] = _around(rng, 4, 2)
    angles["neck_bend"] = _around(rng, 3, 6)
    return angles


def _level_feet(angles: Angles) -> Angles:
    """Turn the ankles so that the soles are parallel to the ground."""
    for side in "LR":
        angles[f"ankle.{side}"] = angles[f"knee.{side}"] - angles[f"hip_flex.{side}"]
        angles[f"ankle_roll.{side}"] = angles[f"hip_abduct.{side}"]
    return angles


def _stand(rng: np.random.Generator) -> Angles:
    """Feet side by side at about the hips' width, arms hanging."""
    angles: Angles = {
        "spine_bend": _around(rng, 2, 2),
        "spine_side": _around(rng, 0, 1.5),
        "spine_turn": _around(rng, 0, 5),
        "neck_turn": _around(rng, 0, 16),
        "neck_bend": _around(rng, 4, 7),
        "neck_side": _around(rng, 0, 3),
    }
    for side in "LR":
        angles[f"hip_flex.{side}"] = _around(rng, 2, 1)
        angles[f"knee.{side}"] = _around(rng, 4, 1.2)
        angles[f"hip_abduct.{side}"] = _around(rng, 3.5, 1.2)
        angles[f"hip_twist.{side}"] = _around(rng, -8, 4)
        angles[f"shoulder_flex.{side}"] = _around(rng, 0, 4)
        angles[f"shoulder_abduct.{side}"] = _around(rng, 11, 1.5)
        angles[f"shoulder_twist.{side}"] = _around(rng, 18, 8)
        angles[f"elbow.{side}"] = _around(rng, 16, 5)
        angles[f"pronation.{side}"] = _around(rng, 18, 9)
        angles[f"fingers.{side}"] = _around(rng, 25, 6)
    return _level_feet(angles)


def _shift_weight(angles: Angles, knee: float, sway: float) -> Angles:
    """Put the weight on the left leg: the right knee bends, the hips tilt, the spine balances."""
    angles["hip_abduct.L"] = -sway
    angles["hip_abduct.R"] = sway + 5
    angles["hip_flex.R"] = 0.55 * knee
    angles["knee.R"] = knee
    angles["spine_side"] = 0.5 * sway
    return _level_feet(angles)


def _arm(side: str, flex: float, abduct: float, twist: float, elbow: float) -> Angles:
    return {
        f"shoulder_flex.{side}": flex,
        f"shoulder_abduct.{side}": abduct,
        f"shoulder_twist.{side}": twist,
        f"elbow.{side}": elbow,
    }


# --- crowd: pedestrians as surveillance cameras see them ---------------------------------------


def _crowd_walk(rng: np.random.Generator) -> Angles:
    return _walk(rng, _around(rng, 0.95, 0.1), _around(rng, 17, 5), _around(rng, 20, 5))


def _crowd_wait(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    if rng.random() < 0.5:
        angles = _shift_weight(angles, _around(rng, 18, 5), _around(rng, 3, 1))
    return angles


def _crowd_look_around(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    side = 1.0 if rng.random() < 0.5 else -1.0
    angles["spine_turn"] = side * _around(rng, 16, 4)
    angles["neck_turn"] = side * _around(rng, 34, 9)
    return angles


def _phone_arm(rng: np.random.Generator) -> Angles:
    return _arm("R", _around(rng, 22, 5), _around(rng, 10, 2), _around(rng, 30, 6), 0.0) | {
        "elbow.R": _around(rng, 105, 8),
        "pronation.R": _around(rng, -25, 8),
        "fingers.R": 50.0,
        "neck_bend": _around(rng, 22, 6),
        "neck_turn": _around(rng, -8, 4),
    }


def _crowd_phone_standing(rng: np.random.Generator) -> Angles:
    return _crowd_wait(rng) | _phone_arm(rng)


def _crowd_phone_walking(rng: np.random.Generator) -> Angles:
    return _crowd_walk(rng) | _phone_arm(rng)


def _crowd_call(rng: np.random.Generator) -> Angles:
    angles = _crowd_wait(rng) if rng.random() < 0.5 else _crowd_walk(rng)
    return (
        angles
        | _arm("R", _around(rng, 64, 3), _around(rng, 30, 5), 0.0, 141.0)
        | {
            "pronation.R": _around(rng, 0, 5),
            "fingers.R": 55.0,
            "neck_side": _around(rng, -6, 2),
        }
    )


def _crowd_bag(rng: np.random.Generator) -> Angles:
    """A bag in the right hand: a straight arm that hardly swings, a slight lean against it."""
    angles = _crowd_walk(rng)
    return (
        angles
        | _arm("R", _around(rng, 2, 3), _around(rng, 12, 2), _around(rng, 10, 4), 6.0)
        | {
            "fingers.R": 75.0,
            "spine_side": _around(rng, 4, 1),
            "clavicle_raise.R": -4.0,
        }
    )


def _crowd_strap(rng: np.random.Generator) -> Angles:
    """A hand at the strap of a shoulder bag."""
    return (
        _crowd_walk(rng)
        | _arm("R", _around(rng, 18, 4), 14.0, _around(rng, 42, 5), 132.0)
        | {
            "fingers.R": 65.0,
            "pronation.R": 10.0,
        }
    )


def _crowd_pockets(rng: np.random.Generator) -> Angles:
    angles = _crowd_wait(rng)
    for side in "LR":
        angles |= _arm(side, _around(rng, -14, 3), _around(rng, 20, 3), _around(rng, 30, 5), 52.0)
        angles |= {f"pronation.{side}": 25.0, f"fingers.{side}": 10.0}
    return angles


# --- training: what refsd-tiny learns from ------------------------------------------------------


def _training_brisk(rng: np.random.Generator) -> Angles:
    return _walk(rng, _around(rng, 1.3, 0.07), _around(rng, 30, 4), _around(rng, 62, 9))


def _training_akimbo(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    for side in "LR":
        angles |= _arm(side, _around(rng, -22, 3), _around(rng, 46, 4), _around(rng, 52, 5), 98.0)
        angles |= {f"wrist_flex.{side}": -30.0, f"pronation.{side}": 20.0}
    return angles


def _training_arms_crossed(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    angles |= _arm("L", _around(rng, 30, 3), 12.0, _around(rng, 66, 4), _around(rng, 100, 5))
    angles |= _arm("R", _around(rng, 22, 3), 12.0, _around(rng, 62, 4), _around(rng, 104, 5))
    return angles


def _training_wave(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    return (
        angles
        | _arm("R", 25.0, _around(rng, 82, 10), -55.0, _around(rng, 95, 15))
        | {
            "pronation.R": 10.0,
            "fingers.R": 5.0,
            "clavicle_raise.R": 10.0,
        }
    )


def _training_point(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    return (
        angles
        | _arm("R", _around(rng, 80, 9), _around(rng, 15, 9), 10.0, _around(rng, 12, 5))
        | {"clavicle_forward.R": 8.0}
    )


def _training_step_up(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    lift = _around(rng, 55, 10)
    angles |= {"hip_flex.R": lift, "knee.R": _around(rng, 75, 8), "hip_abduct.R": 5.0}
    angles["spine_bend"] = _around(rng, 9, 3)
    return _level_feet(angles)


def _training_stoop(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    bend = _around(rng, 36, 8)
    for side in "LR":
        angles[f"hip_flex.{side}"] = 0.7 * bend
        angles[f"knee.{side}"] = 0.6 * bend
        angles[f"shoulder_flex.{side}"] = bend + _around(rng, 12, 6)
    angles["spine_bend"] = 0.8 * bend
    # The hips give way backwards, so the root leans forward by what the legs do not.
    angles["lean"] = 0.35 * bend
    return _level_feet(angles)


# --- probe: what the attribute probe learns from -----------------------------------------------


def _probe_stroll(rng: np.random.Generator) -> Angles:
    return _walk(rng, _around(rng, 0.62, 0.05), _around(rng, 7, 2), _around(rng, 12, 3))


def _probe_attention(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    for side in "LR":
        angles |= _arm(side, _around(rng, 0, 2), _around(rng, 9, 1), 5.0, _around(rng, 5, 1.5))
        angles[f"hip_twist.{side}"] = _around(rng, -12, 2)
        angles[f"hip_abduct.{side}"] = 1.0
    return _level_feet(angles)


def _probe_hands_behind(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    for side in "LR":
        angles |= _arm(side, _around(rng, -34, 3), 14.0, _around(rng, 62, 4), _around(rng, 52, 5))
    return angles


def _probe_hands_clasped(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    for side in "LR":
        angles |= _arm(side, _around(rng, 14, 3), 13.0, _around(rng, 52, 4), _around(rng, 62, 6))
        angles |= {f"pronation.{side}": 20.0, f"fingers.{side}": 35.0}
    return angles


def _probe_chin(rng: np.random.Generator) -> Angles:
    """A thinker: a hand at the chin, the other arm across the waist."""
    angles = _stand(rng)
    angles |= _arm("R", _around(rng, 48, 2), 8.0, _around(rng, 39, 2), 129.0)
    angles |= _arm("L", _around(rng, 16, 3), 12.0, _around(rng, 64, 4), _around(rng, 88, 5))
    return angles | {"neck_bend": _around(rng, 8, 3), "fingers.R": 60.0}


# --- bank: for previews of avatars --------------------------------------------------------------


def _bank_upright(rng: np.random.Generator) -> Angles:
    angles = _stand(rng)
    for side in "LR":
        angles |= _arm(side, 0.0, _around(rng, 22, 2), 10.0, _around(rng, 14, 2))
    return angles | {"neck_turn": 0.0, "spine_turn": 0.0}


def _bank_contrapposto(rng: np.random.Generator) -> Angles:
    angles = _shift_weight(_stand(rng), _around(rng, 24, 3), _around(rng, 5, 0.7))
    return angles | {"neck_turn": _around(rng, 10, 4)}


# How often each kind of pose comes, by family.
_KINDS: Mapping[Family, Mapping[str, tuple[float, Callable[[np.random.Generator], Angles]]]] = {
    "crowd": {
        "walk": (0.44, _crowd_walk),
        "wait": (0.14, _crowd_wait),
        "look around": (0.08, _crowd_look_around),
        "phone standing": (0.07, _crowd_phone_standing),
        "phone walking": (0.06, _crowd_phone_walking),
        "call": (0.04, _crowd_call),
        "bag": (0.07, _crowd_bag),
        "strap": (0.05, _crowd_strap),
        "pockets": (0.05, _crowd_pockets),
    },
    "training": {
        "brisk": (0.3, _training_brisk),
        "akimbo": (0.12, _training_akimbo),
        "arms crossed": (0.12, _training_arms_crossed),
        "wave": (0.12, _training_wave),
        "point": (0.12, _training_point),
        "step up": (0.12, _training_step_up),
        "stoop": (0.1, _training_stoop),
    },
    "probe": {
        "stroll": (0.4, _probe_stroll),
        "attention": (0.15, _probe_attention),
        "hands behind": (0.15, _probe_hands_behind),
        "hands clasped": (0.15, _probe_hands_clasped),
        "chin": (0.15, _probe_chin),
    },
    "bank": {
        "upright": (0.5, _bank_upright),
        "contrapposto": (0.5, _bank_contrapposto),
    },
}


def pose_kinds(family: Family) -> tuple[str, ...]:
    """The names of a family's kinds of pose.

    Raises:
        ValueError: there is no such family.
    """
    if family not in _KINDS:
        raise ValueError(f"unknown family of poses {family!r}; known: {', '.join(_KINDS)}")
    return tuple(_KINDS[family])


def sample_pose(
    family: Family, rng: np.random.Generator, body: BodyModel, kind: str | None = None
) -> NDArray[np.float32]:
    """Draw a pose.

    The body faces the camera; turning it (a viewpoint) is the caller's part, see
    :func:`turned`.

    Args:
        family: whose kinds of pose may come.
        rng: where chance comes from; the same state gives the same pose.
        body: whose joints turn.
        kind: one of ``pose_kinds(family)``, or None to draw it as well.

    Returns:
        float32 (J, 3), axis-angle, as ``BodyModel.pose`` takes it.

    Raises:
        ValueError: there is no such family or kind.
    """
    kinds = pose_kinds(family)
    if kind is None:
        shares = np.array([share for share, _ in _KINDS[family].values()])
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    if kind not in kinds:
        raise ValueError(f"unknown kind of pose {kind!r} in {family!r}; known: {', '.join(kinds)}")
    angles = _KINDS[family][kind][1](rng)
    if rng.random() < 0.5:
        angles = mirror(angles)
    root = rotation_matrices(np.array([np.radians(angles.pop("lean", 0.0)), 0.0, 0.0]))
    anatomy, zero = anatomy_of(body)
    pose: NDArray[np.float32] = anatomy.rotations(angle_vector(angles)[None], root[None], zero)[0]
    return pose


def turned(rotations: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """The same pose seen from elsewhere: the whole body turned about its vertical axis.

    Args:
        rotations: float32 (J, 3), axis-angle.
        degrees: 0 faces the camera, 90 the right edge of the picture (towards the body's left),
            180 away from the camera.

    Returns:
        float32 (J, 3); only the root's rotation differs.
    """
    turn = Rotation.from_rotvec([0.0, -np.radians(degrees), 0.0])
    result = rotations.copy()
    result[0] = (turn * Rotation.from_rotvec(rotations[0].astype(np.float64))).as_rotvec()
    return result

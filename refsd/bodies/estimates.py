"""Bodies in poses that an external estimator found, instead of landmarks.

What an estimator says comes as ``BodyEstimate``: rotations of SMPL's joints and a place (see
``estimate_files`` for its files). A body of the SMPL family takes it as it is; anny, whose bones
are others, takes it bone by bone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from refsd.bodies.anatomy import HINGE_INDEX, HINGES, anatomy_of
from refsd.bodies.kinematics import rotation_matrices
from refsd.bodies.landmarks import LANDMARKS, blazepose_landmarks
from refsd.bodies.model import Fits, Observation
from refsd.bodies.rigs import SMPL_JOINTS, SMPL_PARENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.bodies.model import BodyEstimate, BodyModel
    from refsd.rendering import Camera

# What a landmark outside the picture counts for the place, and how near a pelvis may be, metres.
_OUTSIDE = 0.1
_NEAREST = 0.3

# SMPL's axes in ours: turned by 180° about x.
_FLIP = np.diag([1.0, -1.0, -1.0])

# Where SMPL's pelvis is in its own axes at rest, metres, and how its T-pose stands, degrees, for
# bodies of other models; rounded, as published pictures of the model show it.
_SMPL_PELVIS = (0.0, -0.22, 0.03)
_SMPL_REST = {"shoulder_abduct": 88.0, "hip_abduct": 5.0}

# Bones of anny, by how their names start, and the joint of SMPL whose turn each takes over.
_ANNY_FOLLOWS = (
    ("root", "pelvis"),
    ("pelvis", "pelvis"),
    ("spine05", "spine1"),
    ("spine04", "spine1"),
    ("spine03", "spine2"),
    ("spine02", "spine2"),
    ("spine01", "spine3"),
    ("neck", "neck"),
    ("head", "head"),
    ("eye", "head"),
    ("clavicle", "collar"),
    ("shoulder", "collar"),
    ("upperarm", "shoulder"),
    ("lowerarm", "elbow"),
    ("wrist", "wrist"),
    ("metacarpal", "wrist"),
    ("finger", "wrist"),
    ("upperleg", "hip"),
    ("lowerleg", "knee"),
    ("foot", "ankle"),
    ("toe", "foot"),
)


def joint_rotations(body: BodyModel, estimate: BodyEstimate) -> NDArray[np.float32]:
    """An estimate's pose as joint rotations of a body model.

    The SMPL family takes the rotations as they are (SMPL-H and SMPL-X have fingers at rest, which
    HMR2 does not estimate). Other bodies stand otherwise at rest: there each bone is turned as
    SMPL's is from the anatomical zero (see ``anatomy``).

    Args:
        body: a body of the SMPL family, or anny.
        estimate: the pose.

    Returns:
        float32 (J, 3), axis-angle, as ``BodyModel.pose`` takes them.
    """
    given = estimate.rotations.astype(np.float64)
    if body.name != "anny":
        local = np.tile(np.eye(3), (len(body.joint_names), 1, 1))
        for joint, name in enumerate(SMPL_JOINTS):
            if name in body.joint_names:
                local[body.joint_names.index(name)] = _FLIP @ given[joint] @ _FLIP
        local[0] = given[0] @ _FLIP
    else:
        turned = np.empty_like(given)
        for joint, parent in enumerate(SMPL_PARENTS):
            turned[joint] = given[joint] if parent < 0 else turned[parent] @ given[joint]
        own_zero = anatomy_of(body)[1]
        follows = [SMPL_JOINTS.index(_followed(name)) for name in body.joint_names]
        world = turned[follows] @ _FLIP @ _smpl_zero(body) @ own_zero.swapaxes(-1, -2)
        parents = body.parents[1:]
        local = world.copy()
        local[1:] = world[parents].swapaxes(-1, -2) @ world[1:]
    vectors: NDArray[np.float32] = Rotation.from_matrix(local).as_rotvec().astype(np.float32)
    return vectors


def _followed(bone: str) -> str:
    """The joint of SMPL that a bone of anny follows."""
    base, _, side = bone.partition(".")
    joint = next(joint for start, joint in _ANNY_FOLLOWS if base.startswith(start))
    return (
        f"{'left' if side == 'L' else 'right'}_{joint}" if f"left_{joint}" in SMPL_JOINTS else joint
    )


def _smpl_zero(body: BodyModel) -> NDArray[np.float64]:
    """float64 (J, 3, 3): how each bone of a body stands in SMPL's T-pose."""
    angles = np.zeros((1, len(HINGES)))
    for name, degrees in _SMPL_REST.items():
        for side in "LR":
            angles[0, HINGE_INDEX[f"{name}.{side}"]] = np.radians(degrees)
    anatomy, _ = anatomy_of(body)
    zero: NDArray[np.float64] = anatomy.orientations(angles, np.eye(3)[None])[0][0]
    return zero


def observe(estimate: BodyEstimate, body: BodyModel, camera: Camera) -> Observation:
    """What a perfect landmark model would say of the estimated pose, of a body of usual shape.

    Args:
        estimate: the pose.
        body: who shows it: its usual shape stands for the person's.
        camera: through which the avatar will be seen; its picture is the one estimated on.
    """
    bodies = body.pose(
        [{}],
        joint_rotations(body, estimate)[None],
        (estimate.place + _pelvis(body, {}))[None].astype(np.float32),
    )
    points = blazepose_landmarks(body, bodies)[0].astype(np.float64)
    pixels = estimate.focal * points[:, :2] / np.maximum(points[:, 2:], 0.05)
    pixels += [camera.width / 2, camera.height / 2]
    hips = [LANDMARKS.index(name) for name in ("left_hip", "right_hip")]
    middle = points[hips].mean(axis=0)
    # A landmark model takes the line of sight for the depth axis.
    world = (points - middle) @ _turn_between(middle, np.array([0.0, 0.0, 1.0])).T
    return Observation(
        landmarks=pixels.astype(np.float32),
        landmarks_world=world.astype(np.float32),
        visibility=np.ones(len(LANDMARKS), dtype=np.float32),
        camera=camera,
    )


def fit_people(
    body: BodyModel,
    shapes: Sequence[Mapping[str, float]],
    observations: Sequence[Observation],
    estimates: Sequence[BodyEstimate | None],
) -> Fits:
    """Pose avatars as people stand, by an estimate where there is one.

    Estimated rotations are taken over as they are. (Fitting anny to the landmarks of the estimated
    pose instead, as to those of a picture, puts its joints farther from the truth: 17 mm instead
    of 15 on 40 poses of ours.)

    Args:
        body: the model.
        shapes: B phenotypes, the avatars'.
        observations: B people; of those with an estimate, what :func:`observe` says.
        estimates: B estimates, None where there is none.

    Returns:
        B fits; ``errors`` tell how far the avatar's landmarks are from the observed ones; see
        ``fit_bodies``.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    from refsd.bodies.fit import fit_bodies

    if not len(shapes) == len(observations) == len(estimates):
        raise ValueError(
            f"{len(shapes)} shapes, {len(observations)} observations and {len(estimates)} estimates"
        )
    others = [row for row, estimate in enumerate(estimates) if estimate is None]
    fits = fit_bodies(body, [shapes[row] for row in others], [observations[row] for row in others])
    if len(others) == len(estimates):
        return fits
    count = len(estimates)
    rotations = np.zeros((count, len(body.joint_names), 3), dtype=np.float32)
    translations = np.zeros((count, 3), dtype=np.float32)
    errors = np.zeros(count, dtype=np.float32)
    rotations[others], translations[others] = fits.rotations, fits.translations
    for row, estimate in enumerate(estimates):
        if estimate is not None:
            rotations[row], translations[row] = _taken_over(
                body, shapes[row], estimate, observations[row]
            )
    bodies = body.pose(shapes, rotations, translations)
    landmarks = blazepose_landmarks(body, bodies)
    for row in range(count):
        height = float(np.ptp(body.rest_vertices(shapes[row])[:, 1]))
        errors[row] = _error(observations[row], landmarks[row], height, float(translations[row, 2]))
    errors[others] = fits.errors
    return Fits(bodies=bodies, rotations=rotations, translations=translations, errors=errors)


def _taken_over(
    body: BodyModel,
    shape: Mapping[str, float],
    estimate: BodyEstimate,
    observation: Observation,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An estimate's rotations, and a place, in our camera.

    The estimator's camera may have another focal length (HMR2's is far longer than a real one's).
    So the body is turned with the line of sight to the middle of what is seen, to show the same
    side of it, and put where its landmarks come as near as can be to the observed ones, in metres
    at their depth; thus a taller avatar stands farther away.
    """
    camera = observation.camera
    pixels = observation.landmarks.astype(np.float64)
    weights = np.where(_in_picture(observation), 1.0, _OUTSIDE)
    middle = weights @ pixels / weights.sum()
    theirs = (middle - [camera.width / 2, camera.height / 2]) / estimate.focal
    ours = (middle - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
    turn = _turn_between(np.array([*theirs, 1.0]), np.array([*ours, 1.0]))
    rotations = joint_rotations(body, estimate)
    root = turn @ rotation_matrices(rotations[0])
    rotations[0] = Rotation.from_matrix(root).as_rotvec()

    posed = body.pose([shape], rotations[None], np.zeros((1, 3), dtype=np.float32))
    points = blazepose_landmarks(body, posed)[0].astype(np.float64)
    # (X + tx) / (Z + tz) = x, and the same for y, are linear in the place t.
    flat = (pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
    rows = np.zeros((len(points), 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = 1.0
    rows[:, :, 2] = -flat
    wanted = flat * points[:, 2:] - points[:, :2]
    rows *= weights[:, None, None]
    wanted *= weights[:, None]
    place = np.linalg.lstsq(rows.reshape(-1, 3), wanted.ravel())[0]
    place[2] = max(place[2], _NEAREST)
    return rotations, place.astype(np.float32)


def _in_picture(observation: Observation) -> NDArray[np.bool_]:
    """Which landmarks lie in the picture: bool (33,)."""
    size = [observation.camera.width, observation.camera.height]
    inside = (observation.landmarks >= 0) & (observation.landmarks < size)
    return np.asarray(inside.all(axis=1), dtype=np.bool_)


def _turn_between(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 (3, 3): the smallest turn of one line of sight (3,) onto another (3,)."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis)
    return rotation_matrices(axis / max(float(sine), 1e-9) * np.arctan2(sine, start @ end))


def _error(
    observation: Observation, points: NDArray[np.float32], height: float, depth: float
) -> float:
    """As ``Fits.errors`` counts it; NaN where nothing was seen in the picture."""
    camera = observation.camera
    pixels = points[:, :2] / np.maximum(points[:, 2:], 0.05) * [camera.fx, camera.fy]
    pixels += [camera.cx, camera.cy]
    seen = _in_picture(observation)
    if not seen.any():
        return float("nan")
    distance = np.linalg.norm(pixels - observation.landmarks, axis=1)[seen]
    return float(np.sqrt(np.mean(distance**2)) / (camera.fy * height / depth))


def _pelvis(body: BodyModel, shape: Mapping[str, float]) -> NDArray[np.float64]:
    """float64 (3,), metres: where SMPL's pelvis is before the place is added."""
    from refsd.bodies.smpl import SmplBody

    if isinstance(body, SmplBody):
        return body.pelvis(shape).astype(np.float64)
    return np.array(_SMPL_PELVIS)

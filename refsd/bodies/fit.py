"""Posing bodies of given shapes as people stand in a picture.

The avatar's proportions are not the person's, so not all can agree. What must agree in the
picture is where head and feet are; what limbs, trunk, head and feet do is taken from their
directions in space, which do not depend on proportions; and what was not seen stays as people
usually stand. All is expressed in joint angles with limits (see ``anatomy``), and solved by
Levenberg and Marquardt's method with exact derivatives, for a batch at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refsd.bodies.anatomy import HINGE_INDEX, HINGES, USUAL, anatomy_of, limits
from refsd.bodies.kinematics import rotation_matrices
from refsd.bodies.landmarks import LANDMARKS, landmark_bones, landmark_part, landmark_points
from refsd.bodies.model import Fits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from refsd.bodies.model import BodyModel, Observation

    Floats = NDArray[np.float64]

_STEPS = 30

# How far a landmark of the avatar may be from the person's in the picture, in metres at the
# person's depth: little at head and feet, which fix place and size; more where proportions differ.
_IMAGE_SPREAD = {
    "nose": 0.03,
    "eye_inner": 0.06,
    "eye": 0.06,
    "eye_outer": 0.06,
    "ear": 0.04,
    "mouth": 0.06,
    "shoulder": 0.06,
    "elbow": 0.07,
    "wrist": 0.06,
    "pinky": 0.12,
    "index": 0.12,
    "thumb": 0.12,
    "hip": 0.08,
    "knee": 0.06,
    "ankle": 0.03,
    "heel": 0.03,
    "foot_index": 0.04,
}

# Directions that are compared in space: from, to, and how far they may differ, as the length of
# the difference of two unit vectors. "hips" and so on are the middle of left and right.
_DIRECTIONS = (
    ("right_hip", "left_hip", 0.15),
    ("right_shoulder", "left_shoulder", 0.12),
    ("hips", "shoulders", 0.10),
    ("right_ear", "left_ear", 0.15),
    ("ears", "nose", 0.15),
    ("eyes", "mouths", 0.2),
    *(
        (f"{side}_{start}", f"{side}_{end}", spread)
        for side in ("left", "right")
        for start, end, spread in (
            ("shoulder", "elbow", 0.12),
            ("elbow", "wrist", 0.15),
            ("wrist", "index", 0.3),
            ("wrist", "pinky", 0.3),
            ("pinky", "index", 0.6),
            ("hip", "knee", 0.10),
            ("knee", "ankle", 0.12),
            ("heel", "foot_index", 0.15),
        )
    ),
)
# What shows the size of a head in the picture, which decides how near a person is where feet are
# not seen: heads differ less than trunks do. A spread in metres, and one of landmarks in pixels.
_HEAD = (("right_ear", "left_ear"), ("right_eye_outer", "left_eye_outer"), ("ears", "nose"))
_HEAD_SPREAD = 0.008
_PIXEL_SPREAD = 1.0
# A single picture says less about depth than about what is across it.
_DEPTH_SPREAD = 2.0
# How much an unlikely angle counts beside what was seen.
_PRIOR = 0.35
# How far the trunk may lean in the camera's axes, radians; cameras look down on people.
_LEAN_SPREAD = 0.8
# What a landmark that is not visible still counts.
_UNSEEN = 0.01
# What a landmark outside the picture counts, from this share of the picture's size beyond its edge.
_OUTSIDE = 0.2
_MARGIN = 0.1
# No body's pelvis is nearer to the camera than this, metres.
_NEAREST = 0.3


def fit_bodies(
    body: BodyModel,
    shapes: Sequence[Mapping[str, float]],
    observations: Sequence[Observation],
) -> Fits:
    """Pose bodies of given shapes as the observed people stand.

    Place and size follow head and feet in the picture: the depth is the one at which a body of
    this shape is as tall as the person. Each fit is computed by itself; neighbours in the batch
    cannot change it, and the same input gives the same bits.

    Args:
        body: the model.
        shapes: B phenotypes, the avatars'.
        observations: B people.

    Returns:
        B fits; ``errors`` is NaN where no landmark was visible in the picture. Well seen people
        have 0.01 to 0.02; above 0.05 the landmarks do not belong to one person.

    Raises:
        ValueError: there are not as many shapes as observations, or an observation holds numbers
            that are not finite.
    """
    if len(shapes) != len(observations):
        raise ValueError(f"{len(shapes)} shapes for {len(observations)} observations")
    for index, observation in enumerate(observations):
        for name in ("landmarks", "landmarks_world", "visibility"):
            if not np.isfinite(getattr(observation, name)).all():
                raise ValueError(f"observation {index}: {name} holds values that are not finite")
    count, joints = len(shapes), len(body.joint_names)
    if count == 0:
        rotations = np.zeros((0, joints, 3), dtype=np.float32)
        translations = np.zeros((0, 3), dtype=np.float32)
        errors = np.zeros(0, dtype=np.float32)
    else:
        problem = _Problem(body, shapes, observations)
        state = problem.solve(problem.start())
        anatomy, zero = anatomy_of(body)
        rotations = anatomy.rotations(state.angles, state.root, zero)
        translations = state.place.astype(np.float32)
        errors = problem.errors(state)
    bodies = body.pose(shapes, rotations, translations)
    return Fits(bodies=bodies, rotations=rotations, translations=translations, errors=errors)


@dataclass(frozen=True, eq=False)
class _State:
    """A batch of poses: float64 (B, H) radians, (B, 3, 3), and (B, 3) metres."""

    angles: Floats
    root: Floats
    place: Floats

    def moved(self, step: Floats, free: NDArray[np.int64]) -> _State:
        """After a step of (B, 6 + F): the root's turn and place, and the free angles."""
        low, high = (np.radians(limit) for limit in limits())
        angles = self.angles.copy()
        angles[:, free] += step[:, 6:]
        place = self.place + step[:, 3:6]
        place[:, 2] = np.maximum(place[:, 2], _NEAREST)
        return _State(
            angles=np.clip(angles, low, high),
            root=rotation_matrices(step[:, :3]) @ self.root,
            place=place,
        )

    def chosen(self, other: _State, better: NDArray[np.bool_]) -> _State:
        """Per batch entry the other's pose where that is better."""
        return _State(
            angles=np.where(better[:, None], other.angles, self.angles),
            root=np.where(better[:, None, None], other.root, self.root),
            place=np.where(better[:, None], other.place, self.place),
        )


def _average(name: str) -> Floats:
    """float64 (33,): a landmark, or with a plural the middle of left and right."""
    row = np.zeros(len(LANDMARKS))
    if name in LANDMARKS:
        row[LANDMARKS.index(name)] = 1.0
    else:
        one = name.removesuffix("s")
        for landmark in (f"left_{one}", f"right_{one}", f"{one}_left", f"{one}_right"):
            if landmark in LANDMARKS:
                row[LANDMARKS.index(landmark)] = 0.5
    return row


def _unit(vectors: Floats) -> Floats:
    length: Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-9)


class _Problem:
    """What was seen, and how far a pose is from it."""

    def __init__(
        self,
        body: BodyModel,
        shapes: Sequence[Mapping[str, float]],
        observations: Sequence[Observation],
    ) -> None:
        self._anatomy, zero = anatomy_of(body)
        self._parents = body.parents.tolist()
        self._bones = landmark_bones(body)
        self._free = np.array([i for i, hinge in enumerate(HINGES) if hinge.spread > 0])
        self._spread = np.radians([HINGES[i].spread for i in self._free])
        self._limits = [np.radians(limit)[self._free] for limit in limits()]
        self._set_body(body, shapes, zero)
        self._set_turns()

        self._pixels = np.array([o.landmarks for o in observations], dtype=np.float64)
        seen = np.array([o.visibility for o in observations], dtype=np.float64)
        cameras = [o.camera for o in observations]
        seen *= self._within([(camera.width, camera.height) for camera in cameras])
        self._seen = np.clip(seen, _UNSEEN, 1.0)
        self._visible = seen > 0.5
        self._focal = np.array([[camera.fx, camera.fy] for camera in cameras])
        self._centre = np.array([[camera.cx, camera.cy] for camera in cameras])
        self._world = self._seen_along_ray(
            np.array([o.landmarks_world for o in observations], dtype=np.float64)
        )

        ends = [(_average(start), _average(end)) for start, end, _ in _DIRECTIONS]
        self._differences = np.array([end - start for start, end in ends])
        self._observed = _unit(self._differences @ self._world)
        weights = np.array(
            [
                # As sure as the less sure of its two ends.
                np.minimum(self._seen @ start, self._seen @ end) / spread
                for (start, end), (_, _, spread) in zip(ends, _DIRECTIONS, strict=True)
            ]
        ).T
        # Landmarks that coincide show no direction.
        weights *= np.linalg.norm(self._observed, axis=-1)
        self._direction_weights = weights[..., None] * np.array([1.0, 1.0, 1.0 / _DEPTH_SPREAD])
        head = [(_average(start), _average(end)) for start, end in _HEAD]
        self._head = np.array([end - start for start, end in head])
        feet = np.max(
            self._seen[:, [LANDMARKS.index(f"{side}_ankle") for side in ("left", "right")]], axis=1
        )
        self._head_seen = (1.0 - feet[:, None]) * np.array(
            [np.minimum(self._seen @ start, self._seen @ end) for start, end in head]
        ).T
        spreads = np.array([_IMAGE_SPREAD[landmark_part(landmark)[0]] for landmark in LANDMARKS])
        self._image_weights = self._seen / spreads

    def _set_body(
        self, body: BodyModel, shapes: Sequence[Mapping[str, float]], zero: Floats
    ) -> None:
        """Bones and landmarks in the anatomical zero's axes."""
        steps, points, heights = [], [], []
        for shape in shapes:
            rest, joints = body.rest_vertices(shape), body.rest_joints(shape)
            step = np.zeros((len(joints), 3))
            parents = body.parents[1:]
            step[1:] = np.einsum("jba,jb->ja", zero[parents], joints[1:] - joints[parents])
            steps.append(step)
            offsets = landmark_points(body, rest, joints) - joints[self._bones]
            points.append(np.einsum("kba,kb->ka", zero[self._bones], offsets))
            heights.append(float(np.ptp(rest[:, 1])))
        self._bone_steps = np.array(steps)
        self._points = np.array(points)
        self._heights = np.array(heights)

    def _set_turns(self) -> None:
        """The turns of free hinges, and which landmarks each of them moves."""
        above = []
        for bone in self._bones.tolist():
            chain = set()
            joint = bone
            while joint >= 0:
                chain.add(joint)
                joint = self._parents[joint]
            above.append(chain)
        free = set(self._free.tolist())
        chosen = [(i, turn) for i, turn in enumerate(self._anatomy.turns) if turn.hinge in free]
        self._turns = np.array([i for i, _ in chosen])
        self._turn_joints = np.array([turn.joint for _, turn in chosen])
        self._moves = np.array(
            [[turn.share if turn.joint in chain else 0.0 for chain in above] for _, turn in chosen]
        )
        hinges = [turn.hinge for _, turn in chosen]
        self._turn_starts = np.array(
            [i for i, hinge in enumerate(hinges) if i == 0 or hinges[i - 1] != hinge]
        )

    def _within(self, sizes: Sequence[tuple[int, int]]) -> Floats:
        """float64 (B, 33): 1 in the picture, falling to ``_OUTSIDE`` beyond its edge.

        Landmark models are sure of much that they cannot have seen.
        """
        edge = np.array(sizes, dtype=np.float64)[:, None]
        beyond = np.maximum(np.maximum(-self._pixels, self._pixels - edge), 0.0).max(axis=2)
        fall = beyond / (_MARGIN * edge.max(axis=2))
        within: Floats = np.maximum(1.0 - (1.0 - _OUTSIDE) * fall, _OUTSIDE)
        return within

    def _seen_along_ray(self, world: Floats) -> Floats:
        """World landmarks in the camera's axes.

        A landmark model sees a crop and takes the line of sight through its middle for the depth
        axis; so what it says is turned to where that line points.
        """
        weights = self._seen / self._seen.sum(axis=1, keepdims=True)
        middle = (weights[..., None] * self._pixels).sum(axis=1)
        ray = _unit(
            np.concatenate(
                [(middle - self._centre) / self._focal, np.ones((len(middle), 1))], axis=1
            )
        )
        axis = np.cross([0.0, 0.0, 1.0], ray)
        sine = np.linalg.norm(axis, axis=1, keepdims=True)
        angle = np.arctan2(sine, ray[:, 2:])
        turn = rotation_matrices(axis / np.maximum(sine, 1e-9) * angle)
        turned: Floats = world @ turn.swapaxes(1, 2)
        return turned

    # --- where to start ---

    def start(self) -> _State:
        """Angles read off the world landmarks, and a place read off the picture."""
        angles = np.tile(USUAL, (len(self._pixels), 1))
        root = self._trunk()
        local = self._world @ root
        for side, sign in (("left", 1.0), ("right", -1.0)):
            self._start_limb(angles, local, side, sign, arm=True)
            self._start_limb(angles, local, side, sign, arm=False)
        low, high = (np.radians(limit) for limit in limits())
        state = _State(np.clip(angles, low, high), root, np.zeros((len(angles), 3)))
        return _State(state.angles, root, self._start_place(self._landmarks(state)[0]))

    def _trunk(self) -> Floats:
        """float64 (B, 3, 3): axes spanned by hips, shoulders and the line between their middles."""
        rows = {
            name: _average(name)
            for name in ("left_hip", "right_hip", "left_shoulder", "right_shoulder")
        }
        across = np.einsum(
            "k,bkx->bx",
            rows["left_hip"] - rows["right_hip"] + rows["left_shoulder"] - rows["right_shoulder"],
            self._world,
        )
        down = np.einsum("k,bkx->bx", _average("hips") - _average("shoulders"), self._world)
        # Where landmarks coincide, the person stands upright and faces the camera.
        across[:, 0] += 1e-5
        down += np.array([0.0, 1e-5, 1e-6])
        x = _unit(across)
        y = _unit(down - (down * x).sum(axis=1, keepdims=True) * x)
        return np.stack([x, y, np.cross(x, y)], axis=2)

    def _start_limb(
        self, angles: Floats, local: Floats, side: str, sign: float, *, arm: bool
    ) -> None:
        """Set a limb's angles from its two bones as seen from the trunk (see ``Anatomy.zero``)."""
        names = ("shoulder", "elbow", "wrist") if arm else ("hip", "knee", "ankle")
        ends = [local[:, LANDMARKS.index(f"{side}_{name}")] for name in names]
        seen = np.min([self._seen[:, LANDMARKS.index(f"{side}_{name}")] for name in names], axis=0)
        upper, lower = _unit(ends[1] - ends[0]), _unit(ends[2] - ends[1])
        letter = side[0].upper()
        flex_of = HINGE_INDEX[f"{names[0]}_flex.{letter}"]
        abduct_of = HINGE_INDEX[f"{names[0]}_abduct.{letter}"]
        bend_of = HINGE_INDEX[f"{'elbow' if arm else 'knee'}.{letter}"]
        twist_of = HINGE_INDEX[f"{names[0]}_twist.{letter}"]

        flex = np.arctan2(-upper[:, 2], upper[:, 1])
        abduct = np.arcsin(np.clip(sign * upper[:, 0], -1.0, 1.0))
        # The same direction is reached by going round the other way.
        other_flex = np.arctan2(upper[:, 2], -upper[:, 1])
        other_abduct = np.pi - abduct
        if arm:
            here = self._unlikely(flex_of, flex) + self._unlikely(abduct_of, abduct)
            there = self._unlikely(flex_of, other_flex) + self._unlikely(abduct_of, other_abduct)
            flex = np.where(there < here, other_flex, flex)
            abduct = np.where(there < here, other_abduct, abduct)
        zero = np.zeros_like(flex)
        frame = rotation_matrices(np.stack([-flex, zero, zero], axis=1)) @ rotation_matrices(
            np.stack([zero, zero, -sign * abduct], axis=1)
        )
        fore = np.einsum("bji,bj->bi", frame, lower)
        known = seen > 0.3
        angles[known, flex_of] = flex[known]
        angles[known, abduct_of] = abduct[known]
        bend = np.arccos(np.clip((upper * lower).sum(axis=1), -1.0, 1.0))
        angles[known, bend_of] = bend[known]
        if arm:
            # A nearly straight arm does not show how it is twisted.
            bent = known & (bend > np.radians(15))
            twist = np.arctan2(-sign * fore[:, 0], -fore[:, 2])
            angles[bent, twist_of] = twist[bent]

    def _unlikely(self, hinge: int, angle: Floats) -> Floats:
        """How far an angle is outside its limits, and a little how far from the usual one."""
        low, high = np.radians(HINGES[hinge].low), np.radians(HINGES[hinge].high)
        outside = np.maximum(low - angle, 0.0) + np.maximum(angle - high, 0.0)
        unlikely: Floats = outside + 0.1 * np.abs(angle - np.radians(HINGES[hinge].usual))
        return unlikely

    def _start_place(self, points: Floats) -> Floats:
        """Where a body with landmarks at (B, 33, 3) about its pelvis is as large as the person."""
        weights = self._image_weights**2
        weights = weights / weights.sum(axis=1, keepdims=True)
        flat = (self._pixels - self._centre[:, None]) / self._focal[:, None]
        middle = (weights[..., None] * flat).sum(axis=1)
        centre = (weights[..., None] * points).sum(axis=1)
        about = points[..., :2] - centre[:, None, :2]
        extent = (weights[..., None] * about**2).sum(axis=(1, 2))
        seen = (weights[..., None] * (flat - middle[:, None]) * about).sum(axis=(1, 2))
        least = np.sqrt((weights[..., None] * (flat - middle[:, None]) ** 2).sum(axis=(1, 2)))
        scale = np.maximum(seen / extent, 0.3 * least / np.sqrt(extent))
        depth = np.clip(1.0 / np.maximum(scale, 1e-6), _NEAREST, 1e4)
        place: Floats = np.concatenate([middle * depth[:, None], depth[:, None]], axis=1) - centre
        place[:, 2] = np.maximum(place[:, 2], _NEAREST)
        return place

    # --- how far a pose is from what was seen ---

    def _landmarks(self, state: _State) -> tuple[Floats, Floats, Floats]:
        """Landmarks (B, 33, 3), joints (B, J, 3), and the axes of turns (B, T, 3)."""
        oriented, axes = self._anatomy.orientations(state.angles, state.root)
        joints = np.zeros((len(oriented), len(self._parents), 3))
        joints[:, 0] = state.place
        moved = np.einsum("bjxy,bjy->bjx", oriented[:, self._parents[1:]], self._bone_steps[:, 1:])
        for joint, parent in enumerate(self._parents):
            if parent >= 0:
                joints[:, joint] = joints[:, parent] + moved[:, joint - 1]
        points = joints[:, self._bones] + np.einsum(
            "bkxy,bky->bkx", oriented[:, self._bones], self._points
        )
        return points, joints, axes

    def _residuals(self, state: _State, points: Floats, depth: Floats) -> Floats:
        """float64 (B, R): everything that should be zero, each as a share of its spread."""
        pixels = self._project(points)
        # In metres at the depth where the fit began, so that a smaller body is no better fit.
        image = (pixels - self._pixels) / self._focal[:, None] * depth[:, None, None]
        head = (self._head @ image) * self._head_weights(depth)
        directions = _unit(self._differences @ points) - self._observed
        prior = (state.angles[:, self._free] - USUAL[self._free]) / self._spread
        lean = state.root[:, [0, 2], 1] / _LEAN_SPREAD
        count = len(points)
        return np.concatenate(
            [
                (image * self._image_weights[..., None]).reshape(count, -1),
                head.reshape(count, -1),
                (directions * self._direction_weights).reshape(count, -1),
                _PRIOR * prior,
                _PRIOR * lean,
            ],
            axis=1,
        )

    def _head_weights(self, depth: Floats) -> Floats:
        """float64 (B, 3, 1), per metre."""
        pixel = _PIXEL_SPREAD * depth / self._focal[:, 0]
        weights: Floats = self._head_seen / np.hypot(_HEAD_SPREAD, pixel)[:, None]
        return weights[..., None]

    def _project(self, points: Floats) -> Floats:
        depth = np.maximum(points[..., 2:], 0.05)
        pixels: Floats = points[..., :2] / depth * self._focal[:, None] + self._centre[:, None]
        return pixels

    def _jacobian(
        self, state: _State, points: Floats, joints: Floats, axes: Floats, depth: Floats
    ) -> Floats:
        """float64 (B, R, 6 + F): how the residuals change with root, place and free angles."""
        count, free = len(points), len(self._free)
        pivots = joints[:, self._turn_joints]
        arms = points[:, None] - pivots[:, :, None]
        by_turn = np.cross(axes[:, self._turns, None], arms) * self._moves[..., None]
        moved = np.empty((count, 6 + free, len(LANDMARKS), 3))
        about = points - state.place[:, None]
        for axis, direction in enumerate(np.eye(3)):
            moved[:, axis] = np.cross(direction, about)
            moved[:, 3 + axis] = direction
        moved[:, 6:] = np.add.reduceat(by_turn, self._turn_starts, axis=1)

        z = np.maximum(points[:, None, :, 2], 0.05)
        flat = points[:, None, :, :2] / z[..., None]
        image = (moved[..., :2] - flat * moved[..., 2:]) / z[..., None]
        image *= depth[:, None, None, None]
        head = (self._head @ image) * self._head_weights(depth)[:, None]
        image *= self._image_weights[:, None, :, None]

        vectors = self._differences @ points
        length = np.maximum(np.linalg.norm(vectors, axis=-1), 1e-9)[:, None, :, None]
        unit = vectors[:, None] / length
        change = self._differences @ moved
        change = (change - unit * (unit * change).sum(axis=-1, keepdims=True)) / length
        change *= self._direction_weights[:, None]

        prior = np.zeros((count, 6 + free, free))
        prior[:, 6:] = np.diag(_PRIOR / self._spread)
        lean = np.zeros((count, 6 + free, 2))
        for axis, direction in enumerate(np.eye(3)):
            lean[:, axis] = np.cross(direction, state.root[:, :, 1])[:, [0, 2]]
        parts = [
            image.reshape(count, 6 + free, -1),
            head.reshape(count, 6 + free, -1),
            change.reshape(count, 6 + free, -1),
            prior,
            lean * (_PRIOR / _LEAN_SPREAD),
        ]
        return np.concatenate(parts, axis=2).swapaxes(1, 2)

    def solve(self, state: _State) -> _State:
        """Levenberg and Marquardt's method, each batch entry with its own damping."""
        depth = state.place[:, 2].copy()
        damping = np.full(len(depth), 1e-2)
        points, joints, axes = self._landmarks(state)
        residuals = self._residuals(state, points, depth)
        cost = (residuals**2).sum(axis=1)
        for _ in range(_STEPS):
            jacobian = self._jacobian(state, points, joints, axes, depth)
            gradient = np.einsum("brp,br->bp", jacobian, residuals)
            # A joint at its limit that is pushed further does not take part in this step.
            angles = state.angles[:, self._free]
            held = np.zeros(gradient.shape, dtype=np.bool_)
            held[:, 6:] = ((angles <= self._limits[0]) & (gradient[:, 6:] > 0)) | (
                (angles >= self._limits[1]) & (gradient[:, 6:] < 0)
            )
            jacobian = np.where(held[:, None], 0.0, jacobian)
            gradient = np.where(held, 0.0, gradient)
            normal = jacobian.swapaxes(1, 2) @ jacobian
            diagonal = np.einsum("bpp->bp", normal)
            damped = (
                normal
                + np.eye(normal.shape[1])
                * (damping[:, None] * diagonal + np.where(held, 1.0, 1e-6))[:, None]
            )
            step = -np.linalg.solve(damped, gradient[..., None])[..., 0]
            step[:, :3] = np.clip(step[:, :3], -0.5, 0.5)
            trial = state.moved(step, self._free)
            trial_parts = self._landmarks(trial)
            trial_residuals = self._residuals(trial, trial_parts[0], depth)
            trial_cost = (trial_residuals**2).sum(axis=1)
            better = trial_cost < cost
            state = state.chosen(trial, better)
            cost = np.where(better, trial_cost, cost)
            residuals = np.where(better[:, None], trial_residuals, residuals)
            points = np.where(better[:, None, None], trial_parts[0], points)
            joints = np.where(better[:, None, None], trial_parts[1], joints)
            axes = np.where(better[:, None, None], trial_parts[2], axes)
            damping = np.clip(np.where(better, damping * 0.3, damping * 5.0), 1e-7, 1e4)
        return state

    def errors(self, state: _State) -> NDArray[np.float32]:
        """Root mean square distance of visible landmarks, as a share of the body's height."""
        points = self._landmarks(state)[0]
        distance = np.linalg.norm(self._project(points) - self._pixels, axis=-1)
        height = self._focal[:, 1] * self._heights / state.place[:, 2]
        errors = np.full(len(distance), np.nan, dtype=np.float32)
        for index, visible in enumerate(self._visible):
            if visible.any():
                mean = np.sqrt(np.mean(distance[index][visible] ** 2))
                errors[index] = mean / height[index]
        return errors

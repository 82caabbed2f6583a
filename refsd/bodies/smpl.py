"""SMPL, SMPL-H and SMPL-X: bodies of the smplx package, with the user's own licensed files.

SMPL's own axes are x to the body's left, y up, z to its front; ours are x right, y down, z away
from a camera that the body faces. The one is the other turned by 180° about x.

Shapes are named as anny's are. Height, weight, and what else a shape names decide the betas; a
person's own betas never do.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from refsd.bodies.anny import ACTIONS, PHENOTYPES
from refsd.bodies.model import Bodies
from refsd.bodies.smpl_files import BodyFilesError, Kind, load_model_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FLIP = np.array([1.0, -1.0, -1.0], dtype=np.float32)
"""What takes SMPL's axes to ours and ours to SMPL's, axis by axis; a rotation, so that rotation
vectors are taken over like any other."""

# Betas count in standard deviations of the people whom the model was learned from.
_MOST = 3.0
# How far the betas that size leaves open are drawn, in standard deviations, and in what steps.
_SPREAD = 0.5
_STEP = 0.25
# Adults of the world, rounded: mean heights by sex and the spread within one (NCD-RisC, eLife
# 2016), and a middle body mass index with the spread around it. Phenotypes of the avatar bank
# spread by 0.12 in height and by 0.14 in weight.
_HEIGHTS = {"male": 1.72, "female": 1.60}
_HEIGHT_SLOPE = 0.07 / 0.12
_BMI = 23.5
_BMI_SLOPE = 3.5 / 0.14
_DENSITY = 1000.0

_NO_PACKAGE = (
    "the body {name} needs the smplx package (its licence is non-commercial): "
    "pip install 'humangenai[smpl]'"
)


class SmplBody:
    """A body of the SMPL family, as ``BodyModel`` describes it.

    Attributes:
        name: ``smpl``, ``smplh`` or ``smplx``.
        source: the model file's name.
        faces: int32 (F, 3), counter-clockwise seen from outside.
        uv: float32 (U, 2), v down. uv_faces: int32 (F, 3).
        own_uv: False where the folder has no UV layout of the model's (``smpl_uv.obj``), and
            ``uv`` is the view from the front, so that textures made for the model don't fit.
        joint_names: 24, 52 or 55 names, as the smplx package says them.
        parents: int32 (J,).
        skin_weights: float32 (V, J).
        keypoint_names: points of the face, the hands and the feet. For the eyes, ears, nose, toes,
            heels and fingertips they are the vertices that the smplx package names; corners of
            eyes and mouth, and SMPL's knuckles, are the vertices nearest to where they are from
            there.
        keypoint_weights: float32 (K, V), one 1 in each row.
    """

    def __init__(self, name: Kind, folder: Path | str) -> None:
        """Read the model.

        Args:
            name: which of the family.
            folder: where the user's own model files are.

        Raises:
            BodyFilesError: the package or the file is missing, or the file is not of this model.
        """
        try:
            from smplx.joint_names import JOINT_NAMES, SMPLH_JOINT_NAMES
            from smplx.vertex_ids import vertex_ids
        except ImportError as error:
            raise BodyFilesError(_NO_PACKAGE.format(name=name)) from error

        self._file = load_model_file(name, folder)
        self.name: str = name
        self.source = self._file.name
        self.faces = self._file.faces
        self.uv, self.uv_faces = self._file.uv, self._file.uv_faces
        self.own_uv = self._file.own_uv
        self.parents = self._file.parents
        self.skin_weights = self._file.skin_weights
        joints = {
            "smpl": (*JOINT_NAMES[:22], "left_hand", "right_hand"),
            "smplh": tuple(SMPLH_JOINT_NAMES[:52]),
            "smplx": tuple(JOINT_NAMES[:55]),
        }
        self.joint_names: tuple[str, ...] = joints[name]
        self._vertex_ids: Mapping[str, int] = vertex_ids["smplx" if name == "smplx" else "smplh"]
        points = self._points()
        self.keypoint_names = tuple(points)
        self.keypoint_weights = np.zeros((len(points), len(self.skin_weights)), dtype=np.float32)
        self.keypoint_weights[np.arange(len(points)), list(points.values())] = 1.0
        self._betas: dict[str, NDArray[np.float32]] = {}

    def rest_vertices(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (V, 3), metres: the T-pose, the pelvis at the origin, facing the camera.

        Args:
            shape: phenotype → value in [0, 1]; those not named are 0.5 (``anny.PHENOTYPES``).
                Facial actions may be named; these bodies show none.

        Raises:
            ValueError: a name is unknown or its value is not in [0, 1].
        """
        rest = self._shaped(self.betas(shape))
        turned: NDArray[np.float32] = (rest - self._file.regressor[0] @ rest) * FLIP
        return turned

    def rest_joints(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (J, 3), metres: the joints of :meth:`rest_vertices`; the root at the origin."""
        joints = self._file.regressor @ self._shaped(self.betas(shape))
        turned: NDArray[np.float32] = (joints - joints[0]) * FLIP
        return turned

    def pelvis(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (3,), metres, in SMPL's axes: where the model file has the pelvis at rest.

        The model turns bodies about it; so a body that others place by SMPL's ``transl`` has its
        pelvis there plus here.
        """
        place: NDArray[np.float32] = self._file.regressor[0] @ self._shaped(self.betas(shape))
        return place

    def pose(
        self,
        shapes: Sequence[Mapping[str, float]],
        rotations: NDArray[np.float32],
        translations: NDArray[np.float32],
    ) -> Bodies:
        """Pose a batch with the package's own linear blend skinning; see ``BodyModel.pose``.

        Each body is computed by itself, so that its neighbours cannot change it by a bit.

        Raises:
            ValueError: the batch sizes or the number of joints disagree, or a shape is wrong.
        """
        import torch
        from smplx.lbs import lbs

        count, joints = len(shapes), len(self.joint_names)
        if rotations.shape != (count, joints, 3) or translations.shape != (count, 3):
            raise ValueError(
                f"{count} shapes need rotations of shape {(count, joints, 3)} and translations of "
                f"shape {(count, 3)}, not {rotations.shape} and {translations.shape}"
            )
        template, shape_directions, pose_directions, regressor, parents, weights = self._tensors
        vertices = np.empty((count, len(self.skin_weights), 3), dtype=np.float32)
        placed = np.empty((count, joints, 3), dtype=np.float32)
        for index, shape in enumerate(shapes):
            betas = self.betas(shape)
            with torch.inference_mode():
                posed, posed_joints = lbs(
                    torch.from_numpy(betas[None]),
                    torch.from_numpy((rotations[index] * FLIP).astype(np.float32)[None]),
                    template,
                    shape_directions,
                    pose_directions,
                    regressor,
                    parents,
                    weights,
                )
            # The package leaves the pelvis where it is at rest.
            root = posed_joints[0, 0].numpy()
            vertices[index] = (posed[0].numpy() - root) * FLIP + translations[index]
            placed[index] = (posed_joints[0].numpy() - root) * FLIP + translations[index]
        return Bodies(vertices=vertices, joints=placed)

    def betas(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """The betas of an avatar's shape: float32 (S,), at most 3 standard deviations each.

        Those beyond size are drawn once for all with the shape itself as the seed, in coarse
        steps; then the smallest change of all of them is made that gives the height and the weight
        that gender, ``height`` and ``weight`` say. What a beta does to size is measured on the
        model, whose signs and order are not the same in every file.

        Args:
            shape: phenotype → value in [0, 1]; those not named are 0.5.

        Raises:
            ValueError: a name is unknown or its value is not in [0, 1].
        """
        values = _phenotypes(shape)
        key = json.dumps(values)
        if key not in self._betas:
            seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
            rng = np.random.default_rng(seed)
            count = self._file.shape_directions.shape[2]
            drawn = np.round(rng.normal(0.0, _SPREAD, count) / _STEP) * _STEP
            self._betas[key] = self._sized(drawn, values)
        return self._betas[key]

    def _sized(
        self, betas: NDArray[np.float64], values: Mapping[str, float]
    ) -> NDArray[np.float32]:
        """Betas changed as little as gives a body of the height and weight that is asked for."""
        height = (1 - values["gender"]) * _HEIGHTS["male"] + values["gender"] * _HEIGHTS["female"]
        height += _HEIGHT_SLOPE * (values["height"] - 0.5)
        mass_index = _BMI + _BMI_SLOPE * (values["weight"] - 0.5)
        wanted = np.array([height, np.log(mass_index * height**2 / _DENSITY)])
        for _ in range(5):
            missing = wanted - self._size(betas)
            step = np.linalg.pinv(self._size_slopes) @ missing
            betas = np.clip(betas + step, -_MOST, _MOST)
        return betas.astype(np.float32)

    def _size(self, betas: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64 (2,): the height in metres, and the logarithm of the volume in cubic metres."""
        rest = self._shaped(betas.astype(np.float32)).astype(np.float64)
        corners = rest[self.faces] - rest.mean(axis=0)
        volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        return np.array([np.ptp(rest[:, 1]), np.log(max(float(volume), 1e-3))])

    @cached_property
    def _size_slopes(self) -> NDArray[np.float64]:
        """float64 (2, S): how the size of the mean body changes with each beta."""
        count = self._file.shape_directions.shape[2]
        steps = 0.5 * np.eye(count)
        return np.array([self._size(step) - self._size(-step) for step in steps]).T

    def _shaped(self, betas: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 (V, 3): the body at rest in SMPL's axes."""
        shaped: NDArray[np.float32] = self._file.template + self._file.shape_directions @ betas
        return shaped

    @cached_property
    def _tensors(self) -> tuple[object, ...]:
        """The model as ``smplx.lbs.lbs`` takes it."""
        import torch

        file = self._file
        arrays = (
            file.template[None],
            file.shape_directions,
            file.pose_directions,
            file.regressor,
            file.parents.astype(np.int64),
            file.skin_weights,
        )
        return tuple(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)

    def _points(self) -> dict[str, int]:
        """Keypoint → vertex."""
        rest = self._file.template * FLIP
        joints = (self._file.regressor @ self._file.template) * FLIP
        place = {name: index for index, name in enumerate(self.joint_names)}
        # Eyeballs move by themselves where a model has joints for them; the face is around them.
        face = [place[name] for name in ("head", "jaw") if name in place]
        head = self.skin_weights[:, face].sum(axis=1) > 0.5
        points = {"nose": self._vertex_ids["nose"]}
        for side, sign in (("left", 1.0), ("right", -1.0)):
            letter = side[0]
            eye = rest[self._vertex_ids[f"{letter}eye"]]
            points[f"{side}_eye"] = self._vertex_ids[f"{letter}eye"]
            points[f"{side}_ear"] = self._vertex_ids[f"{letter}ear"]
            points[f"{side}_heel"] = self._vertex_ids[f"{letter.upper()}Heel"]
            points[f"{side}_big_toe"] = self._vertex_ids[f"{letter.upper()}BigToe"]
            for name, offset in _FACE.items():
                point = eye + np.array(offset) * [sign, 1.0, 1.0]
                points[f"{side}_{name}"] = _nearest(rest, point, head)
            hand = self.skin_weights[:, _hand(place, side)].sum(axis=1) > 0.5
            for finger, share in _KNUCKLES.items():
                tip = rest[self._vertex_ids[f"{letter}{finger}"]]
                wrist = joints[place[f"{side}_wrist"]]
                points[f"{side}_{finger}"] = _nearest(rest, wrist + share * (tip - wrist), hand)
        return points


# Points of the left half of the face, as offsets in metres from the front of the left eye; ours,
# as on the body anny.
_FACE = {
    "eye_inner": (-0.011, 0.001, 0.006),
    "eye_outer": (0.014, -0.001, 0.013),
    "mouth": (-0.007, 0.070, -0.002),
}
# How far from the wrist to the fingertip BlazePose's points of the hand are: knuckles of the index
# and the little finger, and the thumb's middle joint (proportions of a hand, rounded).
_KNUCKLES = {"index": 0.52, "pinky": 0.55, "thumb": 0.65}


def _hand(place: Mapping[str, int], side: str) -> list[int]:
    """The joints that move a hand."""
    fingers = ("wrist", "hand", "index", "middle", "pinky", "ring", "thumb")
    starts = tuple(f"{side}_{finger}" for finger in fingers)
    return [index for name, index in place.items() if name.startswith(starts)]


def _nearest(
    rest: NDArray[np.float32], point: NDArray[np.floating], among: NDArray[np.bool_]
) -> int:
    distance = np.linalg.norm(rest - point, axis=1)
    distance[~among] = np.inf
    return int(distance.argmin())


def _phenotypes(shape: Mapping[str, float]) -> dict[str, float]:
    """All phenotypes, checked."""
    for name, value in shape.items():
        if name not in PHENOTYPES and name not in ACTIONS:
            raise ValueError(f"unknown phenotype {name!r}; known: {', '.join(PHENOTYPES)}")
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"phenotype {name!r} is {value}, which is not in [0, 1]")
    return {name: float(shape.get(name, 0.5)) for name in PHENOTYPES}

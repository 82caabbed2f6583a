"""What every body model offers, whatever its topology."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from refsd.rendering import Camera


@dataclass(frozen=True, eq=False)
class Bodies:
    """A batch of posed bodies in camera coordinates (metres; x right, y down, z away).

    Attributes:
        vertices: float32 (B, V, 3).
        joints: float32 (B, J, 3), where each joint of ``BodyModel.joint_names`` is.
    """

    vertices: NDArray[np.float32]
    joints: NDArray[np.float32]


class BodyModel(Protocol):
    """A body with a shape and a pose.

    With a zero pose and zero translation the body stands upright in the model's rest pose, faces
    the camera (towards -z, head towards -y) and has its pelvis at the origin.

    Attributes:
        name: what the record of a run says.
        faces: int32 (F, 3), counter-clockwise seen from outside.
        uv: float32 (U, 2) in [0, 1], v down.
        uv_faces: int32 (F, 3).
        joint_names: J names.
        parents: int32 (J,), each joint's parent, before its children; -1 for the root.
        skin_weights: float32 (V, J), how much each joint moves each vertex; rows sum to 1.
        keypoint_names: K names of points that lie on the body and are no joints.
        keypoint_weights: float32 (K, V), each keypoint as a mean of vertices.
    """

    name: str
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    joint_names: tuple[str, ...]
    parents: NDArray[np.int32]
    skin_weights: NDArray[np.float32]
    keypoint_names: tuple[str, ...]
    keypoint_weights: NDArray[np.float32]

    def __hash__(self) -> int:
        """Each body model is itself: what is derived from it is kept per model."""
        ...

    def rest_vertices(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (V, 3), metres: the rest pose with the pelvis at the origin, facing the camera.

        Args:
            shape: phenotype → value in [0, 1], by the names of ``anny.PHENOTYPES``; those not
                named are 0.5.

        Raises:
            ValueError: a phenotype is unknown or its value is not in [0, 1].
        """
        ...

    def rest_joints(self, shape: Mapping[str, float]) -> NDArray[np.float32]:
        """float32 (J, 3), metres: the joints of :meth:`rest_vertices`; the root at the origin."""
        ...

    def pose(
        self,
        shapes: Sequence[Mapping[str, float]],
        rotations: NDArray[np.float32],
        translations: NDArray[np.float32],
    ) -> Bodies:
        """Pose a batch.

        Args:
            shapes: B phenotypes.
            rotations: float32 (B, J, 3), axis-angle in radians of each joint relative to its
                parent, in axes parallel to the camera's when the body is at rest; the root's turns
                the whole body.
            translations: float32 (B, 3), metres, position of the pelvis.
        """
        ...


@dataclass(frozen=True, eq=False)
class Observation:
    """What was seen of one person, to be explained by a body.

    Attributes:
        landmarks: float32 (33, 2), pixels of ``camera``'s picture.
        landmarks_world: float32 (33, 3), metres, origin between the hips, x right, y down, z away.
        visibility: float32 (33,) in [0, 1].
        camera: through which the person was seen.
    """

    landmarks: NDArray[np.float32]
    landmarks_world: NDArray[np.float32]
    visibility: NDArray[np.float32]
    camera: Camera


@dataclass(frozen=True, eq=False)
class Fits:
    """Bodies fitted to a batch of observations.

    Attributes:
        bodies: vertices and joints in the camera's coordinates, at a depth where their size fits.
        rotations: float32 (B, J, 3), as ``BodyModel.pose`` takes them.
        translations: float32 (B, 3).
        errors: float32 (B,), root mean square distance of visible landmarks, as a share of the
            person's height in the picture.
    """

    bodies: Bodies
    rotations: NDArray[np.float32]
    translations: NDArray[np.float32]
    errors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BodyEstimate:
    """A person's pose by an external estimator, in SMPL's terms.

    ``refsd.bodies.estimate_files`` reads it. There is no shape among it: shapes identify people.

    Attributes:
        rotations: float32 (24, 3, 3), rotation matrices: the pelvis in the camera's axes, then
            SMPL's other joints relative to their parents.
        place: float32 (3,), metres in the camera's axes: what is added to the model's vertices.
        focal: pixels; the camera looks through the middle of the picture.
    """

    rotations: NDArray[np.float32]
    place: NDArray[np.float32]
    focal: float

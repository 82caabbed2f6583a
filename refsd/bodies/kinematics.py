"""Rotations, and how they add up along a chain of joints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def rotation_matrices(rotations: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Rodrigues' formula.

    Args:
        rotations: (..., 3), axis-angle in radians.

    Returns:
        float64 (..., 3, 3).

    >>> rotation_matrices(np.array([0.0, 0.0, np.pi / 2])).round(6) @ [1, 0, 0]
    array([0., 1., 0.])
    """
    vectors = np.asarray(rotations, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = _cross_matrices(vectors)
    safe = np.where(angle < 1e-8, 1.0, angle)
    # Near zero the quotients are taken from their series: 1 and 1/2.
    sine = np.where(angle < 1e-8, 1.0, np.sin(angle) / safe)
    cosine = np.where(angle < 1e-8, 0.5, (1.0 - np.cos(angle)) / safe**2)
    matrices: NDArray[np.float64] = np.eye(3) + sine * cross + cosine * (cross @ cross)
    return matrices


def _cross_matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    zero = np.zeros_like(x)
    rows = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1)
    return rows.reshape(*vectors.shape[:-1], 3, 3)


def chain(
    rest_joints: NDArray[np.floating[Any]],
    rotations: NDArray[np.floating[Any]],
    parents: Sequence[int],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Forward kinematics of one body, with the first joint at the origin.

    A joint turns everything below it about itself, in axes that are parallel to the camera's when
    the body is at rest: its rotation in the world is its parent's times its own.

    Args:
        rest_joints: (J, 3), metres, the joints at rest.
        rotations: (J, 3), axis-angle in radians relative to the parent.
        parents: each joint's parent, -1 for the first; a parent comes before its children.

    Returns:
        float64 (J, 3, 3), the joints' rotations in the world, and float64 (J, 3), where they are.
    """
    local = rotation_matrices(rotations)
    rest = np.asarray(rest_joints, dtype=np.float64)
    turned = np.empty_like(local)
    placed = np.zeros_like(rest)
    turned[0] = local[0]
    for joint, parent in enumerate(parents):
        if parent < 0:
            continue
        turned[joint] = turned[parent] @ local[joint]
        placed[joint] = placed[parent] + turned[parent] @ (rest[joint] - rest[parent])
    return turned, placed

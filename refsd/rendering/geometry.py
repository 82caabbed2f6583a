"""Meshes to what a rasteriser needs: one list of triangles, normals, and where they fall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.rendering.scene import Camera, Mesh

NEAR = 0.05
"""Metres; triangles with a corner nearer to the camera's plane than this are not drawn."""


@dataclass(frozen=True, eq=False)
class Triangles:
    """All triangles of a scene, in one list.

    Attributes:
        vertices: float64 (V, 3), metres, camera coordinates.
        normals: float64 (V, 3), unit vectors.
        faces: int64 (F, 3), indices into ``vertices``.
        uv: float64 (F, 3, 2), corner by corner.
        mesh: int64 (F,), which mesh a face belongs to.
    """

    vertices: NDArray[np.float64]
    normals: NDArray[np.float64]
    faces: NDArray[np.int64]
    uv: NDArray[np.float64]
    mesh: NDArray[np.int64]


def gather(meshes: Sequence[Mesh]) -> Triangles:
    """Join meshes, leaving out faces that reach behind the camera."""
    vertices, normals = [np.zeros((0, 3))], [np.zeros((0, 3))]
    faces, uv = [np.zeros((0, 3), dtype=np.int64)], [np.zeros((0, 3, 2))]
    owner = [np.zeros(0, dtype=np.int64)]
    offset = 0
    for index, mesh in enumerate(meshes):
        kept = (mesh.vertices[:, 2] > NEAR)[mesh.faces].all(axis=1)
        vertices.append(mesh.vertices.astype(np.float64))
        normals.append(_normals(mesh))
        faces.append(mesh.faces[kept].astype(np.int64) + offset)
        uv.append(mesh.uv[mesh.uv_faces[kept]].astype(np.float64))
        owner.append(np.full(int(kept.sum()), index, dtype=np.int64))
        offset += len(mesh.vertices)
    return Triangles(
        vertices=np.concatenate(vertices),
        normals=np.concatenate(normals),
        faces=np.concatenate(faces),
        uv=np.concatenate(uv),
        mesh=np.concatenate(owner),
    )


def vertex_normals(
    vertices: NDArray[np.floating], faces: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Unit normals of vertices: the mean of their faces' normals, weighted by area.

    Args:
        vertices: (V, 3).
        faces: (F, 3), counter-clockwise seen from outside.

    Returns:
        float64 (V, 3); 0 for vertices of no face.
    """
    corners = vertices.astype(np.float64)[faces]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = faces.T.reshape(-1)
    sums = np.stack(
        [
            np.bincount(flat, np.tile(areas[:, axis], 3), minlength=len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return sums / np.where(lengths > 0, lengths, 1.0)


def visible_window(triangles: Triangles, camera: Camera) -> tuple[int, int, int, int] | None:
    """The pixels x0 y0 x1 y1 of the picture on which triangles may fall; None if there are none."""
    if len(triangles.faces) == 0:
        return None
    is_used = np.zeros(len(triangles.vertices), dtype=np.bool_)
    is_used[triangles.faces.reshape(-1)] = True
    used = triangles.vertices[is_used]
    x = camera.fx * used[:, 0] / used[:, 2] + camera.cx
    y = camera.fy * used[:, 1] / used[:, 2] + camera.cy
    x0, x1 = max(0, math.floor(x.min())), min(camera.width, math.ceil(x.max()))
    y0, y1 = max(0, math.floor(y.min())), min(camera.height, math.ceil(y.max()))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def texel_densities(
    triangles: Triangles, camera: Camera, images: Sequence[NDArray[np.uint8]]
) -> list[float]:
    """Texels per pixel of the camera's picture, along one axis, for the texture of each mesh.

    Counted over the faces that are seen from outside; 1 where there are none.
    """
    z = triangles.vertices[:, 2]
    safe = np.where(z > NEAR, z, 1.0)
    screen = triangles.vertices[:, :2] * [camera.fx, camera.fy] / safe[:, None]
    # Seen from outside, corners run counter-clockwise, which is a negative area where y is down.
    pixels = -_doubled_areas(screen[triangles.faces])
    texels = np.abs(_doubled_areas(triangles.uv))
    densities = []
    for index, image in enumerate(images):
        chosen = (triangles.mesh == index) & (pixels > 0)
        covered = float(pixels[chosen].sum())
        seen = float(texels[chosen].sum()) * image.shape[0] * image.shape[1]
        densities.append(math.sqrt(seen / covered) if covered > 0 else 1.0)
    return densities


def _doubled_areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64 (F,), signed, of triangles (F, 3, 2) in the plane."""
    sides = corners[:, 1:] - corners[:, :1]
    areas: NDArray[np.float64] = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
    return areas


def _normals(mesh: Mesh) -> NDArray[np.float64]:
    if mesh.normals is None:
        return vertex_normals(mesh.vertices, mesh.faces)
    return mesh.normals.astype(np.float64)

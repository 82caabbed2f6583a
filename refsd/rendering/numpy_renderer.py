"""A rasteriser in NumPy: the same picture on every machine, without a graphics card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from refsd.rendering import scanlines, textures
from refsd.rendering.drawing import draw
from refsd.rendering.shading import Surfaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.rendering.geometry import Triangles
    from refsd.rendering.scanlines import Fragments, Projection
    from refsd.rendering.scene import Camera, Light, Mesh, Rendering


class NumpyRenderer:
    """Draws meshes with a depth buffer and supersampling; deterministic."""

    name = "numpy"

    def render(self, meshes: Sequence[Mesh], camera: Camera, light: Light) -> Rendering:
        """Draw the meshes as ``camera`` sees them under ``light``, antialiased.

        Args:
            meshes: what to draw; the nearest surface is seen.
            camera: through which.
            light: in which light.

        Returns:
            A picture of the camera's size.
        """
        return draw(meshes, camera, light, look)


def look(
    triangles: Triangles, images: Sequence[NDArray[np.uint8]], camera: Camera, samples: int
) -> Surfaces:
    """What each sample sees: colour, normal and depth of the nearest surface."""
    projection = scanlines.project(triangles, camera)
    seen = _nearest(triangles, images, projection, camera)
    weights = projection.weights(seen)
    corners = triangles.faces[seen.faces]
    normals = np.einsum("nc,nca->na", weights, triangles.normals[corners])
    # Both sides are drawn: the normal belongs to the side that is seen.
    normals *= np.where(projection.doubled_area[seen.faces] > 0, -1.0, 1.0)[:, None]
    lengths = np.sqrt(np.einsum("na,na->n", normals, normals))
    uv = np.einsum("nc,nca->na", weights, triangles.uv[seen.faces])
    shape = (camera.height, camera.width)
    surfaces = Surfaces(
        albedo=np.zeros((*shape, 3), dtype=np.uint8),
        normals=np.zeros((*shape, 3), dtype=np.float32),
        depth=np.full(shape, np.inf, dtype=np.float32),
        samples=samples,
    )
    owner = triangles.mesh[seen.faces]
    for index, image in enumerate(images):
        own = np.flatnonzero(owner == index)
        texels = textures.sample(image, uv[own])[:, :3]
        surfaces.albedo[seen.rows[own], seen.columns[own]] = np.rint(texels)
    surfaces.normals[seen.rows, seen.columns] = normals / np.maximum(lengths, 1e-9)[:, None]
    surfaces.depth[seen.rows, seen.columns] = 1 / projection.inverse_depth(seen)
    return surfaces


def _nearest(
    triangles: Triangles,
    images: Sequence[NDArray[np.uint8]],
    projection: Projection,
    camera: Camera,
) -> Fragments:
    """Of the fragments of each sample, the nearest one."""
    # Depth and face in one integer: positive floats sort like their bits. The largest 1 / z wins,
    # and of equal ones the later face, whatever the order of the fragments.
    buffer = np.full(camera.height * camera.width, -1, dtype=np.int64)
    pierced = [index for index, image in enumerate(images) if textures.has_holes(image)]
    for batch in scanlines.fragments(projection, camera.height, camera.width):
        solid = batch
        for index in pierced:
            solid = solid[~_in_hole(solid, index, triangles, images[index], projection)]
        inverse = projection.inverse_depth(solid).astype(np.float32)
        key = (inverse.view(np.int32).astype(np.int64) << 32) | solid.faces
        np.maximum.at(buffer, solid.rows * camera.width + solid.columns, key)
    covered = np.flatnonzero(buffer >= 0)
    rows, columns = np.divmod(covered, camera.width)
    return scanlines.Fragments(buffer[covered] & 0xFFFFFFFF, columns, rows)


def _in_hole(
    fragments: Fragments,
    mesh: int,
    triangles: Triangles,
    image: NDArray[np.uint8],
    projection: Projection,
) -> NDArray[np.bool_]:
    """Which fragments belong to a mesh and are cut out by its texture, bool (N,)."""
    cut = np.zeros(len(fragments.faces), dtype=np.bool_)
    own = np.flatnonzero(triangles.mesh[fragments.faces] == mesh)
    weights = projection.weights(fragments[own])
    uv = np.einsum("nc,nca->na", weights, triangles.uv[fragments.faces[own]])
    cut[own] = textures.sample(image, uv)[:, 3] < 127.5
    return cut

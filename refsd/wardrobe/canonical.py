"""Where everything is on the body, for all bodies alike: the coordinates that clothes are cut in.

Clothes are functions of *canonical* coordinates: positions on one neutral body at rest (metres,
x right, y down, z away, pelvis at the origin: crown at y = -0.85, shoulders -0.50, waist -0.15,
crotch 0.08, knees 0.45, ankles 0.91, soles 0.99). A sleeve or a hem is then the same cut on every
body, because bodies share their topology.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from refsd.wardrobe.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.bodies import AnnyBody

NEUTRAL = {"age": 0.67, "gender": 0.5}
"""The shape of the canonical body."""


@dataclass(frozen=True, eq=False)
class Places:
    """Canonical coordinates of N points (vertices or texels), each float32 (N, …).

    Attributes:
        position: (N, 3), on the neutral body at rest.
        arm: share that the arm below the shoulder moves, 0 on the torso, 1 on arm and hand.
        along_arm: 0 at the shoulder, about 0.5 at the elbow, 1 at the wrist, more on the hand.
        leg: share that the legs move.
        foot: share that foot and toes move.
        hand: share that wrist and fingers move.
        head: share that head and upper neck move.
        eye: share that the eyeballs move.
    """

    position: NDArray[np.float32]
    arm: NDArray[np.float32]
    along_arm: NDArray[np.float32]
    leg: NDArray[np.float32]
    foot: NDArray[np.float32]
    hand: NDArray[np.float32]
    head: NDArray[np.float32]
    eye: NDArray[np.float32]

    def stacked(self) -> NDArray[np.float32]:
        """All as float32 (N, 10)."""
        rest = (self.arm, self.along_arm, self.leg, self.foot, self.hand, self.head, self.eye)
        return np.concatenate([self.position, np.stack(rest, axis=1)], axis=1)

    @staticmethod
    def unstacked(columns: NDArray[np.float32]) -> Places:
        """The inverse of :meth:`stacked`."""
        return Places(columns[:, :3], *(columns[:, c] for c in range(3, 10)))


@cache
def vertex_places(body: AnnyBody) -> Places:
    """Canonical coordinates of the body's vertices."""
    position = body.rest_vertices(NEUTRAL)
    joints = body.rest_joints(NEUTRAL)

    def share(*starts: str) -> NDArray[np.float32]:
        chosen = [name.startswith(starts) for name in body.joint_names]
        return floats(body.skin_weights[:, chosen].sum(axis=1))

    along = np.full(len(position), 0.0, dtype=np.float32)
    for side in (".L", ".R"):
        shoulder, elbow, wrist = (
            joints[body.joint_names.index(name + side)]
            for name in ("upperarm01", "lowerarm01", "wrist")
        )
        mine = position[:, 0] * shoulder[0] > 0
        upper = _along(position, shoulder, elbow)
        lower = _along(position, elbow, wrist)
        along[mine] = np.where(upper < 1, upper, 1 + np.maximum(lower, 0))[mine] / 2
    return Places(
        position=position,
        arm=share("upperarm", "lowerarm", "wrist", "finger", "metacarpal"),
        along_arm=along,
        leg=share("upperleg", "lowerleg", "foot", "toe"),
        foot=share("foot", "toe"),
        hand=share("wrist", "finger", "metacarpal"),
        head=share("head", "neck03", "eye"),
        eye=share("eye"),
    )


def _along(
    points: NDArray[np.float32], start: NDArray[np.float32], end: NDArray[np.float32]
) -> NDArray[np.float32]:
    axis = end - start
    return np.asarray((points - start) @ axis / (axis @ axis), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Texels:
    """The texture's texels that lie on the body, and what to fill the others with.

    Attributes:
        size: the texture is size x size.
        places: of the N texels on the body.
        source: int64 (size²,), for each texel the number of the nearest texel on the body.
    """

    size: int
    places: Places
    source: NDArray[np.int64]

    def picture(self, colours: NDArray[np.float32]) -> NDArray[np.uint8]:
        """float32 (N, 3) in [0, 1] to an opaque texture uint8 (size, size, 4)."""
        rgb = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)[self.source]
        opaque = np.full((len(rgb), 1), 255, dtype=np.uint8)
        return np.concatenate([rgb, opaque], axis=1).reshape(self.size, self.size, 4)


@cache
def texels(body: AnnyBody, size: int = 512) -> Texels:
    """Canonical coordinates of the body's texels, by drawing its UV layout."""
    return drawn_texels(vertex_places(body), body.faces, body.uv, body.uv_faces, size)


def drawn_texels(
    places: Places,
    faces: NDArray[np.int32],
    uv: NDArray[np.float32],
    uv_faces: NDArray[np.int32],
    size: int,
) -> Texels:
    """Canonical coordinates of texels, by drawing a UV layout.

    Args:
        places: of the V vertices.
        faces: int32 (F, 3), indices into the vertices.
        uv: float32 (U, 2), v down.
        uv_faces: int32 (F, 3), indices into ``uv``.
        size: texels along each side.
    """
    from scipy.ndimage import distance_transform_edt

    from refsd.rendering import Camera, Mesh
    from refsd.rendering.geometry import gather
    from refsd.rendering.scanlines import fragments, project

    # The layout lies in the plane z = 1 before a camera that sees exactly the unit square.
    flat = np.concatenate([uv, np.ones((len(uv), 1), dtype=np.float32)], axis=1)
    blank = np.zeros((1, 1, 4), dtype=np.uint8)
    layout = Mesh(flat, uv_faces, uv, uv_faces, blank)
    projection = project(gather([layout]), Camera(size, size, 0, 0, size, size))
    columns = places.stacked()
    found = np.zeros((size * size, columns.shape[1]), dtype=np.float32)
    drawn = np.zeros(size * size, dtype=np.bool_)
    for some in fragments(projection, size, size):
        at = some.rows * size + some.columns
        weights = projection.weights(some).astype(np.float32)
        found[at] = np.einsum("nc,ncd->nd", weights, columns[faces[some.faces]])
        drawn[at] = True
    numbers = np.full(size * size, -1, dtype=np.int64)
    numbers[drawn] = np.arange(int(drawn.sum()))
    nearest = distance_transform_edt(
        ~drawn.reshape(size, size), return_distances=False, return_indices=True
    )
    source = numbers.reshape(size, size)[nearest[0], nearest[1]].ravel()
    # Column after column in memory: painters take coordinates one at a time.
    return Texels(size, Places.unstacked(np.asfortranarray(found[drawn])), source)

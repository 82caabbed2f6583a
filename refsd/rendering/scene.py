"""What a renderer is given and what it gives back.

Coordinates are those of OpenCV's pinhole camera: x right, y down, z away from the camera, metres;
a point (x, y, z) falls on the pixel position (fx x / z + cx, fy y / z + cy), where (0, 0) is the
top left *corner* of the picture and the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """A textured triangle mesh in camera coordinates.

    Attributes:
        vertices: float32 (V, 3), metres, camera coordinates.
        faces: int32 (F, 3), indices into ``vertices``; seen from outside the corners run
            counter-clockwise. Both sides are drawn.
        uv: float32 (U, 2) in [0, 1], (0, 0) the top left corner of the texture, v down.
        uv_faces: int32 (F, 3), indices into ``uv``, corner by corner with ``faces``.
        texture: uint8 (T, T, 4), sRGB with straight alpha; texels of alpha below 128 are cut out.
        normals: float32 (V, 3) unit vectors, or None to have them computed from the faces.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    texture: NDArray[np.uint8]
    normals: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion; all in pixels of the picture."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def project(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where points (N, 3) in camera coordinates fall: (N, 2), pixels."""
        import numpy as np

        return np.stack(
            [
                self.fx * points[:, 0] / points[:, 2] + self.cx,
                self.fy * points[:, 1] / points[:, 2] + self.cy,
            ],
            axis=1,
        ).astype(np.float32)

    def window(self, x0: int, y0: int, x1: int, y1: int, scale: float = 1.0) -> Camera:
        """The same camera, looking at a window of the picture only, resized by ``scale``."""
        return Camera(
            fx=self.fx * scale,
            fy=self.fy * scale,
            cx=(self.cx - x0) * scale,
            cy=(self.cy - y0) * scale,
            width=round((x1 - x0) * scale),
            height=round((y1 - y0) * scale),
        )


@dataclass(frozen=True)
class Light:
    """A directional light above an ambient one (hemispheric: sky from above, ground from below).

    Attributes:
        direction: unit vector from the scene towards the light, camera coordinates.
        colour: linear RGB of the directional light; 1 is full white.
        sky: linear RGB of the ambient light on surfaces that face up.
        ground: linear RGB of the ambient light on surfaces that face down.
    """

    direction: tuple[float, float, float] = (-0.35, -0.75, -0.56)
    colour: tuple[float, float, float] = (0.65, 0.65, 0.65)
    sky: tuple[float, float, float] = (0.50, 0.50, 0.50)
    ground: tuple[float, float, float] = (0.28, 0.28, 0.28)


@dataclass(frozen=True, eq=False)
class Rendering:
    """A picture of meshes before nothing.

    Attributes:
        rgba: uint8 (H, W, 4), sRGB with straight (not premultiplied) alpha = share of the pixel
            that is covered.
        depth: float32 (H, W), metres along z of the nearest surface; inf where there is none.
        normals: float32 (H, W, 3), unit vectors in camera coordinates; 0 where there is no surface.
    """

    rgba: NDArray[np.uint8]
    depth: NDArray[np.float32]
    normals: NDArray[np.float32]


@runtime_checkable
class Renderer(Protocol):
    """Draws meshes with the nearest surface on top.

    Attributes:
        name: what the record of a run says, e.g. ``moderngl`` or ``numpy``.
    """

    name: str

    def render(self, meshes: Sequence[Mesh], camera: Camera, light: Light) -> Rendering:
        """Draw the meshes as ``camera`` sees them under ``light``, antialiased."""
        ...

"""A rasteriser in OpenGL, without a window: EGL on a graphics card, or Mesa's software."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import moderngl
import numpy as np

from refsd.rendering.drawing import draw
from refsd.rendering.shading import Surfaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from refsd.rendering.geometry import Triangles
    from refsd.rendering.scene import Camera, Light, Mesh, Rendering

_VERTEX = """
#version 330
uniform mat4 projection;
in vec3 position;
in vec3 normal;
in vec2 uv;
out vec3 seen_normal;
out vec2 seen_uv;
out float depth;
void main() {
    gl_Position = projection * vec4(position, 1.0);
    seen_normal = normal;
    seen_uv = uv;
    depth = position.z;
}
"""

_FRAGMENT = """
#version 330
uniform sampler2D image;
in vec3 seen_normal;
in vec2 seen_uv;
in float depth;
layout(location = 0) out vec4 albedo;
layout(location = 1) out vec4 normal_depth;
void main() {
    vec4 texel = texture(image, seen_uv);
    if (texel.a < 127.5 / 255.0) discard;
    albedo = texel;
    // Both sides are drawn: the normal belongs to the side that is seen.
    normal_depth = vec4(normalize(seen_normal) * (gl_FrontFacing ? 1.0 : -1.0), depth);
}
"""


class ModernGLRenderer:
    """Draws meshes with OpenGL; samples, shading and antialiasing are those of the NumPy one."""

    name = "moderngl"

    def render(self, meshes: Sequence[Mesh], camera: Camera, light: Light) -> Rendering:
        """Draw the meshes as ``camera`` sees them under ``light``, antialiased.

        Args:
            meshes: what to draw; the nearest surface is seen.
            camera: through which.
            light: in which light.

        Returns:
            A picture of the camera's size.
        """
        return draw(meshes, camera, light, _look)


@cache
def context() -> moderngl.Context:
    """The one OpenGL context of this process; OpenGL allows one per thread at a time.

    Raises:
        Exception: EGL or a driver is missing; moderngl raises it without a type of its own.
    """
    # Mesa's drivers and torch's compiler each bring an LLVM. The compiler bears the drivers' if it
    # was loaded first; loaded second, as a training would, it crashes the process.
    with suppress(ImportError):
        import_module("triton")
    settings: dict[str, Any] = {"backend": "egl"}
    return moderngl.create_context(require=330, standalone=True, **settings)


@cache
def _program() -> moderngl.Program:
    return context().program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)


def _look(
    triangles: Triangles, images: Sequence[NDArray[np.uint8]], camera: Camera, samples: int
) -> Surfaces:
    """What each sample sees: colour, normal and depth of the nearest surface."""
    gl, program = context(), _program()
    size = (camera.width, camera.height)
    attachments = [gl.texture(size, 4), gl.texture(size, 4, dtype="f4")]
    depth_buffer = gl.depth_renderbuffer(size)
    frame = gl.framebuffer(attachments, depth_buffer)
    owned: list[Any] = [frame, depth_buffer, *attachments]
    try:
        frame.use()
        frame.clear(0.0, 0.0, 0.0, 0.0)
        gl.enable_only(moderngl.DEPTH_TEST)
        # The rows of the frame run downwards as the picture's do, which mirrors the corners.
        gl.front_face = "cw"
        z = triangles.vertices[triangles.faces, 2]
        projection: Any = program["projection"]
        projection.write(_projection(camera, float(z.min()), float(z.max())))
        for index, image in enumerate(images):
            corners = _corners(triangles, triangles.mesh == index)
            if len(corners) == 0:
                continue
            texture = gl.texture((image.shape[1], image.shape[0]), 4, np.ascontiguousarray(image))
            texture.repeat_x = texture.repeat_y = False
            texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
            buffer = gl.buffer(corners)
            array = gl.vertex_array(program, [(buffer, "3f 3f 2f", "position", "normal", "uv")])
            owned += [array, buffer, texture]
            texture.use()
            array.render()
        return _read(frame, camera, samples)
    finally:
        for thing in owned:
            thing.release()


def _corners(triangles: Triangles, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Position, normal and uv of every corner of some faces, float32 (3 F, 8)."""
    faces = triangles.faces[chosen].reshape(-1)
    uv = triangles.uv[chosen].reshape(-1, 2)
    joined = np.concatenate([triangles.vertices[faces], triangles.normals[faces], uv], axis=1)
    return np.ascontiguousarray(joined, dtype=np.float32)


def _projection(camera: Camera, nearest: float, farthest: float) -> NDArray[np.float32]:
    """Camera coordinates to OpenGL's clip space, float32 (4, 4), column by column.

    The depth range is that of the scene, for all the precision that the depth buffer has.
    """
    near, far = 0.99 * nearest, 1.01 * farthest
    rows = np.zeros((4, 4), dtype=np.float32)
    rows[0, [0, 2]] = 2 * camera.fx / camera.width, 2 * camera.cx / camera.width - 1
    rows[1, [1, 2]] = 2 * camera.fy / camera.height, 2 * camera.cy / camera.height - 1
    rows[2, [2, 3]] = (far + near) / (far - near), -2 * far * near / (far - near)
    rows[3, 2] = 1
    return np.ascontiguousarray(rows.T)


def _read(frame: moderngl.Framebuffer, camera: Camera, samples: int) -> Surfaces:
    shape = (camera.height, camera.width, 4)
    albedo = np.frombuffer(frame.read(components=4, attachment=0), dtype=np.uint8).reshape(shape)
    raw = frame.read(components=4, attachment=1, dtype="f4")
    normal_depth = np.frombuffer(raw, dtype=np.float32).reshape(shape)
    covered = normal_depth[..., 3] > 0
    return Surfaces(
        albedo=albedo[..., :3],
        normals=normal_depth[..., :3],
        depth=np.where(covered, normal_depth[..., 3], np.float32(np.inf)),
        samples=samples,
    )

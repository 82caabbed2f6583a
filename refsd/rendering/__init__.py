"""Meshes to pictures: RGBA, depth and normals, on a GPU or in NumPy.

The renderers themselves are imported on first use.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from refsd.rendering.scene import Camera, Light, Mesh, Renderer, Rendering

__all__ = [
    "Camera",
    "Light",
    "Mesh",
    "Renderer",
    "RendererName",
    "Rendering",
    "egl_status",
    "make_renderer",
]

RendererName = Literal["auto", "moderngl", "numpy"]


def make_renderer(name: RendererName = "auto") -> Renderer:
    """Build a renderer.

    Args:
        name: ``moderngl`` (OpenGL through EGL), ``numpy`` (the same on every machine), or
            ``auto``: OpenGL where an EGL context can be made, NumPy elsewhere.

    Raises:
        ValueError: there is no such renderer.
        RuntimeError: ``moderngl`` was asked for and no EGL context can be made.
    """
    if name not in ("auto", "moderngl", "numpy"):
        raise ValueError(f"unknown renderer {name!r}; known: auto, moderngl, numpy")
    if name == "numpy" or (name == "auto" and _egl_error() is not None):
        from refsd.rendering.numpy_renderer import NumpyRenderer

        return NumpyRenderer()
    if (error := _egl_error()) is not None:
        raise RuntimeError(
            f"the renderer 'moderngl' needs an EGL context, and there is none ({error}); install "
            "libegl1 and libgl1-mesa-dri, or choose the renderer 'numpy'"
        )
    from refsd.rendering.moderngl_renderer import ModernGLRenderer

    return ModernGLRenderer()


def egl_status() -> str:
    """One line for people: which OpenGL the renderer ``moderngl`` would use, or why it cannot."""
    if (error := _egl_error()) is not None:
        return f"no EGL context ({error}); install libegl1 and libgl1-mesa-dri"
    from refsd.rendering.moderngl_renderer import context

    info = context().info
    return f"EGL context: {info['GL_RENDERER']}, OpenGL {info['GL_VERSION']}"


@cache
def _egl_error() -> str | None:
    """Why no EGL context can be made in this process; None where one was made."""
    try:
        from refsd.rendering.moderngl_renderer import context

        context()
    except Exception as error:  # moderngl and glcontext raise bare exceptions
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return None

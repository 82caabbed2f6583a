"""Meshes to pictures: RGBA, depth and normals, on a GPU or in NumPy.

Renderers are imported on first use.
"""

from __future__ import annotations

from typing import Literal

from refsd.rendering.scene import Camera, Light, Mesh, Renderer, Rendering

__all__ = ["Camera", "Light", "Mesh", "Renderer", "RendererName", "Rendering", "make_renderer"]

RendererName = Literal["auto", "moderngl", "numpy"]


def make_renderer(name: RendererName) -> Renderer:
    """Build a renderer.

    Raises:
        ValueError: there is no such renderer.
    """
    if name in ("numpy", "auto"):
        from refsd.rendering.numpy_renderer import NumpyRenderer

        return NumpyRenderer()
    raise ValueError(f"unknown renderer {name!r}; known: auto, moderngl, numpy")

"""Meshes to pictures: RGBA, depth and normals, on a GPU or in NumPy."""

from refsd.rendering.scene import Camera, Light, Mesh, Renderer, Rendering

__all__ = ["Camera", "Light", "Mesh", "Renderer", "Rendering"]

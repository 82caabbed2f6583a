"""OpenGL and NumPy must draw the same picture."""

import numpy as np
import pytest

from refsd.rendering import Camera, Light, Mesh, egl_status, make_renderer

pytestmark = pytest.mark.skipif(
    egl_status().startswith("no EGL context"), reason=f"moderngl: {egl_status()}"
)

CAMERA = Camera(fx=400, fy=400, cx=64, cy=128, width=128, height=256)


def lumpy_body(seed, centre, texture):
    """A closed surface with bumps, some 5000 triangles, with a texture seam."""
    rng = np.random.default_rng(seed)
    lat, lon = np.meshgrid(np.linspace(0, np.pi, 50), np.linspace(0, 2 * np.pi, 51), indexing="ij")
    radius = 1 + 0.15 * np.sin(3 * lon + rng.uniform(0, 6)) * np.sin(lat) ** 2 * np.cos(4 * lat)
    unit = np.stack([np.sin(lat) * np.cos(lon), -np.cos(lat), np.sin(lat) * np.sin(lon)], -1)
    vertices = unit * radius[..., None] * [0.35, 0.8, 0.35] + centre
    index = np.arange(lat.size).reshape(lat.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    ).astype(np.int32)
    uv = np.stack([lon / (2 * np.pi), lat / np.pi], -1).reshape(-1, 2).astype(np.float32)
    return Mesh(vertices.reshape(-1, 3).astype(np.float32), faces, uv, faces, texture)


def texture(seed, holes):
    rng = np.random.default_rng(seed)
    blocks = rng.integers(20, 240, (8, 8, 3)).repeat(64, 0).repeat(64, 1).astype(np.uint8)
    alpha = np.full((512, 512, 1), 255, np.uint8)
    if holes:
        alpha[128:256, 64:200] = 0
    return np.concatenate([blocks, alpha], 2)


@pytest.fixture(scope="module")
def pictures():
    scene = [
        lumpy_body(1, [0.1, 0.0, 3.0], texture(1, holes=True)),
        lumpy_body(2, [-0.15, 0.1, 3.2], texture(2, holes=False)),
    ]
    return [make_renderer(name).render(scene, CAMERA, Light()) for name in ("numpy", "moderngl")]


def test_coverage_agrees(pictures):
    one, two = (picture.rgba[..., 3] > 127 for picture in pictures)
    assert one.sum() > 5000
    assert (one & two).sum() / (one | two).sum() > 0.995


def test_colours_agree(pictures):
    one, two = (picture.rgba.astype(int) for picture in pictures)
    both = (one[..., 3] > 250) & (two[..., 3] > 250)
    assert np.abs(one - two)[both].mean() < 0.5


def test_depth_and_normals_agree(pictures):
    one, two = pictures
    both = (one.rgba[..., 3] > 250) & (two.rgba[..., 3] > 250)
    assert np.percentile(np.abs(one.depth[both] - two.depth[both]), 99) < 0.002
    assert np.abs(one.normals - two.normals)[both].mean() < 0.005
    assert (np.isinf(one.depth) == np.isinf(two.depth)).mean() > 0.995


def test_opengl_gives_the_same_bytes_on_every_call():
    scene = [lumpy_body(3, [0, 0, 3.0], texture(3, holes=True))]
    one, two = (make_renderer("moderngl").render(scene, CAMERA, Light()) for _ in range(2))
    assert one.rgba.tobytes() == two.rgba.tobytes()
    assert one.depth.tobytes() == two.depth.tobytes()


def test_auto_takes_opengl_where_there_is_some():
    assert make_renderer("auto").name == "moderngl"


def test_auto_takes_numpy_elsewhere_and_asking_for_opengl_says_what_is_missing(monkeypatch):
    import refsd.rendering as room

    monkeypatch.setattr(room, "_egl_error", lambda: "libEGL.so not found")
    assert make_renderer("auto").name == "numpy"
    assert "libegl1" in egl_status()
    with pytest.raises(RuntimeError, match="libegl1"):
        make_renderer("moderngl")

"""The NumPy rasteriser against scenes whose pictures can be computed by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.rendering import Camera, Light, Mesh, make_renderer, scanlines
from refsd.rendering.geometry import gather, vertex_normals

# Ambient light only, the same from everywhere: colours come out as the texture has them.
FLAT = Light(colour=(0, 0, 0), sky=(1, 1, 1), ground=(1, 1, 1))
CAMERA = Camera(fx=200, fy=200, cx=64, cy=64, width=128, height=128)
WHITE = np.full((2, 2, 4), 255, np.uint8)


@pytest.fixture(scope="module")
def renderer():
    return make_renderer("numpy")


def plain(colour, size=2):
    texture = np.full((size, size, 4), 255, np.uint8)
    texture[..., :3] = colour
    return texture


def mesh(vertices, faces, texture=WHITE, uv=None):
    vertices = np.float32(vertices)
    uv = np.zeros((len(vertices), 2), np.float32) if uv is None else np.float32(uv)
    faces = np.int32(faces)
    return Mesh(vertices, faces, uv, faces, texture)


def quad(corners, texture=WHITE):
    """Top left, top right, bottom right, bottom left as seen; seen from outside."""
    return mesh(corners, [[0, 3, 2], [0, 2, 1]], texture, [[0, 0], [1, 0], [1, 1], [0, 1]])


def square(size, z, texture=WHITE, x=0.0):
    h = size / 2
    return quad([[x - h, -h, z], [x + h, -h, z], [x + h, h, z], [x - h, h, z]], texture)


def sphere(centre, radius, rings=64):
    """Latitude and longitude, seen from outside counter-clockwise."""
    lat, lon = np.meshgrid(
        np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij"
    )
    unit = np.stack([np.sin(lat) * np.cos(lon), -np.cos(lat), np.sin(lat) * np.sin(lon)], -1)
    index = np.arange(lat.size).reshape(lat.shape)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    return mesh(unit.reshape(-1, 3) * radius + centre, faces)


def rays(camera):
    """The direction through every pixel's centre, z = 1."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    return np.stack([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, np.ones_like(x)], -1)


def test_a_sphere_has_the_outline_depth_and_normals_of_a_sphere(renderer):
    centre, radius = np.array([0.1, -0.05, 5.0]), 1.2
    picture = renderer.render([sphere(centre, radius)], CAMERA, Light())
    direction = rays(CAMERA)
    a, b = (direction**2).sum(-1), (direction * centre).sum(-1)
    inside = b**2 - a * (centre @ centre - radius**2)
    expected = inside > 0
    covered = picture.rgba[..., 3] > 127
    assert (expected & covered).sum() / (expected | covered).sum() > 0.99
    core = inside > 0.15 * inside.max()
    depth = (b - np.sqrt(np.where(core, inside, 0))) / a
    # Depth is the nearest of a pixel's samples, so it may come short by the slope in a pixel.
    error = (depth - picture.depth)[core]
    assert 0 <= np.median(error) < 0.01
    assert np.abs(error).max() < 0.03
    normals = (direction * depth[..., None] - centre) / radius
    assert np.abs((normals - picture.normals)[core]).max() < 0.03
    assert np.isinf(picture.depth[~expected & ~covered]).mean() > 0.98
    assert not picture.normals[np.isinf(picture.depth)].any()


def test_winding_of_the_reference_sphere_is_outward():
    ball = sphere(np.zeros(3), 1.0)
    normals = vertex_normals(ball.vertices, ball.faces)
    inner = np.abs(ball.vertices[:, 1]) < 0.99
    assert ((normals * ball.vertices).sum(1)[inner] > 0.9).all()


def test_texture_is_perspective_correct_on_a_tilted_plane(renderer):
    ramp = np.full((256, 256, 4), 255, np.uint8)
    ramp[..., 0] = np.arange(256)[None] * 200 // 255
    ramp[..., 1] = np.arange(256)[:, None] * 200 // 255
    corners = np.array([[-1.0, -1, 3], [1, -1, 6], [1, 1, 6], [-1, 1, 3]])
    picture = renderer.render([quad(corners, ramp)], CAMERA, FLAT)
    # Intersect rays with the plane, and express the hit in the quad's two sides.
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    normal = np.cross(across, down)
    hit = rays(CAMERA) * ((corners[0] @ normal) / (rays(CAMERA) @ normal))[..., None]
    u = ((hit - corners[0]) @ across) / (across @ across)
    v = ((hit - corners[0]) @ down) / (down @ down)
    # Ambient occlusion acts near the rim: look at the middle.
    middle = (np.abs(u - 0.5) < 0.35) & (np.abs(v - 0.5) < 0.35)
    assert middle.sum() > 1000
    assert np.abs(picture.rgba[..., 0] - u * 200)[middle].max() < 3
    assert np.abs(picture.rgba[..., 1] - v * 200)[middle].max() < 3
    assert np.abs(picture.depth - hit[..., 2])[middle].max() < 0.05


def test_alpha_is_the_covered_share_of_a_pixel(renderer):
    corners = np.array([[-0.93, -0.71, 4], [0.21, 0.88, 4], [0.77, -0.35, 4]])
    picture = renderer.render([mesh(corners, [[0, 1, 2]])], CAMERA, FLAT)
    x, y = corners[:, 0] * 50, corners[:, 1] * 50  # pixels at this depth
    area = 0.5 * abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
    assert picture.rgba[..., 3].sum() / 255 == pytest.approx(area, rel=0.01)
    assert 0 < (picture.rgba[..., 3] % 255 != 0).sum() < 400


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_neighbours_share_no_sample_and_leave_none_out(seed):
    """A jittered grid of triangles that is larger than the picture covers every sample once."""
    rng = np.random.default_rng(seed)
    n = 12
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n)), -1)
    grid += rng.uniform(-0.06, 0.06, grid.shape)
    turn = rng.uniform(0, 2 * np.pi)
    grid = grid @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    vertices = np.concatenate([grid, np.full((n, n, 1), 1.0)], -1).reshape(-1, 3)
    index = np.arange(n * n).reshape(n, n)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([c, d, a], -1).reshape(-1, 3)]
    )
    camera = Camera(fx=60, fy=60, cx=20, cy=20, width=40, height=40)
    triangles = gather([mesh(vertices, faces)])
    counts = np.zeros((40, 40), int)
    for batch in scanlines.fragments(scanlines.project(triangles, camera), 40, 40):
        np.add.at(counts, (batch.rows, batch.columns), 1)
    assert (counts == 1).all()


def test_batches_of_fragments_do_not_change_the_picture(renderer, monkeypatch):
    scene = [sphere([0, 0, 5], 1.0), square(1.5, 4.6, plain((200, 30, 30)))]
    whole = renderer.render(scene, CAMERA, Light())
    monkeypatch.setattr(scanlines, "_FRAGMENTS_AT_ONCE", 997)
    parts = renderer.render(scene, CAMERA, Light())
    np.testing.assert_array_equal(whole.rgba, parts.rgba)
    np.testing.assert_array_equal(whole.depth, parts.depth)


def test_the_nearest_surface_is_seen_whatever_the_order(renderer):
    near, far = square(1, 3, plain((200, 0, 0))), square(3, 5, plain((0, 200, 0)))
    one = renderer.render([near, far], CAMERA, FLAT)
    two = renderer.render([far, near], CAMERA, FLAT)
    np.testing.assert_array_equal(one.rgba, two.rgba)
    assert one.rgba[64, 64, 0] > 150
    assert one.rgba[64, 64, 1] == 0
    assert one.depth[64, 64] == pytest.approx(3)
    assert one.depth[64, 20] == pytest.approx(5)


def test_same_bytes_on_every_call(renderer):
    scene = [sphere([0, 0, 5], 1.0)]
    one, two = (renderer.render(scene, CAMERA, Light()) for _ in range(2))
    for field in ("rgba", "depth", "normals"):
        assert getattr(one, field).tobytes() == getattr(two, field).tobytes()


def test_both_sides_are_drawn_with_normals_towards_the_camera(renderer):
    front = square(1, 3)
    back = Mesh(front.vertices, front.faces[:, ::-1].copy(), front.uv, front.uv_faces, WHITE)
    one, two = (renderer.render([x], CAMERA, Light()) for x in (front, back))
    np.testing.assert_array_equal(one.rgba, two.rgba)
    assert np.allclose(one.normals[64, 64], [0, 0, -1])
    assert np.allclose(two.normals[64, 64], [0, 0, -1])


def test_transparent_texels_are_holes(renderer):
    pierced = plain((200, 200, 200), size=64)
    pierced[16:48, 16:48, 3] = 0
    picture = renderer.render(
        [square(1.6, 4, pierced), square(3, 6, plain((0, 0, 200)))], CAMERA, FLAT
    )
    assert picture.depth[64, 64] == pytest.approx(6)
    assert picture.rgba[64, 64, 0] == 0
    assert picture.depth[64, 64 - 30] == pytest.approx(4)


def test_fine_patterns_melt_into_their_mean(renderer):
    """A 1024-texel checker on 40 pixels must be grey, not moiré."""
    checker = np.full((1024, 1024, 4), 255, np.uint8)
    checker[..., :3] = (np.indices((1024, 1024)).sum(0) % 2 * 200)[..., None]
    picture = renderer.render([square(0.8, 4, checker)], CAMERA, FLAT)
    inner = picture.rgba[50:78, 50:78, 0].astype(int)
    assert inner.max() - inner.min() < 12
    assert abs(inner.mean() - 100) < 8


def test_light_falls_on_the_side_it_comes_from(renderer):
    light = Light(direction=(-1, 0, 0), colour=(0.7,) * 3, sky=(0.1,) * 3, ground=(0.1,) * 3)
    picture = renderer.render([sphere([0, 0, 5], 1.0)], CAMERA, light)
    assert int(picture.rgba[64, 40, 0]) > 1.5 * int(picture.rgba[64, 88, 0])


def test_sky_and_ground_differ(renderer):
    light = Light(colour=(0, 0, 0), sky=(0.5, 0.1, 0.1), ground=(0.1, 0.1, 0.5))
    picture = renderer.render([sphere([0, 0, 5], 1.0)], CAMERA, light)
    assert picture.rgba[30, 64, 0] > picture.rgba[30, 64, 2]
    assert picture.rgba[98, 64, 0] < picture.rgba[98, 64, 2]


@pytest.mark.parametrize("scene", [[], [square(1, -3)], [square(1, 3, x=50.0)]])
def test_nothing_in_view_gives_an_empty_picture(renderer, scene):
    picture = renderer.render(scene, CAMERA, Light())
    assert picture.rgba.shape == (128, 128, 4)
    assert not picture.rgba.any()
    assert np.isinf(picture.depth).all()
    assert not picture.normals.any()


def test_a_window_shows_what_the_whole_picture_shows_there(renderer):
    scene = [sphere([0, 0, 5], 1.0)]
    whole = renderer.render(scene, CAMERA, Light())
    part = renderer.render(scene, CAMERA.window(40, 30, 100, 90), Light())
    np.testing.assert_allclose(part.depth, whole.depth[30:90, 40:100], atol=1e-4)
    # Ambient occlusion looks around, but not beyond the window.
    difference = np.abs(part.rgba.astype(int) - whole.rgba[30:90, 40:100])
    assert difference[8:-8, 8:-8].max() <= 1


def test_huge_windows_are_drawn_smaller_and_enlarged(renderer, monkeypatch):
    from refsd.rendering import drawing

    scene = [sphere([0, 0, 5], 1.0)]
    fine = renderer.render(scene, CAMERA, Light())
    monkeypatch.setattr(drawing, "MOST_PIXELS", 2000)
    coarse = renderer.render(scene, CAMERA, Light())
    assert coarse.rgba.shape == fine.rgba.shape
    both = (coarse.rgba[..., 3] > 250) & (fine.rgba[..., 3] > 250)
    assert both.sum() / (fine.rgba[..., 3] > 250).sum() > 0.9
    assert np.abs(coarse.rgba.astype(int) - fine.rgba)[both].mean() < 2


def test_unknown_renderers_are_refused():
    with pytest.raises(ValueError, match="known: auto, moderngl, numpy"):
        make_renderer("blender")

import numpy as np
import pytest

from refsd.compositing import Layer, composite, figures
from refsd.rendering import Rendering


def picture(height=200, width=160, seed=0):
    return np.random.default_rng(seed).integers(60, 200, (height, width, 3), dtype=np.uint8)


def figure(shape, box, colour, depth):
    """An opaque box at one depth, as a rendering of the given shape."""
    x0, y0, x1, y1 = box
    rgba = np.zeros((*shape, 4), np.uint8)
    far = np.full(shape, np.inf, np.float32)
    rgba[y0:y1, x0:x1] = [*colour, 255]
    far[y0:y1, x0:x1] = depth
    return Rendering(rgba, far, np.zeros((*shape, 3), np.float32))


def layer(window, box, colour, depth, shape=(200, 160)):
    """A figure in a window; its region is the window."""
    x0, y0, x1, y1 = window
    region = np.zeros(shape, bool)
    region[y0:y1, x0:x1] = True
    return Layer(figure((y1 - y0, x1 - x0), box, colour, depth), window, region)


RED = layer((20, 20, 100, 180), (10, 10, 70, 140), (200, 0, 0), 3.0)
BLUE = layer((60, 40, 140, 190), (10, 10, 70, 130), (0, 0, 200), 5.0)


def test_nobody_changes_nothing():
    np.testing.assert_array_equal(composite(picture(), []), picture())


@pytest.mark.parametrize("match", [False, True])
def test_outside_the_regions_not_a_bit_changes(match):
    background = picture()
    result = composite(background, [RED, BLUE], match=match)
    outside = ~(RED.region | BLUE.region)
    np.testing.assert_array_equal(result[outside], background[outside])
    np.testing.assert_array_equal(background, picture())


def test_avatars_are_drawn_in_their_colours():
    result = composite(picture(), [RED, BLUE], match=False)
    assert tuple(result[60, 45]) == (200, 0, 0)
    assert tuple(result[150, 120]) == (0, 0, 200)


def test_the_nearer_one_is_in_front_whatever_the_order():
    one = composite(picture(), [RED, BLUE], match=False)
    two = composite(picture(), [BLUE, RED], match=False)
    np.testing.assert_array_equal(one, two)
    assert tuple(one[100, 80]) == (200, 0, 0)


def test_depth_counts_per_pixel():
    """Two that interleave: each is in front where it is nearer."""
    tilted = figure((160, 80), (0, 0, 80, 160), (0, 200, 0), 0.0)
    depth = np.repeat(np.linspace(2, 4, 160, dtype=np.float32)[:, None], 80, 1)
    slanted = Layer(Rendering(tilted.rgba, depth, tilted.normals), RED.window, RED.region)
    upright = layer(RED.window, (0, 0, 80, 160), (200, 0, 0), 3.0)
    result = composite(picture(), [slanted, upright], match=False)
    assert tuple(result[40, 60]) == (0, 200, 0)
    assert tuple(result[160, 60]) == (200, 0, 0)


def test_half_covered_pixels_show_what_is_behind():
    rendering = figure((160, 80), (10, 10, 70, 140), (255, 255, 255), 3.0)
    rendering.rgba[..., 3] //= 2
    black = np.zeros((200, 160, 3), np.uint8)
    result = composite(black, [Layer(rendering, RED.window, RED.region)], match=False)
    # Half of the light is 188 of 255 on the sRGB curve.
    assert abs(int(result[100, 60, 0]) - 187) <= 2


def test_the_edge_within_the_region_is_soft():
    full = layer((20, 20, 100, 180), (0, 0, 80, 160), (255, 255, 255), 3.0)
    result = composite(np.zeros((200, 160, 3), np.uint8), [full], match=False)
    rim, inner = result[100, 20, 0], result[100, 60, 0]
    assert inner == 255
    assert 0 < rim < 240


def test_at_the_border_of_the_picture_there_is_no_edge():
    full = layer((0, 0, 160, 200), (0, 0, 160, 200), (255, 255, 255), 3.0)
    assert (composite(picture(), [full], match=False) == 255).all()


def test_feet_darken_the_ground_below_and_cut_off_bodies_do_not():
    ground = np.full((200, 160, 3), 128, np.uint8)
    below = composite(ground, [RED])[162:166, 50:70].mean()
    above = composite(ground, [RED])[22:26, 50:70].mean()
    assert below < above - 8
    cut = layer((20, 20, 100, 180), (10, 10, 70, 160), (200, 0, 0), 3.0)
    assert composite(ground, [cut])[100:178, 22:28].mean() == pytest.approx(128, abs=0.5)


def test_matching_brings_the_blur_of_the_picture():
    import cv2

    rng = np.random.default_rng(0)
    blocks = rng.integers(20, 120, (20, 16, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
    blurred = cv2.GaussianBlur(blocks, (0, 0), 2.0)
    sharp = composite(blurred, [RED], match=False).astype(int)
    matched = composite(blurred, [RED]).astype(int)
    step = np.abs(np.diff(sharp[100, 25:36, 0])).max()
    soft = np.abs(np.diff(matched[100, 25:36, 0])).max()
    assert soft < 0.5 * step


def test_same_bytes_on_every_call():
    one, two = (composite(picture(), [RED, BLUE]) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_renderings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not fit"):
        composite(picture(), [Layer(RED.rendering, (0, 0, 10, 10), RED.region)])
    with pytest.raises(ValueError, match="leaves the picture"):
        composite(picture(), [Layer(RED.rendering, (100, 20, 180, 180), RED.region)])


def test_figures_are_where_avatars_are_seen():
    red, blue = figures([RED, BLUE], (200, 160))
    shown = composite(picture(), [RED, BLUE], match=False)
    inner = (slice(40, 155), slice(40, 125))  # away from soft edges
    np.testing.assert_array_equal(red[inner], (shown[inner] == (200, 0, 0)).all(axis=2))
    np.testing.assert_array_equal(blue[inner], (shown[inner] == (0, 0, 200)).all(axis=2))
    assert not (red & blue).any()
    assert not (red & ~RED.region).any()
    again = figures([BLUE, RED], (200, 160))
    np.testing.assert_array_equal(again[1], red)

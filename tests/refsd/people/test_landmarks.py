"""Geometry of poses, and what must hold for any picture of the same person."""

import math

import cv2
import numpy as np
import pytest
import skimage.data

from refsd.people.landmarks import BODY_SCALE, LandmarkModel, body_square, refine
from refsd.people.squares import Pyramid, Square


@pytest.fixture(scope="module")
def model() -> LandmarkModel:
    return LandmarkModel()


@pytest.mark.parametrize(
    ("rim", "angle"),
    [((50, 20), 0.0), ((80, 50), math.pi / 2), ((20, 50), -math.pi / 2)],
)
def test_body_square_turns_the_head_up(rim: tuple[float, float], angle: float) -> None:
    square = body_square(np.float32([50, 50]), np.float32(rim))
    assert (square.x, square.y) == (50, 50)
    assert square.size == pytest.approx(60 * BODY_SCALE)
    assert square.angle == pytest.approx(angle)
    # Straight above the middle, in the square, is where the rim was.
    above = square.to_picture(np.float32([0.5, 0.5 - 0.5 / BODY_SCALE]))
    np.testing.assert_allclose(above, rim, atol=1e-4)


def test_refine_moves_to_the_blob_and_leaves_what_is_unsure() -> None:
    heatmap = np.full((64, 64, 39), -20, dtype=np.float32)
    heatmap[30, 22, 0] = 20  # two cells to the right of landmark 0
    points = np.full((39, 2), (20.5 / 64, 30.5 / 64), dtype=np.float32)
    refined = refine(points, heatmap)
    np.testing.assert_allclose(refined[0], (22 / 64, 30 / 64), atol=1e-5)
    np.testing.assert_array_equal(refined[1:], points[1:])
    outside = np.full((39, 2), 1.5, dtype=np.float32)
    np.testing.assert_array_equal(refine(outside, heatmap), outside)


@pytest.mark.parametrize("angle", [0.4, math.pi / 2, -2.5])
def test_a_turned_picture_gives_the_turned_pose(model: LandmarkModel, angle: float) -> None:
    """The network sees the same pixels, so pixels and metres turn together."""
    image = skimage.data.astronaut()
    upright = Square(200, 330, 800)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    middle = np.array([500.0, 500.0])
    shift = middle - turn @ (256, 256)
    # warpAffine counts from the middle of the first pixel, squares from its corner.
    matrix = np.hstack([turn, (shift + turn @ (0.5, 0.5) - 0.5)[:, None]])
    turned = cv2.warpAffine(image, matrix, (1000, 1000))
    x, y = turn @ (upright.x, upright.y) + shift
    before = model(Pyramid(image), upright)
    after = model(Pyramid(turned), Square(x, y, 800, angle))
    # Head and shoulders; her hands and legs are out of sight, and change with every pixel.
    seen = slice(0, 13)
    expected = before.landmarks @ turn.T + shift
    np.testing.assert_allclose(after.landmarks[seen], expected[seen], atol=4)
    expected = before.world[:, :2] @ turn.T
    np.testing.assert_allclose(after.world[seen, :2], expected[seen], atol=0.03)
    np.testing.assert_allclose(after.world[seen, 2], before.world[seen, 2], atol=0.06)
    assert after.body.size == pytest.approx(before.body.size, rel=0.03)


def test_half_the_size_half_the_pixels(model: LandmarkModel) -> None:
    image = skimage.data.astronaut()
    small = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA)
    full = model(Pyramid(image), Square(200, 330, 800))
    half = model(Pyramid(small), Square(100, 165, 400))
    np.testing.assert_allclose(half.landmarks * 2, full.landmarks, atol=10)
    np.testing.assert_allclose(half.world, full.world, atol=0.05)


def test_nobody_in_grey(model: LandmarkModel) -> None:
    grey = np.full((256, 256, 3), 127, dtype=np.uint8)
    assert model(Pyramid(grey), Square(128, 128, 256)).presence < 0.2

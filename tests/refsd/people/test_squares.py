"""Cutting squares out of pictures, and bringing them back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsd.people.squares import Pyramid, Square, paste


@pytest.fixture(scope="module")
def ramp() -> np.ndarray:
    """A picture whose red is x and whose green is y, halved: smooth, so that sampling is exact."""
    y, x = np.mgrid[0:200, 0:300]
    return np.stack([x * 0.8, y * 0.8, np.full_like(x, 50)], axis=-1).astype(np.uint8)


@given(
    x=st.floats(90, 210), y=st.floats(90, 110), size=st.floats(20, 120),
    angle=st.floats(-math.pi, math.pi), side=st.sampled_from([32, 64, 128]),
)  # fmt: skip
def test_pixels_come_from_where_to_picture_says(
    x: float, y: float, size: float, angle: float, side: int
) -> None:
    rows, columns = np.mgrid[0:200, 0:300]
    picture = np.stack([columns * 0.8, rows * 0.8, columns * 0], axis=-1).astype(np.uint8)
    square = Square(x, y, size, angle)
    cut = Pyramid(picture).cut(square, side) * 255
    middles = (np.arange(side) + 0.5) / side
    where = square.to_picture(np.stack(np.meshgrid(middles, middles), axis=-1))
    # A pixel with index i has its middle at i + 0.5.
    np.testing.assert_allclose(cut[..., :2], (where - 0.5) * 0.8, atol=2.5)


def test_outside_is_black(ramp: np.ndarray) -> None:
    cut = Pyramid(ramp).cut(Square(0, 0, 100), 50)
    assert (cut[:24, :24] == 0).all()
    assert cut[26:, 26:, 2].min() > 0.15


def test_shrinking_averages() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    cut = Pyramid(noise).cut(Square(256, 256, 512), 16)
    # The mean of 32 x 32 pixels of noise; without averaging the spread would be 0.29.
    assert cut.std() < 0.04


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_paste_undoes_cut(angle: float) -> None:
    y, x = np.mgrid[0:200, 0:300]
    disc = np.hypot(x - 170, y - 90) < 30
    picture = np.repeat((disc * 255).astype(np.uint8)[..., None], 3, axis=2)
    square = Square(165, 95, 110, angle)
    window = (120, 40, 260, 150)
    back = paste(Pyramid(picture).cut(square, 128)[..., 0], square, window) > 0.5
    assert (back != disc[40:150, 120:260]).mean() < 0.01


def test_window_is_cut_at_the_border() -> None:
    assert Square(10, 20, 100).window((50, 300)) == (0, 0, 60, 50)
    x0, _, x1, _ = Square(-500, 20, 100).window((50, 300))
    assert x0 == x1 == 0
    turned = Square(150, 25, 10, math.pi / 4).window((50, 300))
    assert turned == (142, 17, 158, 33)


def test_threads_may_share_a_pyramid() -> None:
    from concurrent.futures import ThreadPoolExecutor

    noise = np.random.default_rng(1).integers(0, 256, (600, 700, 3), dtype=np.uint8)
    where = [Square(350, 300, 600 - 20 * step) for step in range(24)]
    alone = [Pyramid(noise).cut(square, 32) for square in where]
    shared = Pyramid(noise)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda square: shared.cut(square, 32), where))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)

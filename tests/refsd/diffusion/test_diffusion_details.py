"""What is finer than a small checkpoint paints stays as the composite has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsd.diffusion import crops
from refsd.diffusion.details import changed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL, LARGE = (64, 32), (256, 128)


def scene(*, trousers: int = 60) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A figure with a striped shirt and plain trousers before noise."""
    rng = np.random.default_rng(0)
    image = rng.integers(90, 160, (*LARGE, 3)).astype(np.uint8)
    figure = np.zeros(LARGE, dtype=np.bool_)
    figure[20:240, 30:100] = True
    image[20:130, 30:100] = 150
    image[20:130:4, 30:100] = 170
    image[130:240, 30:100] = trousers
    return image, figure


def shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, SMALL[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def test_what_was_not_changed_stays_to_the_bit() -> None:
    image, figure = scene()
    assert np.array_equal(changed(image, shrunk(image), shrunk(image), figure, 3), image)


@given(st.integers(-40, 40), st.sampled_from([1.0, 2.5, 6.0]))
def test_an_even_change_is_made_evenly_and_only_to_the_figure(shift: int, radius: float) -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = (small.astype(int) + shift).astype(np.uint8)
    made = changed(image, small, painted, figure, radius)
    assert np.abs(made[30:230, 36:94].astype(int) - image[30:230, 36:94] - shift).max() <= 1
    beside = ~cv2.dilate(figure.astype(np.uint8), np.ones((3, 3))).astype(bool)
    assert np.array_equal(made[beside], image[beside])


def test_stripes_survive_a_repainted_shirt_and_trousers_keep_their_colour() -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = small.copy()
    # Red, without a stripe, as far as the shirt goes; and soft, as small checkpoints paint.
    painted[5:33] = (200, 40, 40)
    painted = np.asarray(cv2.GaussianBlur(painted, (0, 0), 1.5), dtype=np.uint8)
    made = changed(image, small, painted, figure, 3).astype(int)
    shirt, trousers = made[40:110, 40:90], made[160:230, 40:90]
    assert shirt[..., 0].mean() == pytest.approx(200, abs=12)
    assert shirt[..., 1].mean() == pytest.approx(40, abs=12)
    rows = shirt[..., 0].mean(axis=1)
    assert np.ptp(rows) > 10
    assert np.abs(trousers - 60).max() <= 6
    # The change ends where the trousers begin, not where the soft paint does.
    assert made[126:129, 60, 0].min() > made[133:136, 60, 0].max() + 60


def test_background_painted_over_the_edge_counts_little() -> None:
    image, figure = scene(trousers=150)
    small = shrunk(image)
    painted = small.copy()
    painted[:, :9] = 255
    made = changed(image, small, painted, figure, 3).astype(int)
    assert np.abs(made[140:230, 40:100] - image[140:230, 40:100]).max() < 25


def test_without_a_figure_nothing_changes() -> None:
    image, figure = scene()
    small = shrunk(image)
    assert np.array_equal(changed(image, small, small // 2, np.zeros_like(figure), 3), image)


def test_a_crop_that_leaves_the_picture_is_refined_too() -> None:
    image, figure = scene()
    crop = crops.Crop((-20, -10, 108, 246), SMALL)
    small = crops.cut(image, crop)
    made = crops.refine_coarsely(image, np.maximum(small, 20) - 20, crop, figure, 3)
    assert made.shape == (256, 128, 3)
    pasted = crops.paste(image, made, crop, figure)
    assert np.array_equal(pasted[~figure], image[~figure])
    assert (pasted[figure] != image[figure]).mean() > 0.9

"""What a small checkpoint paints softly stays as the composite has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
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
    assert np.array_equal(changed(image, shrunk(image), shrunk(image), figure, 10), image)


def test_softness_is_no_change() -> None:
    """Blurred, nothing is lost: in the size worked on nor in the picture's own."""
    image, figure = scene()
    small = shrunk(image)
    small[10:30:3, 10:22] = (90, 60, 50)  # as fine as the size worked on
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), dtype=np.uint8)
    lost = np.abs(soft.astype(int) - small)[12:28, 12:20].max()
    whole = np.ones(SMALL, dtype=np.bool_)
    kept = changed(small, small, soft, whole, 10).astype(int)
    assert lost > 25
    assert np.abs(kept - small)[12:28, 12:20].max() < 8
    large = changed(image, shrunk(image), soft, figure, 10).astype(int)
    assert np.abs(np.diff(large[60:120, 60].mean(axis=1))).max() > 10  # stripes


def test_another_colour_in_the_size_worked_on_is_what_was_painted() -> None:
    image, _ = scene()
    small = shrunk(image)
    painted = np.random.default_rng(1).integers(0, 40, small.shape).astype(np.uint8)
    whole = np.ones(SMALL, dtype=np.bool_)
    made = changed(small, small, painted, whole, 5)
    bright = small.mean(axis=2) > 100
    inside = cv2.erode(bright.astype(np.uint8), np.ones((9, 9))) > 0
    assert inside.sum() > 100
    assert np.abs(made[inside].astype(int) - painted[inside]).max() <= 1


@given(st.integers(-9, 9))
def test_a_small_even_change_keeps_stripes_and_is_made_to_the_figure_only(shift: int) -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = (small.astype(int) + shift).astype(np.uint8)
    made = changed(image, small, painted, figure, 10)
    assert np.abs(made[30:230, 36:94].astype(int) - image[30:230, 36:94] - shift).max() <= 1
    assert np.array_equal(made[~figure], image[~figure])


def test_what_was_repainted_is_as_painted_and_its_old_stripes_are_gone() -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = small.copy()
    painted[5:33, 7:25] = (200, 40, 40)
    made = changed(image, small, painted, figure, 10).astype(int)
    shirt, trousers = made[40:110, 40:90], made[160:230, 40:90]
    assert np.abs(shirt - (200, 40, 40)).max() <= 2
    assert np.abs(trousers - 60).max() <= 2


def test_beside_the_figure_nothing_changes() -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = np.full_like(small, 20)
    made = changed(image, small, painted, figure, 10)
    assert np.array_equal(made[~figure], image[~figure])
    inside = cv2.erode(figure.astype(np.uint8), np.ones((13, 13))) > 0
    assert np.abs(made[inside].astype(int) - 20).max() <= 1


def test_what_is_painted_beside_the_figure_does_not_leak_into_it() -> None:
    image, figure = scene()
    small = shrunk(image)
    painted = small.copy()
    painted[~shrunk(figure.astype(np.uint8) * 255).astype(bool)] = 255
    made = changed(image, small, painted, figure, 10).astype(int)
    assert np.abs(made - image)[figure].max() <= 2


def test_a_crop_that_leaves_the_picture_is_refined_too() -> None:
    image, figure = scene()
    crop = crops.Crop((-20, -10, 108, 246), SMALL)
    small = crops.cut(image, crop)
    made = crops.with_details(image, np.maximum(small, 20) - 20, crop, figure, 10)
    assert made.shape == (256, 128, 3)
    pasted = crops.paste(image, made, crop, figure)
    assert np.array_equal(pasted[~figure], image[~figure])
    assert (pasted[figure] != image[figure]).mean() > 0.9

"""Crops around regions: they hold what they must, and paste nothing where they may not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.diffusion.crops import crop_around, cut, paste

SIZES = ((64, 64), (64, 32))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a box in it."""
    height, width = draw(st.integers(20, 120)), draw(st.integers(20, 120))
    y0, x0 = draw(st.integers(0, height - 2)), draw(st.integers(0, width - 2))
    y1, x1 = draw(st.integers(y0 + 1, height)), draw(st.integers(x0 + 1, width))
    region = np.zeros((height, width), dtype=np.bool_)
    region[y0:y1, x0:x1] = True
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), region


@given(scenes(), st.floats(0, 0.6))
@settings(max_examples=60, deadline=None)
def test_a_crop_holds_its_region_in_the_shape_of_its_size(scene, context) -> None:
    image, region = scene
    crop = crop_around(region, SIZES, context)
    x0, y0, x1, y1 = crop.window
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    assert y0 <= rows[0]
    assert rows[-1] < y1
    assert x0 <= columns[0]
    assert columns[-1] < x1
    assert crop.size in SIZES
    assert (
        abs((y1 - y0) / (x1 - x0) - crop.size[0] / crop.size[1]) < 0.6 / min(y1 - y0, x1 - x0) * 3
    )
    assert cut(image, crop).shape == (*crop.size, 3)


@given(scenes())
@settings(max_examples=60, deadline=None)
def test_nothing_outside_the_region_changes(scene) -> None:
    image, region = scene
    crop = crop_around(region, SIZES, 0.2)
    made = np.full((*crop.size, 3), 255, dtype=np.uint8)
    pasted = paste(image, made, crop, region)
    assert np.array_equal(pasted[~region], image[~region])
    assert pasted.dtype == np.uint8
    # In the middle of a region nothing of what was there is left.
    if region.sum() > 400 and min(np.ptp(np.flatnonzero(region.any(axis=a))) for a in (0, 1)) > 16:
        y, x = (int(v.mean()) for v in np.nonzero(region))
        assert (pasted[y, x] == 255).all()


def test_tall_people_get_tall_crops() -> None:
    region = np.zeros((200, 300), dtype=np.bool_)
    region[20:180, 100:150] = True
    assert crop_around(region, SIZES, 0.1).size == (64, 32)
    assert crop_around(region.T, SIZES, 0.1).size == (64, 64)


def test_a_crop_in_its_own_size_comes_back_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    region = np.zeros((100, 100), dtype=np.bool_)
    region[20:84, 10:74] = True
    crop = crop_around(region, ((64, 64),), 0.0)
    assert np.array_equal(paste(image, cut(image, crop), crop, region), image)


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to crop"):
        crop_around(np.zeros((9, 9), dtype=np.bool_), SIZES, 0.1)

"""Crops: where they lie, and what pasting back may change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refsd.diffusion.crops import crop_around, cut, paste

SIZES = ((64, 64), (64, 32))


@st.composite
def regions(draw: st.DrawFn) -> np.ndarray:
    height, width = draw(st.integers(4, 90)), draw(st.integers(4, 90))
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    bottom = draw(st.integers(top + 1, height))
    right = draw(st.integers(left + 1, width))
    region = np.zeros((height, width), dtype=np.bool_)
    region[top:bottom, left:right] = True
    return region


@settings(max_examples=60, deadline=None)
@given(regions(), st.floats(0, 0.5))
def test_a_crop_holds_its_region_in_the_shape_of_its_size(
    region: np.ndarray, context: float
) -> None:
    crop = crop_around(region, SIZES, context)
    x0, y0, x1, y1 = crop.window
    rows, columns = np.nonzero(region)
    # Half a pixel is lost to rounding at each end.
    assert x0 <= columns.min() + 1
    assert y0 <= rows.min() + 1
    assert x1 >= columns.max()
    assert y1 >= rows.max()
    height, width = crop.size
    assert (y1 - y0) * width == pytest.approx((x1 - x0) * height, abs=max(height, width))
    image = np.zeros((*region.shape, 3), dtype=np.uint8)
    assert cut(image, crop).shape == (*crop.size, 3)


@settings(max_examples=60, deadline=None)
@given(regions(), st.integers(0, 2**32))
def test_nothing_outside_a_region_is_painted(region: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*region.shape, 3), dtype=np.uint8)
    crop = crop_around(region, SIZES, 0.2)
    made = rng.integers(0, 256, (*crop.size, 3), dtype=np.uint8)
    before = image.copy()
    result = paste(image, made, crop, region)
    assert np.array_equal(result[~region], image[~region])
    assert np.array_equal(image, before)


def test_the_edge_is_soft_and_the_inside_is_whole() -> None:
    region = np.zeros((200, 200), dtype=np.bool_)
    region[50:150, 50:150] = True
    crop = crop_around(region, SIZES, 0.25)
    image = np.zeros((200, 200, 3), dtype=np.uint8)
    result = paste(image, np.full((64, 64, 3), 200, dtype=np.uint8), crop, region)[..., 0]
    assert (result[60:140, 60:140] == 200).all()
    assert 0 < result[50, 100] < result[51, 100] < 200


def test_a_crop_that_is_pasted_where_it_was_cut_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    region = np.zeros((80, 80), dtype=np.bool_)
    region[8:72, 8:72] = True
    crop = crop_around(region, SIZES, 0)
    assert np.array_equal(paste(image, cut(image, crop), crop, region), image)


def test_tall_regions_take_the_tall_size() -> None:
    region = np.zeros((100, 100), dtype=np.bool_)
    region[10:90, 40:70] = True
    assert crop_around(region, SIZES, 0.1).size == (64, 32)


def test_an_empty_region_is_refused() -> None:
    with pytest.raises(ValueError, match="the region is empty"):
        crop_around(np.zeros((9, 9), dtype=np.bool_), SIZES, 0.1)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from refsd import masks
from refsd.people import Person


def person_of(full, box=None):
    """A person whose window is the mask's own bounds."""
    window = masks.bounds(full)
    x0, y0, x1, y1 = window
    box = window if box is None else box
    return Person(np.float32(box), window, full[y0:y1, x0:x1])


def blob(shape, x0, y0, x1, y1):
    full = np.zeros(shape, bool)
    full[y0:y1, x0:x1] = True
    return full


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 70), st.integers(0, 40), st.integers(5, 60), st.integers(5, 50),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_region_is_the_euclidean_dilation_of_the_mask(x, y, w, h, random):
    shape = (60, 90)
    full = blob(shape, x, y, min(x + w, 90), min(y + h, 60))
    for _ in range(20):  # ragged, yet believable
        full[random.randrange(60), random.randrange(90)] &= False
    person = person_of(full)
    radius = masks.dilation_radius(person)
    expected = distance_transform_edt(~full) <= radius
    np.testing.assert_array_equal(masks.region(person, shape), expected)


def test_radius_grows_with_the_person_and_has_a_floor():
    assert masks.dilation_radius(person_of(blob((50, 50), 0, 0, 5, 10))) == masks.MIN_DILATION
    assert masks.dilation_radius(person_of(blob((1000, 900), 0, 0, 300, 1000))) == 40


def test_a_mask_that_misses_the_box_is_not_believed():
    full = blob((200, 200), 100, 100, 110, 110)
    person = person_of(full, box=(20, 20, 180, 180))
    expected = blob((200, 200), 13, 13, 187, 187)
    np.testing.assert_array_equal(masks.region(person, (200, 200)), expected)


def test_an_empty_mask_gives_the_box():
    person = Person(np.float32([10, 10, 30, 30]), (0, 0, 40, 40), np.zeros((40, 40), bool))
    np.testing.assert_array_equal(masks.region(person, (50, 60)), blob((50, 60), 6, 6, 34, 34))


def test_box_region_holds_box_and_region():
    full = blob((100, 100), 10, 10, 90, 30)
    person = person_of(full, box=(40, 10, 60, 80))
    whole = masks.box_region(person, (100, 100))
    assert whole[10:80, 40:60].all()
    assert (whole >= masks.region(person, (100, 100))).all()


def test_window_region_says_the_same_as_region():
    full = blob((80, 120), 30, 20, 60, 75)
    person = person_of(full)
    (x0, y0, x1, y1), part = masks.window_region(person, (80, 120))
    whole = np.zeros((80, 120), bool)
    whole[y0:y1, x0:x1] = part
    np.testing.assert_array_equal(whole, masks.region(person, (80, 120)))


def test_union_of_nobody_is_empty_and_of_two_is_both():
    one, two = (person_of(blob((80, 90), x, 10, x + 20, 60)) for x in (5, 50))
    assert not masks.union([], (80, 90)).any()
    both = masks.region(one, (80, 90)) | masks.region(two, (80, 90))
    np.testing.assert_array_equal(masks.union([one, two], (80, 90)), both)


def test_fill_hides_the_region_and_nothing_else():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    before, region = image.copy(), blob((20, 30), 4, 5, 12, 15)
    filled = masks.fill(image, region)
    assert (filled[region] == masks.GREY).all()
    np.testing.assert_array_equal(filled[~region], before[~region])
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("box", [(0, 0, 4, 6), (85.5, 40, 90, 60)])
def test_regions_stay_inside_the_picture(box):
    x0, y0, x1, y1 = (int(value) for value in box)
    person = Person(np.float32(box), (x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), bool))
    assert masks.box_region(person, (60, 90)).shape == (60, 90)
    assert masks.region(person, (60, 90))[y0:y1, x0:x1].all()

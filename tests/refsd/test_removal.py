import numpy as np
import pytest

from refsd import masks, removal

ENGINES = ["patchmatch", "opencv"]


def scene(height=120, width=100, seed=0):
    """A bright sky above a dark textured ground."""
    rng = np.random.default_rng(seed)
    image = np.empty((height, width, 3))
    image[: height // 2] = [150, 180, 220]
    image[height // 2 :] = [80, 90, 60]
    image[height // 2 :] += rng.normal(0, 8, (height - height // 2, width, 1))
    return np.clip(image, 0, 255).astype(np.uint8)


def ellipse(shape, centre, radii):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2 <= 1


REGION = ellipse((120, 100), (50, 60), (18, 45))


@pytest.mark.parametrize("engine", ENGINES)
def test_not_one_pixel_under_the_region_has_influence(engine):
    image = scene()
    rng = np.random.default_rng(1)
    noisy = image.copy()
    noisy[REGION] = rng.integers(0, 256, (int(REGION.sum()), 3), dtype=np.uint8)
    one, two = removal.remove(image, REGION, engine), removal.remove(noisy, REGION, engine)
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("engine", ENGINES)
def test_outside_the_region_nothing_changes(engine):
    image = scene()
    before = image.copy()
    result = removal.remove(image, REGION, engine)
    np.testing.assert_array_equal(result[~REGION], before[~REGION])
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_filling_continues_the_scene(engine):
    image = scene()
    result = removal.remove(image, REGION, engine).astype(int)
    error = np.abs(result - image)[REGION].mean()
    grey = np.abs(masks.fill(image, REGION).astype(int) - image)[REGION].mean()
    assert error < 0.5 * grey
    assert result[25, 50].mean() > result[95, 50].mean() + 50


def test_patchmatch_does_not_depend_on_what_was_done_before():
    image = scene()
    first = removal.remove(image, REGION, "patchmatch")
    removal.remove(scene(seed=5), ellipse((120, 100), (30, 30), (9, 9)), "patchmatch")
    np.testing.assert_array_equal(first, removal.remove(image, REGION, "patchmatch"))


def test_people_far_apart_are_removed_each_in_their_own_window():
    image = np.concatenate([scene(seed=1), scene(120, 400), scene(seed=2)], axis=1)
    both = np.zeros(image.shape[:2], bool)
    both[:, :100] |= REGION
    both[:, -100:] |= REGION
    left_only = both.copy()
    left_only[:, 300:] = False
    one, two = removal.remove(image, both), removal.remove(image, left_only)
    np.testing.assert_array_equal(one[:, :300], two[:, :300])


@pytest.mark.parametrize("engine", ENGINES)
def test_where_nothing_is_left_to_see_it_is_grey(engine):
    image = scene()
    assert (removal.remove(image, np.ones((120, 100), bool), engine) == masks.GREY).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_thin_rim_is_enough(engine):
    image = scene()
    region = np.ones((120, 100), bool)
    region[:, :1] = False
    result = removal.remove(image, region, engine)
    np.testing.assert_array_equal(result[~region], image[~region])


def test_an_empty_region_changes_nothing():
    np.testing.assert_array_equal(removal.remove(scene(), np.zeros((120, 100), bool)), scene())


def test_grain_makes_up_for_lost_detail():
    rng = np.random.default_rng(3)
    image = np.clip(rng.normal(128, 12, (160, 160, 1)).repeat(3, 2), 0, 255).astype(np.uint8)
    region = ellipse((160, 160), (80, 80), (40, 40))
    result = removal.remove(image, region, "patchmatch")
    inside, outside = result[region].std(), image[~region].std()
    assert 0.6 * outside < inside < 1.4 * outside


def test_unknown_engines_are_refused():
    with pytest.raises(ValueError, match="known: auto, patchmatch, opencv"):
        removal.remove(scene(), REGION, "lama")


def test_without_patchmatch_auto_takes_opencv_and_asking_for_it_says_so(monkeypatch):
    from patchmatch import patch_match

    monkeypatch.setattr(patch_match, "patchmatch_available", False)
    np.testing.assert_array_equal(
        removal.remove(scene(), REGION), removal.remove(scene(), REGION, "opencv")
    )
    with pytest.raises(RuntimeError, match="choose the removal engine 'opencv'"):
        removal.remove(scene(), REGION, "patchmatch")

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from humangenai.config import method_config, names, validate
from humangenai.methods import Task
from humangenai.methods.blur import gaussian
from humangenai.methods.pixelate import mosaic
from humangenai.registry import METHODS
from refsd import masks
from refsd.people import Person

PEOPLE_METHODS = ["weakblur", "strongblur", "pixelate", "maskout"]


def method(name: str):  # type: ignore[no-untyped-def]
    config = method_config(name)
    plugin = METHODS.load(config.method)
    return plugin.load(validate(plugin.Options, config.options, name))


def person(x0: int, y0: int, x1: int, y1: int) -> Person:
    """An ellipse within a box."""
    y, x = np.mgrid[0 : y1 - y0, 0 : x1 - x0]
    height, width = y1 - y0, x1 - x0
    mask = ((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2 <= 0.25
    return Person(np.array([x0, y0, x1, y1], np.float32), (x0, y0, x1, y1), mask)


def task(people: list[Person], height: int = 160, width: int = 120, seed: int = 0) -> Task:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Task("k", image, people, seed=1)


@pytest.mark.parametrize("name", names("methods"))
def test_shipped_methods_have_distinct_settings_and_the_tables_names(name: str) -> None:
    made = method(name)
    expected = {
        "original": "Original",
        "weakblur": "WeakBlur",
        "strongblur": "StrongBlur",
        "pixelate": "Pixelate",
        "maskout": "MaskOut",
        "refsd-none": "refsd[none]",
        "refsd": "refsd[tiny]",
        "refsd-sd15": "refsd[sd15]",
        "refsd-sdxl": "refsd[sdxl]",
        "mask-sd": "Mask-SD[sd15]",
    }
    assert made.name == expected[name]


@pytest.mark.parametrize("name", PEOPLE_METHODS)
def test_pixels_outside_the_regions_never_change_and_those_inside_do(name: str) -> None:
    people = [person(10, 20, 50, 130), person(60, 5, 118, 158)]
    given_task = task(people)
    before = given_task.image.copy()
    outcome = method(name).pseudonymize([given_task])[0]
    region = masks.union(people, (160, 120))
    changed = (outcome.image != before).any(axis=2)
    assert not changed[~region].any()
    assert changed[region].mean() > 0.95
    assert np.array_equal(given_task.image, before)
    assert [made.index for made in outcome.people] == [0, 1]


@pytest.mark.parametrize("name", PEOPLE_METHODS)
@pytest.mark.parametrize("box", [(0, 0, 120, 160), (118, 158, 120, 160), (0, 0, 1, 1)])
def test_people_at_the_border_and_as_large_as_the_picture(
    name: str, box: tuple[int, int, int, int]
) -> None:
    outcome = method(name).pseudonymize([task([person(*box)])])[0]
    assert outcome.image.shape == (160, 120, 3)


@pytest.mark.parametrize("name", [*PEOPLE_METHODS, "original"])
def test_nobody_there_changes_nothing(name: str) -> None:
    given_task = task([])
    outcome = method(name).pseudonymize([given_task])[0]
    assert np.array_equal(outcome.image, given_task.image)
    assert not list(outcome.people)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_pixel_under_the_mask_reaches_maskouts_output(seed: int) -> None:
    people = [person(10, 20, 50, 130), person(30, 40, 118, 158)]
    given_task = task(people)
    noisy = given_task.image.copy()
    region = masks.union(people, (160, 120))
    noise = np.random.default_rng(seed).integers(0, 256, (int(region.sum()), 3))
    noisy[region] = noise
    made = method("maskout")
    one = made.pseudonymize([given_task])[0]
    other = made.pseudonymize([Task("k", noisy, people, seed=1)])[0]
    assert np.array_equal(one.image, other.image)


@pytest.mark.parametrize("name", PEOPLE_METHODS)
def test_an_output_does_not_depend_on_its_neighbours(name: str) -> None:
    tasks = [task([person(10, 20, 50 + 10 * n, 130)], seed=n) for n in range(3)]
    made = method(name)
    together = [outcome.image for outcome in made.pseudonymize(tasks)]
    alone = [made.pseudonymize([one])[0].image for one in tasks]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("sigma", [0.7, 3.0, 7.9])
def test_the_gaussian_is_scipys(sigma: float) -> None:
    image = task([]).image
    ours = gaussian(image, sigma).astype(float)
    reference = ndimage.gaussian_filter(
        image.astype(float), (sigma, sigma, 0), mode="mirror", truncate=3
    )
    assert np.abs(ours - reference).max() < 2.0


def test_a_wide_gaussian_by_way_of_a_smaller_picture_is_near_scipys() -> None:
    y, x = np.mgrid[0:400, 0:300]
    image = np.repeat((127 + 120 * np.sign(np.sin(x / 9) * np.sin(y / 14)))[..., None], 3, axis=2)
    image = image.astype(np.uint8)
    reference = ndimage.gaussian_filter(image.astype(float), (20, 20, 0), mode="mirror", truncate=3)
    assert np.abs(gaussian(image, 20.0).astype(float) - reference)[60:-60, 60:-60].max() < 6.0


def test_strongblur_blurs_more_than_weakblur_whatever_the_size_of_the_person() -> None:
    for scale in (1, 4):
        one = task(
            [person(10 * scale, 20 * scale, 90 * scale, 140 * scale)], 160 * scale, 120 * scale
        )
        inside = np.s_[60 * scale : 100 * scale, 40 * scale : 60 * scale]
        spread = [
            method(name).pseudonymize([one])[0].image[inside].std()
            for name in ("weakblur", "strongblur")
        ]
        assert spread[1] < spread[0] < one.image[inside].std() / 4


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 23), width=st.integers(1, 23), block=st.integers(1, 30))
def test_the_mosaic_is_the_mean_of_every_block(height: int, width: int, block: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    tiles = mosaic(image, block)
    for y in range(0, height, block):
        for x in range(0, width, block):
            part = np.s_[y : y + block, x : x + block]
            mean = np.rint(image[part].astype(float).mean(axis=(0, 1)))
            assert np.abs(tiles[part] - mean).max() <= 0
    assert tiles.shape == image.shape


def test_pixelate_leaves_so_many_blocks_along_the_person() -> None:
    tall = person(10, 0, 50, 160)
    image = method("pixelate").pseudonymize([task([tall])])[0].image
    column = image[:, 30].astype(int)
    steps = int((np.abs(np.diff(column, axis=0)).sum(axis=1) > 0).sum())
    assert steps == 15


@pytest.mark.parametrize("name", ["weakblur", "strongblur", "pixelate"])
def test_where_people_overlap_the_largest_decides_whatever_their_order(name: str) -> None:
    large, small = person(5, 5, 115, 155), person(40, 40, 70, 80)
    made = method(name)
    alone, one, other = (
        made.pseudonymize([task(people)])[0].image
        for people in ([large], [large, small], [small, large])
    )
    assert np.array_equal(one, other)
    assert np.array_equal(alone, one)


def test_the_statuses_say_what_was_done() -> None:
    statuses = {
        name: method(name).pseudonymize([task([person(10, 20, 50, 130)])])[0].people[0].status
        for name in [*PEOPLE_METHODS, "original"]
    }
    assert statuses == {
        "weakblur": "obscured",
        "strongblur": "obscured",
        "pixelate": "obscured",
        "maskout": "masked",
        "original": "kept",
    }

"""RefSD's promises, on a photograph with people drawn into it by hand: no network is needed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from refsd import masks
from refsd.people import Person
from refsd.pipeline import Picture, RefSD, RefSDConfig, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEIGHT, WIDTH = 200, 260

STANDING = {
    0: (0, 10), 7: (5, 11), 8: (-5, 11), 11: (12, 28), 12: (-12, 28), 13: (16, 45), 14: (-16, 45),
    15: (18, 60), 16: (-18, 60), 19: (18, 65), 20: (-18, 65), 23: (7, 60), 24: (-7, 60),
    25: (8, 80), 26: (-8, 80), 27: (8, 97), 28: (-8, 97), 29: (7, 99), 30: (-7, 99),
    31: (12, 100), 32: (-12, 100),
}  # fmt: skip
"""BlazePose's landmarks of somebody who stands and faces us, in hundredths of their height; x from
the middle, y from the crown."""


def standing(x: float, top: float, height: float) -> Person:
    """Somebody who stands at ``x``, from ``top`` down, with an ellipse for a mask."""
    scale = height / 100
    landmarks = np.tile(np.float32([x, top + 10 * scale]), (33, 1))
    visibility = np.zeros(33, dtype=np.float32)
    for index, place in STANDING.items():
        landmarks[index] = np.float32([x, top]) + np.float32(place) * scale
        visibility[index] = 1.0
    world = np.zeros((33, 3), dtype=np.float32)
    world[:, :2] = (landmarks - np.float32([x, top + 60 * scale])) * (1.7 / height)
    world[29:, 2] = (0.05, 0.05, -0.12, -0.12)
    world[0, 2] = -0.11
    box = np.float32([x - 24 * scale, top, x + 24 * scale, top + height])
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    mask = ((columns - x) / (24 * scale)) ** 2 + ((rows - top) / (height / 2) - 1) ** 2 <= 1
    return Person(box, (0, 0, WIDTH, HEIGHT), mask, landmarks, world, visibility)


def without_pose() -> Person:
    """Somebody of whom only the face was found."""
    mask = np.ones((50, 24), dtype=np.bool_)
    return Person(np.float32([228, 30, 252, 80]), (228, 30, 252, 80), mask, source="face")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A part of a real photograph: texture, edges and noise as cameras make them."""
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[200 : 200 + HEIGHT, 100 : 100 + WIDTH])


PEOPLE = (standing(70, 20, 150), standing(105, 30, 165), without_pose())
"""Two who stand beside each other, the second nearer, and one without a pose."""


def run(
    picture: np.ndarray, people: tuple[Person, ...], seed: int = 7, **settings: object
) -> Result:
    config = RefSDConfig.model_validate({"refiner": "none", "renderer": "numpy", **settings})
    return RefSD(config).batch([Picture(picture, people, seed)])[0]


def statuses(result: Result) -> list[str]:
    return [outcome.status for outcome in result.people]


def allowed(people: tuple[Person, ...]) -> np.ndarray:
    """Where the picture may change: the regions, and the boxes of those who cannot be replaced."""
    shape = (HEIGHT, WIDTH)
    return np.logical_or.reduce(
        [
            masks.box_region(p, shape) if p.landmarks is None else masks.region(p, shape)
            for p in people
        ]
    )


@pytest.mark.parametrize("removal", ["patchmatch", "opencv"])
def test_what_was_under_the_regions_changes_not_a_bit(photo: np.ndarray, removal: str) -> None:
    result = run(photo, PEOPLE, removal=removal)
    assert statuses(result) == ["replaced", "replaced", "masked"]
    region = masks.union(PEOPLE, (HEIGHT, WIDTH))
    for noise in (1, 2):
        other = photo.copy()
        other[region] = np.random.default_rng(noise).integers(0, 256, (int(region.sum()), 3))
        assert np.array_equal(run(other, PEOPLE, removal=removal).image, result.image)


def test_what_was_outside_does_change_it(photo: np.ndarray) -> None:
    """The counterpart of the test above: it fails where outputs would not depend on the picture."""
    brighter = np.clip(photo.astype(int) + 60, 0, 255).astype(np.uint8)
    region = allowed(PEOPLE)
    one, other = run(photo, PEOPLE, removal="opencv"), run(brighter, PEOPLE, removal="opencv")
    assert (one.image[region] != other.image[region]).any(axis=1).mean() > 0.5


def test_nothing_changes_outside_the_regions(photo: np.ndarray) -> None:
    before = photo.copy()
    result = run(photo, PEOPLE)
    region = allowed(PEOPLE)
    assert result.image.shape == photo.shape
    assert result.image.dtype == np.uint8
    assert np.array_equal(result.image[~region], photo[~region])
    # Within them next to everything does; a few pixels are equal by chance.
    assert (result.image[region] != photo[region]).any(axis=1).mean() > 0.9
    assert np.array_equal(photo, before)


def test_seeds_decide_who_comes(photo: np.ndarray) -> None:
    results = [run(photo, PEOPLE, seed=seed, removal="opencv") for seed in (7, 7, 8)]
    avatars = [[outcome.avatar for outcome in result.people] for result in results]
    assert np.array_equal(results[0].image, results[1].image)
    assert avatars[0] == avatars[1]
    assert avatars[0][:2] != avatars[2][:2]
    assert not np.array_equal(results[0].image, results[2].image)


def test_pictures_of_a_batch_do_not_influence_each_other(photo: np.ndarray) -> None:
    refsd = RefSD(RefSDConfig(refiner="none", renderer="numpy", removal="opencv"))
    pictures = [
        Picture(photo, PEOPLE, seed=1),
        Picture(photo[:, ::-1].copy(), (standing(180, 5, 190),), seed=2),
        Picture(photo[:120, :90].copy(), (), seed=3),
        Picture(photo, PEOPLE[2:], seed=4),
    ]
    together = refsd.batch(pictures)
    for picture, result in zip(pictures, together, strict=True):
        alone = refsd.batch([picture])[0]
        assert np.array_equal(alone.image, result.image)
        assert alone.people == result.people


def test_the_order_of_people_matters_only_for_who_comes(photo: np.ndarray) -> None:
    """With one avatar for all, pictures agree: nearness in the scene decides who is in front."""
    one = run(photo, PEOPLE, bank=1, avatar="random", removal="opencv")
    other = run(photo, PEOPLE[::-1], bank=1, avatar="random", removal="opencv")
    assert statuses(other) == statuses(one)[::-1]
    assert np.abs(one.image.astype(int) - other.image).max() <= 1  # sums in another order


def test_a_person_without_a_pose_is_masked_box_and_all(photo: np.ndarray) -> None:
    person = without_pose()
    result = run(photo, (person,))
    box = masks.box_region(person, (HEIGHT, WIDTH))
    assert (result.image[box] == masks.GREY).all()
    assert np.array_equal(result.image[~box], photo[~box])
    assert statuses(result) == ["masked"]
    assert result.people[0].reason == "no pose was found"
    assert result.people[0].avatar is None


def test_a_person_whom_no_body_fits_is_masked(photo: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    person = standing(130, 20, 160)
    assert person.landmarks is not None
    scattered = (person.landmarks + rng.normal(0, 60, (33, 2))).astype(np.float32)
    impossible = dataclasses.replace(person, landmarks=scattered)
    result = run(photo, (impossible,), max_fit_error=0.05)
    assert statuses(result) == ["masked"]
    assert "no body fits the pose" in (result.people[0].reason or "")
    assert (result.image[masks.box_region(person, (HEIGHT, WIDTH))] == masks.GREY).all()
    assert statuses(run(photo, (person,), max_fit_error=0.05)) == ["replaced"]


def test_a_pose_of_which_nothing_was_seen_is_masked(photo: np.ndarray) -> None:
    """Nothing is asked of a fit that rests on nothing."""
    person = standing(130, 20, 160)
    unseen = dataclasses.replace(person, visibility=np.zeros(33, dtype=np.float32))
    result = run(photo, (unseen,))
    assert statuses(result) == ["masked"]
    assert result.people[0].reason == "too little of the trunk was seen to pose a body"
    assert (result.image[masks.box_region(person, (HEIGHT, WIDTH))] == masks.GREY).all()


def test_without_people_the_picture_stays_as_it_is(photo: np.ndarray) -> None:
    result = RefSD().batch([Picture(photo, (), seed=0)], stages=True)[0]
    assert np.array_equal(result.image, photo)
    assert list(result.people) == []


def test_stages_are_the_figures(photo: np.ndarray) -> None:
    config = RefSDConfig(refiner="none", renderer="numpy", removal="opencv")
    result = RefSD(config).batch([Picture(photo, PEOPLE, seed=7)], stages=True)[0]
    assert list(result.stages) == ["x", "a", "x_prime", "m", "x_second", "e", "x_hat"]
    for picture in result.stages.values():
        assert picture.shape == photo.shape
        assert picture.dtype == np.uint8
    region = allowed(PEOPLE)
    assert np.array_equal(result.stages["x"], photo)
    assert np.array_equal(result.stages["a"][..., 0] == 255, region)
    assert np.array_equal(result.stages["x_prime"][~region], photo[~region])
    assert np.array_equal(result.stages["x_hat"], result.image)
    # Edges are those of the avatars, not of whoever stood there.
    noise = photo.copy()
    noise[region] = np.random.default_rng(3).integers(0, 256, (int(region.sum()), 3))
    other = RefSD(config).batch([Picture(noise, PEOPLE, seed=7)], stages=True)[0]
    for name in ("a", "x_prime", "m", "x_second", "e"):
        assert np.array_equal(other.stages[name], result.stages[name])


def test_a_refused_background_masks_whoever_stood_there(
    photo: np.ndarray, tiny_checkpoint: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from refsd.diffusion.inpainting import shared_inpainter
    from refsd.diffusion.running import Runner

    checkpoint = str(tiny_checkpoint("sd15", "inpaint"))
    shared_inpainter(checkpoint)
    monkeypatch.setattr(Runner, "paint", lambda self, jobs: [None] * len(jobs))
    result = run(photo, PEOPLE, removal="diffusion", inpainter=checkpoint)
    assert statuses(result) == ["masked"] * 3
    assert result.people[0].reason == "the safety checker refused what was made"
    for person in PEOPLE:
        assert (result.image[masks.box_region(person, (HEIGHT, WIDTH))] == masks.GREY).all()

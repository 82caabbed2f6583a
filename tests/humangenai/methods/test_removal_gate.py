"""The release gate: whoever claims to remove people lets no pixel under the masks through.

Given the same people, replacing every pixel under the dilated masks by noise must not change one
bit of the output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.config import method_config, names, validate
from humangenai.methods import Task
from humangenai.registry import METHODS
from refsd import masks
from refsd.people import Person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from humangenai.methods import Method

HEIGHT, WIDTH = 192, 128

STANDING = {
    0: (64, 30), 7: (57, 31), 8: (71, 31), 11: (48, 56), 12: (80, 56), 13: (42, 82), 14: (86, 82),
    15: (40, 106), 16: (88, 106), 23: (55, 106), 24: (73, 106), 25: (54, 140), 26: (74, 140),
    27: (54, 172), 28: (74, 172), 29: (53, 176), 30: (75, 176), 31: (55, 180), 32: (73, 180),
}  # fmt: skip
"""BlazePose's landmarks of somebody who stands and faces us, in pixels."""


def standing() -> Person:
    """Somebody with a pose, so that an avatar can take their place."""
    landmarks = np.full((33, 2), (64, 30), np.float32)
    visibility = np.zeros(33, np.float32)
    for index, place in STANDING.items():
        landmarks[index] = place
        visibility[index] = 1.0
    landmarks[[31, 32], 0] += (-3, 3)
    world = np.zeros((33, 3), np.float32)
    world[:, :2] = (landmarks - (64, 106)) * (1.7 / 160)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    mask = ((y - 100) / 88) ** 2 + ((x - 64) / 32) ** 2 <= 1
    box = np.array([32, 12, 96, 188], np.float32)
    return Person(box, (0, 0, WIDTH, HEIGHT), mask, landmarks, world, visibility)


def without_pose() -> Person:
    """Somebody who cannot be replaced and must be masked."""
    mask = np.ones((40, 20), np.bool_)
    return Person(np.array([4, 120, 24, 160], np.float32), (4, 120, 24, 160), mask, source="face")


def scene(noise: int | None, region: np.ndarray) -> np.ndarray:
    """A picture with structure; under the region noise of a seed, or something else."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    image = np.stack([100 + 40 * np.sin(x / 11), 90 + y / 3, 120 + 30 * np.cos(y / 17)], axis=2)
    image = image.astype(np.uint8)
    if noise is None:
        image[region] = (200, 30, 90)
    else:
        rng = np.random.default_rng(noise)
        image[region] = rng.integers(0, 256, (int(region.sum()), 3))
    return image


def gate(method: Method, *, crop: bool) -> list[str]:
    """Run a method on noise of three kinds; the statuses, if no output differs in a bit."""
    assert method.claim == "removes"
    people = [standing(), without_pose()]
    region = masks.union(people, (HEIGHT, WIDTH))
    outputs = [
        method.pseudonymize([Task("key", scene(noise, region), people, seed=5, crop=crop)])[0]
        for noise in (None, 1, 2)
    ]
    assert np.array_equal(outputs[0].image, outputs[1].image)
    assert np.array_equal(outputs[0].image, outputs[2].image)
    outside = ~np.logical_or.reduce([masks.box_region(p, (HEIGHT, WIDTH)) for p in people])
    assert np.array_equal(outputs[0].image[outside], scene(None, region)[outside])
    return [person.status for person in outputs[0].people]


def load(name: str, **options: object) -> Method:
    config = method_config(name)
    plugin = METHODS.load(config.method)
    return plugin.load(validate(plugin.Options, {**config.options, **options}, name))


@pytest.mark.parametrize("crop", [True, False])
def test_nothing_under_the_masks_reaches_maskout(crop: bool) -> None:
    assert gate(load("maskout"), crop=crop) == ["masked", "masked"]


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("refiner", ["none", "sd15", "sdxl"])
@pytest.mark.parametrize("removal", ["patchmatch", "opencv", "diffusion"])
def test_nothing_under_the_masks_reaches_refsd(
    removal: str, refiner: str, crop: bool, tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    chosen = refiner if refiner == "none" else str(tiny_checkpoint(refiner, "refine"))
    inpainter = str(tiny_checkpoint("sdxl" if refiner == "sdxl" else "sd15", "inpaint"))
    method = load("refsd", refiner=chosen, removal=removal, inpainter=inpainter)
    assert gate(method, crop=crop) == ["replaced", "masked"]


def test_nothing_under_the_masks_reaches_the_checkpoint_that_comes_along() -> None:
    assert gate(load("refsd", removal="opencv"), crop=True) == ["replaced", "masked"]


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_nothing_under_the_masks_reaches_mask_sd(
    family: str, crop: bool, tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    method = load("mask-sd", inpainter=str(tiny_checkpoint(family, "inpaint")))
    assert gate(method, crop=crop) == ["replaced", "replaced"]


def test_every_method_that_claims_to_remove_people_stands_at_the_gate() -> None:
    claiming = {
        method_config(name).method for name in names("methods") if load(name).claim == "removes"
    }
    assert claiming == {"maskout", "refsd", "mask-sd"}

"""All of RefSD with a checkpoint: several people in one picture, from masks to x̂."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from refsd import masks
from refsd.people import Person
from refsd.pipeline import Picture, RefSD, RefSDConfig
from refsd.prompts import for_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEIGHT, WIDTH = 160, 240

STANDING = {
    0: (0, 10), 7: (5, 11), 8: (-5, 11), 11: (12, 28), 12: (-12, 28), 13: (16, 45), 14: (-16, 45),
    15: (18, 60), 16: (-18, 60), 23: (7, 60), 24: (-7, 60), 25: (8, 80), 26: (-8, 80),
    27: (8, 97), 28: (-8, 97), 29: (7, 99), 30: (-7, 99), 31: (12, 100), 32: (-12, 100),
}  # fmt: skip
"""BlazePose's landmarks of somebody who stands and faces us, in hundredths of their height; x from
the middle, y from the crown."""


def standing(x: float, top: float, height: float) -> Person:
    """Somebody who stands at ``x``, from ``top`` down, with an ellipse for a mask."""
    scale = height / 100
    landmarks = np.tile(np.array([x, top + 10 * scale], np.float32), (33, 1))
    visibility = np.zeros(33, dtype=np.float32)
    for index, place in STANDING.items():
        landmarks[index] = np.array([x, top], np.float32) + np.array(place, np.float32) * scale
        visibility[index] = 1.0
    world = np.zeros((33, 3), dtype=np.float32)
    world[:, :2] = (landmarks - np.array([x, top + 60 * scale], np.float32)) * (1.7 / height)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    mask = ((columns - x) / (24 * scale)) ** 2 + ((rows - top) / (height / 2) - 1) ** 2 <= 1
    box = np.array([x - 24 * scale, top, x + 24 * scale, top + height], np.float32)
    return Person(box, (0, 0, WIDTH, HEIGHT), mask, landmarks, world, visibility)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_crowd_is_refined_inside_its_masks(
    family: str, tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    torch.set_num_threads(1)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    x = np.stack([120 + 60 * np.sin(columns / 9), rows, 200 - rows / 2], axis=2).astype(np.uint8)
    people = [standing(50, 20, 110), standing(120, 25, 120), standing(190, 15, 130)]
    folder = str(tiny_checkpoint(family, "refine"))
    refsd = RefSD(RefSDConfig(refiner=folder, renderer="numpy"))
    assert refsd.name == f"refsd[random-{family}]"
    assert folder not in str(refsd.settings())
    picture = Picture(x, people, seed=5)
    result = refsd.batch([picture], stages=True)[0]
    assert [person.status for person in result.people] == ["replaced"] * 3
    assert all(person.prompt for person in result.people)
    a = masks.union(people, (HEIGHT, WIDTH))
    assert np.array_equal(result.image[~a], x[~a])
    assert (result.image[a] != result.stages["x_second"][a]).any(axis=1).mean() > 0.5
    assert np.array_equal(result.image, refsd.batch([picture])[0].image)


def test_many_looks_of_one_person_share_all_but_their_refinement(
    tiny_checkpoint: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    x = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    person = standing(120, 20, 120)
    looks = [{"emotion": "happy"}, {"hair": "bald"}, {"emotion": "happy"}]
    config = RefSDConfig(refiner=str(tiny_checkpoint("sd15", "refine")), renderer="numpy")
    refsd = RefSD(config)
    pictures = [
        Picture(x, [person], 5, attributes=[look], prompt=for_suite(config.prompt))
        for look in looks
    ]
    alone = [refsd.batch([picture])[0] for picture in pictures]
    emptied = Mock(wraps=refsd._remove)
    monkeypatch.setattr(refsd, "_remove", emptied)
    together = refsd.batch([*pictures, dataclasses.replace(pictures[0], seed=6)])
    assert emptied.call_count == 2
    for one, other in zip(alone, together, strict=False):
        assert np.array_equal(one.image, other.image)
        assert [p.prompt for p in one.people] == [p.prompt for p in other.people]
    assert "bald" in str(together[1].people[0].prompt)
    assert np.array_equal(together[0].image, together[2].image)
    assert not np.array_equal(together[0].image, together[1].image)


def test_avatars_that_match_what_is_asked_are_not_shared() -> None:
    x = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    person = standing(120, 20, 120)
    config = RefSDConfig(refiner="none", avatar="matched", renderer="numpy")
    pictures = [
        Picture(x, [person], 5, attributes=[{"gender": gender}], prompt=for_suite(config.prompt))
        for gender in ("female", "male")
    ]
    one, other = RefSD(config).batch(pictures)
    assert one.people[0].avatar != other.people[0].avatar

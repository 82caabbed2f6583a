"""Whose places ϕ's new people take: spread over the dataset, suited, framed like the renders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from phi_people import Wall, standing

from humangenai.attribute_fidelity.sources import candidates, choose_sources
from humangenai.datasets import Item
from humangenai.perception import Perception, perceive
from humangenai.progress import Silent
from humangenai.store import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.attribute_fidelity.sources import Source
    from refsd.people import Person


def perceived(wall: Wall, folder: Path) -> Perception:
    plan = {"dataset": {"dataset": "wall", "options": {}}, "methods": []}
    with RunFolder(folder, 0, plan) as run:
        return perceive(run, wall, wall.items(), Silent())


def sources(wall: Wall, folder: Path, crop: Crop, people: int = 3) -> list[Source]:
    return choose_sources(wall, perceived(wall, folder), wall.items(), crop, people)


def test_candidates_are_spread_over_people_and_cameras() -> None:
    items = [Item(f"{pid}_{c}", "query", pid, c) for pid in range(60) for c in range(4)]
    chosen = candidates(items, 5)
    assert len(chosen) == 30
    assert [item.pid for item in chosen] == list(range(0, 60, 2))
    assert len({item.camid for item in chosen}) == 4
    assert candidates(items, 5) == chosen
    assert len(candidates(items[:6], 5)) == 2  # no more than there are people
    unknown = [Item(str(n), "all") for n in range(4)]
    assert candidates(unknown, 2) == unknown


def test_heads_are_framed_as_the_renders_are(tmp_path: Path) -> None:
    source = sources(Wall(), tmp_path, "head")[0]
    assert source.image.shape == (256, 256, 3)
    marks = source.person.landmarks
    assert marks is not None
    # 0.24 of 1.7 metres are a head, which fills two thirds of the height.
    crown, chin = marks[7, 1] - 0.5 * 0.66 * 256, marks[7, 1] + 0.5 * 0.66 * 256
    assert 0 < crown < 0.2 * 256
    assert 0.6 * 256 < chin < 0.9 * 256
    assert chin < marks[11, 1] + 0.1 * 256
    assert abs(marks[7:9, 0].mean() - 128) < 4


def test_bodies_are_framed_as_the_renders_are(tmp_path: Path) -> None:
    source = sources(Wall(), tmp_path, "body")[0]
    assert source.image.shape == (256, 128, 3)
    rows, columns = np.nonzero(source.person.mask)
    assert 0.75 < (rows.max() - rows.min()) / 256 < 0.95
    assert 0.4 < columns.mean() / 128 < 0.6


@pytest.mark.parametrize("crop", ["head", "body"])
def test_picture_mask_and_landmarks_move_together(tmp_path: Path, crop: Crop) -> None:
    source = sources(Wall(), tmp_path, crop)[0]
    before = standing()
    assert source.person.landmarks is not None
    assert before.landmarks is not None
    for mark in (0, 2, 5):
        x, y = source.person.landmarks[mark].astype(int)
        # The wall's colours say where a pixel was.
        assert source.image[y, x, :2] == pytest.approx(before.landmarks[mark][::-1], abs=2)
        assert source.person.mask[y, x]


def test_labels_are_in_the_vocabularys_words_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    found = sources(Wall(), tmp_path, "head")
    assert found[0].labels == {"gender": "male", "upper pattern": "checked"}
    assert [source.key for source in found] == ["query/0_0", "query/0_1", "query/1_0"]


def test_who_looks_away_is_no_source(tmp_path: Path) -> None:
    wall = Wall(people=3, turned={0: 180, 1: 75})
    heads = sources(wall, tmp_path / "heads", "head")
    assert [source.key for source in heads] == ["query/2_0", "query/2_1"]
    bodies = sources(wall, tmp_path / "bodies", "body", people=9)
    assert {source.key[6] for source in bodies} == {"1", "2"}


class Narrow(Wall):
    """The shoulders of the last person's pictures lie within a head's crop, nobody else's."""

    def people(self, item: Item) -> list[Person]:
        (person,) = super().people(item)
        if item.pid == self._people - 1:
            for points in (person.landmarks, person.landmarks_world):
                assert points is not None
                middle = points[[11, 12], 0].mean()
                points[[11, 12], 0] = middle + 0.6 * (points[[11, 12], 0] - middle)
        return [person]


def test_heads_of_whom_enough_is_seen_to_pose_them_come_first(tmp_path: Path) -> None:
    heads = sources(Narrow(people=3), tmp_path, "head", people=3)
    assert [source.key for source in heads] == ["query/2_0", "query/2_1", "query/0_0"]


class Couple(Wall):
    """Two people beside each other, in each other's crops."""

    def people(self, item: Item) -> list[Person]:
        return [standing(x=60, height=150), standing(x=110, height=150)]


class CutOff(Wall):
    """Nobody's feet are in the picture."""

    def people(self, item: Item) -> list[Person]:
        return [standing(height=300)]


def test_whoever_is_not_alone_or_whole_is_no_source(tmp_path: Path) -> None:
    assert not sources(Couple(), tmp_path / "couple", "body")
    assert not sources(CutOff(), tmp_path / "cut", "body")
    assert sources(CutOff(), tmp_path / "cut", "head")

"""Crowd's heads: the labels that pictures show, the same bytes for everybody, nobody twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.datasets.crowd_faces import CrowdFaces, Options, dataset
from humangenai.datasets.crowd_faces.rendering import SIZE, photograph_heads
from refsd.bodies import load_body
from refsd.prompts import canonical
from refsd.rendering import make_renderer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrowdFaces]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "SHARD", 2)
        patch.setattr(dataset, "cache_dir", lambda: tmp_path_factory.mktemp("cache"))
        made = CrowdFaces(Options(train=2, test=2))
        made.items()
        made.train_items()
        yield made


def test_nobody_is_in_both_parts_and_everybody_has_all_labels(faces: CrowdFaces) -> None:
    learn, test = faces.train_items(), faces.items()
    assert (len(learn), len(test)) == (2, 4)
    assert not {item.pid for item in learn} & {item.pid for item in test}
    assert len({item.key for item in (*learn, *test)}) == 6
    names = [task.name for task in faces.tasks()]
    assert names == ["emotion", "age group", "gender", "ethnicity"]
    for item in (*learn, *test):
        assert list(faces.truth(item)[0].attributes) == list(item.labels)  # type: ignore[index]
        for task in faces.tasks():
            said = task.of_name(item.labels[task.name]).attributes
            assert canonical(said, free=False) == said
    first, second = test[:2]
    assert first.labels["emotion"] != second.labels["emotion"]
    assert first.labels["gender"] == second.labels["gender"]


def test_people_are_where_the_picture_shows_them(faces: CrowdFaces) -> None:
    for item in faces.items():
        image = faces.image(item)
        assert image.shape == (SIZE, SIZE, 3)
        (person,) = faces.people(item) or ()
        (true,) = faces.truth(item) or ()
        assert (person.full_mask(SIZE, SIZE) == true.mask).all()
        x0, y0, x1, y1 = faces.face(item)
        assert x1 - x0 == y1 - y0 > SIZE / 4
        nose = person.landmarks[0]  # type: ignore[index]
        assert x0 < nose[0] < x1
        assert y0 < nose[1] < y1
        assert true.mask[round(float(nose[1])), round(float(nose[0]))]


def test_the_same_seed_is_the_same_picture() -> None:
    body, renderer = load_body(), make_renderer("numpy")
    one, other = (
        photograph_heads(1, body, renderer, np.random.default_rng(5))[0] for _ in range(2)
    )
    assert (one.image == other.image).all()
    assert one.labels == other.labels

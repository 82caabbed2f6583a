"""Crowd's scenes: exact truth, people of their own in every scene, the same bytes for everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from few_scenes import FewScenes, few_scenes

from humangenai.datasets.crowd_scenes import CrowdScenes, Options
from humangenai.datasets.crowd_scenes.dataset import SCENES, SHARD, read_shard, render_shard
from humangenai.datasets.crowd_scenes.props import barrel, crate
from humangenai.datasets.crowd_scenes.rendering import (
    CATEGORIES,
    HEIGHT,
    LEAST_PIXELS,
    WIDTH,
    photograph_scene,
)
from humangenai.datasets.objects import WithObjects
from refsd.bodies import load_body
from refsd.rendering import make_renderer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def scenes() -> FewScenes:
    return few_scenes()


def test_it_has_objects(scenes: FewScenes) -> None:
    assert isinstance(scenes, WithObjects)
    assert scenes.categories == ("person", "crate", "barrel")
    assert scenes.rendered


def test_truth_fits_the_picture(scenes: FewScenes) -> None:
    seen = set()
    for item in [*scenes.items(), *scenes.train_items()]:
        image = scenes.image(item)
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert image.dtype == np.uint8
        objects = scenes.objects(item)
        for one in objects:
            assert one.mask is not None
            x0, y0, x1, y1 = one.box.astype(int)
            assert one.mask.sum() == one.mask[y0:y1, x0:x1].sum() == one.area >= LEAST_PIXELS
            assert one.mask[y0:y1, x0].any()
            assert one.mask[y1 - 1, x0:x1].any()
            seen.add(CATEGORIES[one.category])
        # A pixel shows one thing: whoever stands in front hides the others.
        assert np.sum([one.mask for one in objects], axis=0).max() == 1
        people = scenes.truth(item)
        assert len(people) == sum(one.category == 0 for one in objects)
        for person in people:
            assert person.joints is not None
            assert person.joints.shape == (len(person.joint_names), 3)
            assert person.attributes["gender"] in ("female", "male")
    assert seen == {"person", "crate", "barrel"}


def test_nobody_is_in_two_scenes(scenes: FewScenes) -> None:
    people = [
        person for item in [*scenes.items(), *scenes.train_items()] for person in scenes.truth(item)
    ]
    assert len(people) > 20
    assert len({person.joints.tobytes() for person in people if person.joints is not None}) == len(
        people
    )


def test_methods_are_told_of_everybody_unless_people_are_to_be_found(scenes: FewScenes) -> None:
    item = scenes.items()[0]
    told = scenes.people(item) or []
    true = scenes.truth(item)
    assert len(told) == len(true)
    for person, known in zip(told, true, strict=True):
        assert (person.full_mask(HEIGHT, WIDTH) == known.mask).all()
    assert CrowdScenes(Options(people="find")).people(item) is None


def test_joints_lie_on_the_person_and_feet_on_the_ground() -> None:
    body = load_body()
    scene = photograph_scene(
        body, make_renderer("numpy"), np.random.default_rng(3), np.random.default_rng(4)
    )
    people = [figure for figure in scene.figures if figure.joints is not None]
    assert people
    for figure in people:
        assert figure.joints is not None
        at = scene.camera.project(figure.joints)
        x0, y0, x1, y1 = figure.box
        core = at[[body.joint_names.index(name) for name in ("root", "spine03", "neck01")]]
        # Parts may be hidden: the box of what is seen may end before them, but not far from them.
        assert ((core > [x0 - 25, y0 - 12]) & (core < [x1 + 25, y1 + 60])).all()
    # The nearer stand lower in the picture and come later.
    distances = [float(figure.joints[0, 2]) for figure in people if figure.joints is not None]
    assert distances == sorted(distances, reverse=True)


def test_the_same_bytes_again_and_other_ones_with_another_seed(
    scenes: FewScenes, tmp_path: Path
) -> None:
    again, other = tmp_path / "again.npz", tmp_path / "other.npz"
    render_shard(again, 0, "test", 0)
    assert again.read_bytes() == scenes._path("test", 0).read_bytes()
    render_shard(other, 1, "test", 0)
    assert (read_shard(other)["images"] != read_shard(again)["images"]).any()


def test_small_is_the_beginning_of_full() -> None:
    for part in ("train", "test"):
        assert SCENES["small"][part] < SCENES["full"][part]
        assert SCENES["small"][part] % SHARD == SCENES["full"][part] % SHARD == 0


def test_the_hash_says_what_is_in_the_test_scenes(scenes: FewScenes, tmp_path: Path) -> None:
    class Other(FewScenes):
        def image(self, item):  # type: ignore[no-untyped-def]
            return super().image(item) ^ np.uint8(1)

    assert scenes.manifest_hash() == FewScenes(scenes._folder).manifest_hash()
    assert scenes.manifest_hash() != Other(scenes._folder).manifest_hash()


@pytest.mark.parametrize("make", [crate, barrel])
def test_things_are_closed_and_look_outwards(make) -> None:  # type: ignore[no-untyped-def]
    mesh = make(np.random.default_rng(0))
    assert mesh.vertices[:, 1].max() == pytest.approx(0, abs=1e-6)
    centre = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    assert mesh.normals is not None
    for face in mesh.faces:
        outwards = mesh.vertices[face].mean(axis=0) - centre
        assert (mesh.normals[face] @ outwards > 0).all()
    assert (mesh.uv >= 0).all()
    assert (mesh.uv <= 1).all()

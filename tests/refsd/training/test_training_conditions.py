"""Condition pictures: they show the composite of their pair, and nothing that contradicts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from refsd.rendering import make_renderer
from refsd.rendering.scene import Rendering
from refsd.training import conditions, data
from refsd.training.condition_drawings import (
    PARTS,
    draw_depth,
    draw_lines,
    draw_normals,
    draw_skeleton,
    keypoint_colour,
)
from refsd.training.conditions import (
    CONDITIONS,
    condition_shard,
    draw_conditions,
    find_stand_in,
    load_conditions,
    openpose_keypoints,
    render_conditions,
)
from refsd.training.data import Part, load_shard, render

if TYPE_CHECKING:
    from pathlib import Path

PART = Part("head", 64, pairs=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of two pairs each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHARD", 2)
        made = tmp_path_factory.mktemp("data")
        list(render(PART, made, workers=1))
    return made


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "SHARD", 2)
    monkeypatch.setattr(conditions, "SHARD", 2)


def test_conditions_lie_beside_their_pairs_and_are_drawn_once(folder: Path) -> None:
    shards = PART.shards(folder)
    first = list(render_conditions(PART, folder, 1, ["depth"]))
    assert first == [condition_shard(path, "depth") for path in shards]
    kept = first[0].read_bytes()
    first[1].unlink()
    everything = list(render_conditions(PART, folder, 1))
    assert set(everything) == {condition_shard(p, c) for p in shards for c in CONDITIONS}
    assert first[0].read_bytes() == kept
    assert not list(folder.glob(".part*"))
    for path in shards:
        shard = load_shard(path)
        shown = {c: load_conditions(condition_shard(path, c)) for c in CONDITIONS}
        for pictures in shown.values():
            assert pictures.dtype == np.uint8
            assert pictures.shape == shard.composite.shape
        person = (shown["segmentation"] != PARTS["background"]).any(axis=3)
        assert np.array_equal(person, shard.mask)
        # What is in front of nothing has depth, up to half-covered pixels of the outline.
        assert (shown["depth"][..., 0] > 0)[shard.mask].all()
        assert ((shown["depth"][..., 0] > 0) != shard.mask).mean() < 0.06


def test_other_pairs_than_todays_are_refused(folder: Path, tmp_path: Path) -> None:
    path = PART.shards(folder)[0]
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in ("target", "composite", "mask")}
        metadata = file.metadata()
    arrays["mask"] = ~arrays["mask"]
    save_file(arrays, tmp_path / path.name, metadata=metadata)
    with pytest.raises(ValueError, match="render the pairs anew"):
        list(render_conditions(PART, tmp_path, 1))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_parts_are_where_the_body_is() -> None:
    """The segmentation knows no landmarks, the skeleton no clothes; they must agree."""
    part, renderer = Part("body", 128, pairs=12), make_renderer("numpy")
    on_body, on_legs, seen = [], [], set()
    for number in range(6):
        stand_in = find_stand_in(part, number)
        camera = stand_in.camera
        composite = np.zeros((camera.height, camera.width, 3), dtype=np.uint8)
        drawn = draw_conditions(stand_in, composite, renderer)
        segments = drawn.of["segmentation"]
        assert {tuple(c) for c in segments.reshape(-1, 3).tolist()} <= set(PARTS.values())
        seen |= {tuple(c) for c in segments.reshape(-1, 3).tolist()}
        depth = np.where(drawn.mask, 0.0, np.inf).astype(np.float32)
        points, _ = openpose_keypoints(stand_in, depth)
        columns, rows = points.astype(int).T
        inside = (columns >= 0) & (columns < 64) & (rows >= 0) & (rows < 128)
        on_body += drawn.mask[rows[inside], columns[inside]].tolist()
        for knee in (9, 12):
            if inside[knee]:
                shown = tuple(segments[rows[knee], columns[knee]].tolist())
                on_legs.append(shown not in (PARTS["hair"], PARTS["shoes"]))
    assert np.mean(on_body) > 0.95
    assert np.mean(on_legs) > 0.9
    assert {PARTS[name] for name in ("skin", "upper", "lower", "background")} <= seen


def test_a_head_seen_from_behind_shows_no_nose() -> None:
    stand_in, camera = find_stand_in(PART, 0), find_stand_in(PART, 0).camera
    nose = stand_in.landmarks[0]
    far = np.full((camera.height, camera.width), np.inf, dtype=np.float32)
    near = np.full_like(far, nose[2] - 0.15)
    points, found = openpose_keypoints(stand_in, far)
    assert found.all()
    np.testing.assert_allclose(points[0], camera.project(nose[None])[0])
    _, found = openpose_keypoints(stand_in, near)
    assert not found[0]
    assert found[2]  # A hidden shoulder is guessed.


def test_skeletons_have_openposes_colours() -> None:
    assert len({keypoint_colour(index) for index in range(18)}) == 18
    points = np.full((18, 2), -50, dtype=np.float32)
    points[4] = (20.5, 30.5)
    picture = draw_skeleton(points, np.arange(18) == 4, (64, 48))
    assert picture.shape == (64, 48, 3)
    assert tuple(picture[30, 20].tolist()) == keypoint_colour(4) == (170, 255, 0)
    points[3] = (20.5, 10.5)
    limb = draw_skeleton(points, np.isin(np.arange(18), (3, 4)), (64, 48))[20, 20]
    assert tuple(limb.tolist()) == tuple(round(0.6 * value) for value in (255, 255, 0))
    assert not draw_skeleton(points, np.zeros(18, dtype=bool), (64, 48)).any()


def test_near_is_bright_and_nothing_is_black() -> None:
    depth = np.array([[2.0, 3.0], [6.0, np.inf]], dtype=np.float32)
    picture = draw_depth(depth)[..., 0]
    assert picture[0, 0] == 255 > picture[0, 1] > picture[1, 0] > 50 > picture[1, 1] == 0
    assert not draw_depth(np.full((4, 4), np.inf, dtype=np.float32)).any()


def test_normals_are_red_right_green_up_blue_near() -> None:
    normals = np.float32([[[1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0, 0]]])
    assert draw_normals(normals)[0].tolist() == [
        [255, 128, 128], [128, 255, 128], [128, 128, 255], [128, 128, 255],
    ]  # fmt: skip


def test_lines_are_where_something_changes() -> None:
    depth = np.full((8, 8), np.inf, dtype=np.float32)
    depth[:, :4] = 2.0
    normals = np.zeros((8, 8, 3), dtype=np.float32)
    normals[:4, :4], normals[4:, :4] = (0, 0, -1), (0, -1, 0)
    composite = np.zeros((8, 8, 3), dtype=np.uint8)
    composite[:, 7] = (0, 200, 0)
    rendering = Rendering(np.zeros((8, 8, 4), np.uint8), depth, normals)
    dark = draw_lines(rendering, composite)[..., 0] == 0
    expected = np.zeros((8, 8), dtype=bool)
    expected[:, 3] = True  # the outline
    expected[3, :4] = True  # the bend
    expected[:, 6] = True  # the colour
    assert np.array_equal(dark, expected)

"""Crowd: splits as Market-1501 has them, the same bytes for everybody, and exact truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.datasets.crowd import Crowd, Options
from humangenai.datasets.crowd.backgrounds import background, texture
from humangenai.datasets.crowd.cameras import CAMERAS
from humangenai.datasets.crowd.dataset import _identities, render_identity
from humangenai.datasets.crowd.rendering import HEIGHT, WIDTH, photograph
from refsd.bodies import load_body
from refsd.rendering import make_renderer
from refsd.wardrobe import sample_avatar

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.datasets import Item


class TwoPeople(Crowd):
    """Crowd with two test identities of two shots each, rendered into another folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(Options())
        self._folder = folder
        self._test = [type(one)(one.pid, (one.shots[0], one.shots[-1])) for one in self._test[:2]]
        self._train = []


@pytest.fixture(scope="module")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> TwoPeople:
    crowd = TwoPeople(tmp_path_factory.mktemp("crowd"))
    crowd.items()
    return crowd


def test_splits_are_market1501s() -> None:
    train, test = _identities("full")
    assert len(train) >= 400
    assert len(test) >= 100
    assert not {one.pid for one in train} & {one.pid for one in test}
    for one in test:
        query = [camid for split, camid in one.shots if split == "query"]
        gallery = [camid for split, camid in one.shots if split == "gallery"]
        assert len(query) == len(set(query)) == 4
        assert gallery == [1, 2, 3, 4, 5, 6]


def test_every_camera_asks_as_often_as_every_other() -> None:
    _, test = _identities("full")
    asked = np.bincount([c for one in test for split, c in one.shots if split == "query"])
    assert len(set(asked[1:])) == 1


def test_small_is_the_beginning_of_full() -> None:
    _, small = _identities("small")
    _, full = _identities("full")
    assert full[: len(small)] == small


def test_queries_come_before_the_gallery(two_people: TwoPeople) -> None:
    items = two_people.items()
    assert [item.split for item in items] == ["query", "query", "gallery", "gallery"]
    assert len({item.key for item in items}) == 4
    assert {item.pid for item in items} == {481, 482}


def test_truth_fits_the_picture(two_people: TwoPeople) -> None:
    for item in two_people.items():
        image = two_people.image(item)
        assert image.shape == (HEIGHT, WIDTH, 3)
        assert image.dtype == np.uint8
        (person,) = two_people.truth(item) or ()
        x0, y0, x1, y1 = person.box.astype(int)
        assert person.mask[y0:y1, x0:x1].sum() == person.mask.sum()
        assert 0.7 * HEIGHT < y1 - y0 < HEIGHT
        assert person.joints is not None
        assert person.joints.shape == (len(person.joint_names), 3)
        assert (person.joints[:, 2] > 0).all()
        assert person.attributes["gender"] in ("female", "male")


def test_joints_lie_on_the_person() -> None:
    rng = np.random.default_rng(5)
    avatar = sample_avatar("crowd", rng)
    body = load_body()
    for shot in photograph(avatar, [1, 4], body, make_renderer("numpy"), rng):
        x = shot.camera.fx * shot.joints[:, 0] / shot.joints[:, 2] + shot.camera.cx
        y = shot.camera.fy * shot.joints[:, 1] / shot.joints[:, 2] + shot.camera.cy
        core = [body.joint_names.index(name) for name in ("root", "spine03", "neck01", "head")]
        columns, rows = x[core].astype(int), y[core].astype(int)
        assert shot.mask[rows, columns].all()


def test_the_same_bytes_again(two_people: TwoPeople, tmp_path: Path) -> None:
    first = two_people.items()[0]
    assert first.pid is not None
    camids = [camid for _, camid in two_people._test[0].shots]
    render_identity(tmp_path, 0, first.pid, camids)
    for made in sorted((tmp_path / f"{first.pid:04d}").iterdir()):
        kept = two_people._folder / f"{first.pid:04d}" / made.name
        assert made.read_bytes() == kept.read_bytes()


def test_another_seed_is_another_person(two_people: TwoPeople, tmp_path: Path) -> None:
    camids = [camid for _, camid in two_people._test[0].shots]
    render_identity(tmp_path, 1, 481, camids)
    other = tmp_path / "0481" / "truth.json"
    assert other.read_bytes() != (two_people._folder / "0481" / "truth.json").read_bytes()


def test_what_a_killed_process_left_is_ignored(two_people: TwoPeople) -> None:
    (two_people._folder / ".making-left" / "identity").mkdir(parents=True)
    again = TwoPeople(two_people._folder)
    assert list(again.items()) == list(two_people.items())


def test_manifest_follows_the_pictures(
    two_people: TwoPeople, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = two_people.manifest_hash()
    assert TwoPeople(two_people._folder).manifest_hash() == before
    changed = TwoPeople(two_people._folder)

    def darker(item: Item) -> np.ndarray:
        return two_people.image(item) // 2

    monkeypatch.setattr(changed, "image", darker)
    assert changed.manifest_hash() != before


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: f"camera {camera.camid}")
def test_backgrounds_fill_the_picture(camera: object) -> None:
    made = background(camera, HEIGHT, WIDTH, 0.7, np.random.default_rng(1))  # type: ignore[arg-type]
    assert made.shape == (HEIGHT, WIDTH, 3)
    assert (made > 0).all()
    assert made.std() > 0.01


def test_textures_have_the_same_mean_light() -> None:
    for name in ("brick", "grass", "gravel"):
        assert texture(name).mean() == pytest.approx(1, abs=1e-3)

"""Hats, glasses, jewellery, beards: where they belong, and only where they are worn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refsd.bodies import load_body
from refsd.wardrobe import Avatar, dress, sample_avatar
from refsd.wardrobe.accessories import EARRINGS, GLASSES, HATS, NECKLACES, accessories
from refsd.wardrobe.canonical import NEUTRAL


def somebody(**worn: object) -> Avatar:
    avatar = sample_avatar("training", np.random.default_rng(3))
    return replace(avatar, shape=NEUTRAL, look=replace(avatar.look, **worn))


def vertices() -> np.ndarray:
    return load_body().rest_vertices(NEUTRAL) + np.float32([0, 0, 3])


WORN = [
    *(("hat", name, (-0.95, -0.45)) for name in HATS),
    *(("glasses", name, (-0.76, -0.70)) for name in GLASSES),
    *(("earrings", name, (-0.70, -0.64)) for name in EARRINGS),
    *(("necklace", name, (-0.66, -0.40)) for name in NECKLACES),
]


@pytest.mark.parametrize(("kind", "name", "heights"), WORN)
def test_what_is_worn_is_where_it_belongs(
    kind: str, name: str, heights: tuple[float, float]
) -> None:
    plain, worn = somebody(), somebody(**{kind: name})
    before = dress(plain, load_body(), vertices())
    after = dress(worn, load_body(), vertices())
    added = after[len(before) :]
    assert added
    for mesh in added:
        assert heights[0] < mesh.vertices[:, 1].min() <= mesh.vertices[:, 1].max() < heights[1]
        assert np.abs(mesh.vertices[:, 0].mean()) < 0.1
        assert np.isfinite(mesh.vertices).all()


def test_who_wears_nothing_has_no_accessories() -> None:
    assert list(accessories(somebody().look)) == []


def test_unknown_accessories_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown hat 'crown'; known: straw hat"):
        list(accessories(somebody(hat="crown").look))


@pytest.mark.parametrize("worn", [{"beard": "mustache"}, {"beard": "full beard"}, {"makeup": 1.0}])
def test_what_grows_or_is_painted_changes_little_of_the_texture(worn: dict[str, object]) -> None:
    plain = dress(somebody(), load_body(), vertices())[0].texture.astype(int)
    painted = dress(somebody(**worn), load_body(), vertices())[0].texture.astype(int)
    changed = (np.abs(painted - plain) > 8).any(axis=2)
    assert 0.0002 < changed.mean() < 0.06


def test_hair_stays_under_a_hat() -> None:
    """On top of the head nothing of the body sticks out of a hat."""
    for name in HATS:
        meshes = dress(somebody(hat=name), load_body(), vertices())
        crown = meshes[0].vertices[:, 1].min()
        assert min(mesh.vertices[:, 1].min() for mesh in meshes[1:]) < crown

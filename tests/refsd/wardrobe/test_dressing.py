from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from refsd.bodies import load_body, sample_pose
from refsd.wardrobe import bank_avatar, dress, sample_avatar
from refsd.wardrobe.avatar import Avatar
from refsd.wardrobe.canonical import vertex_places
from refsd.wardrobe.dressing import frame_of
from refsd.wardrobe.families import FAMILIES


@pytest.fixture(scope="module")
def body():
    return load_body()


def stand(body, avatar, seed=0):
    pose = sample_pose(avatar.family, np.random.default_rng(seed), body)
    place = np.array([[0.2, 0.1, 5.0]], dtype=np.float32)
    return body.pose([avatar.shape], pose[None].astype(np.float32), place).vertices[0]


def wardrobe_of(family: str) -> list[Avatar]:
    """As few avatars as wear every cut, pattern, shoe, hair and bag of a family."""
    lists = FAMILIES[family]
    fields = (lists.uppers, lists.lowers, lists.shoes, lists.hair, lists.bags)
    columns = [list(column) for column in fields]
    patterns = [list(lists.upper_patterns), list(lists.lower_patterns)]
    start = sample_avatar(family, np.random.default_rng(5))
    avatars = []
    for row in range(max(map(len, columns + patterns))):
        upper, lower, shoe, hair, bag = (column[row % len(column)] for column in columns)
        upper_pattern, lower_pattern = (column[row % len(column)] for column in patterns)
        look = replace(
            start.look,
            upper=replace(start.look.upper, cut=upper, pattern=upper_pattern),
            lower=replace(start.look.lower, cut=lower, pattern=lower_pattern),
            shoe=shoe,
            hair=hair,
            bag=bag,
        )
        avatars.append(replace(start, name=f"{family}/test{row}", look=look))
    return avatars


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_listed_can_be_worn(body, family):
    for avatar in wardrobe_of(family):
        vertices = stand(body, avatar)
        near_body = cKDTree(vertices)
        for mesh in dress(avatar, body, vertices):
            assert mesh.vertices.dtype == np.float32
            assert np.isfinite(mesh.vertices).all()
            assert mesh.faces.shape == mesh.uv_faces.shape
            assert mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices)
            assert mesh.uv_faces.min() >= 0 and mesh.uv_faces.max() < len(mesh.uv)
            assert mesh.uv.min() >= -1e-6 and mesh.uv.max() <= 1 + 1e-6
            assert mesh.texture.dtype == np.uint8 and mesh.texture.shape[2] == 4
            # A skirt between the legs and the far side of a bag are farthest from the skin.
            assert near_body.query(mesh.vertices)[0].max() < 0.32


@pytest.mark.parametrize("family", FAMILIES)
def test_dressing_does_not_depend_on_what_was_dressed_before(body, family):
    first, second = (sample_avatar(family, np.random.default_rng(seed)) for seed in (1, 2))
    before = dress(first, body, stand(body, first))
    dress(second, body, stand(body, second, 1))
    dress(first, body, stand(body, first, 2))
    after = dress(first, body, stand(body, first))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.vertices, other.vertices)
        np.testing.assert_array_equal(one.texture, other.texture)


@pytest.mark.parametrize("family", FAMILIES)
def test_clothes_follow_a_body_that_moves_away(body, family):
    avatar = sample_avatar(family, np.random.default_rng(3))
    vertices = stand(body, avatar)
    shift = np.array([0.5, -0.25, 2.0], dtype=np.float32)
    for here, there in zip(
        dress(avatar, body, vertices), dress(avatar, body, vertices + shift), strict=True
    ):
        np.testing.assert_allclose(there.vertices, here.vertices + shift, atol=2e-4)


def test_clothed_skin_lies_outside_the_naked_body(body):
    avatar = bank_avatar(4)
    vertices = stand(body, avatar)
    skin = dress(avatar, body, vertices)[0]
    places = vertex_places(body)
    chest = (places.arm < 0.1) & (places.position[:, 1] < -0.25) & (places.position[:, 1] > -0.4)
    middle = vertices[chest].mean(axis=0)
    outwards = np.linalg.norm(skin.vertices[chest] - middle, axis=1)
    naked = np.linalg.norm(vertices[chest] - middle, axis=1)
    assert np.median(outwards - naked) > 0.004
    assert (outwards - naked > 0).mean() > 0.9


@pytest.mark.parametrize("family", [name for name, lists in FAMILIES.items() if lists.close])
def test_no_toe_is_left_where_shoes_are_modelled(body, family):
    avatar = sample_avatar(family, np.random.default_rng(4))
    skin = dress(avatar, body, stand(body, avatar))[0]
    toes = [i for i, name in enumerate(body.joint_names) if name.startswith("toe")]
    toe_vertices = np.flatnonzero(body.skin_weights[:, toes].sum(axis=1) > 0.5)
    assert not np.isin(skin.faces, toe_vertices).any()


def test_shoes_stand_under_the_feet(body):
    avatar = bank_avatar(2)
    still = np.zeros((1, len(body.joint_names), 3), dtype=np.float32)
    vertices = body.pose([avatar.shape], still, np.array([[0, 0, 4]], np.float32)).vertices[0]
    sole = FAMILIES["bank"].shoes[avatar.look.shoe].sole
    lowest = max(mesh.vertices[:, 1].max() for mesh in dress(avatar, body, vertices))
    assert 0.5 * sole < lowest - vertices[:, 1].max() < 1.5 * sole


def test_legs_stay_inside_the_tube_of_a_standing_dress(body):
    avatar = next(
        a for a in map(bank_avatar, range(60)) if a.attributes["upper garment"] == "dress"
    )
    still = np.zeros((1, len(body.joint_names), 3), dtype=np.float32)
    vertices = body.pose([avatar.shape], still, np.array([[0, 0, 4]], np.float32)).vertices[0]
    tube = max(dress(avatar, body, vertices)[1:], key=lambda mesh: np.ptp(mesh.vertices[:, 1]))
    places = vertex_places(body)
    thighs = vertices[(places.leg > 0.5) & (np.abs(places.position[:, 1] - 0.25) < 0.1)]
    middle = tube.vertices.mean(axis=0)
    row = tube.vertices[np.abs(tube.vertices[:, 1] - middle[1]) < 0.15]

    def reach(points):
        offset = (points - middle)[:, [0, 2]]
        sector = np.floor((np.arctan2(offset[:, 0], offset[:, 1]) + np.pi) / (np.pi / 6)).astype(
            int
        )
        return [np.linalg.norm(offset[sector == s], axis=1).max(initial=0) for s in range(12)]

    assert np.less(reach(thighs), reach(row)).all()


def test_a_frame_recovers_turn_and_size(body):
    frame = frame_of(body, "head")
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=np.float32)
    neutral = body.rest_vertices({"age": 0.67, "gender": 0.5})
    posed = (1.2 * neutral @ turn.T + [1, 2, 3]).astype(np.float32)
    points = np.array([[0.1, -0.8, 0.05]], dtype=np.float32)
    expected = 1.2 * points @ turn.T + [1, 2, 3]
    np.testing.assert_allclose(frame.place(posed, points), expected, atol=1e-4)

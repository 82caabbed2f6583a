"""Plain clothes, on a made-up SMPL body and on anny, whose own clothes are known."""

from dataclasses import replace

import numpy as np
import pytest

from refsd.bodies import load_body
from refsd.rendering import Camera, Light, make_renderer
from refsd.wardrobe import bank_avatar
from refsd.wardrobe.canonical import vertex_places
from refsd.wardrobe.plain import dress_plainly
from refsd.wardrobe.plain_layout import layout_of


@pytest.fixture(scope="module")
def anny():
    return load_body()


@pytest.fixture(scope="module")
def smpl(smpl_files):
    return load_body("smpl", smpl_files)


def standing(body, shape):
    count = len(body.joint_names)
    return body.pose([shape], np.zeros((1, count, 3), "f4"), np.array([[0, 0, 8]], "f4"))


def seen(avatar, body, meshes):
    camera = Camera(900, 900, 120, 110, 240, 240)
    return make_renderer("numpy").render(
        meshes, camera, Light((0, 0, -1), (0.2,) * 3, (0.8,) * 3, (0.8,) * 3)
    )


def colour_at(rendering, point):
    x, y = point[:2] / point[2] * 900 + [120, 110]
    return rendering.rgba[int(y), int(x), :3] / 255


def test_places_are_those_of_the_body_that_clothes_were_cut_for(anny):
    """Anny is that body: its coordinates by way of joints and landmarks must come out the same."""
    known, found = vertex_places(anny), layout_of(anny).places
    for name in ("arm", "leg", "foot"):
        assert np.allclose(getattr(known, name), getattr(found, name), atol=0.02), name
    on_arm = known.arm > 0.9
    assert np.abs(known.along_arm - found.along_arm)[on_arm].mean() < 0.02
    rest = ~on_arm & (known.arm < 0.1)
    assert np.abs(known.position - found.position)[rest, 1].mean() < 0.012
    face = (known.head > 0.9) & (known.position[:, 2] < -0.06)
    assert np.abs(known.position - found.position)[face].mean() < 0.012


def test_every_face_has_its_place_in_the_layout(smpl):
    layout = layout_of(smpl)
    assert layout.uv_faces.shape == smpl.faces.shape
    assert layout.uv.min() >= 0
    assert layout.uv.max() <= 1
    # No face stretches over several charts or around the back.
    corners = layout.uv[layout.uv_faces]
    extents = np.ptp(corners, axis=1)
    assert np.quantile(extents.max(axis=1), 0.99) < 0.1


def test_skin_shirt_trousers_and_shoes_are_where_they_belong(smpl):
    avatar = next(
        bank_avatar(number)
        for number in range(200)
        if bank_avatar(number).attributes["upper garment"] == "t-shirt"
        and bank_avatar(number).attributes["lower garment"] == "jeans"
    )
    look = avatar.look
    avatar = replace(
        avatar,
        look=replace(
            look,
            skin=(0.9, 0.75, 0.65),
            upper=replace(look.upper, colour=(0.8, 0.1, 0.1), second=(0.8, 0.1, 0.1)),
            lower=replace(look.lower, colour=(0.1, 0.1, 0.8), second=(0.1, 0.1, 0.8)),
            shoe_colour=(0.1, 0.7, 0.1),
            sole_colour=(0.1, 0.7, 0.1),
        ),
    )
    bodies = standing(smpl, avatar.shape)
    rendering = seen(avatar, smpl, dress_plainly(avatar, smpl, bodies.vertices[0]))
    joints = dict(zip(smpl.joint_names, bodies.joints[0], strict=True))

    def strongest(point):
        return int(colour_at(rendering, point).argmax())

    assert strongest(joints["spine2"]) == 0
    assert strongest((joints["left_shoulder"] + joints["spine3"]) / 2) == 0
    assert strongest(joints["left_knee"]) == 2
    assert strongest((joints["right_hip"] + joints["right_knee"]) / 2) == 2
    assert strongest(joints["left_foot"]) == 1
    forearm = colour_at(rendering, (joints["left_elbow"] + joints["left_wrist"]) / 2)
    assert forearm[0] > forearm[1] > forearm[2] > 0.3  # skin, not red cloth


def test_hems_are_finer_than_the_mesh(smpl):
    """The colour changes within a face: cloth ends where it is cut, not where vertices are."""
    avatar = bank_avatar(2)
    mesh = dress_plainly(avatar, smpl, standing(smpl, avatar.shape).vertices[0])[0]
    size = mesh.texture.shape[0]
    texels = np.clip((mesh.uv[mesh.uv_faces] * size).astype(int), 0, size - 1)
    colours = mesh.texture[texels[..., 1], texels[..., 0], :3].astype(int)
    across_edge = np.ptp(colours, axis=1).max(axis=1) > 60
    assert 50 < across_edge.sum() < 0.2 * len(across_edge)


def test_clothes_lie_on_the_skin_and_never_beneath(smpl):
    avatar = bank_avatar(1)
    vertices = standing(smpl, avatar.shape).vertices[0]
    away = np.linalg.norm(dress_plainly(avatar, smpl, vertices)[0].vertices - vertices, axis=1)
    assert away.max() < 0.06
    hands = layout_of(smpl).places.hand > 0.9
    assert away[hands].max() < 1e-6
    assert np.median(away[layout_of(smpl).places.leg > 0.9]) > 0.004


def test_a_texture_of_ones_own_is_worn_on_the_models_own_uv(smpl):
    texture = np.full((8, 8, 4), 255, np.uint8)
    vertices = standing(smpl, {}).vertices[0]
    (mesh,) = dress_plainly(bank_avatar(0), smpl, vertices, texture)
    assert mesh.texture is texture
    assert mesh.vertices is vertices
    assert mesh.uv is smpl.uv


def test_the_same_avatar_looks_the_same_again(smpl):
    avatar = bank_avatar(7)
    vertices = standing(smpl, avatar.shape).vertices[0]
    one, other = (dress_plainly(avatar, smpl, vertices)[0] for _ in range(2))
    assert np.array_equal(one.texture, other.texture)
    assert np.array_equal(one.vertices, other.vertices)
    elsewhere = dress_plainly(bank_avatar(8), smpl, vertices)[0]
    assert not np.array_equal(one.texture, elsewhere.texture)

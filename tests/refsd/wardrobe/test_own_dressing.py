from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refsd.bodies.anny import load_body
from refsd.images import encode_png
from refsd.wardrobe.own import OwnAvatarError, dress_any, load_bank
from refsd.wardrobe.own.__main__ import write_example
from refsd.wardrobe.own.template import PARTS, show, uv_template


@pytest.fixture(scope="module")
def avatar(tmp_path_factory):
    folder = tmp_path_factory.mktemp("avatars")
    write_example(folder, size=256)
    return load_bank(folder).avatar(0)


def test_the_example_is_dressed_in_its_texture(avatar) -> None:
    body = load_body()
    still = np.zeros((1, len(body.joint_names), 3), np.float32)
    vertices = body.pose([avatar.shape], still, np.zeros((1, 3), np.float32)).vertices[0]
    skin, eyes = dress_any(avatar, body, vertices)
    assert np.array_equal(skin.vertices, vertices)
    assert skin.texture is avatar.texture()
    assert len(skin.faces) + len(eyes.faces) == len(body.faces)
    (painted,) = dress_any(replace(avatar, eyes="painted"), body, vertices)
    assert np.array_equal(painted.faces, body.faces)


def test_a_texture_is_seen_where_it_was_painted(avatar, tmp_path: Path) -> None:
    """Red on the front of the torso in the template is red on the chest, and only there."""
    body = load_body()
    template = uv_template(body, 256)
    front = (template == PARTS["torso, front"]).all(axis=2)
    assert 0.1 < front.mean() < 0.4
    texture = np.where(front[..., None], [255, 0, 0], [0, 0, 255]).astype(np.uint8)
    place = tmp_path / "a"
    write_example(tmp_path, size=64)
    (tmp_path / "example").rename(place)
    (place / "texture.png").write_bytes(encode_png(texture))
    before, _, behind = np.split(show(load_bank(tmp_path).avatar(0), body, 200), 3, axis=1)

    def red(picture) -> np.ndarray:
        return (picture[..., 0] > 100) & (picture[..., 2] < 60)

    def blue(picture) -> np.ndarray:
        return (picture[..., 2] > 100) & (picture[..., 0] < 60)

    rows = np.flatnonzero(red(before).any(axis=1))
    assert red(before).sum() > 800
    assert 30 < rows.min() < 60
    assert rows.max() < 125
    assert red(behind).sum() < 100 < blue(behind).sum()


def test_a_texture_for_another_body_is_refused(avatar) -> None:
    body = load_body()
    with pytest.raises(OwnAvatarError, match="painted for the body 'smplx', not for 'anny'"):
        dress_any(replace(avatar, body="smplx"), body, np.zeros((13718, 3), np.float32))

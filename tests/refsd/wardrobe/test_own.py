import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from refsd.images import encode_png
from refsd.prompts import avatar_attributes
from refsd.wardrobe.matching import draw_avatar
from refsd.wardrobe.own import OwnAvatarError, load_bank

GOOD = {
    "name": "runner",
    "body": "anny",
    "shape": {"gender": 0.9, "weight": 0.9},
    "texture": "texture.png",
    "licence": "CC0-1.0",
    "source": "painted for this test",
    "attributes": {"sex": "woman", "upper garment": "t-shirt"},
}


def write(folder: Path, said: object, size: int = 64, subfolder: str = "a") -> Path:
    place = folder / subfolder
    place.mkdir(exist_ok=True)
    text = said if isinstance(said, str) else yaml.safe_dump(said)
    (place / "avatar.yaml").write_text(text)
    colours = np.random.default_rng(size).integers(0, 256, (size, size, 3), dtype=np.uint8)
    (place / "texture.png").write_bytes(encode_png(colours))
    return folder


def test_an_avatar_is_read(tmp_path: Path) -> None:
    bank = load_bank(write(tmp_path, GOOD))
    avatar = bank.avatar(0)
    assert (len(bank), avatar.name, avatar.eyes) == (1, "own/runner", "brown")
    assert avatar_attributes(avatar) == {
        "build": "heavyset",
        "height": "average",
        "gender": "female",
        "upper garment": "t-shirt",
    }
    texture = avatar.texture()
    assert (texture.shape, texture.dtype) == ((64, 64, 4), np.uint8)
    assert (texture[..., 3] == 255).all()
    expected = np.random.default_rng(64).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert np.array_equal(texture[..., :3], expected)


def test_the_record_has_licences_and_nobodys_path(tmp_path: Path) -> None:
    folder = tmp_path / "maria_lopez"
    folder.mkdir()
    settings = json.dumps(load_bank(write(folder, GOOD, subfolder="juan")).settings())
    assert "CC0-1.0" in settings
    assert "painted for this test" in settings
    for secret in ("maria", "juan", "texture.png", str(tmp_path)):
        assert secret not in settings


def test_another_texture_is_another_setting(tmp_path: Path) -> None:
    one = load_bank(write(tmp_path, GOOD)).settings()
    assert load_bank(write(tmp_path, GOOD)).settings() == one
    assert load_bank(write(tmp_path, GOOD, size=65)).settings() != one


def test_a_folder_serves_several_bodies_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, GOOD, subfolder="z")
    write(tmp_path, GOOD | {"name": "walker"}, subfolder="b")
    write(tmp_path, GOOD | {"name": "sitter", "body": "smplx"}, subfolder="c")
    (tmp_path / "notes").mkdir()
    bank = load_bank(tmp_path)
    assert [bank.avatar(n).name for n in range(len(bank))] == ["own/runner", "own/walker"]
    (sitter,) = (load_bank(tmp_path, "smplx").avatar(0),)
    assert (sitter.name, sitter.eyes) == ("own/sitter", "painted")
    names = {draw_avatar(bank, None, np.random.default_rng(s)).name for s in range(20)}
    assert names == {"own/runner", "own/walker"}
    assert draw_avatar(bank, {"gender": "male"}, np.random.default_rng(1)).name in names
    with pytest.raises(OwnAvatarError, match=r"no avatar.yaml for the body 'smpl' \(none of its 3"):
        load_bank(tmp_path, "smpl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licence": None}, "'licence' is None"),
        ({"licence": ...}, "'licence' is missing; add it"),
        ({"name": "Maria Lopez"}, "'name' is 'Maria Lopez'"),
        ({"body": "mixamo"}, "'body' is 'mixamo'"),
        ({"shape": {"hight": 0.5}}, "unknown phenotype 'hight'"),
        ({"shape": {"height": 5}}, "phenotype 'height' is 5"),
        ({"betas": [0.1]}, "unknown key 'betas'; known: name"),
        ({"attributes": {"gendr": "female"}}, "did you mean 'gender'"),
        ({"texture": "../secret.png"}, "lies outside its folder"),
        ({"texture": "/etc/passwd"}, "lies outside its folder"),
        ({"texture": "link.png"}, "lies outside its folder"),
        ({"texture": "other.png"}, "there is no texture 'other.png' beside it"),
        ({"texture": "avatar.yaml"}, "PNG"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change, message: str) -> None:
    said = {key: value for key, value in (GOOD | change).items() if value is not ...}
    folder = tmp_path / "avatars"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    write(folder, said)
    (folder / "a" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(OwnAvatarError) as error:
        load_bank(folder)
    assert message in str(error.value)
    assert str(error.value).startswith("a/avatar.yaml: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is not YAML"),
        ("just words", "must say key: value"),
        ("name: !!python/object/apply:os.system ['true']", "is not YAML"),
        ("name: " + "x" * 70000, "larger than 64 kB"),
    ],
)
def test_files_that_are_no_avatars(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OwnAvatarError, match=message):
        load_bank(write(tmp_path, text))


def test_textures_that_cannot_be_used(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    texture = tmp_path / "a" / "texture.png"
    texture.write_bytes(encode_png(np.zeros((64, 80, 3), np.uint8)))
    with pytest.raises(OwnAvatarError, match="is 80 x 64 pixels; textures are square, 64 to 4096"):
        load_bank(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    texture.write_bytes(encode_png(noise)[:-2000])
    with pytest.raises(OwnAvatarError, match="broken or cut off"):
        load_bank(tmp_path)
    texture.write_bytes(b"GIF89a")
    with pytest.raises(OwnAvatarError, match="a GIF"):
        load_bank(tmp_path)


def test_a_texture_that_changes_under_a_run_is_noticed(tmp_path: Path) -> None:
    avatar = load_bank(write(tmp_path, GOOD, size=96)).avatar(0)
    write(tmp_path, GOOD, size=97)
    with pytest.raises(OwnAvatarError, match="has changed since it was read"):
        avatar.texture()


def test_names_are_unique_and_folders_exist(tmp_path: Path) -> None:
    with pytest.raises(OwnAvatarError, match="there is no folder"):
        load_bank(tmp_path / "nowhere")
    with pytest.raises(OwnAvatarError, match="no subfolder with one"):
        load_bank(tmp_path)
    write(tmp_path, GOOD, subfolder="a")
    write(tmp_path, GOOD, subfolder="b")
    with pytest.raises(OwnAvatarError, match=r"two avatar\.yaml files have the name 'runner'"):
        load_bank(tmp_path)

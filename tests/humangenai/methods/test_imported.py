from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from humangenai.errors import UserError
from humangenai.methods import Task
from humangenai.methods.imported import Options, load
from refsd.people import Person

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BOX = (10, 10, 30, 50)


def picture(seed: int = 0) -> NDArray[np.uint8]:
    smooth = np.random.default_rng(seed).integers(40, 200, (6, 4, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(smooth).resize((40, 60), Image.Resampling.BICUBIC))


def task(key: str, image: NDArray[np.uint8]) -> Task:
    mask = np.ones((BOX[3] - BOX[1], BOX[2] - BOX[0]), np.bool_)
    return Task(key, image, [Person(np.array(BOX, np.float32), BOX, mask)], seed=0)


def save(path: Path, image: NDArray[np.uint8], **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, **options)


def test_pictures_are_matched_by_path_by_stem_and_by_name_alone(tmp_path: Path) -> None:
    save(tmp_path / "a" / "one.png", picture(1))
    save(tmp_path / "two.jpg", picture(2))
    method = load(Options(outputs=tmp_path))
    assert method.find("a/one.png") == tmp_path / "a" / "one.png"
    assert method.find("a/one.jpg") == tmp_path / "a" / "one.png"
    assert method.find("query/one.jpg") == tmp_path / "a" / "one.png"
    assert method.find("two.png") == tmp_path / "two.jpg"
    with pytest.raises(UserError, match=r"holds no output for 'three.png'"):
        method.find("three.png")


def test_two_candidates_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a" / "one.png", picture(1))
    save(tmp_path / "b" / "one.png", picture(2))
    method = load(Options(outputs=tmp_path))
    assert method.find("b/one.jpg") == tmp_path / "b" / "one.png"
    with pytest.raises(UserError, match=r"2 pictures in .* --manifest"):
        method.find("c/one.jpg")


def test_a_manifest_says_which_is_which(tmp_path: Path) -> None:
    save(tmp_path / "out" / "x1.png", picture(1))
    manifest = tmp_path / "m.csv"
    manifest.write_text("original,output\nphoto.jpg,x1.png\n")
    method = load(Options(outputs=tmp_path / "out", manifest=manifest))
    assert method.find("photo.jpg").name == "x1.png"
    with pytest.raises(UserError, match=r"the manifest names no output for 'x1.png'"):
        method.find("x1.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "needs the columns 'original' and 'output'"),
        ("original,output\nphoto.jpg,../secret.png\n", "is not a file in"),
        ("original,output\nphoto.jpg,gone.png\n", "is not a file in"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused(tmp_path: Path, text: str, message: str) -> None:
    save(tmp_path / "out" / "x1.png", picture(1))
    save(tmp_path / "secret.png", picture(1))
    manifest = tmp_path / "m.csv"
    manifest.write_text(text)
    with pytest.raises(UserError, match=message):
        load(Options(outputs=tmp_path / "out", manifest=manifest))


def test_a_person_is_kept_until_most_of_their_pixels_change(tmp_path: Path) -> None:
    image = picture()
    x0, y0, x1, _y1 = BOX
    half, most = image.copy(), image.copy()
    half[y0 : y0 + 18, x0:x1] ^= 128
    most[y0 : y0 + 22, x0:x1] ^= 128
    save(tmp_path / "same.png", image)
    save(tmp_path / "jpeg.jpg", image, quality=85)
    save(tmp_path / "half.png", half)
    save(tmp_path / "most.png", most)
    keys = ("same", "jpeg", "half", "most")
    outcomes = load(Options(outputs=tmp_path)).pseudonymize([task(key, image) for key in keys])
    found = {key: outcome.people[0].status for key, outcome in zip(keys, outcomes, strict=True)}
    assert found == {"same": "kept", "jpeg": "kept", "half": "kept", "most": "obscured"}


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture()[:30])
    with pytest.raises(UserError, match=r"a\.png is 40 x 30, its original 40 x 60; resize it"):
        load(Options(outputs=tmp_path)).pseudonymize([task("a.png", picture())])


def test_settings_change_with_any_picture_and_hold_no_path(tmp_path: Path) -> None:
    save(tmp_path / "a.png", picture(1))
    one = load(Options(outputs=tmp_path)).settings()
    save(tmp_path / "a.png", picture(2))
    other = load(Options(outputs=tmp_path)).settings()
    assert one != other
    assert str(tmp_path) not in str(one)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no JPEG, PNG or WebP"):
        load(Options(outputs=tmp_path))
    with pytest.raises(UserError, match="is not a folder"):
        load(Options(outputs=tmp_path / "gone"))

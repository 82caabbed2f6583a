"""Where model files are found, what of a pickle is read, and what is said when they are wrong."""

import os
import pickle
import stat
import sys

import numpy as np
import pytest
from synthetic_smpl import arrays, as_chumpy, write_npz, write_pickle

from refsd.bodies import load_body
from refsd.bodies.smpl_files import BodyFilesError, load_model_file
from refsd.bodies.smpl_pickle import PickleError, read_pickle
from refsd.weights import WeightsError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HUMANGENAI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_a_pickle_with_chumpy_in_it_gives_the_same_body(tmp_path, cache, protocol):
    write_npz("smpl", tmp_path / "npz")
    write_pickle("smpl", tmp_path / "pkl", protocol)
    assert not any(name.startswith("chumpy") for name in sys.modules)
    plain = load_model_file("smpl", tmp_path / "npz")
    for _ in range(2):  # converted, then out of the cache
        other = load_model_file("smpl", tmp_path / "pkl")
        for name in ("template", "shape_directions", "pose_directions", "regressor", "faces"):
            assert np.array_equal(getattr(plain, name), getattr(other, name)), name
    kept = list((cache / "smpl").iterdir())
    assert len(kept) == 1
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert stat.S_IMODE((cache / "smpl").stat().st_mode) == 0o700


def test_a_changed_pickle_is_converted_again(tmp_path):
    path = write_pickle("smpl", tmp_path)
    before = load_model_file("smpl", tmp_path)
    model = arrays("smpl")
    path.write_bytes(pickle.dumps(model | {"v_template": model["v_template"] + 1}))
    assert np.allclose(load_model_file("smpl", tmp_path).template, before.template + 1, atol=1e-6)


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, call, *arguments):
        self._call, self._arguments = call, arguments

    def __reduce__(self):
        return self._call, self._arguments


@pytest.mark.parametrize(
    "evil",
    [
        Evil(os.system, "exit 1"),
        Evil(eval, "1"),
        Evil(getattr, [], "append"),
        Evil(np.load, "x"),
        Evil(exec, ""),
    ],
)
def test_programs_in_a_pickle_are_refused_before_they_run(tmp_path, evil):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({"v_template": np.zeros(3), "other": evil}))
    with pytest.raises(PickleError, match="which no SMPL model file needs"):
        read_pickle(path, frozenset({"v_template"}))
    with pytest.raises(BodyFilesError, match="which no SMPL model file needs"):
        load_body("smpl", tmp_path)


def test_other_classes_of_chumpy_are_refused(tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(b"\x80\x02cchumpy.ch\nMatVecMult\n)\x81.")
    with pytest.raises(PickleError, match="MatVecMult"):
        read_pickle(path, frozenset())


def test_reconstruction_is_for_arrays_only(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR."
    )
    with pytest.raises(PickleError, match="no array"):
        read_pickle(path, frozenset())


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"not a pickle", pickle.dumps([1, 2])])
def test_what_is_no_pickle_of_arrays_is_refused(tmp_path, content):
    (tmp_path / "SMPL_NEUTRAL.pkl").write_bytes(content)
    with pytest.raises(BodyFilesError, match=r"SMPL_NEUTRAL\.pkl"):
        load_body("smpl", tmp_path)


def test_an_array_of_objects_is_refused(tmp_path):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(as_chumpy({"v_template": np.array([None, "x"], dtype=object)}))
    with pytest.raises(PickleError, match="v_template"):
        read_pickle(path, frozenset({"v_template"}))


@pytest.mark.parametrize(
    "name", ["smplx/SMPLX_NEUTRAL.npz", "SMPLX_NEUTRAL.npz", "smplx/neutral/model.npz"]
)
def test_files_are_found_where_people_keep_them(tmp_path, name):
    made = write_npz("smplx", tmp_path / "made")
    (tmp_path / "all" / name).parent.mkdir(parents=True)
    made.rename(tmp_path / "all" / name)
    assert load_model_file("smplx", tmp_path / "all").own_uv


def test_missing_files_say_where_to_register(tmp_path):
    for kind, address in (
        ("smpl", "smpl.is.tue.mpg.de"),
        ("smplh", "mano.is.tue.mpg.de"),
        ("smplx", "smpl-x.is.tue.mpg.de"),
    ):
        for folder in (None, tmp_path, tmp_path / "nothing"):
            with pytest.raises(WeightsError, match=address) as caught:
                load_body(kind, folder)
            assert "humangenai[smpl]" in str(caught.value)


def test_a_missing_package_says_how_to_install_it(tmp_path, monkeypatch):
    write_npz("smpl", tmp_path)
    monkeypatch.setitem(sys.modules, "smplx.vertex_ids", None)
    monkeypatch.setitem(sys.modules, "smplx.joint_names", None)
    with pytest.raises(BodyFilesError, match=r"pip install 'humangenai\[smpl\]'"):
        load_body("smpl", tmp_path)


def test_unknown_bodies_are_refused(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'smplx'"):
        load_body("smlpx", tmp_path)
    with pytest.raises(ValueError, match="needs no model files"):
        load_body("anny", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": np.zeros((6890, 52))}, "weights"),
        ({"v_template": np.full((6890, 3), np.nan)}, "not finite"),
        ({"f": np.full((10, 3), 9999)}, "vertices that are not there"),
        ({"kintree_table": np.full((2, 24), 23)}, "parents"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, changes, message):
    write_npz("smpl", tmp_path, **changes)
    with pytest.raises(BodyFilesError, match=message):
        load_model_file("smpl", tmp_path)


def test_another_models_file_is_refused(tmp_path):
    write_npz("smplx", tmp_path).rename(tmp_path / "SMPL_NEUTRAL.npz")
    with pytest.raises(BodyFilesError, match="file of smpl"):
        load_model_file("smpl", tmp_path)


def test_a_uv_layout_beside_the_file_is_read(tmp_path):
    write_npz("smpl", tmp_path)
    faces = load_model_file("smpl", tmp_path).faces
    lines = ["vt 0.25 0.75", "vt 1 0", "vt 0.5 0.5"]
    lines += [f"f {a + 1}/1 {b + 1}/2 {c + 1}/3" for a, b, c in faces.tolist()]
    (tmp_path / "smpl_uv.obj").write_text("\n".join(lines))
    found = load_model_file("smpl", tmp_path)
    assert found.own_uv
    assert np.allclose(found.uv, [[0.25, 0.25], [1, 1], [0.5, 0.5]])  # v runs down
    assert np.array_equal(found.uv_faces, np.tile([0, 1, 2], (len(faces), 1)))
    (tmp_path / "smpl_uv.obj").write_text("\n".join(lines[:-1]))
    with pytest.raises(BodyFilesError, match=r"smpl_uv\.obj"):
        load_model_file("smpl", tmp_path)

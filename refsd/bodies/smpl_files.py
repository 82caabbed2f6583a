"""Finding and reading the SMPL family's model files, which each user has to get under licence.

They may not be given on, so none comes with this project: whoever wants these bodies registers
with their authors, downloads the files and names the folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from refsd.bodies.smpl_pickle import PickleError, read_pickle
from refsd.cache import cache_dir
from refsd.weights import WeightsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["smpl", "smplh", "smplx"]

_FORMAT = 1
_JOINTS: dict[Kind, int] = {"smpl": 24, "smplh": 52, "smplx": 55}
_VERTICES: dict[Kind, int] = {"smpl": 6890, "smplh": 6890, "smplx": 10475}
_NEEDED = frozenset(
    {"v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f"}
)
_OPTIONAL = frozenset({"vt", "ft"})
_BETAS = 10
# Neutral models first; SMPL-H is given out as male and female only.
_GENDERS = ("neutral", "female", "male")
_REGISTER: dict[Kind, str] = {
    "smpl": "https://smpl.is.tue.mpg.de (SMPL_NEUTRAL.pkl, or basicmodel_neutral_*.pkl)",
    "smplh": "https://mano.is.tue.mpg.de (SMPLH_FEMALE.pkl, SMPLH_MALE.pkl)",
    "smplx": "https://smpl-x.is.tue.mpg.de (SMPLX_NEUTRAL.npz)",
}


class BodyFilesError(WeightsError):
    """A body's model files or its package are missing or wrong; says what to do."""


@dataclass(frozen=True, eq=False)
class ModelFile:
    """What is taken from one model file, in SMPL's own coordinates (x left, y up, z forward).

    Attributes:
        name: the file's name.
        template: float32 (V, 3), metres. shape_directions: float32 (V, 3, S), metres per beta.
        pose_directions: float32 (9 (J - 1), 3 V), as ``smplx.lbs.lbs`` takes them.
        regressor: float32 (J, V), joints as means of vertices.
        skin_weights: float32 (V, J). parents: int32 (J,), -1 for the root.
        faces: int32 (F, 3), counter-clockwise seen from outside.
        uv: float32 (U, 2), v down; uv_faces: int32 (F, 3).
        own_uv: False where the folder has no UV layout of the model's, and ``uv`` is the view
            from the front.
    """

    name: str
    template: NDArray[np.float32]
    shape_directions: NDArray[np.float32]
    pose_directions: NDArray[np.float32]
    regressor: NDArray[np.float32]
    skin_weights: NDArray[np.float32]
    parents: NDArray[np.int32]
    faces: NDArray[np.int32]
    uv: NDArray[np.float32]
    uv_faces: NDArray[np.int32]
    own_uv: bool


def load_model_file(kind: Kind, folder: Path | str) -> ModelFile:
    """Find and read a model file.

    A ``.pkl`` is converted once, without chumpy (see ``smpl_pickle``); what is kept of it lies in
    the cache under the file's sha256, readable by its owner only. UV coordinates come from the
    file itself, or from a Wavefront file (``smpl_uv.obj``) beside it.

    Args:
        kind: which body model.
        folder: where the user's files are; a folder of the model's name in it is looked at too,
            which is how the smplx package wants them.

    Raises:
        BodyFilesError: there is no such file, or it is damaged or of another model.
    """
    path = _find(kind, Path(folder).expanduser())
    try:
        arrays = _arrays(kind, path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BodyFilesError(f"{path} cannot be used as a model file: {error}") from error
    _check(kind, path, arrays)
    faces = arrays["f"].astype(np.int32)
    uv, uv_faces = _layout(path, arrays, faces)
    pose = arrays["posedirs"].astype(np.float32)
    return ModelFile(
        name=path.name,
        template=arrays["v_template"].astype(np.float32),
        shape_directions=arrays["shapedirs"].astype(np.float32),
        pose_directions=np.ascontiguousarray(pose.reshape(-1, pose.shape[-1]).T),
        regressor=arrays["J_regressor"].astype(np.float32),
        skin_weights=arrays["weights"].astype(np.float32),
        parents=_parents(arrays["kintree_table"]),
        faces=faces,
        uv=uv if uv is not None else _front_view(arrays["v_template"]),
        uv_faces=uv_faces,
        own_uv=uv is not None,
    )


def _find(kind: Kind, folder: Path) -> Path:
    upper = kind.upper()
    names = []
    for gender in _GENDERS:
        for ending in ("npz", "pkl"):
            names.append(f"{upper}_{gender.upper()}.{ending}")
            names.append(f"{gender}/model.{ending}")
        if kind == "smpl":
            letter = "neutral" if gender == "neutral" else gender[0]
            for version in ("1.1.0", "1.0.0"):
                names.append(f"basicmodel_{letter}_lbs_10_207_0_v{version}.pkl")
                names.append(f"basicModel_{letter}_lbs_10_207_0_v{version}.pkl")
    for name in names:
        for place in (folder / kind, folder):
            # A folder per gender says what it holds only inside a folder of the model's name.
            if "/" in name and place == folder and folder.name.lower() != kind:
                continue
            if (place / name).is_file():
                return place / name
    missing = f"has no {upper}_NEUTRAL.npz or .pkl" if folder.is_dir() else "is not a folder"
    raise BodyFilesError(f"{folder} {missing}: {_how_to_get(kind)}")


def missing_folder(kind: Kind) -> BodyFilesError:
    """The error where no folder with model files was named."""
    return BodyFilesError(f"the body {kind} needs a folder of model files: {_how_to_get(kind)}")


def _how_to_get(kind: Kind) -> str:
    return (
        f"the files of {kind} are licensed to each user. Register at {_REGISTER[kind]}, download "
        f"them, and name the folder that holds them, or the folder above a folder {kind!r}; the "
        "package that poses them comes with pip install 'humangenai[smpl]'"
    )


def _arrays(kind: Kind, path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix == ".npz":
        return _read_npz(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    folder = cache_dir() / "smpl"
    kept = folder / f"{kind}-{_FORMAT}-{digest}.npz"
    if not kept.exists():
        arrays = read_pickle(path, _NEEDED | _OPTIONAL)
        _check(kind, path, arrays)
        arrays["shapedirs"] = arrays["shapedirs"][:, :, :_BETAS]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A temporary file is its owner's only (0600), and is put in place whole.
        handle, draft = tempfile.mkstemp(dir=folder, suffix=".npz")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            Path(draft).replace(kept)
        finally:
            Path(draft).unlink(missing_ok=True)
    return _read_npz(kept)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {}
        for name in (_NEEDED | _OPTIONAL) & set(file.files):
            try:
                arrays[name] = file[name]
            except ValueError as error:
                raise PickleError(
                    f"{name} is stored as Python objects, which are not read; convert the "
                    "file's .pkl instead, or save plain arrays"
                ) from error
    if "shapedirs" in arrays:
        arrays["shapedirs"] = arrays["shapedirs"][..., :_BETAS]
    return arrays


def _check(kind: Kind, path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Every array is there, of the shape that this body model has, and finite."""
    missing = sorted(_NEEDED - arrays.keys())
    if missing:
        raise BodyFilesError(f"{path} has no array {missing[0]!r}; it is not a file of {kind}")
    vertices, joints = _VERTICES[kind], _JOINTS[kind]
    expected: dict[str, tuple[int | None, ...]] = {
        "v_template": (vertices, 3),
        "shapedirs": (vertices, 3, None),
        "posedirs": (vertices, 3, 9 * (joints - 1)),
        "J_regressor": (joints, vertices),
        "weights": (vertices, joints),
        "kintree_table": (2, joints),
        "f": (None, 3),
    }
    for name, shape in expected.items():
        found = arrays[name].shape
        fits = len(found) == len(shape) and all(
            want is None or have == want for have, want in zip(found, shape, strict=True)
        )
        if not fits:
            wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
            raise BodyFilesError(f"{path}: {name} is {found}, not {wanted} as in a file of {kind}")
        if not np.isfinite(arrays[name]).all():
            raise BodyFilesError(f"{path}: {name} holds values that are not finite")
    faces = arrays["f"]
    if faces.min() < 0 or faces.max() >= vertices:
        raise BodyFilesError(f"{path}: f names vertices that are not there")
    parents = _parents(arrays["kintree_table"])
    if not all(0 <= parent < joint for joint, parent in enumerate(parents) if joint > 0):
        raise BodyFilesError(f"{path}: kintree_table names parents that do not come first")


def _parents(kintree: NDArray[Any]) -> NDArray[np.int32]:
    """The root's parent is -1, which the files say as 2³² - 1."""
    parents: NDArray[np.int32] = kintree[0].astype(np.int64).astype(np.int32)
    parents[0] = -1
    return parents


def _layout(
    path: Path, arrays: dict[str, NDArray[Any]], faces: NDArray[np.int32]
) -> tuple[NDArray[np.float32] | None, NDArray[np.int32]]:
    """The model's own UV coordinates, or None and the faces themselves."""
    if "vt" in arrays and "ft" in arrays and arrays["ft"].shape == faces.shape:
        return _v_down(arrays["vt"]), arrays["ft"].astype(np.int32)
    for file in sorted(path.parent.glob("*uv*.obj")):
        return _read_obj(file, faces)
    return None, faces


def _read_obj(
    file: Path, faces: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """UV coordinates from a Wavefront file with the model's faces."""
    coordinates, corners = [], []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["vt"]:
            coordinates.append([float(word) for word in words[1:3]])
        elif words[:1] == ["f"]:
            corners.append([word.split("/")[:2] for word in words[1:]])
    try:
        table = np.array(corners, dtype=np.int64) - 1
    except ValueError as error:
        raise BodyFilesError(f"{file}: faces are not triangles with UV coordinates") from error
    if table.ndim != 3 or not np.array_equal(table[..., 0], faces):
        raise BodyFilesError(
            f"{file}: its faces are not the model's; remove it or get the right one"
        )
    return _v_down(np.array(coordinates)), table[..., 1].astype(np.int32)


def _v_down(uv: NDArray[Any]) -> NDArray[np.float32]:
    flipped: NDArray[np.float32] = np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1).astype(np.float32)
    return flipped


def _front_view(template: NDArray[Any]) -> NDArray[np.float32]:
    """UV coordinates as the body looks from the front, for models without a layout."""
    flat = template[:, :2] * [1.0, -1.0]
    flat = flat - flat.min(axis=0)
    view: NDArray[np.float32] = (flat / flat.max()).astype(np.float32)
    return view

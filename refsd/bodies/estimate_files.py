"""Poses that an external estimator found, instead of landmarks: 4D-Humans' HMR2 output layout.

An estimator like HMR2 gives rotations of SMPL's joints, a place and a body shape. **The shape is
never read**: it identifies people, and the avatar has its own.

For a picture ``street/01.jpg`` a file ``street/01.npz`` (or ``01.json``) holds all its people along
the first axis, or files ``01_0.npz``, ``01_1.npz``, … one each:

====================  ==============  ============================================================
array                 shape           what it is
====================  ==============  ============================================================
global_orient         (P, 1, 3, 3)    how the pelvis is turned, in the camera's axes
body_pose             (P, 23, 3, 3)   SMPL's other joints, each relative to its parent
pred_cam_t_full       (P, 3)          metres, x right, y down, z away: what is added to the model's
                                      vertices before the picture's camera takes them
  or pred_cam         (P, 3)          scale and shift in the crop, with the next three
box_center            (P, 2)          pixels, middle of the square crop that the estimator saw
box_size              (P,)            pixels, its side
img_size              (P, 2)          width and height of the picture
scaled_focal_length   () or (P,)      pixels; without it HMR2's 5000 / 256 of the longer side
boxes                 (P, 4)          optional: x0, y0, x1, y1 in pixels, for finding whose it is
====================  ==============  ============================================================

The camera is a pinhole whose axis goes through the picture's middle:
``x = f X / Z + width / 2``, ``y = f Y / Z + height / 2``. ``pred_cam`` (s, tx, ty) is made into a
place as HMR2's demo does: with ``b = s box_size``, ``Z = 2 f / b``,
``X = tx + 2 (box_x - width / 2) / b``, ``Y = ty + 2 (box_y - height / 2) / b``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from refsd.bodies.model import BodyEstimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.people.person import Person

# HMR2's configuration: a focal length of 5000 for a crop of 256 pixels.
_FOCAL, _CROP = 5000.0, 256.0

# A crop is about as large as the person's box; who is further off is somebody else.
_FARTHEST = 0.35
_LARGEST = 2.5
_LEAST_OVERLAP = 0.3

_ENDINGS = (".npz", ".json")
_PICKLES = (".pkl", ".joblib", ".pt", ".pth")


class EstimateError(ValueError):
    """A file of poses cannot be used; names the file, the array and the fix."""


@dataclass(frozen=True, eq=False)
class Estimated:
    """One person of a file.

    Attributes:
        body: the pose.
        centre: x, y in pixels, the middle of what the estimator looked at.
        size: pixels, the longer side of that.
        box: x0, y0, x1, y1 in pixels, or None where the file does not say.
        picture: width and height of the picture it was made for, or None.
    """

    body: BodyEstimate
    centre: tuple[float, float]
    size: float
    box: tuple[float, float, float, float] | None
    picture: tuple[int, int] | None


# ---- files -----------------------------------------------------------------------------------


def find_estimates(folder: Path, picture: str) -> list[Estimated]:
    """The people that an estimator found in a picture.

    Args:
        folder: where its files are.
        picture: the picture's name, relative to the folder of the pictures.

    Returns:
        Nobody where there is no file for the picture.

    Raises:
        EstimateError: a file cannot be read or is of another layout.
    """
    return [person for file in estimate_files(folder, picture) for person in read_estimates(file)]


def estimate_files(folder: Path, picture: str) -> list[Path]:
    """The files with a picture's poses, in order; pickles too, for a message to be given of them.

    Args:
        folder: where they are.
        picture: the picture's name, relative to the folder of the pictures.

    Raises:
        EstimateError: there is more than one file for the whole picture.
    """
    stem = folder / picture
    whole = [
        file
        for ending in (*_ENDINGS, *_PICKLES)
        for file in (stem.with_suffix(ending), stem.with_name(stem.name + ending))
        if file.is_file()
    ]
    readable = [file for file in whole if file.suffix in _ENDINGS]
    if len(readable) > 1:
        raise EstimateError(
            f"{readable[0]} and {readable[1]} are for the same picture; keep one of them"
        )
    if readable or not stem.parent.is_dir():
        return readable
    numbered = {
        int(number): stem.parent / f"{stem.stem}_{number}{ending}"
        for ending in _ENDINGS
        for number in _numbers(stem, ending)
    }
    return [numbered[number] for number in sorted(numbered)] or whole[:1]


def _numbers(stem: Path, ending: str) -> list[str]:
    """What stands for the person in files like ``01_0.npz``."""
    start = f"{stem.stem}_"
    names = [file.name for file in stem.parent.glob(f"*{ending}") if file.name.startswith(start)]
    numbers = [name.removeprefix(start).removesuffix(ending) for name in names]
    return [number for number in numbers if number.isdecimal()]


def read_estimates(path: Path) -> list[Estimated]:
    """The people of one file.

    Raises:
        EstimateError: the file cannot be read or is of another layout.
    """
    if path.suffix == ".npz":
        arrays = _read_npz(path)
    elif path.suffix == ".json":
        arrays = _read_json(path)
    else:
        raise EstimateError(
            f"{path}: poses are read from .npz or .json, never from pickles, which can run "
            "programs. Convert it where you made it:\n"
            "    out = joblib.load(FILE)  # or torch.load, or pickle.load\n"
            "    smpl = out['pred_smpl_params']\n"
            "    np.savez(FILE_AS_NPZ, global_orient=smpl['global_orient'], "
            "body_pose=smpl['body_pose'],\n"
            "        pred_cam=out['pred_cam'], box_center=out['box_center'], "
            "box_size=out['box_size'], img_size=out['img_size'])"
        )
    return _people(path, arrays)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError) as error:
        raise EstimateError(f"{path}: cannot be read as plain arrays: {error}") from error


def _read_json(path: Path) -> dict[str, NDArray[Any]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EstimateError(f"{path}: cannot be read as JSON: {error}") from error
    people = data if isinstance(data, list) else [data]
    if not people or not all(isinstance(person, dict) for person in people):
        raise EstimateError(f"{path}: expected an object with arrays, or a list of one per person")
    try:
        if isinstance(data, dict):
            return {name: np.array(value) for name, value in data.items() if name in _SHAPES}
        return {name: np.array([p[name] for p in people]) for name in people[0] if name in _SHAPES}
    except (KeyError, ValueError) as error:
        raise EstimateError(f"{path}: people differ in what is known of them: {error}") from error


_SHAPES: dict[str, tuple[int, ...]] = {
    "global_orient": (1, 3, 3),
    "body_pose": (23, 3, 3),
    "pred_cam_t_full": (3,),
    "pred_cam": (3,),
    "box_center": (2,),
    "box_size": (),
    "img_size": (2,),
    "scaled_focal_length": (),
    "boxes": (4,),
}


def _people(path: Path, arrays: Mapping[str, NDArray[Any]]) -> list[Estimated]:
    for name in ("global_orient", "body_pose"):
        if name not in arrays:
            raise EstimateError(f"{path}: the array {name!r} is missing")
    count = arrays["body_pose"].shape[0] if arrays["body_pose"].ndim == 4 else 1
    found = {
        name: _shaped(path, name, arrays[name], count, shape)
        for name, shape in _SHAPES.items()
        if name in arrays
    }
    rotations = np.concatenate([found["global_orient"], found["body_pose"]], axis=1)
    off = np.abs(rotations @ rotations.swapaxes(-1, -2) - np.eye(3)).max(initial=0.0)
    if off > 1e-3 or (np.linalg.det(rotations) < 0).any():
        raise EstimateError(
            f"{path}: global_orient and body_pose must be rotation matrices; some are not"
        )
    focal = _focal_lengths(path, found, count)
    places = _places(path, found, focal)
    return [
        Estimated(
            BodyEstimate(
                rotations[index].astype(np.float32),
                places[index].astype(np.float32),
                float(focal[index]),
            ),
            *_where(path, found, index),
        )
        for index in range(count)
    ]


def _shaped(
    path: Path, name: str, array: NDArray[Any], count: int, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """One array, by person; single numbers and single people get the axis that they lack."""
    if array.dtype.kind not in "fiu" or array.size not in {
        count * int(np.prod(shape)),
        int(np.prod(shape)),
    }:
        raise EstimateError(
            f"{path}: {name} is {array.dtype} {array.shape}, not numbers of shape {(count, *shape)}"
        )
    values = array.astype(np.float64)
    if not np.isfinite(values).all():
        raise EstimateError(f"{path}: {name} holds values that are not finite")
    if values.size == int(np.prod(shape)):
        return np.broadcast_to(values.reshape(1, *shape), (count, *shape)).copy()
    return values.reshape(count, *shape)


def _focal_lengths(
    path: Path, found: Mapping[str, NDArray[np.float64]], count: int
) -> NDArray[np.float64]:
    if "scaled_focal_length" in found:
        focal = found["scaled_focal_length"]
    elif "img_size" in found:
        focal = _FOCAL / _CROP * found["img_size"].max(axis=1)
    else:
        raise EstimateError(f"{path}: neither scaled_focal_length nor img_size says the camera")
    if (focal <= 0).any():
        raise EstimateError(f"{path}: the focal length must be above 0")
    return np.broadcast_to(focal, (count,))


def _places(
    path: Path, found: Mapping[str, NDArray[np.float64]], focal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64 (P, 3): what is added to SMPL's vertices."""
    if "pred_cam_t_full" in found:
        places = found["pred_cam_t_full"]
    else:
        for name in ("pred_cam", "box_center", "box_size", "img_size"):
            if name not in found:
                raise EstimateError(
                    f"{path}: the array {name!r} is missing; without pred_cam_t_full a place "
                    "needs pred_cam, box_center, box_size and img_size"
                )
        scale, shift = found["pred_cam"][:, 0], found["pred_cam"][:, 1:]
        side = scale * found["box_size"]
        if (side <= 0).any():
            raise EstimateError(f"{path}: the scale in pred_cam and box_size must be above 0")
        off = found["box_center"] - found["img_size"] / 2
        places = np.concatenate(
            [shift + 2 * off / side[:, None], (2 * focal / side)[:, None]], axis=1
        )
    if (places[:, 2] <= 0).any():
        raise EstimateError(f"{path}: somebody is behind the camera")
    return places


def _where(
    path: Path, found: Mapping[str, NDArray[np.float64]], index: int
) -> tuple[
    tuple[float, float], float, tuple[float, float, float, float] | None, tuple[int, int] | None
]:
    """Centre, size, box and picture of one person."""
    picture = None
    if "img_size" in found:
        width, height = (round(float(side)) for side in found["img_size"][index])
        picture = (width, height)
    if "boxes" in found:
        x0, y0, x1, y1 = (float(side) for side in found["boxes"][index])
        return ((x0 + x1) / 2, (y0 + y1) / 2), max(x1 - x0, y1 - y0), (x0, y0, x1, y1), picture
    if "box_center" not in found or "box_size" not in found:
        raise EstimateError(
            f"{path}: neither boxes nor box_center and box_size say where people are"
        )
    x, y = (float(value) for value in found["box_center"][index])
    return (x, y), float(found["box_size"][index]), None, picture


# ---- whose they are --------------------------------------------------------------------------


def with_estimates(
    people: Sequence[Person], estimates: Sequence[Estimated], shape: tuple[int, ...]
) -> list[Person]:
    """The people of a picture, each with the pose that belongs to it.

    Boxes are compared where the file has them: they must overlap by 0.3 (intersection over
    union). Otherwise the crop's middle must be within 0.35 of its side of the box's middle, and
    its side at most 2.5 times as long or as short as the box's. Each pose goes to one person at
    most, so that the sum of all agreements is the largest; who gets none keeps the landmarks.

    Args:
        people: who is in the picture.
        estimates: what a file says.
        shape: (height, width, …) of the picture.

    Raises:
        EstimateError: a pose was estimated on a picture of another size.
    """
    from scipy.optimize import linear_sum_assignment

    for estimate in estimates:
        if estimate.picture is not None and estimate.picture != (shape[1], shape[0]):
            width, height = estimate.picture
            raise EstimateError(
                f"poses were estimated on a picture of {width} x {height} pixels, and this one has "
                f"{shape[1]} x {shape[0]}; estimate on the upright picture in full size"
            )
    agreement = np.array([[_agreement(p, e) for e in estimates] for p in people])
    agreement = agreement.reshape(len(people), len(estimates))
    result = list(people)
    for row, column in zip(*linear_sum_assignment(-agreement), strict=True):
        if agreement[row, column] > 0:
            result[row] = replace(people[row], estimate=estimates[column].body)
    return result


def _agreement(person: Person, estimate: Estimated) -> float:
    """In (0, 1], or 0 where a pose cannot be this person's."""
    x0, y0, x1, y1 = (float(side) for side in person.box)
    if estimate.box is not None:
        a0, b0, a1, b1 = estimate.box
        width, height = min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0)
        common = max(width, 0.0) * max(height, 0.0)
        overlap = common / max((x1 - x0) * (y1 - y0) + (a1 - a0) * (b1 - b0) - common, 1e-9)
        return overlap if overlap >= _LEAST_OVERLAP else 0.0
    side = max(x1 - x0, y1 - y0)
    away = np.hypot((x0 + x1) / 2 - estimate.centre[0], (y0 + y1) / 2 - estimate.centre[1])
    ratio = max(side / estimate.size, estimate.size / side)
    if away > _FARTHEST * estimate.size or ratio > _LARGEST:
        return 0.0
    return float(1.0 - away / estimate.size) / ratio

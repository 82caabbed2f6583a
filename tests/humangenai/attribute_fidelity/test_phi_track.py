"""All of ``--track phi`` with a method, a judge and people made up here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from phi_people import Wall

from humangenai import runner
from humangenai.attribute_fidelity import track
from humangenai.attribute_fidelity.judges import Ceiling, Judges
from humangenai.attribute_fidelity.suites import load_suite
from humangenai.config import DatasetConfig, MethodConfig, PhiConfig, RunConfig
from humangenai.errors import UserError
from humangenai.methods import Outcome, Task
from humangenai.methods.maskout import MaskOut
from humangenai.records import RunRecord
from refsd.people import PersonOutcome
from refsd.prompts import VOCABULARY, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.methods.method import Claim

EMOTIONS = VOCABULARY["emotion"].values
GENDERS = ("female", "male")


class Painter:
    """Writes the emotion and the gender that are asked for into the picture's first pixel."""

    claim: Claim = "removes"
    batch_size = 8
    prompted = True
    scope = Scope({"emotion": EMOTIONS, "gender": GENDERS, "upper colour": ("red",)})

    def __init__(self, name: str, *, deaf: bool = False) -> None:
        self.name = name
        self.deaf = deaf
        self.asked = 0

    def settings(self) -> Mapping[str, object]:
        return {"deaf": self.deaf}

    def pseudonymize(self, tasks: Sequence[Task], *, stages: bool = False) -> Sequence[Outcome]:
        return [self._paint(task) for task in tasks]

    def _paint(self, task: Task) -> Outcome:
        image = task.image.copy()
        people = [PersonOutcome(n, "replaced", avatar="x") for n in range(len(task.people))]
        if task.suite:
            self.asked += 1
            said = {} if self.deaf else task.attributes[0]
            # Who is not told paints what the seed decides.
            rng = np.random.default_rng(task.seed)
            drawn = EMOTIONS[rng.integers(len(EMOTIONS))], GENDERS[rng.integers(2)]
            image[0, 0, 0] = EMOTIONS.index(said.get("emotion", drawn[0]))
            image[0, 0, 1] = GENDERS.index(said.get("gender", drawn[1]))
        return Outcome(image, people)


class Reader:
    """Reads the first pixel; it knows no colours."""

    name, version, licence = "reader", "7", "none"

    def values(self, crop: Crop) -> Mapping[str, tuple[str, ...]]:
        return {"gender": GENDERS, **({"emotion": EMOTIONS} if crop == "head" else {})}

    def ceilings(self, crop: Crop) -> Mapping[str, Ceiling]:
        return {
            key: Ceiling(0.95, 0.9, 1.0, 1 / len(values), 100, "pixels")
            for key, values in self.values(crop).items()
        }

    def judge(self, pictures: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        said = {"emotion": pictures[:, 0, 0, 0], "gender": pictures[:, 0, 0, 1]}
        return {
            key: np.eye(len(values), dtype=np.float32)[said[key]] * 0.9 + 0.1 / len(values)
            for key, values in self.values(crop).items()
        }


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges and data that need no weights."""
    judges = Judges((Reader(),), {"clip": "no weights are named"})
    monkeypatch.setattr(track, "load_judges", lambda names: judges)
    monkeypatch.setattr(track, "labelled", lambda judge, crop: [])


def measure(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *methods: Any, wall: Wall | None = None
) -> RunRecord:
    monkeypatch.setattr(runner, "load_dataset", lambda config: wall or Wall(40))
    monkeypatch.setattr(runner, "load_methods", lambda config: list(methods))
    config = RunConfig(
        dataset=DatasetConfig(dataset="wall"),
        methods=(MethodConfig(method="painter"),),
        tracks=("phi",),
        seed=0,
        phi=PhiConfig(people=5, draws=2),
        only_sources=True,
    )
    return runner.run(config, folder).record


def the_suite(record: RunRecord, name: str, suite: str) -> Any:
    phi = next(method.phi for method in record.methods if method.name == name)
    assert phi is not None
    rows = phi.pairs if suite == "phi_C" else phi.scores
    return next(
        row for row in rows if (row.judge, row.suite, row.part) == ("reader", suite, "suite")
    )


@pytest.mark.usefixtures("bench")
def test_who_listens_scores_and_who_does_not_is_at_the_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, deaf = Painter("Listener"), Painter("Deaf", deaf=True)
    record = measure(monkeypatch, tmp_path, listener, deaf, MaskOut())
    for suite in ("phi_B", "phi_D"):
        assert the_suite(record, "Listener", suite).top1[0] == 1.0
        score = the_suite(record, "Deaf", suite)
        assert score.top1[1] <= score.floor <= score.top1[2]
        assert score.top1[0] < 0.7
    same = the_suite(record, "Listener", "phi_C")
    assert same.same[0] == same.different[0] == 1.0
    assert the_suite(record, "Deaf", "phi_C").same[0] == 0.5
    # 7 emotions of ϕ_B, over 5 people, twice; a colour is asked for that nobody can read.
    assert the_suite(record, "Listener", "phi_B").n == 7 * 5 * 2
    assert the_suite(record, "Listener", "phi_D").n == 2 * 5 * 2
    assert the_suite(record, "Listener", "phi_D").unjudgeable == 5 * 2
    assert record.methods[2].phi is None
    assert any("ϕ is unscored for MaskOut" in note for note in record.notes)


@pytest.mark.usefixtures("bench")
def test_the_record_says_who_judged_what_and_who_could_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = measure(monkeypatch, tmp_path, Painter("Listener"))
    assert record.dataset.queries == 5 * 6
    versions = {suite.suite: suite.version for suite in record.suites}
    assert versions == {name: load_suite(name).version for name in versions}
    reader, clip = record.judges
    assert (reader.name, reader.version, reader.missing) == ("reader", "7", None)
    assert (clip.name, clip.missing) == ("clip", "no weights are named")
    phi = record.methods[0].phi
    assert phi is not None
    unscored = [row for row in phi.scores if row.judge == "clip" and row.part == "suite"]
    assert unscored
    assert all(math.isnan(row.top1[0]) and row.n == 0 and row.unjudged for row in unscored)
    coverage = {row.suite: row for row in phi.coverage if row.part == "suite"}
    assert coverage["phi_B"].prompts == 50
    assert coverage["phi_B"].out_of_scope == 43
    assert coverage["phi_A"].pictures == 0
    assert RunRecord.model_validate_json((tmp_path / "private" / "run.json").read_text())


@pytest.mark.usefixtures("bench")
def test_nothing_of_phi_is_in_the_release_and_nothing_is_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Painter("Listener"), Painter("Listener")
    before = measure(monkeypatch, tmp_path, first)
    after = measure(monkeypatch, tmp_path, second)
    assert first.asked > 0
    assert second.asked == 0
    # As text: NaN is not equal to itself.
    told = [one.methods[0].model_dump_json(include={"phi"}) for one in (before, after)]
    assert told[0] == told[1]
    assert len(list((tmp_path / "release").rglob("*.png"))) == 5 * 6
    assert "query/" not in (tmp_path / "release" / "record.json").read_text()
    private = tmp_path / "private" / "phi"
    assert len(list(private.rglob("*.png"))) == first.asked


@pytest.mark.usefixtures("bench")
def test_where_nobody_is_suited_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Wall(8, turned=dict.fromkeys(range(8), 180.0))
    with pytest.raises(UserError, match="nobody in 8 pictures of 'wall'"):
        measure(monkeypatch, tmp_path, Painter("Listener"), wall=away)
    few = Wall(8, turned=dict.fromkeys(range(6), 180.0))
    record = measure(monkeypatch, tmp_path / "few", Painter("Listener"), wall=few)
    assert any("2 of 5 source people for head crops" in note for note in record.notes)

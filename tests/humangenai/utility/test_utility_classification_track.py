"""The whole track on a few pictures: a run's record, its tables, its report."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image

from humangenai import config as configs
from humangenai import runner
from humangenai.attribute_fidelity.judges.loading import Judges
from humangenai.commands import Request, evaluation
from humangenai.config import DatasetConfig, MethodConfig, RunConfig, UtilityConfig
from humangenai.datasets import Item
from humangenai.datasets.crowd_faces.rendering import photograph_heads
from humangenai.datasets.rafdb import AGE, ATTRIBUTES, EMOTION, EMOTIONS, ETHNICITY, GENDER
from humangenai.datasets.rafdb import PICTURES as RAFDB_PICTURES
from humangenai.datasets.tasks import Task, TaskClass
from humangenai.errors import UserError
from humangenai.methods import Outcome
from humangenai.methods.maskout import MaskOut
from humangenai.records import RunRecord
from humangenai.report import tables, write_report
from humangenai.utility.classification import recipes
from humangenai.utility.classification.recipes import Recipe
from humangenai.utility.published import TITLE
from refsd.bodies import load_body
from refsd.people import Person, PersonOutcome
from refsd.rendering import make_renderer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.methods import Task as Work

TINY = Recipe(
    "Small", "resnet10t", 24, 8, 8, 4e-3,
    options={"channels": (8, 8, 16, 16), "stem_width": 8},
)  # fmt: skip
LARGE = dataclasses.replace(TINY, name="Large", missing="too large for a test")


class Reader:
    """A judge that takes everybody for happy, without weights."""

    name, version = "reader", "7"

    def values(self, crop: str) -> dict[str, tuple[str, ...]]:
        return {"emotion": ("happy", "sad", "angry"), "gender": ("female", "male")}

    def judge(self, pictures: NDArray[np.uint8], crop: str) -> dict[str, NDArray[np.float32]]:
        return {
            key: np.eye(len(values), dtype=np.float32)[[0] * len(pictures)]
            for key, values in self.values(crop).items()
        }


@pytest.fixture(autouse=True)
def few_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    judges = Judges((Reader(),), {})  # type: ignore[arg-type]
    monkeypatch.setattr("humangenai.attribute_fidelity.judges.load_judges", lambda names: judges)
    monkeypatch.setitem(recipes.RECIPES, "small", {"small": TINY, "large": LARGE})  # type: ignore[arg-type]


class Wall:
    """Red and blue people before a grey wall; a classifier is to tell the colour."""

    name = "wall"
    crops = True
    rendered = True
    colours = Task(
        "emotion",
        (TaskClass("red", "0", {"emotion": "happy"}), TaskClass("blue", "1", {"emotion": "sad"})),
    )

    def tasks(self) -> Sequence[Task]:
        return (self.colours,)

    def _items(self, split: str, first: int) -> list[Item]:
        return [
            Item(
                f"{split}{pid}",
                "train" if split == "train" else "all",
                pid,
                labels={"emotion": self.colours.names[pid % 2]},
            )
            for pid in range(first, first + 12)
        ]

    def train_items(self) -> list[Item]:
        return self._items("train", 0)

    def items(self) -> list[Item]:
        return self._items("test", 100)

    def image(self, item: Item) -> NDArray[np.uint8]:
        pid = item.pid or 0
        image = np.random.default_rng(pid).integers(100, 140, (32, 32, 3)).astype(np.uint8)
        image[8:28, 8:24, 2 * (pid % 2)] = 220
        return image

    def people(self, item: Item) -> list[Person]:
        box = np.array([8, 8, 24, 28], dtype=np.float32)
        return [Person(box, (8, 8, 24, 28), np.ones((20, 16), dtype=np.bool_), source="dataset")]

    def truth(self, item: Item) -> None:
        return None

    def manifest_hash(self) -> str:
        return "of a wall"


class Repainter:
    """Paints people as their labels say, if it is asked to preserve them."""

    claim = "removes"
    batch_size = 4
    asked: ClassVar[list[object]] = []

    def __init__(self, name: str, preserves: bool) -> None:
        self.name, self.preserves = name, preserves

    def settings(self) -> dict[str, object]:
        return {}

    def pseudonymize(self, tasks: Sequence[Work], *, stages: bool = False) -> list[Outcome]:
        outcomes = []
        for task in tasks:
            self.asked.extend(task.attributes)
            image = task.image.copy()
            image[4:30, 4:28] = 128
            outcomes.append(Outcome(image, [PersonOutcome(0, "replaced")]))
        return outcomes


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *methods: Any, **utility: Any) -> RunRecord:
    monkeypatch.setattr(runner, "load_dataset", lambda config: Wall())
    monkeypatch.setattr(runner, "load_methods", lambda config: list(methods))
    config = RunConfig(
        dataset=DatasetConfig(dataset="wall"),
        methods=(MethodConfig(method="maskout"),),
        tracks=("classification",),
        seed=0,
        utility=UtilityConfig(**{"seeds": 2, **utility}),
    )
    return runner.run(config, folder).record


def test_a_run_has_the_papers_table_with_what_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Repainter.asked.clear()
    kept, drawn = Repainter("kept[x, preserve]", True), Repainter("kept[x]", False)
    record = run(monkeypatch, tmp_path, kept, drawn, MaskOut())
    assert record.dataset.items == 12  # only what is learned from is pseudonymized
    assert Repainter.asked[:2] == [{"emotion": "happy"}, {"emotion": "sad"}]
    assert len(Repainter.asked) == 12  # nothing is asked of the other
    for method in record.methods:
        (utility,) = method.utility
        assert (utility.synthetic, utility.learned, utility.tested) == (12, 12, 12)
        assert utility.originals == "rendered originals"
        cells = {(one.model, one.training, one.metric): one for one in utility.scores}
        assert len(cells) == len(utility.scores) == 2 * 4 * 3
        assert all(math.isnan(one.value[0]) for one in utility.scores if one.model == "Large")
        mine = cells["Small", "S+R", "accuracy"]
        assert (mine.n, mine.clusters, mine.seeds, mine.chance) == (12, 12, 2, 0.5)
        assert mine.value[0] == pytest.approx(np.mean(mine.per_seed))
        assert {one.training for one in utility.differences} == {"S", "S+R", "S→R"}
        assert sum(map(sum, utility.confusions[0].counts)) == pytest.approx(12)
        assert [model.missing for model in utility.models] == [None, "too large for a test"]
        (agreed,) = utility.agreement  # of two emotions that occur, one is always said
        assert (agreed.judge, agreed.value[0], agreed.ceiling[0]) == ("reader", 0.5, 0.5)
        assert (agreed.chance, agreed.n, agreed.unjudged) == (0.5, 12, 0)
    masked = record.methods[2].utility[0]
    assert masked.masked == 12
    ours, theirs = (method.utility[0] for method in record.methods[1:])
    assert [one.model_dump_json() for one in ours.scores if one.training == "R"] == [
        one.model_dump_json() for one in theirs.scores if one.training == "R"
    ]
    plain = record.model_dump_json()
    assert RunRecord.model_validate_json(plain).model_dump_json() == plain
    shown = {table.title: table for table in tables(record)}
    (title,) = (name for name in shown if "MaskOut, accuracy, %" in name)
    rows = shown[title].rows
    assert [row[1].value for row in rows] == [
        "S", "R (rendered originals)", "S+R", "S→R", "chance", "–",
    ]  # fmt: skip
    assert rows[-1][0].value == "Large"
    assert "too large for a test" in shown[title].note
    assert any(name.startswith(TITLE) for name in shown)  # apart from ours
    page = write_report(tmp_path).read_text(encoding="utf-8")
    for said in ("Downstream utility", "S+R − R", "which classes are taken for which", TITLE):
        assert said in page


def test_a_run_that_is_given_again_trains_nothing_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(monkeypatch, tmp_path, MaskOut())
    monkeypatch.setattr("humangenai.utility.classification.workers.ProcessPoolExecutor", None)
    again = run(monkeypatch, tmp_path, MaskOut())
    one, other = (part.methods[0].utility[0].model_dump_json() for part in (first, again))
    assert one == other
    left = {path.suffix for path in (tmp_path / "private/utility/classification").iterdir()}
    assert left == {".npy"}


def test_one_training_has_no_interval_and_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = run(monkeypatch, tmp_path, MaskOut(), seeds=1, pictures=6, trainings=("S", "R"))
    (utility,) = record.methods[0].utility
    assert (utility.synthetic, utility.learned) == (6, 6)
    (difference,) = (one for one in utility.differences if one.metric == "accuracy")
    assert math.isnan(difference.value[1])
    (title,) = (t for t in tables(record) if "difference to R" in t.title)
    assert title.rows[0][2].detail == "noise unknown: one training"


def test_who_learns_and_is_tested_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wall, "items", lambda self: self._items("test", 11))
    with pytest.raises(UserError, match="1 people are in the training and in the test pictures"):
        run(monkeypatch, tmp_path, MaskOut())


def rafdb(root: Path) -> Path:
    """RAF-DB's layout, of crowd's people."""
    body, renderer = load_body(), make_renderer("numpy")
    for folder in (RAFDB_PICTURES, "EmoLabel", ATTRIBUTES):
        (root / "basic" / folder).mkdir(parents=True)
    ages = {"young adult": "20–39", "middle-aged": "40–69", "elderly": "70+"}
    races = {"White": "Caucasian", "Black": "African-American", "East Asian": "Asian"}
    lines = []
    for number in range(3):
        heads = photograph_heads(3, body, renderer, np.random.default_rng(number))
        for shot, head in enumerate(heads):
            test = number == 2
            name = f"test_000{shot + 1}" if test else f"train_0000{3 * number + shot + 1}"
            picture = Image.fromarray(head.image).resize((100, 100))
            picture.save(root / "basic" / RAFDB_PICTURES / f"{name}_aligned.jpg")
            lines.append(f"{name}.jpg {EMOTION.of_name(head.labels['emotion']).code}\n")
            codes = (
                GENDER.of_name(head.labels["gender"]).code,
                ETHNICITY.of_name(races[head.labels["ethnicity"]]).code,
                AGE.of_name(ages[head.labels["age group"]]).code,
            )
            said = "1 2\n" * 5 + "".join(f"{code}\n" for code in codes)
            (root / "basic" / ATTRIBUTES / f"{name}_manu_attri.txt").write_text(said)
    (root / "basic" / EMOTIONS).write_text("".join(lines))
    return root


def test_rafdbs_layout_goes_through_loader_and_training(tmp_path: Path) -> None:
    options = {"path": str(rafdb(tmp_path / "copy")), "allow_incomplete": True}
    config = RunConfig(
        dataset=DatasetConfig(dataset="rafdb", options=options),
        methods=(MethodConfig(method="maskout"),),
        tracks=("classification",),
        seed=0,
        utility=UtilityConfig(seeds=2),
    )
    record = runner.run(config, tmp_path / "run").record
    (utility,) = record.methods[0].utility
    assert utility.tasks == ("emotion", "age group", "gender", "ethnicity")
    assert (utility.synthetic, utility.learned, utility.tested) == (6, 6, 3)
    assert utility.originals == "originals"
    scored = [one for one in utility.scores if one.model == "Small"]
    assert len(scored) == 4 * 4 * 3
    assert all(0 <= one.value[0] <= 1 for one in scored)
    assert {one.task for one in utility.agreement} == {"emotion", "gender"}


def test_alone_it_takes_its_own_benchmark_and_runs_methods_once_per_mode() -> None:
    alone = Request(methods=("refsd", "maskout"), tracks=("classification",))
    (plan,) = evaluation(alone, None)
    assert plan.config.dataset.dataset == "crowd-faces"
    assert plan.config.utility.preset == "small"
    said = [method.options.get("prompt") for method in plan.config.methods]
    assert said == [{"mode": "preserve"}, {"mode": "random"}, None]
    (full,) = evaluation(dataclasses.replace(alone, preset="full"), None)
    assert full.config.utility.preset == full.config.dataset.options["preset"] == "full"
    (own,) = evaluation(dataclasses.replace(alone, dataset="rafdb", preset="full"), None)
    assert own.config.utility.preset == "full"
    assert "preset" not in own.config.dataset.options
    with pytest.raises(UserError, match="--preset belong to a dataset"):
        evaluation(dataclasses.replace(alone, preset="full"), "embedded")


def test_the_folder_of_a_models_weights_is_not_published() -> None:
    config = RunConfig(
        dataset=configs.DatasetConfig(dataset="crowd-faces"),
        methods=(MethodConfig(method="maskout"),),
        utility=UtilityConfig(models=("vit_tiny:/somewhere/weights.pt",)),
    )
    assert config.published()["utility"]["models"] == ["vit_tiny"]

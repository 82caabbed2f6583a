"""Studies out of finished runs: who is shown, how, and that nothing tells the method."""

from __future__ import annotations

import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sample_study import admin

from annotator_ui.desk import Desk
from annotator_ui.making import make_study
from annotator_ui.pictures import GROUND, SIZE, frame, show
from annotator_ui.study import open_study
from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.errors import UserError
from humangenai.human_ratings.study import StudyConfig
from humangenai.runner import run
from refsd.images import load_image
from refsd.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGINS = str(Path(__file__).parents[1] / "humangenai" / "plugins")


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[None]:
    sys.path.insert(0, PLUGINS)
    yield
    sys.path.remove(PLUGINS)
    sys.modules.pop("tinycrowd", None)


def make_run(out: Path, *methods: str, people: int = 5) -> Path:
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd", options={"people": people, "splits": False}),
        methods=tuple(method_config(name) for name in methods),
        tracks=(),
        seed=1,
    )
    assert not run(config, out).failures
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three methods and the original on ten pictures; only read."""
    return make_run(tmp_path_factory.mktemp("runs") / "run", "original", "maskout", "pixelate")


def config(*runs: Path, **changes: Any) -> StudyConfig:
    plain = {
        "name": "tiny",
        "title": "Tiny",
        "runs": [{"run": path} for path in runs],
        "track": "body",
        "items_per_method": 4,
        "gold": {"share": 0.1, "automatic": 2},
        "attention_checks": {"share": 0.1, "automatic": 1},
    }
    return StudyConfig.model_validate({**plain, **changes})


def make(path: Path, wanted: StudyConfig) -> Desk:
    path.mkdir(exist_ok=True)
    url = f"sqlite:///{path / 'study.db'}"
    make_study(wanted, url, path)
    return Desk(open_study(url, wanted.name))


def test_all_methods_show_the_same_people_equally_often(folder: Path, tmp_path: Path) -> None:
    items = admin(make(tmp_path, config(folder))).items()
    rated = items[items["role"] == "rated"]
    shown = rated.groupby("method")["source"].apply(lambda sources: sorted(Counter(sources)))
    assert set(shown.index) == {"MaskOut", "Pixelate"}  # the original is for comparison only
    assert shown["MaskOut"] == shown["Pixelate"]
    assert len(shown["MaskOut"]) == 4
    assert rated.groupby("method").size().to_dict() == {"MaskOut": 12, "Pixelate": 12}
    assert Counter(items["role"]) == {"rated": 24, "gold": 6, "attention": 3, "training": 3}


def test_the_pictures_are_what_they_should_be(folder: Path, tmp_path: Path) -> None:
    desk = make(tmp_path, config(folder))
    ada = admin(desk).add_annotator("ada", "admin")
    items = admin(desk).items()
    height, width = SIZE["body"]
    for row in items[items["role"] == "rated"].itertuples():
        item = desk.item(ada, row.item)
        pictures = [load_image(desk.image(ada, name)) for name in item.images]
        assert {picture.shape for picture in pictures} == {(height, width, 3)}
        (symbol,) = {question.symbol for question in item.questions}
        assert len(pictures) == (1 if symbol == "psi_C" else 2)
        after, middle = pictures[-1], np.s_[height // 3 : 2 * height // 3, width // 2]
        if symbol == "psi_A":  # cut out: nothing of the background
            assert all((picture[:, :20] == GROUND).all() for picture in pictures)
        if row.method == "MaskOut":
            assert np.ptp(after[middle].reshape(-1, 3), axis=0).max() == 0
        if len(pictures) == 2:
            assert (pictures[0][middle] != after[middle]).any()


def test_nothing_tells_the_method_but_the_database(folder: Path, tmp_path: Path) -> None:
    desk = make(tmp_path, config(folder))
    names = [path.stem for path in (tmp_path / "images").iterdir()]
    assert len(set(names)) == len(names)
    assert all(len(name) == 22 for name in names)
    assert len({path.stat().st_mtime_ns for path in (tmp_path / "images").iterdir()}) == 1
    assert len({load_image(path).shape for path in (tmp_path / "images").iterdir()}) == 1
    ada = admin(desk).add_annotator("ada")
    desk.consent(ada)
    desk.finish_training(ada)
    said = repr(desk.training_examples()) + repr(desk.about())
    while (item := desk.next_item(ada)) is not None:
        said += repr(item)
        desk.skip(ada, item.id, "no")
    for method in ("maskout", "pixelate", "tinycrowd", "query/", str(folder)):
        assert method not in said.lower()
    assert (tmp_path.stat().st_mode & 0o077) == 0


def test_ids_and_order_are_new_every_time(folder: Path, tmp_path: Path) -> None:
    one, other = make(tmp_path / "one", config(folder)), make(tmp_path / "other", config(folder))
    assert not set(admin(one).items()["item"]) & set(admin(other).items()["item"])
    assert not set(admin(one).items()["source"]) & set(admin(other).items()["source"])


def test_gold_answers_are_beyond_doubt(folder: Path, tmp_path: Path) -> None:
    wanted = config(folder, questions=("psi_A", "psi_B", "psi_C", "preference"))
    desk = make(tmp_path, wanted)
    ada = admin(desk).add_annotator("ada", "admin")
    items = admin(desk).items()
    for row in items[items["role"] == "gold"].itertuples():
        item = desk.item(ada, row.item)
        pictures = [desk.image(ada, name) for name in item.images]
        if item.kind == "pair":
            assert pictures[0] == pictures[1]
            assert row.expected in ({"psi_A": 1}, {"psi_B": 5})
        elif item.kind == "preference":
            assert row.expected == {"preference": 1 if row.against == "noise" else 3}
        else:
            assert set(row.expected.values()) == {1}
    for row in items[items["role"] == "attention"].itertuples():
        ((question, value),) = row.expected.items()
        (asked,) = desk.item(ada, row.item).questions
        assert question == asked.id
        assert f"answer {value} " in asked.text


def test_preferences_compare_two_methods_of_one_person(folder: Path, tmp_path: Path) -> None:
    desk = make(tmp_path, config(folder, questions=["preference"], items_per_method=8))
    items = admin(desk).items().query("role == 'rated'")
    assert (items["method"] != items["against"]).all()
    assert len(set(items["method"])) == 2  # both sides are taken by both
    assert items["source"].is_unique


def test_two_runs_of_the_same_pictures(folder: Path, tmp_path: Path) -> None:
    other = make_run(tmp_path / "other", "weakblur")
    desk = make(tmp_path / "study", config(folder, other))
    items = admin(desk).items().query("role == 'rated'")
    assert items.groupby("method")["source"].nunique().to_dict() == {
        "MaskOut": 4,
        "Pixelate": 4,
        "WeakBlur": 4,
    }


def test_chosen_items(folder: Path, tmp_path: Path) -> None:
    chosen = {"method": "MaskOut", "item": "query/1_0", "answers": {"psi_A": 5}}
    wanted = config(
        folder,
        gold={"share": 0.1, "automatic": 0, "items": [chosen]},
        training={"automatic": False, "items": [{**chosen, "explanation": "Nobody is left."}]},
    )
    desk = make(tmp_path, wanted)
    (example,) = desk.training_examples()
    assert (example.answer, example.explanation) == (5, "Nobody is left.")
    gold = admin(desk).items().query("role == 'gold'")
    assert gold["expected"].tolist() == [{"psi_A": 5}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"items_per_method": 11}, r"items_per_method: 11 are wanted.* show 10"),
        ({"track": "face"}, "show 0 heads"),
        ({"questions": ["phi"]}, "no method of the runs was prompted"),
        (
            {"gold": {"share": 0.1, "items": [{"method": "x", "item": "y", "answers": {"a": 1}}]}},
            "unknown method 'x'",
        ),
        (
            {
                "gold": {
                    "share": 0.1,
                    "items": [{"method": "MaskOut", "item": "y", "answers": {"psi_A": 1}}],
                }
            },
            "no such person",
        ),
    ],
)
def test_what_cannot_be_made_is_one_line(
    folder: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make(tmp_path, config(folder, **changes))
    assert not list((tmp_path / "images").iterdir())
    with sqlite3.connect(tmp_path / "study.db") as connection:
        assert connection.execute("SELECT count(*) FROM study").fetchone() == (0,)


def test_runs_that_do_not_fit_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        make(tmp_path, config(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="'MaskOut' only once"):
        make(tmp_path, config(folder, make_run(tmp_path / "twice", "maskout")))
    other = make_run(tmp_path / "other", "weakblur", people=3)
    with pytest.raises(UserError, match="other pictures"):
        make(tmp_path, config(folder, other))
    with pytest.raises(UserError, match="did you mean 'MaskOut'"):
        make(tmp_path, config(folder, runs=[{"run": folder, "methods": ["maskuot"]}]))


def test_a_name_is_taken_once(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, config(folder))
    before = sorted(tmp_path.rglob("*.png"))
    with pytest.raises(UserError, match="already"):
        make(tmp_path, config(folder))
    assert sorted(tmp_path.rglob("*.png")) == before


def person(x0: int, y0: int, x1: int, y1: int) -> Person:
    mask = np.ones((y1 - y0, x1 - x0), np.bool_)
    return Person(np.array([x0, y0, x1, y1], np.float32), (x0, y0, x1, y1), mask)


def test_a_frame_holds_the_person_and_has_the_study_s_shape() -> None:
    where = frame(person(10, 20, 50, 120), "body")
    assert where is not None
    x0, y0, x1, y1 = where
    assert max(x0 - 10, y0 - 20, 50 - x1, 120 - y1) < 0
    assert (y1 - y0) / (x1 - x0) == pytest.approx(640 / 480)
    assert frame(person(0, 0, 20, 40), "body") is None  # too small to judge
    assert frame(person(0, 0, 200, 400), "face") is None  # no landmarks, no head


def test_what_is_outside_the_picture_is_plain_ground() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    shown = show(image, (-30.0, -40.0, 90.0, 120.0), "body")
    assert shown.shape == (640, 480, 3)
    assert (shown[:120] == GROUND).all()
    assert (shown[200:380, 150:340] == 0).all()

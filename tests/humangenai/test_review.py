"""Review before release: what is corrected by hand is made again, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.corrections import Correction, Edit, box_at, edited, read_corrections
from humangenai.errors import UserError
from humangenai.records import ReviewRecord, RunRecord
from humangenai.review import Review, apply_review, run_config
from humangenai.runner import run
from humangenai.store import StoreError, read_items
from humangenai.verification import verify_release
from refsd.people import Person, people_from_boxes

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGINS = Path(__file__).parent / "plugins"
SIZE = (96, 64)
NAMES = ("a.png", "b.png", "c.png")
LEFT = (8.0, 10.0, 24.0, 80.0)
RIGHT = (38.0, 10.0, 54.0, 80.0)
ADD = Edit(kind="add", box=RIGHT, whole=True)


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGINS))
    yield
    sys.modules.pop("tinycrowd", None)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures with two people each; the boxes know of the left one only."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = ["file,x0,y0,x1,y1"]
    for number, name in enumerate(NAMES):
        rng = np.random.default_rng(number)
        image = rng.integers(90, 130, (*SIZE, 3)).astype(np.uint8)
        for colour, (x0, y0, x1, y1) in (((200, 30, 30), LEFT), ((30, 30, 200), RIGHT)):
            image[int(y0) : int(y1), int(x0) : int(x1)] = colour
        Image.fromarray(image).save(folder / name)
        rows.append(",".join([name, *(f"{value:g}" for value in LEFT)]))
    (tmp_path / "boxes.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def reviewed(photos: Path, tmp_path: Path) -> Path:
    """A finished run on these pictures: MaskOut and blur."""
    options = {"path": str(photos), "boxes": str(tmp_path / "boxes.csv")}
    out = tmp_path / "run"
    run(
        RunConfig(
            dataset=DatasetConfig(dataset="folder", options=options),
            methods=(method_config("maskout"), method_config("weakblur")),
            tracks=(),
        ),
        out,
    )
    return out


def files(folder: Path, *but: str) -> dict[str, tuple[bytes, int]]:
    """All files with their times of change, without those whose name is in ``but``."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in but
    }


def right_is_grey(review: Review, key: str) -> bool:
    picture = review.output(key, "MaskOut")
    x0, y0, x1, y1 = map(int, RIGHT)
    return bool((picture[y0:y1, x0:x1] == 127).all())


def test_someone_added_by_hand_is_removed_and_nothing_else_changes(reviewed: Path) -> None:
    review = Review(reviewed)
    assert [state.key for state in review.items()] == list(NAMES)
    assert not right_is_grey(review, "b.png")
    before = files(reviewed)
    release_before = files(reviewed / "release")

    review.save("b.png", [ADD])
    review.save("a.png", [])
    changed = {name for name, content in files(reviewed).items() if before.get(name) != content}
    assert changed == {"private/review/corrections.jsonl", "private/review/lock"}
    assert [state.key for state in review.items()] == ["c.png", "a.png", "b.png"]
    assert not review.is_applied

    finished = apply_review(reviewed)
    assert finished is not None
    record = finished.record
    assert record.review is not None
    assert record.review == ReviewRecord(reviewed=2, corrected=1, added=1, removed=0, redrawn=0)
    assert right_is_grey(review, "b.png")
    assert not right_is_grey(review, "c.png")
    assert review.is_applied
    remade = {
        str(read_items(path)["b.png"].output)
        for path in (reviewed / "private" / "items").glob("*.jsonl")
    }
    assert len(remade) == 2
    after = files(reviewed / "release")
    again = {f"release/{name}" for name in after if after[name] != release_before[name]}
    assert {name for name in again if name.endswith(".png")} == remade
    assert after.keys() == release_before.keys()
    for method, people in (("maskout", 4), ("weakblur", 4)):
        path = reviewed / "private" / "items" / f"{method}.jsonl"
        assert len(path.read_text().splitlines()) == 4, "three lines, and one made again"
        lines = read_items(path)
        assert sum(len(line.people) for line in lines.values()) == people
        assert [person.by_hand for person in lines["b.png"].people] == [False, True]
        assert path.read_bytes().startswith(before[f"private/items/{method}.jsonl"][0])
    for name, content in before.items():
        if name.startswith("private/perception/"):
            assert files(reviewed)[name] == content

    verification = verify_release(reviewed, None)
    assert verification.verdict == "passed"

    settled = files(reviewed)
    assert apply_review(reviewed) is None
    assert files(reviewed) == settled


def test_any_later_call_keeps_what_was_corrected(reviewed: Path) -> None:
    review = Review(reviewed)
    review.save("b.png", [ADD])
    apply_review(reviewed)
    config = run_config(reviewed)
    lines = files(reviewed / "private" / "items")
    pictures = {path: path.read_bytes() for path in (reviewed / "release").rglob("*.png")}
    again = run(config, reviewed)
    assert again.record.review is not None
    assert files(reviewed / "private" / "items") == lines
    assert {path: path.read_bytes() for path in (reviewed / "release").rglob("*.png")} == pictures


def test_what_is_said_last_counts_and_can_be_taken_back(reviewed: Path) -> None:
    review = Review(reviewed)
    first = {path: path.read_bytes() for path in (reviewed / "release").rglob("*.png")}
    review.save("b.png", [ADD])
    apply_review(reviewed)
    # A page that is opened again starts from the people that were found, not from corrected ones.
    review = Review(reviewed)
    assert [len(review.found(name)) for name in NAMES] == [1, 1, 1]
    review.save("b.png", [])
    finished = apply_review(reviewed)
    assert finished is not None
    assert finished.record.review == ReviewRecord(
        reviewed=1, corrected=0, added=0, removed=0, redrawn=0
    )
    assert {path: path.read_bytes() for path in (reviewed / "release").rglob("*.png")} == first


def test_false_people_are_removed_and_masks_drawn_again(reviewed: Path) -> None:
    review = Review(reviewed)
    review.save("a.png", [Edit(kind="remove", person=0)])
    review.save("b.png", [Edit(kind="redraw", person=0, box=RIGHT, whole=True)])
    finished = apply_review(reviewed)
    assert finished is not None
    assert finished.record.review == ReviewRecord(
        reviewed=2, corrected=2, added=0, removed=1, redrawn=1
    )
    assert np.array_equal(review.output("a.png", "MaskOut"), review.original("a.png"))
    assert right_is_grey(review, "b.png")
    assert not (review.output("b.png", "MaskOut")[20:70, 8:24] == 127).any()
    assert verify_release(reviewed, None).verdict == "passed"


def test_a_run_that_was_stopped_while_applying_goes_on(
    reviewed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from humangenai import runner

    Review(reviewed).save("b.png", [ADD])
    with monkeypatch.context() as broken:
        broken.setattr(runner, "summarise_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            apply_review(reviewed)
    assert not Review(reviewed).is_applied
    finished = apply_review(reviewed)
    assert finished is not None
    assert finished.record.review is not None
    assert right_is_grey(Review(reviewed), "b.png")


def test_truth_says_whether_a_correction_was_right(tmp_path: Path) -> None:
    """A person taken out of what was found is missed; added by hand, nobody is missed again."""
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd"),
        methods=(method_config("maskout"),),
        attackers=("stripes",),
        seed=0,
    )
    run(config, tmp_path)
    lines = read_items(tmp_path / "private" / "items" / "maskout.jsonl")
    key = next(iter(lines))
    missed = []
    for edits in (
        [Edit(kind="remove", person=0)],
        [Edit(kind="remove", person=0), Edit(kind="add", box=(10, 8, 22, 58), whole=True)],
    ):
        Review(tmp_path).save(key, edits)
        finished = apply_review(tmp_path)
        assert finished is not None
        missed.append(finished.record.methods[0].coverage.missed)
        verified = verify_release(tmp_path, None).verdict
        assert verified == ("failed" if missed[-1] else "passed"), "a missed person is a leak"
    assert missed == [1, 0]
    assert finished.record.methods[0].scores, "measured again"


def test_corrections_of_other_people_are_refused(reviewed: Path, photos: Path) -> None:
    Review(reviewed).save("b.png", [ADD])
    with Image.open(photos / "b.png") as picture:
        picture.rotate(180).save(photos / "b.png")
    with pytest.raises(UserError, match="in 1 pictures other people are found now"):
        apply_review(reviewed)


def test_nothing_to_apply_is_one_clear_line(reviewed: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was not reviewed yet"):
        apply_review(reviewed)
    with pytest.raises(UserError, match="holds no finished run"):
        apply_review(tmp_path)
    with pytest.raises(UserError, match="holds no finished run"):
        Review(tmp_path)


def test_what_cannot_be_applied_is_not_saved(reviewed: Path) -> None:
    review = Review(reviewed)
    for edit in (
        Edit(kind="remove", person=7),
        Edit(kind="add", box=(500, 500, 510, 510)),
    ):
        with pytest.raises(UserError):
            review.save("b.png", [edit])
    with pytest.raises(UserError):
        review.save("nobody.png", [])
    assert read_corrections(reviewed / "private") == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "add"},
        {"kind": "add", "box": (0, 0, 1, 1), "person": 1},
        {"kind": "remove"},
        {"kind": "redraw", "person": 0},
        {"kind": "add", "box": (5, 5, 5, 9)},
    ],
)
def test_edits_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Edit.model_validate(wrong)


def test_two_edits_of_one_person() -> None:
    twice = (Edit(kind="remove", person=0), Edit(kind="redraw", person=0, box=LEFT))
    with pytest.raises(ValidationError, match="two edits of one person"):
        Correction(key="a", people="b", edits=twice)


def test_a_broken_line_names_the_file_and_a_torn_one_is_dropped(reviewed: Path) -> None:
    review = Review(reviewed)
    review.save("a.png", [])
    path = reviewed / "private" / "review" / "corrections.jsonl"
    with path.open("a") as file:
        file.write('{"key": "b.p')
    assert set(read_corrections(reviewed / "private")) == {"a.png"}
    review.save("c.png", [ADD])
    assert set(read_corrections(reviewed / "private")) == {"a.png", "c.png"}
    path.write_text("{}\n")
    with pytest.raises(StoreError, match="line 1 is not a correction"):
        read_corrections(reviewed / "private")


def test_people_by_hand_are_found_in_their_box(photos: Path) -> None:
    astronaut = portrait()
    left, upper, right, lower = box_at(astronaut, 220, 300)
    assert 0 <= left < 220 < right <= 512
    assert 0 <= upper < 300 < lower <= 512
    assert (right - left) * (lower - upper) > 0.3 * 512 * 512, "most of her"
    found = people_from_boxes(astronaut, np.array([[0, 0, 512, 512]], np.float32))
    added = edited(astronaut, found, [Edit(kind="add", box=(left, upper, right, lower))])
    assert [person.source for person in added] == ["dataset", "hand"]
    assert added[1].landmarks is not None
    assert 0 < added[1].mask.mean() < 1


def test_where_nobody_is_recognised_the_box_is_the_mask() -> None:
    wall = np.full((200, 300, 3), 120, dtype=np.uint8)
    box = box_at(wall, 295, 3)
    assert box[2] == 300
    assert box[1] == 0
    person: Person = edited(wall, [], [Edit(kind="add", box=box)])[0]
    assert person.landmarks is None
    assert person.mask.all()
    assert person.mask.size == (box[2] - box[0]) * (box[3] - box[1])


def portrait() -> np.ndarray:
    from humangenai.datasets.photos import Options, load

    dataset = load(Options())
    return dataset.image(next(item for item in dataset.items() if item.key == "astronaut"))


def run_json(folder: Path) -> str:
    return (folder / "private" / "run.json").read_text()


def test_the_record_is_told_in_private_and_in_public(reviewed: Path) -> None:
    Review(reviewed).save("b.png", [ADD])
    apply_review(reviewed)
    public = (reviewed / "release" / "record.json").read_text()
    for text in (run_json(reviewed), public):
        record = RunRecord.model_validate_json(text)
        assert record.review is not None
        assert record.review.added == 1
    assert "b.png" not in public


def test_tables_and_boards_tell_who_was_corrected_by_hand(reviewed: Path) -> None:
    from humangenai.report.tables import review_table, tables
    from leaderboards.results import boards

    before = RunRecord.model_validate_json(run_json(reviewed))
    assert review_table(before).rows == ()
    Review(reviewed).save("b.png", [ADD])
    apply_review(reviewed)
    after = RunRecord.model_validate_json(run_json(reviewed))
    row = next(table for table in tables(after) if "by hand" in table.title).rows[0]
    assert [cell.value for cell in row] == ["1", "1", "1", "0", "0"]
    assert row[0].detail == "of 3"
    assert len(boards([before, after])) == 2, "they share no board"


def test_the_command_applies_once(reviewed: Path) -> None:
    from typer.testing import CliRunner

    from humangenai.cli import app

    Review(reviewed).save("b.png", [ADD])
    first = CliRunner().invoke(app, ["review", str(reviewed), "--apply"])
    assert first.exit_code == 0, first.output
    assert "people corrected by hand" in first.output
    assert "people corrected by hand" in (reviewed / "private" / "report" / "index.html").read_text(
        encoding="utf-8"
    )
    second = CliRunner().invoke(app, ["review", str(reviewed), "--apply"])
    assert second.output == "all corrections are in the run already\n"


def test_methods_that_preserve_labels_are_reviewed_and_verified_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from humangenai.methods.maskout import MaskOut

    monkeypatch.setattr(MaskOut, "preserves", True, raising=False)
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd", options={"splits": False}),
        methods=(method_config("maskout"),),
        tracks=(),
    )
    run(config, tmp_path)
    assert all(state.people == 1 for state in Review(tmp_path).items())
    key = Review(tmp_path).keys[0]
    Review(tmp_path).save(key, [Edit(kind="add", box=(0, 0, 8, 8), whole=True)])
    apply_review(tmp_path)
    assert verify_release(tmp_path, None).verdict == "passed"


def test_people_whose_file_is_gone_are_not_taken_for_nobody(reviewed: Path) -> None:
    for path in (reviewed / "private" / "perception").glob("*.npz"):
        path.unlink()
    with pytest.raises(UserError, match="does not hold the people of 3 pictures"):
        Review(reviewed)


def test_the_list_knows_who_was_found_and_what_failed(tmp_path: Path) -> None:
    """A portrait, a wall, and a file that is no picture."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(portrait()).save(folder / "b.png")
    Image.fromarray(np.full((64, 64, 3), 120, np.uint8)).save(folder / "a.png")
    (folder / "c.png").write_bytes(b"no picture")
    config = RunConfig(
        dataset=DatasetConfig(dataset="folder", options={"path": str(folder)}),
        methods=(method_config("maskout"),),
        tracks=(),
    )
    run(config, tmp_path / "run")
    review = Review(tmp_path / "run")
    assert {state.key: state.people for state in review.items()} == {
        "a.png": 0,
        "b.png": 1,
        "c.png": None,
    }
    assert review.items()[-1].key == "c.png", "what failed has nothing to look at"
    review.save("a.png", [])
    assert [state.key for state in review.items()] == ["b.png", "a.png", "c.png"]


def test_pictures_with_most_doubts_come_first(reviewed: Path, tmp_path: Path) -> None:
    with (tmp_path / "boxes.csv").open("a") as boxes:
        boxes.write(",".join(["c.png", *(f"{value:g}" for value in RIGHT)]) + "\n")
    run(run_config(reviewed), reviewed)
    review = Review(reviewed)
    assert [(state.key, state.uncertain) for state in review.items()] == [
        ("c.png", 2),
        ("a.png", 1),
        ("b.png", 1),
    ], "nobody is recognised in plain colours"

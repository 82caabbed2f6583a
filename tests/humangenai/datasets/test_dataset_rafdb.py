"""RAF-DB's layout, labels and mistakes, on a copy made from renders: nobody in it exists."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from humangenai.datasets import rafdb
from humangenai.datasets.rafdb import ATTRIBUTES, EMOTIONS, PICTURES, Options, load
from humangenai.errors import UserError
from refsd.prompts import canonical
from refsd.rendering import make_renderer
from refsd.training.pictures import sample_picture

NAMES = ("train_00001", "train_00002", "train_00003", "test_0001", "test_0002")
RACES = {"White": "0", "Black": "1", "East Asian": "2"}
EMOTION_CODES = {
    "surprised": "1", "fearful": "2", "disgusted": "3", "happy": "4", "sad": "5", "angry": "6",
    "neutral": "7",
}  # fmt: skip


@cache
def faces() -> tuple[tuple[NDArray[np.uint8], dict[str, str]], ...]:
    """Rendered heads that show everything RAF-DB labels, with the renderer's labels."""
    rng, renderer = np.random.default_rng(3), make_renderer("numpy")
    found: list[tuple[NDArray[np.uint8], dict[str, str]]] = []
    while len(found) < len(NAMES):
        image, labels = sample_picture(rng, renderer, "head", 100, "probe")
        if {"emotion", "gender", "age"} <= set(labels) and labels.get("ethnicity") in RACES:
            found.append((image, dict(labels)))
    return tuple(found)


def codes(labels: dict[str, str]) -> tuple[str, str, str, str]:
    """Emotion, gender, race and age as RAF-DB would write them."""
    age = sum(int(labels["age"]) >= first for first in (4, 20, 40, 70))
    gender = {"male": "0", "female": "1"}[labels["gender"]]
    return EMOTION_CODES[labels["emotion"]], gender, RACES[labels["ethnicity"]], str(age)


def make(root: Path) -> Path:
    basic = root / "basic"
    for folder in (PICTURES, Path(EMOTIONS).parent, ATTRIBUTES):
        (basic / folder).mkdir(parents=True)
    lines = []
    for name, (image, labels) in zip(NAMES, faces(), strict=True):
        Image.fromarray(image).save(basic / PICTURES / f"{name}_aligned.jpg", quality=95)
        emotion, gender, race, age = codes(labels)
        lines.append(f"{name}.jpg {emotion}\n")
        landmarks = "".join(f"{30 + 9 * at}.5\t{40 + 7 * at}.25\n" for at in range(5))
        (basic / ATTRIBUTES / f"{name}_manu_attri.txt").write_text(
            f"{landmarks}{gender}\n{race}\n{age}\n"
        )
    (basic / EMOTIONS).write_text("".join(lines))
    return root


def incomplete(root: Path, **more: str) -> rafdb.RafDb:
    return load(Options.model_validate({"path": root, "allow_incomplete": True, **more}))


def test_renders_in_its_layout_come_back_with_their_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = incomplete(make(tmp_path))
    items = [*dataset.train_items(), *dataset.items()]
    assert [item.key for item in items] == list(NAMES)
    assert [item.split for item in items] == ["train"] * 3 + ["all"] * 2
    tasks = {task.name: task for task in dataset.tasks()}
    assert list(tasks) == ["emotion", "age group", "gender", "ethnicity"]
    for item, (image, labels) in zip(items, faces(), strict=True):
        written = [
            tasks[name].of_name(item.labels[name]).code
            for name in ("emotion", "gender", "ethnicity", "age group")
        ]
        assert tuple(written) == codes(labels)
        assert item.labels["emotion"] == labels["emotion"]  # the vocabulary's own words
        assert item.labels["gender"] == labels["gender"]
        loaded = dataset.image(item)
        assert loaded.shape == (100, 100, 3)
        assert np.abs(loaded.astype(int) - image).mean() < 6  # a JPEG of that very picture
        assert dataset.people(item) is None
        assert dataset.truth(item) is None
    assert "non-commercial" in capsys.readouterr().err


def test_what_prompts_say_is_in_the_vocabulary() -> None:
    """Without free words, which could name somebody."""
    for task in rafdb.TASKS:
        for one in task.classes:
            assert canonical(one.attributes, free=False) == one.attributes, one


def test_codes_are_those_of_the_authors() -> None:
    read = {task.name: {one.code: one.name for one in task.classes} for task in rafdb.TASKS}
    assert read["emotion"] == {code: word for word, code in EMOTION_CODES.items()}
    assert read["gender"] == {"0": "male", "1": "female"}
    assert read["ethnicity"] == {"0": "Caucasian", "1": "African-American", "2": "Asian"}
    assert list(read["age group"].values()) == ["0–3", "4–19", "20–39", "40–69", "70+"]
    assert sum(rafdb.PUBLISHED.values()) == 15339


def test_the_folder_itself_may_be_named_and_labels_are_part_of_the_hash(tmp_path: Path) -> None:
    root = make(tmp_path)
    before = incomplete(root / "basic").manifest_hash()
    assert before == incomplete(root).manifest_hash()
    path = root / "basic" / ATTRIBUTES / "test_0001_manu_attri.txt"
    lines = path.read_text().splitlines()
    lines[5] = str(1 - int(lines[5]))
    path.write_text("\n".join(lines))
    assert incomplete(root).manifest_hash() != before


def test_unsure_is_no_label(tmp_path: Path) -> None:
    root = make(tmp_path)
    path = root / "basic" / ATTRIBUTES / "test_0001_manu_attri.txt"
    path.write_text("\n".join([*path.read_text().splitlines()[:5], "2", "0", "3"]))
    item = incomplete(root).items()[0]
    assert "gender" not in item.labels
    assert item.labels["age group"] == "40–69"


def test_counts_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make(tmp_path)
    with pytest.raises(UserError, match="3 pictures of train instead of 12271 and 2 pictures"):
        load(Options(path=root))
    assert incomplete(root).name == "rafdb-incomplete"
    monkeypatch.setattr(rafdb, "PUBLISHED", {"train": 3, "test": 2})
    assert load(Options(path=root)).name == "rafdb"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("test_0001.jpg 8", r"list_patition_label.txt, line 4: '8' is no emotion; known: 1 surpr"),
        ("test_0001.jpg", r"line 4: 'test_0001.jpg' is not as 'train_00001.jpg 5'"),
        ("test_0001.png 3", r"line 4: 'test_0001.png 3' is not as"),
        ("train_00002.jpg 3", r"line 4: 'train_00002.jpg' is there a second time"),
        ("test_0009.jpg 3", r"there is no picture .*test_0009_aligned.jpg"),
    ],
)
def test_wrong_emotions_are_refused_with_their_line(
    tmp_path: Path, line: str, message: str
) -> None:
    root = make(tmp_path)
    path = root / "basic" / EMOTIONS
    lines = path.read_text().splitlines()
    lines[3] = line
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=message):
        incomplete(root)


@pytest.mark.parametrize(
    ("number", "line", "message"),
    [
        (3, "12.5", r"train_00002_manu_attri.txt, line 3: '12.5' is not a landmark's x and y"),
        (1, "a\tb", r"line 1: 'a\tb' is not a landmark"),
        (6, "3", r"line 6: '3' is no gender; known: 0 male, 1 female, 2 unsure"),
        (7, "3", r"line 7: '3' is no ethnicity; known: 0 Caucasian"),
        (8, "five", r"line 8: 'five' is no age group; known: 0 0–3"),
        (8, None, r"line 8: is missing; the file has 5 landmarks"),
        (9, "1", r"line 9: is one too many"),
    ],
)
def test_wrong_attributes_are_refused_with_file_and_line(
    tmp_path: Path, number: int, line: str | None, message: str
) -> None:
    root = make(tmp_path)
    path = root / "basic" / ATTRIBUTES / "train_00002_manu_attri.txt"
    lines = path.read_text().splitlines()
    lines[number - 1 : number] = [] if line is None else [line]
    path.write_text("\n".join(lines) + "\n\n")
    with pytest.raises(UserError, match=message):
        incomplete(root)
    assert [task.name for task in incomplete(root, tasks="emotion").tasks()] == ["emotion"]


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path, the folder that holds 'basic'"):
        load(Options())
    with pytest.raises(UserError, match=r"EmoLabel.*is missing|Image/aligned is missing"):
        load(Options(path=tmp_path))
    root = make(tmp_path / "copy")
    folder = root / "basic" / ATTRIBUTES
    folder.rename(folder.parent / "elsewhere")
    (folder.parent / "manual.zip").write_bytes(b"")
    with pytest.raises(UserError, match=r"manual is missing; unpack manual.zip.*tasks: emotion"):
        load(Options(path=root))
    extra = root / "basic" / PICTURES / "test_0007_aligned.jpg"
    extra.write_bytes(b"")
    with pytest.raises(UserError, match=r"test_0007_aligned.jpg: has no line in"):
        incomplete(root, tasks="emotion")

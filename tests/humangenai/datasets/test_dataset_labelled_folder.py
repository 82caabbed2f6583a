"""A folder with a CSV of labels: what is read, and what is refused with which line."""

from pathlib import Path

import pytest
from PIL import Image

from humangenai.datasets.labelled_folder import LabelledFolder, Options, load
from humangenai.datasets.tasks import Labelled
from humangenai.errors import UserError

TABLE = """file,split,pid,emotion,age group,wears
a/1.png,train,7,happy,elderly,2
a/2.png,train,7,sad,elderly,10
b 3.png,test,9,,child,2
4.png,test,,happy,child,
"""


def make(root: Path, table: str = TABLE) -> LabelledFolder:
    for number, name in enumerate(("a/1.png", "a/2.png", "b 3.png", "4.png")):
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (20, 30), (number * 40, 90, 90)).save(root / name)
    (root / "labels.csv").write_text(table, encoding="utf-8")
    return load(Options(path=root))


def test_rows_become_labels_and_splits(tmp_path: Path) -> None:
    dataset = make(tmp_path)
    assert isinstance(dataset, Labelled)
    assert [(item.key, item.pid) for item in dataset.train_items()] == [
        ("a/1.png", 7),
        ("a/2.png", 7),
    ]
    assert [(item.key, item.labels) for item in dataset.items()] == [
        ("4.png", {"emotion": "happy", "age group": "child"}),
        ("b 3.png", {"age group": "child", "wears": "2"}),
    ]
    assert dataset.image(dataset.items()[0]).shape == (30, 20, 3)
    names = {task.name: task.names for task in dataset.tasks()}
    assert names == {
        "emotion": ("happy", "sad"),
        "age group": ("child", "elderly"),
        "wears": ("2", "10"),  # by number, not by text
    }


def test_classes_know_their_words_where_the_vocabulary_has_them(tmp_path: Path) -> None:
    emotion, _, wears = make(tmp_path, TABLE.replace("sad", "bored")).tasks()
    said = {one.name: dict(one.attributes) for one in (*emotion.classes, *wears.classes)}
    assert said == {"happy": {"emotion": "happy"}, "bored": {}, "2": {}, "10": {}}


def test_labels_are_part_of_the_hash(tmp_path: Path) -> None:
    one = make(tmp_path).manifest_hash()
    assert make(tmp_path).manifest_hash() == one
    other = make(tmp_path, TABLE.replace("4.png,test,,happy", "4.png,test,,sad")).manifest_hash()
    assert other != one


def test_without_splits_all_is_test(tmp_path: Path) -> None:
    dataset = make(tmp_path, "file,emotion\na/1.png,sad\na/2.png,happy\nb 3.png,\n4.png,sad\n")
    assert len(dataset.items()) == 4
    assert not dataset.train_items()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("b 3.png,test,9", "b 3.png,test,7", r"labels.csv, line 4: person 7 is in 'train' and in"),
        ("b 3.png,test,9", "b 3.png,test,x", r"line 4: 'pid' is 'x', not a whole number"),
        ("b 3.png,test,9", "b 3.png,tset,9", r"line 4: unknown split 'tset'; did you mean 'test'"),
        ("b 3.png,test,9", "b 3.png,,9", r"line 4: unknown split ''"),
        ("b 3.png,test", "c.png,test", r"line 4: 'c.png' is not a picture of the folder"),
        ("b 3.png,test", "4.png,test", r"line 5: '4.png' is there a second time"),
        (",child,2\n", ",child\n", r"line 4: has another number of values"),
        ("b 3.png,test,9,,child,2\n", "", r"has no row for 'b 3.png'"),
        ("file,split", "file,splits", r"unknown column 'splits'; did you mean 'split'"),
        ("file,", "picture,", r"the column 'file' is missing"),
        ("elderly", "child", r"the column 'age group' says only 'child'"),
        ("test", "train", r"every picture is in 'train'"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TABLE
    with pytest.raises(UserError, match=message):
        make(tmp_path, TABLE.replace(old, new))


def test_numbers_are_no_classes(tmp_path: Path) -> None:
    table = "file,x\n" + "".join(f"{number}.png,{number}.5\n" for number in range(60))
    for number in range(60):
        Image.new("RGB", (2, 2)).save(tmp_path / f"{number}.png")
    (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(UserError, match=r"'x' has 60 different values"):
        load(Options(path=tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--path"):
        load(Options())
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"labels.csv: there is no such file; name your CSV"):
        load(Options(path=tmp_path))

"""From datasets' labels to class numbers, and who may be in which split."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humangenai.datasets import Item, TruePerson
from humangenai.datasets.labelled_folder import Options, load
from humangenai.datasets.rafdb import TASKS
from humangenai.errors import UserError
from humangenai.utility.labels import (
    CROWD,
    PAPER_TASKS,
    check_disjoint,
    class_numbers,
    labels_of_items,
    people_in,
    prompt_attributes,
    tasks_of,
)
from refsd.prompts import VOCABULARY, canonical


@dataclass
class Rendered:
    """Stands for crowd, whose pictures take long to render."""

    name: str = "crowd"
    asked: int = 0

    def truth(self, item: Item) -> list[TruePerson]:
        self.asked += 1
        gender = "female" if item.pid == 481 else "male"
        attributes = {"gender": gender, "age group": "elderly", "bag": "none"}
        return [TruePerson(np.zeros(4, np.float32), np.ones((2, 2), bool), attributes=attributes)]


def test_crowd_is_labelled_from_its_truth() -> None:
    dataset = Rendered()
    items = [Item(str(at), "query", pid) for at, pid in enumerate((481, 482, 481))]
    tasks = tasks_of(dataset)  # type: ignore[arg-type]
    assert [task.name for task in tasks] == ["age group", "gender"]
    labels = labels_of_items(dataset, items)  # type: ignore[arg-type]
    age, gender = tasks
    assert class_numbers(gender, labels).tolist() == [0, 1, 0]
    assert class_numbers(age, labels).tolist() == [2, 2, 2]
    assert dataset.asked == 2  # once a person: truth decodes masks
    assert prompt_attributes(tasks, labels[1]) == {"gender": "male", "age group": "elderly"}


def test_crowds_words_are_those_of_the_vocabulary() -> None:
    for task in CROWD:
        assert set(task.names) <= set(VOCABULARY[task.name].values)


def test_what_is_asked_of_a_method_is_in_the_vocabulary() -> None:
    labels = {"emotion": "fearful", "age group": "4–19", "ethnicity": "African-American"}
    said = prompt_attributes(TASKS, labels)
    assert said == {"emotion": "fearful", "age": "12", "ethnicity": "Black"}
    assert canonical(said, free=False) == said


def test_tasks_of_a_folder_come_in_the_papers_order(tmp_path: Path) -> None:
    rows = ["file,split,wears,gender,emotion", "a.png,train,hat,male,sad", "b.png,test,,female,"]
    rows += ["c.png,test,cap,,happy"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    for name in "abc":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    dataset = load(Options(path=tmp_path))
    tasks = tasks_of(dataset)
    assert [task.name for task in tasks] == ["emotion", "gender", "wears"]
    labels = labels_of_items(dataset, dataset.items())
    assert [class_numbers(task, labels).tolist() for task in tasks] == [[-1, 0], [0, -1], [-1, 0]]
    assert people_in(dataset.items()).tolist() == ["picture b.png", "picture c.png"]


def test_without_labels_nothing_can_be_learned() -> None:
    with pytest.raises(UserError, match="the dataset 'photos' has no labels for classification"):
        tasks_of(Rendered(name="photos"))  # type: ignore[arg-type]


def test_nobody_is_in_both_splits() -> None:
    train = [Item("a", "train", 3), Item("b", "train", None), Item("c", "train", -1)]
    check_disjoint(train, [Item("d", "all", 4), Item("e", "all", None), Item("f", "all", -1)])
    with pytest.raises(UserError, match=r"1 people are in .* \(pid 3\)"):
        check_disjoint(train, [Item("d", "all", 3)])
    assert len(set(people_in(train).tolist())) == 3


def test_the_papers_tasks_are_rafdbs() -> None:
    assert tuple(task.name for task in TASKS) == PAPER_TASKS

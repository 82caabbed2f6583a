"""What classifiers learn: the paper's four tasks, and how each dataset's labels become numbers.

| task | RAF-DB | crowd-faces | crowd | your folder |
|---|---|---|---|---|
| emotion | 7 | 7 | – | your column |
| age group | 5, in its own years | 3: adults | 3: adults | your column |
| gender | 2; *unsure* is no label | 2 | 2 | your column |
| ethnicity | 3 | 3 | – | your column |

Crowd's whole-body crops show no face large enough for an emotion, and its people have skin tones
but no ethnicities; so these two tasks are unscored on it. Its heads (crowd-faces) have both.
Datasets that label their items say themselves what they tell apart (``humangenai.datasets.tasks``),
in tasks of any name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.tasks import Labelled, Task, TaskClass
from humangenai.errors import UserError
from humangenai.utility.classification.scores import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import Dataset, Item

PAPER_TASKS = ("emotion", "age group", "gender", "ethnicity")
"""In the order of the paper's table; other tasks follow in the dataset's own."""


def _as_said(name: str, *values: str) -> Task:
    """A task whose classes are the vocabulary's own words."""
    return Task(name, tuple(TaskClass(value, value, {name: value}) for value in values))


CROWD = (
    _as_said("age group", "young adult", "middle-aged", "elderly"),
    _as_said("gender", "female", "male"),
)


def tasks_of(dataset: Dataset) -> tuple[Task, ...]:
    """What can be learned from a dataset: the paper's tasks first.

    Raises:
        UserError: it has no labels.
    """
    if isinstance(dataset, Labelled):
        tasks = tuple(dataset.tasks())
    elif dataset.name == "crowd":
        tasks = CROWD
    else:
        raise UserError(
            f"the dataset '{dataset.name}' has no labels for classification; choose rafdb, "
            "crowd-faces, crowd, or labelled-folder with a CSV of labels"
        )
    order = {name: place for place, name in enumerate(PAPER_TASKS)}
    return tuple(sorted(tasks, key=lambda task: order.get(task.name, len(order))))


def labels_of_items(dataset: Dataset, items: Iterable[Item]) -> list[Mapping[str, str]]:
    """Task → name of the class, per item; a task without a label is not in it.

    Args:
        dataset: as in :func:`tasks_of`.
        items: of its training or test pictures.
    """
    if isinstance(dataset, Labelled):
        return [item.labels for item in items]
    people: dict[int | None, Mapping[str, str]] = {}
    found = []
    for item in items:
        if item.pid not in people:
            (person,) = dataset.truth(item) or ()
            said = {task.name: person.attributes.get(task.name, "") for task in CROWD}
            people[item.pid] = {name: value for name, value in said.items() if value}
        found.append(people[item.pid])
    return found


def class_numbers(task: Task, labels: Sequence[Mapping[str, str]]) -> NDArray[np.int64]:
    """The classes as models number them: int64 (items,), -1 without a label.

    Raises:
        KeyError: a label is no class of the task.

    >>> class_numbers(_as_said("gender", "female", "male"), [{"gender": "male"}, {}]).tolist()
    [1, -1]
    """
    numbers = {name: number for number, name in enumerate(task.names)}
    return np.array(
        [numbers[said[task.name]] if task.name in said else UNLABELLED for said in labels],
        dtype=np.int64,
    )


def prompt_attributes(tasks: Iterable[Task], labels: Mapping[str, str]) -> dict[str, str]:
    """What a method that preserves labels is asked to paint, in the vocabulary's words.

    >>> prompt_attributes(CROWD, {"age group": "elderly", "gender": "female"})
    {'age group': 'elderly', 'gender': 'female'}
    """
    said: dict[str, str] = {}
    for task in tasks:
        if task.name in labels:
            said |= task.of_name(labels[task.name]).attributes
    return said


def people_in(items: Sequence[Item]) -> NDArray[np.str_]:
    """Who is in each picture, for resampling: str (items,).

    Where nobody knows, every picture counts as somebody else, which makes intervals too narrow if
    people recur.
    """
    return np.array(
        [f"picture {item.key}" if item.pid is None else f"person {item.pid}" for item in items]
    )


def check_disjoint(train: Iterable[Item], test: Iterable[Item]) -> None:
    """See that nobody who is known is in both splits.

    Raises:
        UserError: somebody is: a model could tell people instead of what it is asked for.
    """
    both = {item.pid for item in train} & {item.pid for item in test} - {None, -1}
    if both:
        shown = ", ".join(str(pid) for pid in sorted(pid for pid in both if pid is not None)[:3])
        raise UserError(
            f"{len(both)} people are in the training and in the test pictures (pid {shown}); "
            "put all pictures of a person into one of them"
        )

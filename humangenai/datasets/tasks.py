"""What a classifier is to tell of a picture, where a dataset has labels for it.

A class keeps the dataset's own sense: RAF-DB's age 4–19 is neither a child nor a teenager. What a
prompt says in its place is another matter, so a class names both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from humangenai.datasets.dataset import Item


@dataclass(frozen=True)
class TaskClass:
    """One of the classes that a task tells apart.

    Attributes:
        name: what tables say.
        code: what the dataset's own files say.
        attributes: what a prompt says of such a person, in the words of
            ``refsd.prompts.VOCABULARY``; empty where the vocabulary has no word for it.
    """

    name: str
    code: str
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Task:
    """One question about the person in a picture.

    Attributes:
        name: e.g. ``emotion``.
        classes: in the order in which models and confusion matrices number them.
    """

    name: str
    classes: tuple[TaskClass, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes' names, in order."""
        return tuple(one.name for one in self.classes)

    def of_code(self, code: str) -> TaskClass | None:
        """The class that the dataset's files call so; None where there is none."""
        return next((one for one in self.classes if one.code == code), None)

    def of_name(self, name: str) -> TaskClass:
        """The class of that name.

        Raises:
            KeyError: there is none.
        """
        for one in self.classes:
            if one.name == name:
                return one
        raise KeyError(name)


@runtime_checkable
class Labelled(Protocol):
    """A dataset whose items have labels (``Item.labels``), and pictures to learn from."""

    def tasks(self) -> Sequence[Task]:
        """What can be learned, in the order of tables."""
        ...

    def train_items(self) -> Sequence[Item]:
        """Pictures to learn from, none of them among ``items()``."""
        ...

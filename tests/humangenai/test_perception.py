from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import refsd.people
from humangenai import perception
from humangenai.datasets import Item
from humangenai.errors import UserError
from humangenai.perception import batches, one_line, perceive
from humangenai.progress import Silent
from humangenai.store import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.people import Person

PLAN = {"dataset": {"dataset": "d", "options": {}}, "methods": []}


class Pictures:
    """A dataset of noise; those of size 0 cannot be read."""

    crops = False

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.decoded = 0

    def items(self) -> list[Item]:
        return [Item(str(number), "all") for number in range(len(self.sizes))]

    def image(self, item: Item) -> NDArray[np.uint8]:
        self.decoded += 1
        size = self.sizes[int(item.key)]
        if size == 0:
            raise ValueError("cut\noff")
        rng = np.random.default_rng(int(item.key))
        return rng.integers(0, 256, (size, size, 3)).astype(np.uint8)

    def people(self, item: Item) -> None:
        return None


def sizes_of(dataset: Pictures, size: int) -> tuple[list[list[int]], list[str]]:
    failed: list[str] = []
    made = batches(dataset, dataset.items(), size, lambda item, _: failed.append(item.key))  # type: ignore[arg-type]
    return [[image.shape[0] for _, image in batch] for batch in made], failed


def test_batches_are_closed_by_number_and_by_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perception, "BATCH_PIXELS", 100)
    assert sizes_of(Pictures([1] * 5), 2)[0] == [[1, 1], [1, 1], [1]]
    assert sizes_of(Pictures([9, 9, 20, 1, 1]), 3)[0] == [[9, 9], [20], [1, 1]]


def test_a_picture_that_cannot_be_read_is_left_out_and_told() -> None:
    assert sizes_of(Pictures([4, 0, 5]), 8) == ([[4, 5]], ["1"])


def test_errors_become_one_line() -> None:
    assert one_line(ValueError("cut\n  off")) == "ValueError: cut off"
    assert one_line(UserError("say which")) == "say which"
    assert one_line(KeyError()) == "KeyError"


def test_people_are_found_once_per_content_and_a_hard_picture_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def find(images: Sequence[NDArray[np.uint8]], **_: Any) -> list[list[Person]]:
        asked.extend(len(image) for image in images)
        if any(len(image) == 7 for image in images):
            raise RuntimeError("too hard")
        return [[] for _ in images]

    monkeypatch.setattr(refsd.people, "find_people", find, raising=False)
    dataset = Pictures([4, 0, 7, 5])
    with RunFolder(tmp_path, 0, PLAN) as folder:
        found = perceive(folder, dataset, dataset.items(), Silent())  # type: ignore[arg-type]
        assert found.errors == {"1": "ValueError: cut off", "2": "RuntimeError: too hard"}
        assert sorted(found.files) == ["0", "3"]
        assert found.people(Item("0", "all")) == []
        asked.clear()
        again = perceive(folder, dataset, dataset.items(), Silent())  # type: ignore[arg-type]
    assert asked == [7]
    assert again == found


def test_what_the_user_must_mend_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(*_: Any, **__: Any) -> None:
        raise UserError("the weights are missing")

    monkeypatch.setattr(refsd.people, "find_people", find, raising=False)
    dataset = Pictures([4])
    with (
        pytest.raises(UserError, match="the weights are missing"),
        RunFolder(tmp_path, 0, PLAN) as folder,
    ):
        perceive(folder, dataset, dataset.items(), Silent())  # type: ignore[arg-type]

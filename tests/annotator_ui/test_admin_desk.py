"""The admins' desk: who may take part, and what is told of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sample_study import admin, answer_all, make_sample_study, ready

from annotator_ui.study import open_study
from humangenai.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from annotator_ui.desk import Desk


def test_names_are_unique_and_not_empty(desk: Desk) -> None:
    admins = admin(desk)
    admins.add_annotator("ada", identity="ada@example.org")
    with pytest.raises(UserError, match="already"):
        admins.add_annotator("ada")
    with pytest.raises(UserError, match="already"):
        admins.add_annotator("eda", identity="ada@example.org")
    with pytest.raises(UserError, match="characters"):
        admins.add_annotator("")
    assert desk.sign_in_as("ada@example.org").name == "ada"


def test_disagreements_come_first(desk: Desk) -> None:
    names = [ready(desk, name) for name in "abc"]
    items = {}
    for number, name in enumerate(names):
        while (item := desk.next_item(name)) is not None:
            items[item.id] = item
            answer_all(desk, name, item)
            if number == 2 and items and item.id == min(items):
                answer_all(desk, name, item, 1)
    table = admin(desk).items_by_disagreement()
    assert table["sd"].is_monotonic_decreasing
    worst = table.iloc[0]
    assert worst["item"] == min(items)
    assert (worst["n"], worst["lowest"], worst["highest"]) == (3, 1, 3)
    assert worst["sd"] == pytest.approx(np.std([3, 3, 1]))


def test_an_unknown_study_is_one_line(tmp_path: Path) -> None:
    url, _ = make_sample_study(tmp_path)
    with pytest.raises(UserError, match=r"no study 'smaple'.*known: sample"):
        open_study(url, "smaple")

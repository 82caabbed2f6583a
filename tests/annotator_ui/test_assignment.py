"""Assignment: who gets which item, how often, and what happens to those who walk away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_study import admin, answer_all, make_sample_study, rate, ready

from annotator_ui.assignment import LEASE_SECONDS
from annotator_ui.desk import Desk
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def loads(desk: Desk) -> dict[str, int]:
    """How many annotators the database says each rated item has."""
    table = admin(desk).items()
    table = table[table["role"] == "rated"]
    return dict(zip(table["item"], table["annotators"], strict=True))


def test_everyone_takes_the_least_annotated_item(either_desk: Desk) -> None:
    desk = either_desk
    names = [ready(desk, f"a{number}") for number in range(6)]
    for turn in range(10):
        rate(desk, names[turn % 6], 5)
        spread = loads(desk).values()
        assert max(spread) - min(spread) <= 1


def test_an_item_gets_no_more_annotators_than_it_needs(tmp_path: Path) -> None:
    desk = Desk(open_study(*make_sample_study(tmp_path, people=2, raters_per_item=2)))
    for name in "abcd":
        rate(desk, ready(desk, name))
    assert set(loads(desk).values()) == {2}


def test_items_per_annotator_is_a_limit(tmp_path: Path) -> None:
    desk = Desk(open_study(*make_sample_study(tmp_path, items_per_annotator=7)))
    ada = ready(desk, "ada")
    assert desk.progress(ada).total == 7
    assert len(rate(desk, ada)) == 7
    assert desk.progress(ada) == desk.progress(ada).__class__(7, 7, desk.progress(ada).seconds)
    assert desk.sign_in(desk.token(ada)).state == "done"


def test_checks_come_in_their_share_and_at_no_fixed_place(tmp_path: Path) -> None:
    desk = Desk(open_study(*make_sample_study(tmp_path, people=10, raters_per_item=9)))
    roles = admin(desk).items().set_index("item")["role"]
    places = []
    for name in "abcdefgh":
        sequence = [roles[item.id] for item in rate(desk, ready(desk, name), 30)]
        found = [place for place, role in enumerate(sequence) if role != "rated"]
        assert len(found) == 6  # 2 of 10 in 30
        places += [place % 5 for place in found]
    assert len(set(places)) == 5


def test_who_walks_away_gives_the_item_back(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    url, name = make_sample_study(tmp_path, database_url, people=1, raters_per_item=1)
    desk = Desk(open_study(url, name, clock))
    ada, bob = ready(desk, "ada"), ready(desk, "bob")
    item = desk.next_item(ada)
    assert item is not None
    while admin(desk).items().set_index("item")["role"][item.id] != "rated":
        answer_all(desk, ada, item)
        item = desk.next_item(ada)
        assert item is not None
    assert item.id not in {other.id for other in rate(desk, bob)}
    clock.now += LEASE_SECONDS - 1
    assert desk.next_item(bob) is None
    clock.now += 2
    taken = desk.next_item(bob)
    assert taken is not None
    assert taken.id == item.id
    # Ada comes back and answers after all: the answer is kept, too many is better than lost.
    answer_all(desk, ada, item, 5)
    answer_all(desk, bob, taken, 1)
    values = admin(desk).answers().query("item == @item.id").groupby("annotator")["value"].max()
    assert values.to_dict() == {ada: 5.0, bob: 1.0}
    assert loads(desk)[item.id] == 2


def test_coming_back_late_renews_the_lease(tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(open_study(*make_sample_study(tmp_path), clock))
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    clock.now += 10 * LEASE_SECONDS
    again = desk.next_item(ada)
    assert item is not None
    assert again is not None
    assert again.id == item.id

"""What one annotator can get of others, of originals and of methods: nothing that is not theirs."""

from __future__ import annotations

import pickle
import sqlite3
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_study import METHODS, admin, make_sample_study, ready

from annotator_ui.desk import Desk
from annotator_ui.permissions import DeskError
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = (
    "'; DROP TABLE answer; --",
    '" OR 1=1 --',
    "%' OR '1'='1",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "..%2f..%2fstudy.db",
    "\\..\\study",
    "a" * 10_000,
    "",
    "ada%s%d",
    "\u202eevil",
)


def test_ids_of_others_and_made_up_ones_look_the_same(either_desk: Desk) -> None:
    desk = either_desk
    ada, bob = ready(desk, "ada"), ready(desk, "bob")
    theirs = desk.next_item(bob)
    assert theirs is not None

    def refusal(call: Callable[[], object]) -> str:
        with pytest.raises(DeskError) as caught:
            call()
        return str(caught.value)

    question = theirs.questions[0].id
    calls: list[Callable[[str, str], object]] = [
        lambda item, _: desk.item(ada, item),
        lambda item, _: desk.answer(ada, item, question, 3, 1.0),
        lambda item, _: desk.skip(ada, item, "why not"),
        lambda item, _: desk.previous_item(ada, item),
        lambda item, _: desk.following_item(ada, item),
        lambda _, image: desk.image(ada, image),
    ]
    for call in calls:
        real = refusal(lambda call=call: call(theirs.id, theirs.images[0]))
        made_up = refusal(lambda call=call: call("A" * 22, "A" * 22))
        assert real == made_up
    assert admin(desk).answers().empty


def test_nothing_of_another_study(tmp_path: Path) -> None:
    url, _ = make_sample_study(tmp_path / "one")
    make_sample_study(tmp_path / "two", url, name="second")
    one, two = Desk(open_study(url, "sample")), Desk(open_study(url, "second"))
    ada, boss = ready(one, "ada"), admin(two).add_annotator("boss", "admin")
    item = one.next_item(ada)
    assert item is not None
    for call in (
        lambda: two.next_item(ada),
        lambda: two.item(ada, item.id),
        lambda: two.item(boss, item.id),
        lambda: two.image(boss, item.images[0]),
        lambda: two.answer(ada, item.id, item.questions[0].id, 3, 1.0),
        lambda: two.withdraw(ada),
        lambda: two.consent(ada),
    ):
        with pytest.raises(DeskError):
            call()
    assert len(admin(two).annotators()) == 1
    assert admin(two).answers().empty


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(either_desk: Desk, text: str) -> None:
    desk = either_desk
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    for call in (
        lambda: desk.item(ada, text),
        lambda: desk.image(ada, text),
        lambda: desk.next_item(text),
        lambda: desk.answer(ada, text, item.questions[0].id, 3, 1.0),
        lambda: desk.answer(ada, item.id, text, 3, 1.0),
    ):
        with pytest.raises(DeskError) as caught:
            call()
        assert not text or text not in str(caught.value)  # nothing is echoed
    if text:
        person = admin(desk).add_annotator(text[:200])
        assert admin(desk).annotators().set_index("annotator")["name"][person] == text[:200]
        assert desk.sign_in(desk.token(person)).name == text[:200]
        desk.skip(ada, item.id, text)
        assert set(admin(desk).answers()["reason"]) == {text[:500]}
    assert len(admin(desk).items()) == 36 + 8 + 1


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_no_text_opens_a_picture(desk: Desk, text: str) -> None:
    known = admin(desk).annotators().query("name == 'boss'")["annotator"].tolist()
    (boss,) = known or [admin(desk).add_annotator("boss", "admin")]
    with pytest.raises(DeskError):
        desk.image(boss, text)


def test_what_annotators_get_names_no_method_and_no_original(desk: Desk) -> None:
    ada = ready(desk, "ada")
    got: list[object] = [desk.about(), desk.training_examples(), desk.sign_in(desk.token(ada))]
    pictures = b""
    while (item := desk.next_item(ada)) is not None:
        got.append(item)
        pictures += b"".join(desk.image(ada, image) for image in item.images)
        desk.skip(ada, item.id, "seen")
        got += [desk.item(ada, item.id), desk.previous_item(ada), desk.progress(ada)]
    bytes_served = pickle.dumps(got) + repr(got).encode() + pictures + desk.token(ada).encode()
    # No shorter words: chance would write them into random ids.
    for word in (*METHODS, "person 0", "person 3", "attention"):
        assert word.encode() not in bytes_served.lower()


def test_ids_and_order_tell_nothing_of_the_method(tmp_path: Path) -> None:
    """Over many items: where an item stands by its ids or in the database is as good as chance."""
    url, _ = make_sample_study(tmp_path, people=40)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        rows = connection.execute(
            "SELECT item.rowid, item.id, item.place, min(image.id), method FROM item "
            "JOIN image ON image.item_id = item.id WHERE role = 'rated' GROUP BY item.id"
        ).fetchall()
    assert len(rows) == 360
    for key in range(4):
        methods = [row[4] for row in sorted(rows, key=lambda row: row[key])]
        # A neighbour has the same method in 119 of 359 cases by chance, with an sd of about 9.
        same = sum(one == other for one, other in pairwise(methods))
        assert 119 - 50 < same < 119 + 50
        for method in METHODS:
            middle = sum(place for place, name in enumerate(methods) if name == method) / 120
            assert abs(middle - 179.5) < 50  # sd of such a mean: under 8


def test_an_admin_sees_all_and_rates_nothing(desk: Desk) -> None:
    boss, ada = admin(desk).add_annotator("boss", "admin"), ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    assert desk.item(boss, item.id).id == item.id
    assert desk.image(boss, item.images[0])
    with pytest.raises(DeskError):
        desk.next_item(boss)
    with pytest.raises(DeskError):
        desk.answer(boss, item.id, item.questions[0].id, 3, 1.0)

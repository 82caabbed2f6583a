"""The desk: who gets what, what is stored, going back, and what each call refuses."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sample_study import METHODS, make_sample_study, ready
from sqlalchemy import func, select

from annotator_ui import database as db
from annotator_ui.desk import LEASE_SECONDS, Desk, DeskError, Item
from humangenai.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def answer_all(desk: Desk, annotator: str, item: Item, value: int = 3) -> None:
    for question in item.questions:
        desk.answer(annotator, item.id, question.id, value, 2.0)


def rate(desk: Desk, annotator: str, most: int = 1000) -> list[Item]:
    """Answer items until there are no more, and give them."""
    items: list[Item] = []
    while len(items) < most and (item := desk.next_item(annotator)) is not None:
        answer_all(desk, annotator, item)
        items.append(item)
    return items


def stored(desk: Desk, table: db.Table) -> int:
    with desk._database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def loads(desk: Desk) -> dict[str, int]:
    """How many annotators the database says each rated item has."""
    table = desk.items()
    table = table[table["role"] == "rated"]
    return dict(zip(table["item"], table["annotators"], strict=True))


# The way of one annotator ------------------------------------------------------------------------


def test_from_the_link_to_the_end(either_desk: Desk) -> None:
    desk = either_desk
    ada = desk.add_annotator("ada")
    token = desk.token(ada)
    assert desk.sign_in(token).state == "consent"
    desk.consent(ada)
    assert desk.sign_in(token).state == "training"
    (example,) = desk.training_examples()
    assert (example.question_id, example.answer) == ("psi_A", 1)
    assert "same person" in example.explanation
    assert desk.image(ada, example.item.images[0])
    desk.finish_training(ada)
    assert desk.sign_in(token).state == "rating"

    items = rate(desk, ada)
    assert len({item.id for item in items}) == len(items) == 36 + 8  # all items, and all checks
    assert desk.sign_in(token).state == "done"
    assert desk.next_item(ada) is None
    progress = desk.progress(ada)
    assert (progress.done, progress.total) == (44, 44)
    assert progress.seconds == 2.0 * (24 + 12 * 3 + 8)

    answers = desk.answers()
    assert len(answers) == 24 + 12 * 3 + 8
    assert not answers.duplicated(["annotator", "item", "question"]).any()
    rated = answers[~answers["is_gold"] & ~answers["is_attention"]]
    assert rated.groupby("method").size().to_dict() == dict.fromkeys(METHODS, 20)
    assert (answers["value"] == 3).all()
    assert answers[answers["is_gold"]]["gold_value"].tolist() == [1.0] * 4
    assert answers[answers["is_attention"]]["gold_value"].tolist() == [2.0] * 4
    assert rated["gold_value"].isna().all()
    assert rated["source"].nunique() == 4
    assert str(answers["created"].dtype.tz) == "UTC"  # type: ignore[union-attr]
    assert desk.methods()["done"].tolist() == [12, 12, 12]
    assert desk.overview()["done"].sum() == 44


def test_an_item_waits_through_a_reload(either_desk: Desk) -> None:
    ada = ready(either_desk, "ada")
    first = either_desk.next_item(ada)
    assert first is not None
    if len(first.questions) > 1:
        either_desk.answer(ada, first.id, first.questions[0].id, 5, 1.0)
    again = Desk(either_desk._database.engine.url.render_as_string(False), "sample").next_item(ada)
    assert again is not None
    assert again.id == first.id


def test_partly_answered_items_come_back_with_their_answers(desk: Desk) -> None:
    ada = ready(desk, "ada")
    while len((item := desk.next_item(ada)).questions) < 3:  # type: ignore[union-attr]
        answer_all(desk, ada, item)  # type: ignore[arg-type]
    assert item is not None
    desk.answer(ada, item.id, "psi_C_realism", 4, 1.0)
    again = desk.next_item(ada)
    assert again is not None
    assert (again.id, dict(again.answers)) == (item.id, {"psi_C_realism": 4})


def test_orders_differ_between_annotators(desk: Desk) -> None:
    orders = [[item.id for item in rate(desk, ready(desk, name))] for name in ("a", "b", "c")]
    assert sorted(orders[0]) != orders[0]
    assert orders[0] != orders[1] != orders[2]
    assert set(orders[0]) == set(orders[1])


def test_back_and_forward_again(either_desk: Desk) -> None:
    desk = either_desk
    ada = ready(desk, "ada")
    assert desk.previous_item(ada) is None
    first, second = rate(desk, ada, 2)
    third = desk.next_item(ada)
    assert third is not None
    back = desk.previous_item(ada, third.id)
    assert back is not None
    assert back.id == second.id
    assert set(back.answers.values()) == {3}
    further = desk.previous_item(ada, back.id)
    assert further is not None
    assert further.id == first.id
    assert desk.previous_item(ada, first.id) is None
    answer_all(desk, ada, further, 5)
    forward = desk.following_item(ada, further.id)
    assert forward is not None
    assert forward.id == second.id
    current = desk.following_item(ada, second.id)
    assert current is not None
    assert current.id == third.id
    changed = desk.item(ada, first.id)
    assert set(changed.answers.values()) == {5}


def test_the_history_keeps_what_was_changed_and_repeats_change_nothing(either_desk: Desk) -> None:
    ada = ready(either_desk, "ada")
    item = either_desk.next_item(ada)
    assert item is not None
    question = item.questions[0].id
    for value in (2, 2, 4, 4, 2):
        either_desk.answer(ada, item.id, question, value, 1.5)
    assert len(either_desk.answers()) == 1
    assert either_desk.answers()["value"].tolist() == [2.0]
    with either_desk._database.reading() as connection:
        history = connection.scalars(
            select(db.answer_history.c.value).order_by(db.answer_history.c.id)
        ).all()
    assert history == [2, 4, 2]


def test_a_skipped_item_has_a_reason_and_no_value(either_desk: Desk) -> None:
    desk = either_desk
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    with pytest.raises(DeskError, match="why"):
        desk.skip(ada, item.id, "  ")
    desk.skip(ada, item.id, "picture is cut off")
    rows = desk.answers()
    assert rows["skipped"].all()
    assert rows["value"].isna().all()
    assert set(rows["reason"]) == {"picture is cut off"}
    assert desk.progress(ada).done == 1
    following = desk.next_item(ada)
    assert following is not None
    assert following.id != item.id
    back = desk.previous_item(ada, following.id)
    assert back is not None
    assert back.skipped
    answer_all(desk, ada, back, 1)
    assert not desk.item(ada, item.id).skipped
    assert desk.answers()["reason"].isna().all()


# Sharing the work --------------------------------------------------------------------------------


def test_everyone_takes_the_least_annotated_item(either_desk: Desk) -> None:
    desk = either_desk
    names = [ready(desk, f"a{number}") for number in range(6)]
    for turn in range(10):
        rate(desk, names[turn % 6], 5)
        spread = loads(desk).values()
        assert max(spread) - min(spread) <= 1


def test_an_item_gets_no_more_annotators_than_it_needs(tmp_path: Path) -> None:
    desk = Desk(*make_sample_study(tmp_path, people=2, raters_per_item=2))
    for name in "abcd":
        rate(desk, ready(desk, name))
    assert set(loads(desk).values()) == {2}


def test_items_per_annotator_is_a_limit(tmp_path: Path) -> None:
    desk = Desk(*make_sample_study(tmp_path, items_per_annotator=7))
    ada = ready(desk, "ada")
    assert desk.progress(ada).total == 7
    assert len(rate(desk, ada)) == 7
    assert desk.progress(ada) == desk.progress(ada).__class__(7, 7, desk.progress(ada).seconds)
    assert desk.sign_in(desk.token(ada)).state == "done"


def test_checks_come_in_their_share_and_at_no_fixed_place(tmp_path: Path) -> None:
    desk = Desk(*make_sample_study(tmp_path, people=10, raters_per_item=9))
    roles = desk.items().set_index("item")["role"]
    places = []
    for name in "abcdefgh":
        sequence = [roles[item.id] for item in rate(desk, ready(desk, name), 30)]
        found = [place for place, role in enumerate(sequence) if role != "rated"]
        assert len(found) == 6  # 2 of 10 in 30
        places += [place % 5 for place in found]
    assert len(set(places)) == 5


def test_who_walks_away_gives_the_item_back(tmp_path: Path, database_url: str) -> None:
    clock = Clock()
    desk = Desk(*make_sample_study(tmp_path, database_url, people=1, raters_per_item=1), clock)
    ada, bob = ready(desk, "ada"), ready(desk, "bob")
    item = desk.next_item(ada)
    assert item is not None
    while desk.items().set_index("item")["role"][item.id] != "rated":
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
    values = desk.answers().query("item == @item.id").groupby("annotator")["value"].max()
    assert values.to_dict() == {ada: 5.0, bob: 1.0}
    assert loads(desk)[item.id] == 2


def test_coming_back_late_renews_the_lease(tmp_path: Path) -> None:
    clock = Clock()
    desk = Desk(*make_sample_study(tmp_path), clock)
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    clock.now += 10 * LEASE_SECONDS
    again = desk.next_item(ada)
    assert item is not None
    assert again is not None
    assert again.id == item.id


# Withdrawal and closing --------------------------------------------------------------------------


def test_withdrawing_deletes_every_trace_of_the_answers(either_desk: Desk) -> None:
    desk = either_desk
    ada, bob = ready(desk, "ada lovelace"), ready(desk, "bob")
    rate(desk, ada, 9)
    held = desk.next_item(ada)
    rate(desk, bob, 9)
    before = desk.answers().query("annotator == @bob").reset_index(drop=True)
    desk.withdraw(ada)
    after = desk.answers()
    assert set(after["annotator"]) == {bob}
    assert after.reset_index(drop=True).equals(before)
    assert stored(desk, db.answer_history) == len(before)
    assert not desk.annotators()["name"].str.contains("ada").any()
    assert sum(loads(desk).values()) == sum(
        desk.overview().query("role == 'rated'")[["done", "open"]].sum()
    )
    assert desk.sign_in(desk.token(ada)).state == "withdrawn"
    assert held is not None
    for call in (
        lambda: desk.next_item(ada),
        lambda: desk.answer(ada, held.id, held.questions[0].id, 3, 1.0),
        lambda: desk.item(ada, held.id),
        lambda: desk.image(ada, held.images[0]),
        lambda: desk.finish_training(ada),
    ):
        with pytest.raises(DeskError):
            call()
    desk.consent(ada)
    assert desk.sign_in(desk.token(ada)).state == "withdrawn"


def test_a_closed_study_takes_no_answers(desk: Desk) -> None:
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    desk.close()
    assert desk.about().state == "closed"
    with pytest.raises(DeskError, match="closed"):
        desk.next_item(ada)
    with pytest.raises(DeskError, match="closed"):
        answer_all(desk, ada, item)
    desk.reopen()
    answer_all(desk, ada, item)


def test_nothing_before_the_consent_and_the_training(desk: Desk) -> None:
    ada = desk.add_annotator("ada")
    (example,) = desk.training_examples()
    with pytest.raises(DeskError):
        desk.image(ada, example.item.images[0])
    with pytest.raises(DeskError, match="consent"):
        desk.next_item(ada)
    with pytest.raises(DeskError, match="consent"):
        desk.finish_training(ada)
    desk.consent(ada)
    with pytest.raises(DeskError, match="training"):
        desk.next_item(ada)


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 6, -1, True, 2.5, None])
def test_answers_off_the_scale_are_refused(desk: Desk, value: int) -> None:
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    with pytest.raises(DeskError, match="1 to 5"):
        desk.answer(ada, item.id, item.questions[0].id, value, 1.0)
    assert desk.answers().empty


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_times_that_are_none_are_refused(desk: Desk, seconds: float) -> None:
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    with pytest.raises(DeskError, match="seconds"):
        desk.answer(ada, item.id, item.questions[0].id, 3, seconds)


def test_questions_of_other_items_are_refused(desk: Desk) -> None:
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    with pytest.raises(DeskError, match="no such question"):
        desk.answer(ada, item.id, "psi_Z", 3, 1.0)


def test_names_are_unique_and_not_empty(desk: Desk) -> None:
    desk.add_annotator("ada", identity="ada@example.org")
    with pytest.raises(UserError, match="already"):
        desk.add_annotator("ada")
    with pytest.raises(UserError, match="already"):
        desk.add_annotator("eda", identity="ada@example.org")
    with pytest.raises(UserError, match="characters"):
        desk.add_annotator("")
    assert desk.sign_in_as("ada@example.org").name == "ada"


def test_an_unknown_study_is_one_line(tmp_path: Path) -> None:
    url, _ = make_sample_study(tmp_path)
    with pytest.raises(UserError, match=r"no study 'smaple'.*known: sample"):
        Desk(url, "smaple")


def test_pictures_are_plain_pngs_of_one_size(desk: Desk) -> None:
    ada = ready(desk, "ada")
    sizes = Counter()
    for item in rate(desk, ada, 10):
        for image in item.images:
            data = desk.image(ada, image)
            with Image.open(io.BytesIO(data)) as picture:
                assert picture.format == "PNG"
                assert not picture.info
                sizes[picture.size] += 1
                assert np.asarray(picture).dtype == np.uint8
    assert len(sizes) == 1


def test_disagreements_come_first(desk: Desk) -> None:
    names = [ready(desk, name) for name in "abc"]
    items = {}
    for number, name in enumerate(names):
        while (item := desk.next_item(name)) is not None:
            items[item.id] = item
            answer_all(desk, name, item)
            if number == 2 and items and item.id == min(items):
                answer_all(desk, name, item, 1)
    table = desk.items_by_disagreement()
    assert table["sd"].is_monotonic_decreasing
    worst = table.iloc[0]
    assert worst["item"] == min(items)
    assert (worst["n"], worst["lowest"], worst["highest"]) == (3, 1, 3)
    assert worst["sd"] == pytest.approx(np.std([3, 3, 1]))

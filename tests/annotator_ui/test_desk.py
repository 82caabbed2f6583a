"""The annotators' desk: what is stored, going back, and what each call refuses."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from sample_study import METHODS, admin, answer_all, make_sample_study, rate, ready
from sqlalchemy import func, select

from annotator_ui import database as db
from annotator_ui.desk import Desk
from annotator_ui.permissions import DeskError
from annotator_ui.study import open_study

if TYPE_CHECKING:
    from pathlib import Path


def stored(desk: Desk, table: db.Table) -> int:
    with desk.study.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# The way of one annotator ------------------------------------------------------------------------


def test_from_the_link_to_the_end(either_desk: Desk) -> None:
    desk = either_desk
    ada = admin(desk).add_annotator("ada")
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

    answers = admin(desk).answers()
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
    assert admin(desk).methods()["done"].tolist() == [12, 12, 12]
    assert admin(desk).overview()["done"].sum() == 44


def test_an_item_waits_through_a_reload(either_desk: Desk) -> None:
    ada = ready(either_desk, "ada")
    first = either_desk.next_item(ada)
    assert first is not None
    if len(first.questions) > 1:
        either_desk.answer(ada, first.id, first.questions[0].id, 5, 1.0)
    url = either_desk.study.database.engine.url.render_as_string(hide_password=False)
    again = Desk(open_study(url, "sample")).next_item(ada)
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
    assert len(admin(either_desk).answers()) == 1
    assert admin(either_desk).answers()["value"].tolist() == [2.0]
    with either_desk.study.database.reading() as connection:
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
    rows = admin(desk).answers()
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
    assert admin(desk).answers()["reason"].isna().all()


# Withdrawal and closing --------------------------------------------------------------------------


def test_who_withdraws_is_in_none_of_sqlites_files(tmp_path: Path) -> None:
    desk = Desk(open_study(*make_sample_study(tmp_path)))
    eve = ready(desk, "eve of the long name")
    item = desk.next_item(eve)
    assert item is not None
    desk.skip(eve, item.id, "because of a rare secret")
    files = list(tmp_path.rglob("study.db*"))

    def found() -> set[bytes]:
        words = (b"eve of the long name", b"a rare secret")
        return {word for word in words for path in files if word in path.read_bytes()}

    assert len(found()) == 2
    desk.withdraw(eve)
    assert found() == set()


def test_withdrawing_deletes_every_trace_of_the_answers(either_desk: Desk) -> None:
    desk = either_desk
    ada, bob = ready(desk, "ada lovelace"), ready(desk, "bob")
    rate(desk, ada, 9)
    held = desk.next_item(ada)
    rate(desk, bob, 9)
    before = admin(desk).answers().query("annotator == @bob").reset_index(drop=True)
    desk.withdraw(ada)
    after = admin(desk).answers()
    assert set(after["annotator"]) == {bob}
    assert after.reset_index(drop=True).equals(before)
    assert stored(desk, db.answer_history) == len(before)
    assert not admin(desk).annotators()["name"].str.contains("ada").any()
    loads = admin(desk).items().query("role == 'rated'")["annotators"]
    assert loads.sum() == sum(
        admin(desk).overview().query("role == 'rated'")[["done", "open"]].sum()
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
    admin(desk).close()
    assert desk.about().state == "closed"
    with pytest.raises(DeskError, match="closed"):
        desk.next_item(ada)
    with pytest.raises(DeskError, match="closed"):
        answer_all(desk, ada, item)


def test_nothing_before_the_consent_and_the_training(desk: Desk) -> None:
    ada = admin(desk).add_annotator("ada")
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
    assert admin(desk).answers().empty


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

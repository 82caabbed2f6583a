"""What a study says while it goes on: the tables of its page and of ``study agreement``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sample_study import admin, answer_all, rate, ready

from annotator_ui.summaries import summary_tables
from humangenai.errors import UserError
from humangenai.human_ratings.questions import preference_question
from humangenai.report.tables import markdown

if TYPE_CHECKING:
    from annotator_ui.desk import Desk


def test_scores_and_agreement_with_and_without_flagged_annotators(desk: Desk) -> None:
    ada, bob = ready(desk, "ada"), ready(desk, "bob")
    rate(desk, ada)
    while (item := desk.next_item(bob)) is not None:
        answer_all(desk, bob, item, 5)
    ratings, differences, agreement = summary_tables(admin(desk).answers(), [bob])
    assert [row[0].value for row in ratings.rows[::2]] == ["maskout", "refsd[tiny]", "weakblur"]
    assert [row[2].value for row in ratings.rows[:2]] == ["4.0 ± 1.1", "3.0 ± 0.0"]
    assert "without flagged annotators (1)" in ratings.note
    assert all(row[1].value in ("0.00", "+0.00") for row in differences.rows)
    assert agreement.rows[0][0].value == "ψ_A privacy"


def test_a_study_of_preferences_alone(desk: Desk) -> None:
    rate(desk, ready(desk, "ada"))
    answers = admin(desk).answers().query("question == 'psi_A'")
    compared = answers.assign(question=preference_question("body").id, against="maskout")
    (table,) = summary_tables(compared[compared["method"] != "maskout"].assign(value=1.0))
    assert "preferred" in table.title
    assert {row[0].value for row in table.rows} == {"maskout", "refsd[tiny]", "weakblur"}
    assert "log odds" in markdown(table)


def test_before_anybody_counts(desk: Desk) -> None:
    with pytest.raises(UserError, match="nobody has answered"):
        summary_tables(admin(desk).answers())
    ada = ready(desk, "ada")
    item = desk.next_item(ada)
    assert item is not None
    desk.skip(ada, item.id, "too dark")
    assert summary_tables(admin(desk).answers()) == []
    answer_all(desk, ada, item)
    rate(desk, ada)
    (ratings,) = summary_tables(admin(desk).answers(), [ada])  # only a flagged one
    assert ratings.rows[1][2].value == "–"

"""The keys that are shown are the keys that answer."""

from __future__ import annotations

import pytest

from annotator_ui.texts import KEYS
from annotator_ui.views.rating import answer_keys
from humangenai.human_ratings.questions import preference_question, questions


@pytest.mark.parametrize("track", ["face", "body"])
def test_keys_of_answers_are_those_of_the_instructions(track) -> None:
    explained = [key for key, _ in KEYS]
    pairwise = preference_question(track)
    assert " / ".join(answer_keys(pairwise)) in explained
    assert dict(zip(pairwise.anchors, answer_keys(pairwise), strict=True))["No difference"] == "0"
    for symbol in ("psi_A", "psi_B", "psi_C"):
        for question in questions(track, symbol):
            assert answer_keys(question) == ("1", "2", "3", "4", "5")
    assert "1 – 5" in explained

"""What a checkpoint was taught: lists, broader words, and prompts that stay within them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsd.prompts import (
    VOCABULARY,
    PromptConfig,
    PromptError,
    Scope,
    canonical,
    load_scope,
    make_prompt,
    write_scope,
)
from refsd.prompts.drawing import draw
from refsd.prompts.scope import _BROADER
from refsd.training.captions import taught

if TYPE_CHECKING:
    from pathlib import Path

TAUGHT = taught()
ANYTHING = st.dictionaries(
    st.sampled_from([key for key, attribute in VOCABULARY.items() if attribute.values]),
    st.integers(0, 1000),
).map(
    lambda some: {k: VOCABULARY[k].values[n % len(VOCABULARY[k].values)] for k, n in some.items()}
)


def test_broader_words_are_words_of_the_vocabulary() -> None:
    for key, table in _BROADER.items():
        for value, (other, broad) in table.items():
            assert value in VOCABULARY[key].values, (key, value)
            assert broad in VOCABULARY[other].values, (other, broad)


@given(ANYTHING)
def test_what_is_translated_is_taught(attributes: dict[str, str]) -> None:
    said, lost = TAUGHT.translate(attributes)
    assert all(TAUGHT.covers(key, value) for key, value in said.items())
    assert set(lost) <= set(attributes)
    again, nothing = TAUGHT.translate(said)
    assert (again, nothing) == (said, ())


@given(ANYTHING)
def test_what_is_taught_stays_as_it_is(attributes: dict[str, str]) -> None:
    taught_ones = {k: v for k, v in attributes.items() if TAUGHT.covers(k, v)}
    assert TAUGHT.translate(taught_ones)[0] == taught_ones


def test_ages_are_said_as_the_nearest_one_within_five_years() -> None:
    scope = Scope({"age": ("20", "30")})
    assert scope.nearest("age", "23") == ("age", "20")
    assert scope.nearest("age", "35") == ("age", "30")
    assert scope.nearest("age", "36") is None
    assert not scope.covers("age group", "elderly")


def test_nationalities_are_out_of_scope() -> None:
    assert TAUGHT.nearest("ethnicity", "Japanese") is None
    assert set(TAUGHT.values["ethnicity"]) == {"Black", "East Asian", "White"}


@given(st.integers(0, 10_000))
def test_what_is_drawn_can_be_said(seed: int) -> None:
    drawn = draw({}, np.random.default_rng(seed), clothes=True, scope=TAUGHT)
    absent = {key for key, value in drawn.items() if value == "none"}
    assert not set(TAUGHT.translate(drawn)[1]) - absent


def test_a_prompt_says_what_the_checkpoint_cannot_show() -> None:
    config = PromptConfig(mode="suite", style="")
    asked = {"gender": "female", "upper colour": "navy", "occupation": "pilot"}
    prompt = make_prompt(config, asked, {}, seed=1, index=0, scope=TAUGHT)
    assert prompt.attributes == {"gender": "female", "upper colour": "blue"}
    assert prompt.positive == "a full-length photo of a woman, wearing a blue top"
    assert prompt.dropped == ("occupation: pilot (the checkpoint was never taught it)",)
    whole = make_prompt(config, asked, {}, seed=1, index=0)
    assert "pilot" in whole.positive


def test_the_list_survives_the_disk(tmp_path: Path) -> None:
    assert load_scope(tmp_path) is None
    write_scope(TAUGHT, tmp_path)
    assert load_scope(tmp_path) == TAUGHT
    # What is written is in the vocabulary's own words.
    for key, values in TAUGHT.values.items():
        for value in values:
            assert canonical({key: value}, free=False) == {key: value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        (json.dumps({"format": 2, "attributes": {}}), "format 2"),
        (json.dumps({"format": 1, "attributes": {"aura": ["red"]}}), "'aura'"),
        (json.dumps({"format": 1, "attributes": []}), "cannot be read"),
    ],
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "vocabulary.json").write_text(text, encoding="utf-8")
    with pytest.raises(PromptError, match=said):
        load_scope(tmp_path)

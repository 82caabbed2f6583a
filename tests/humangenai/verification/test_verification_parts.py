"""The smaller parts of a verification, each on its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from humangenai.datasets import TruePerson
from humangenai.records import ItemRecord, PersonRecord
from humangenai.verification.leak import judge, person_leaks
from humangenai.verification.names import LEAST, Words, own_words
from humangenai.verification.noise import choose
from humangenai.verification.opened import processed
from humangenai.verification.outside import compare_outside
from humangenai.verification.records import Finding, conclude
from refsd import masks
from refsd.people import Person

SHAPE = (60, 40)


def person(x0: int, y0: int, x1: int, y1: int) -> Person:
    mask = np.ones((y1 - y0, x1 - x0), dtype=np.bool_)
    mask[0, 0] = False
    return Person(np.array([x0, y0, x1, y1], np.float32), (x0, y0, x1, y1), mask)


def test_words_are_found_whole_whatever_their_case() -> None:
    words = Words({"IMG_0042": "a name", "photos/anna b": "a path", "123456": "a number"})
    assert words.found("see img_0042.JPG") == {"a name"}
    assert words.found("in Photos/Anna B, 123456") == {"a path", "a number"}
    assert words.found("XIMG_0042 img_00421 1234567 photos/annab") == set()


@given(
    st.text("ab1_/. ", min_size=LEAST, max_size=8), st.text("ab1_/. ", max_size=20), st.booleans()
)
def test_words_are_found_as_a_slow_search_finds_them(word: str, text: str, within: bool) -> None:
    assume(any(sign.isalnum() for sign in word))
    text = f"{text} {word} {text}" if within else text
    places = [i for i in range(len(text)) if text.startswith(word, i)]
    whole = any(
        not (i > 0 and text[i - 1].isalnum())
        and not text[i + len(word) : i + len(word) + 1].isalnum()
        for i in places
    )
    assert bool(Words({word: "it"}).found(text)) == whole


def test_words_of_the_suite_itself_tell_nothing() -> None:
    words = {"crowd", "maskout", "manifest_hash", "person", "gallery", "coverage", "left_ankle"}
    assert words <= own_words()
    assert not {"anna", "img_0042", "astronaut", "grace_hopper"} & own_words()


def test_leaks_are_shares_of_each_true_person() -> None:
    region = np.zeros(SHAPE, dtype=np.bool_)
    region[:30] = True
    true = np.zeros(SHAPE, dtype=np.bool_)
    true[20:40, 10:20] = True
    truth = [
        TruePerson(np.zeros(4, np.float32), mask) for mask in (true, region, np.zeros_like(region))
    ]
    assert person_leaks(truth, region) == [0.5, 0.0]


def test_a_missed_person_fails_however_small_the_mean() -> None:
    findings, figures = judge({f"{i:x}": [0.0] for i in range(999)} | {"f00": [1.0]})
    assert [finding.where for finding in findings] == ["f00"]
    assert figures["missed"] == 1
    assert math.isclose(figures["mean"], 0.001)
    findings, figures = judge({"a": [0.004], "b": [0.0058]})
    assert not findings
    assert figures["max"] == 0.0058
    findings, _ = judge({"a": [0.004], "b": [0.0062]})
    assert [finding.where for finding in findings] == ["b"]
    assert judge({"a": []})[0] == []


def test_the_region_is_what_the_line_says_was_done() -> None:
    people = [person(5, 5, 15, 30), person(20, 10, 34, 50), person(0, 40, 10, 60)]
    outcomes = [
        PersonRecord(index=0, status="replaced", avatar="bank/1"),
        PersonRecord(index=1, status="masked", reason="no pose was found"),
        PersonRecord(index=2, status="kept"),
    ]
    expected = masks.region(people[0], SHAPE) | masks.box_region(people[1], SHAPE)
    assert np.array_equal(processed(people, outcomes, SHAPE), expected)
    with pytest.raises(ValueError, match="zip"):
        processed(people, outcomes[:2], SHAPE)


def test_every_kind_of_outcome_is_in_the_sample() -> None:
    def line(*people: PersonRecord) -> ItemRecord:
        return ItemRecord(method="m", key="k", content="c", status="done", people=people)

    replaced = PersonRecord(index=0, status="replaced")
    fallback = PersonRecord(index=0, status="masked", reason="no pose was found")
    lines = {f"{i:02d}": line(replaced) for i in range(20)} | {"20": line(fallback)}
    assert choose(lines, 3) == ["00", "20", "01"]
    assert sorted(choose(lines, None)) == sorted(lines)
    assert choose({}, 3) == []


def test_only_differences_outside_the_region_count() -> None:
    original = np.zeros((*SHAPE, 3), dtype=np.uint8)
    region = np.zeros(SHAPE, dtype=np.bool_)
    region[10:20, 10:20] = True
    picture = original.copy()
    picture[10:20, 10:20] = 200
    assert compare_outside(original, picture, region) is None
    picture[20, 10, 1] = 1
    assert compare_outside(original, picture, region) == (
        "1 pixels outside the masks are not the original's"
    )
    assert "it is 40 x 59" in str(compare_outside(original, picture[1:], region))


def test_what_is_wrong_outweighs_what_is_unknown() -> None:
    wrong = [Finding(where="a", what="b")]
    assert conclude(wrong, "gone") == ("failed", "gone")
    assert conclude([], "gone") == ("not checked", "gone")
    assert conclude([]) == ("passed", None)

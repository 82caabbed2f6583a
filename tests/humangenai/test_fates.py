from __future__ import annotations

import numpy as np

from humangenai.datasets import TruePerson
from humangenai.fates import fates_and_leaks
from refsd import masks
from refsd.people import Person, PersonOutcome

SHAPE = (200, 200)


def person(x0: int, y0: int, x1: int, y1: int) -> Person:
    box = np.array([x0, y0, x1, y1], np.float32)
    return Person(box, (x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), np.bool_))


def true(x0: int, y0: int, x1: int, y1: int) -> TruePerson:
    mask = np.zeros(SHAPE, np.bool_)
    mask[y0:y1, x0:x1] = True
    return TruePerson(np.array([x0, y0, x1, y1], np.float32), mask)


def test_a_person_who_is_covered_has_the_status_of_who_covers_them() -> None:
    outcomes = [PersonOutcome(0, "masked"), PersonOutcome(1, "replaced")]
    people = [person(10, 10, 50, 90), person(100, 10, 150, 90)]
    fates, leaks = fates_and_leaks(
        [true(100, 10, 150, 90), true(10, 10, 50, 90)], people, outcomes, SHAPE
    )
    assert fates == ("replaced", "masked")
    assert leaks == (0.0, 0.0)


def test_a_person_whom_nobody_covers_is_missed_and_leaks_wholly() -> None:
    fates, leaks = fates_and_leaks(
        [true(120, 120, 180, 180)], [person(10, 10, 50, 90)], [PersonOutcome(0, "masked")], SHAPE
    )
    assert fates == ("missed",)
    assert leaks == (1.0,)


def test_nobody_found_is_missed() -> None:
    assert fates_and_leaks([true(0, 0, 9, 9)], [], [], SHAPE) == (("missed",), (1.0,))


def test_a_person_who_is_kept_leaks_wholly() -> None:
    fates, leaks = fates_and_leaks(
        [true(10, 10, 50, 90)], [person(10, 10, 50, 90)], [PersonOutcome(0, "kept")], SHAPE
    )
    assert fates == ("kept",)
    assert leaks == (1.0,)


def test_the_leak_is_the_share_outside_the_region() -> None:
    found = person(10, 10, 50, 110)  # its region grows by 4 pixels, 4 % of 100
    region = masks.region(found, SHAPE)
    truth = true(10, 10, 90, 110)
    fates, leaks = fates_and_leaks([truth], [found], [PersonOutcome(0, "masked")], SHAPE)
    assert fates == ("masked",)
    assert leaks == (float((truth.mask & ~region).sum()) / float(truth.mask.sum()),)
    assert 0.44 < leaks[0] < 0.46


def test_after_a_fallback_the_whole_box_counts_as_processed() -> None:
    mask = np.zeros((100, 60), np.bool_)
    mask[:, :20] = True
    found = Person(np.array([10, 10, 70, 110], np.float32), (10, 10, 70, 110), mask)
    truth = [true(10, 10, 70, 110)]
    chosen = fates_and_leaks(truth, [found], [PersonOutcome(0, "masked")], SHAPE)
    fallen = fates_and_leaks(truth, [found], [PersonOutcome(0, "masked", "no pose")], SHAPE)
    assert chosen[0] == ("missed",)
    assert fallen == (("masked",), (0.0,))


def test_a_true_person_without_a_visible_pixel_is_not_counted() -> None:
    assert fates_and_leaks([true(5, 5, 5, 5)], [], [], SHAPE) == ((), ())

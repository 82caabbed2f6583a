import numpy as np
import pytest

from humangenai.attributes import labels_of
from humangenai.datasets import TruePerson
from humangenai.errors import UserError
from refsd.people import Person


def true_person(x0: int, x1: int, **attributes: str) -> TruePerson:
    mask = np.zeros((40, 60), dtype=np.bool_)
    mask[5:35, x0:x1] = True
    return TruePerson(np.array([x0, 5, x1, 35], np.float32), mask, attributes=attributes)


def found_person(x0: int, x1: int) -> Person:
    box = np.array([x0, 5, x1, 35], np.float32)
    return Person(box, (x0, 5, x1, 35), np.ones((30, x1 - x0), np.bool_))


def test_each_found_person_gets_the_labels_of_the_true_one_under_it() -> None:
    truth = [true_person(2, 12, gender="female"), true_person(40, 50, gender="male")]
    found = [found_person(41, 51), found_person(20, 30), found_person(1, 12)]
    assert labels_of(truth, found, "toy") == [{"gender": "male"}, {}, {"gender": "female"}]


def test_nobody_gets_the_same_labels_twice() -> None:
    truth = [true_person(10, 20, gender="female")]
    found = [found_person(8, 24), found_person(10, 21)]
    assert labels_of(truth, found, "toy") == [{}, {"gender": "female"}]


def test_a_box_around_a_person_counts_although_its_overlap_is_small() -> None:
    truth = [true_person(10, 14, gender="female")]
    assert labels_of(truth, [found_person(2, 30)], "toy") == [{"gender": "female"}]


def test_half_a_person_is_somebody_else() -> None:
    truth = [true_person(10, 20, gender="female")]
    assert labels_of(truth, [found_person(16, 40)], "toy") == [{}]


def test_a_dataset_without_labels_cannot_be_preserved() -> None:
    with pytest.raises(UserError, match=r"'photos' has no labels .*choose mode 'random'"):
        labels_of(None, [found_person(1, 2)], "photos")

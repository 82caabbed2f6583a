"""ϕ's lists: what the paper's figures show, in words that prompts know."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from pydantic import ValidationError

from humangenai.attribute_fidelity.suites import SUITES, Asked, Pair, load_suite
from refsd.prompts import Scope
from refsd.training.captions import taught


def test_the_lists_have_the_papers_sizes() -> None:
    single, chained = load_suite("phi_B"), load_suite("phi_C")
    assert Counter(p.group for p in single.prompts) == {"ethnicity": 7, "emotion": 7, "face": 36}
    assert Counter(p.group for p in chained.pairs) == {
        "ethnicity": 10, "age": 7, "emotion": 6, "skin tone": 6,
    }  # fmt: skip
    for name in SUITES:
        names = [entry.name for entry in load_suite(name).entries()]
        assert len(set(names)) == len(names)


def test_pairs_are_chained() -> None:
    pairs = load_suite("phi_C").pairs
    for one, following in pairwise(pairs):
        assert one.group != following.group or one.after == following.before


def test_what_refsd_tiny_was_taught_covers_enough_of_both() -> None:
    scope = taught()
    single, chained = load_suite("phi_B").covered(scope), load_suite("phi_C").covered(scope)
    assert len(single) >= 20
    assert len(chained) >= 10
    # Nationalities are out of scope: the body model knows three ancestries and no nation.
    assert not any("Korean" in name for name in chained)
    assert {"Happy", "bald", "bangs"} <= set(single)
    assert not {"Indian", "necktie", "attractive"} & set(single)


def test_where_nobody_knows_what_was_taught_everything_is_scored() -> None:
    assert len(load_suite("phi_B").covered(None)) == 50
    assert load_suite("phi_B").covered(Scope({})) == []


def test_words_that_prompts_do_not_know_are_refused() -> None:
    with pytest.raises(ValidationError, match="aura"):
        Asked(name="x", group="y", attributes={"aura": "red"})
    with pytest.raises(ValidationError, match="own words"):
        Asked(name="x", group="y", attributes={"hair colour": "blonde"})
    with pytest.raises(ValidationError, match="no attribute"):
        Pair(name="x", group="y", key="aura", before="a", after="b")

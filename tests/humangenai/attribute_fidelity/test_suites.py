"""ϕ's lists: what the paper's figures show, in words that prompts know."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from pydantic import ValidationError

from humangenai.attribute_fidelity.suites import SUITES, Asked, Pair, SuiteName, load_suite
from refsd.prompts import VOCABULARY, Scope
from refsd.prompts.wording import visible
from refsd.training.captions import taught

PAGE = Path(__file__).parents[3] / "docs" / "attribute-fidelity-pictures.md"


def test_the_lists_have_the_papers_sizes() -> None:
    single, chained = load_suite("phi_B"), load_suite("phi_C")
    assert len(load_suite("phi_D").prompts) == 100
    assert Counter(p.group for p in single.prompts) == {"ethnicity": 7, "emotion": 7, "face": 36}
    assert Counter(p.group for p in chained.pairs) == {
        "ethnicity": 10, "age": 7, "emotion": 6, "skin tone": 6,
    }  # fmt: skip
    for name in SUITES:
        names = [entry.name for entry in load_suite(name).entries()]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "version", "content"), [
    ("phi_A", 1, "c898f4af22ead29c"),
    ("phi_B", 1, "ada0cb29919e82a8"),
    ("phi_C", 1, "130c498ad094583b"),
    ("phi_D", 1, "cfe0b89c50a6d546"),
])  # fmt: skip
def test_a_suite_that_asks_something_else_has_another_version(
    name: SuiteName, version: int, content: str
) -> None:
    suite = load_suite(name)
    asked = [entry.model_dump(exclude_defaults=True) for entry in suite.entries()]
    data = json.dumps(asked, sort_keys=True).encode()
    found = (suite.version, hashlib.sha256(data).hexdigest()[:16])
    assert found == (version, content), "what is asked has changed: give the suite a new version"


def test_every_level_says_all_that_the_one_before_it_says() -> None:
    subjects = groupby(load_suite("phi_A").prompts, key=lambda prompt: prompt.subject)
    described = {subject: list(prompts) for subject, prompts in subjects}
    assert 12 <= len(described) <= 16
    for prompts in described.values():
        assert [prompt.group for prompt in prompts] == ["simple", "medium", "complex"]
        simple, medium, complex_ = (prompt.attributes.items() for prompt in prompts)
        assert simple < medium < complex_
        assert len(simple) <= 2
        assert 3 <= len(medium) <= 5
        assert len(complex_) >= 6


@pytest.mark.parametrize("name", SUITES)
def test_pictures_can_show_what_is_asked(name: SuiteName) -> None:
    suite = load_suite(name)
    for entry in suite.entries():
        keys = [entry.key] if isinstance(entry, Pair) else list(entry.attributes)
        assert all(visible(key, suite.view) for key in keys), entry.name


def test_pairs_are_chained() -> None:
    pairs = load_suite("phi_C").pairs
    for one, following in pairwise(pairs):
        assert one.group != following.group or one.after == following.before


def test_what_refsd_tiny_was_taught_covers_enough_of_both() -> None:
    scope = taught()
    single, chained = load_suite("phi_B").covered(scope), load_suite("phi_C").covered(scope)
    assert len(single) >= 20
    assert len(chained) >= 10
    assert len(load_suite("phi_D").covered(scope)) >= 40
    # Nationalities are out of scope: the body model knows three ancestries and no nation.
    assert not any("Korean" in name for name in chained)
    assert {"Happy", "bald", "bangs"} <= set(single)
    assert not {"Indian", "necktie", "attractive"} & set(single)


def test_a_subject_is_scored_at_all_levels_or_at_none() -> None:
    suite = load_suite("phi_A")
    everything = {key: attribute.values for key, attribute in VOCABULARY.items()}
    ages = tuple(str(age) for age in range(90))
    some = Scope({**everything, "age": ages, "glasses": ()})
    covered = set(suite.covered(some))
    for prompt in suite.prompts:
        levels = {p.name for p in suite.prompts if p.subject == prompt.subject}
        assert levels <= covered or not levels & covered
    assert 0 < len(covered) < len(suite.prompts)
    assert len(suite.covered(taught())) >= 3 * 10


@pytest.mark.parametrize("name", SUITES)
def test_the_page_says_how_much_refsd_tiny_was_taught(name: SuiteName) -> None:
    suite = load_suite(name)
    row = f"| {len(suite.entries())} | {len(suite.covered(taught()))} |"
    symbol = name.replace("phi", "ϕ")
    assert any(symbol in line and row in line for line in PAGE.read_text().splitlines())


def test_where_nobody_knows_what_was_taught_everything_is_scored() -> None:
    assert len(load_suite("phi_B").covered(None)) == 50
    assert load_suite("phi_B").covered(Scope({})) == []


def test_words_that_prompts_do_not_know_are_refused() -> None:
    with pytest.raises(ValidationError, match="aura"):
        Asked(name="x", group="y", attributes={"aura": "red"})
    with pytest.raises(ValidationError, match="own words"):
        Asked(name="x", group="y", attributes={"hair colour": "blonde"})
    with pytest.raises(ValidationError, match="contradict"):
        Asked(name="x", group="y", attributes={"hair": "bald", "hair colour": "black"})
    with pytest.raises(ValidationError, match="no attribute"):
        Pair(name="x", group="y", key="aura", before="a", after="b")

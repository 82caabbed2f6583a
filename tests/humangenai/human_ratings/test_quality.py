"""Who is flagged: signs one by one, and programs who click at random among careful ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator_ui.simulation import simulated_answers as study
from humangenai.human_ratings.quality import (
    entropy,
    flagged,
    flags,
    longest_run,
    quality_table,
    unlikely_run,
)


@pytest.mark.parametrize(("items", "gold", "attention"), [(54, 3, 3), (90, 5, 5), (180, 10, 10)])
@pytest.mark.parametrize("mean", [3.0, 4.0])
def test_random_clickers_are_caught_and_careful_people_are_not(
    items: int, gold: int, attention: int, mean: float
) -> None:
    """Checks are a tenth of the items, as in a study's default."""
    counts = {"careful": 60, "random": 20}
    caught = {"careful": 0, "random": 0}
    for seed in range(2):
        for name in flagged(study(counts, items, gold, attention, seed=seed, mean=mean), 1.0):
            caught[name.split()[0]] += 1
    assert caught["random"] / 40 >= 0.9
    assert caught["careful"] / 120 < 0.05


def test_most_random_clickers_are_caught_without_any_check() -> None:
    caught = flagged(study({"careful": 40, "random": 10}, 100, 0, 0, seed=5))
    assert len([name for name in caught if name.startswith("random")]) >= 9
    assert not [name for name in caught if name.startswith("careful")]


def test_straight_liners_are_caught_without_any_check() -> None:
    table = study({"careful": 20, "straight": 5}, 60, 0, 0, seed=6)
    found = {quality.annotator: quality for quality in flags(table)}
    for name, quality in found.items():
        assert bool(quality.reasons) == name.startswith("straight")
        if quality.reasons:
            assert any("60 times" in reason for reason in quality.reasons)
            assert quality.entropy == 0
            assert quality.others > 1


def test_nobody_is_flagged_where_everything_is_rated_alike() -> None:
    table = study({"careful": 12}, 80, 4, 4, seed=7, mean=6.0)
    assert flagged(table) == frozenset()


def test_too_quick() -> None:
    table = study({"careful": 6}, 40, 2, 2, seed=8)
    hasty = table["annotator"] == "careful 3"
    table.loc[hasty, "seconds"] = 0.6
    found = flags(table, minimum_seconds=1.0)
    assert found[0].annotator == "careful 3"
    assert "less than 0.6 s (minimum 1 s)" in found[0].reasons[0]
    assert not any(quality.reasons for quality in found[1:])
    assert flagged(table, minimum_seconds=0.5) == frozenset()


def test_failed_checks_are_told() -> None:
    table = study({"careful": 6}, 40, 5, 5, seed=9)
    careless = table["annotator"] == "careful 2"
    table.loc[careless & table["is_gold"], "value"] = 6 - table["gold_value"]
    table.loc[careless & table["is_attention"], "value"] = table["gold_value"] % 5 + 1
    (first, *others) = flags(table)
    assert first.gold == (0.0, 5)
    assert first.attention == (0.0, 5)
    assert first.reasons[0] == "5 of 5 gold items wrong, 5 of 5 attention checks failed"
    assert not any(quality.reasons for quality in others)


def test_one_misjudged_picture_is_one_failure_whatever_is_asked_about_it() -> None:
    table = study({"careful": 4}, 20, 4, 4, seed=10)
    checks = table["is_gold"] | table["is_attention"]
    others = [table[checks].assign(question=name) for name in ("psi_B", "psi_C")]
    table = pd.concat([table, *others], ignore_index=True)
    misjudged = (table["annotator"] == "careful 1") & (table["item"] == "gold 1")
    table.loc[table["is_gold"] | table["is_attention"], "value"] = table["gold_value"]
    table.loc[misjudged, "value"] = 1.0
    found = {quality.annotator: quality for quality in flags(table)}
    assert found["careful 1"].gold == (0.75, 4)
    assert not found["careful 1"].reasons


def test_one_step_beside_a_gold_answer_is_right() -> None:
    table = study({"careful": 3}, 20, 6, 0, seed=10)
    table.loc[table["is_gold"], "value"] = (table["gold_value"] - 3) / 2 + 3
    assert all(quality.gold == (1.0, 6) for quality in flags(table))


def test_skipped_items_and_few_answers_flag_nobody() -> None:
    table = study({"careful": 3}, 30, 2, 2, seed=11)
    table.loc[table["annotator"] == "careful 0", ["value", "skipped"]] = [math.nan, True]
    found = {quality.annotator: quality for quality in flags(table)}
    assert found["careful 0"].answers == 0
    assert found["careful 0"].skipped == 1
    assert math.isnan(found["careful 0"].seconds)
    assert not found["careful 0"].reasons
    alone = flags(study({"straight": 1}, 5, 0, 0, seed=12), 99.0)
    assert not alone[0].reasons


def test_the_table_shows_everything() -> None:
    found = flags(study({"careful": 4, "random": 1}, 60, 3, 3, seed=13))
    table = quality_table(found)
    assert table["annotator"].tolist() == [quality.annotator for quality in found]
    assert table["flagged"].tolist() == [True, False, False, False, False]
    assert table.notna().all(axis=None)
    assert list(quality_table([]).columns) == list(table.columns)
    assert flags(study({"careful": 1}, 5, 0, 0, seed=1)[:0]) == []


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_longest_run_is_the_plain_loops(values: list[int]) -> None:
    best = run = 0
    for at, value in enumerate(values):
        run = run + 1 if at and value == values[at - 1] else 1
        best = max(best, run)
    length, value = longest_run(np.array(values))
    assert length == best
    assert str([value] * length).strip("[]") in str(values)


def test_unlikely_runs_are_that_unlikely() -> None:
    rng = np.random.default_rng(14)
    limit = unlikely_run(100, 0.6, 0.05)
    reached = 0
    for _ in range(4000):
        ones = rng.random(100) < 0.6
        run, value = longest_run(np.where(ones, 1, np.arange(100) + 2))
        reached += value == 1 and run >= limit
    assert 0.01 < reached / 4000 < 0.06
    assert math.isinf(unlikely_run(100, 1.0, 0.05))


def test_entropy_is_scipys() -> None:
    from scipy.stats import entropy as reference

    counts = np.array([3.0, 0.0, 5.0, 1.0, 1.0])
    assert entropy(counts) == pytest.approx(reference(counts, base=2))

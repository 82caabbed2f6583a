"""Agreement against the reference packages, published examples and its own properties."""

from __future__ import annotations

import json
import math
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from humangenai.human_ratings.agreement import (
    agreement,
    explain,
    gwet_ac2,
    krippendorff_alpha,
    rating_table,
    raw_agreement,
)

NAN = math.nan
REFERENCE = json.loads(
    Path(__file__).with_name("irrcac_reference.json").read_text(encoding="utf-8")
)
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
"""Krippendorff, *Computing Krippendorff's Alpha-Reliability* (2011), part C."""

ratings = arrays.arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(2, 12)),
    elements=st.sampled_from([1.0, 2.0, 3.0, 4.0, 5.0, NAN]),
)


def test_alpha_of_the_textbook() -> None:
    assert krippendorff_alpha(TEXTBOOK, level="nominal").value == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(TEXTBOOK, level="ordinal").value == pytest.approx(0.815, abs=5e-4)


def test_ac1_of_the_handbook() -> None:
    """The same table in Gwet's *Handbook of Inter-Rater Reliability*: AC1 0.77544."""
    ac1 = gwet_ac2(TEXTBOOK, weights=np.eye(5))
    assert ac1.value == pytest.approx(0.77544, abs=5e-6)


@settings(deadline=None)
@given(ratings)
def test_alpha_is_the_packages(table: np.ndarray) -> None:
    counts = np.stack([(table == answer).sum(axis=0) for answer in range(1, 6)], axis=1)
    paired = counts[counts.sum(axis=1) >= 2]
    for level in ("ordinal", "nominal"):
        ours = krippendorff_alpha(table, level=level, resamples=2).value
        if (paired.sum(axis=0) > 0).sum() < 2:
            assert math.isnan(ours)
        else:
            theirs = krippendorff.alpha(table, level_of_measurement=level)
            assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: case["name"])
def test_gwet_is_irrcacs(case: dict[str, object]) -> None:
    """Figures of irrCAC 0.4.4, made by make_irrcac_reference.py."""
    table = np.array(case["ratings"], dtype=np.float64)
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    weights = {"identity": np.eye(5), "ordinal": None, "quadratic": 1 - (apart / 4) ** 2}
    for name, value in case["gwet"].items():
        ours = gwet_ac2(table, weights=weights[name], resamples=2).value
        assert ours == pytest.approx(value, abs=1e-10), name


@settings(deadline=None)
@given(ratings)
def test_raw_agreement_counts_pairs(table: np.ndarray) -> None:
    shares = []
    for item in table.T:
        given_ = item[~np.isnan(item)]
        pairs = [(a, b) for i, a in enumerate(given_) for b in given_[i + 1 :]]
        if pairs:
            shares.append(np.mean([a == b for a, b in pairs]))
    ours = raw_agreement(table, resamples=2).value
    assert math.isnan(ours) if not shares else ours == pytest.approx(np.mean(shares))


@settings(deadline=None)
@given(ratings, st.randoms(use_true_random=False))
def test_the_order_of_annotators_and_items_does_not_matter(table: np.ndarray, random) -> None:
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    for coefficient in (krippendorff_alpha, gwet_ac2, raw_agreement):
        one = coefficient(table, resamples=2).value
        other = coefficient(table[rows][:, columns], resamples=2).value
        assert one == pytest.approx(other, abs=1e-12, nan_ok=True)


def test_perfect_agreement_is_one() -> None:
    table = np.tile(np.arange(1, 6, dtype=float), (3, 4))
    found = agreement(table)
    for estimate in (found.alpha, found.ac2, found.raw, found.near):
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((1, 1, 1))
    assert found.remark == ""


def test_guessing_is_zero() -> None:
    table = np.random.default_rng(1).integers(1, 6, (6, 2000)).astype(float)
    found = agreement(table)
    assert found.alpha.value == pytest.approx(0, abs=0.03)
    assert found.ac2.value == pytest.approx(0, abs=0.03)
    assert found.raw.value == pytest.approx(0.2, abs=0.02)


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 6, 60)
    table = np.clip(truth + rng.integers(-1, 2, (5, 60)), 1, 5).astype(float)
    table[rng.random(table.shape) < 0.2] = NAN
    for coefficient in (krippendorff_alpha, gwet_ac2):
        ours = coefficient(table)
        drawn = [
            coefficient(table[:, rng.integers(0, 60, 60)], resamples=1).value for _ in range(1500)
        ]
        low, high = np.percentile(drawn, [2.5, 97.5])
        assert ours.low == pytest.approx(low, abs=0.1 * (high - low))
        assert ours.high == pytest.approx(high, abs=0.1 * (high - low))


def test_nearly_constant_answers_are_explained() -> None:
    table = np.full((4, 30), 5.0)
    table[0, 3] = table[2, 9] = table[1, 20] = 4.0
    found = agreement(table)
    assert found.alpha.value < 0.1
    assert found.ac2.value > 0.9
    assert found.raw.value > 0.9
    assert "98 % of the answers are 5" in found.remark
    assert "α is undefined" in explain(np.full((3, 8), 4.0))
    assert math.isnan(krippendorff_alpha(np.full((3, 8), 4.0)).value)


def test_honest_disagreement_is_not_explained_away() -> None:
    assert explain(np.random.default_rng(3).integers(1, 6, (5, 50))) == ""


def test_no_two_answers() -> None:
    lonely = [[1, NAN, 3], [NAN, 2, NAN]]
    found = agreement(lonely)
    assert math.isnan(found.alpha.value)
    assert math.isnan(found.ac2.value)
    assert math.isnan(found.raw.value)
    assert "two annotators" in found.remark
    assert math.isnan(agreement(np.empty((0, 0))).alpha.value)


@pytest.mark.parametrize(
    ("table", "message"), [([1, 2], "shape"), ([[1, 6]], "answer 6 is not"), ([[1.5, 2]], "1.5")]
)
def test_what_is_no_rating_is_refused(table: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        krippendorff_alpha(table)


def test_items_of_one_cluster_are_drawn_together() -> None:
    """Every item three times: three times the answers, and not a bit more certainty."""
    rng = np.random.default_rng(6)
    truth = rng.integers(1, 6, 25)
    table = np.clip(truth + rng.integers(-1, 2, (4, 25)), 1, 5).astype(float)
    thrice, clusters = np.tile(table, 3), np.tile(np.arange(25), 3)
    for coefficient in (gwet_ac2, raw_agreement):
        once, together = coefficient(table), coefficient(thrice, clusters=clusters)
        assert (together.value, together.low, together.high) == pytest.approx(
            (once.value, once.low, once.high)
        )
        assert (together.n, together.clusters) == (3 * once.n, 25)
        apart = coefficient(thrice)
        assert apart.high - apart.low < 0.8 * (once.high - once.low)
    with pytest.raises(ValueError, match="clusters"):
        krippendorff_alpha(table, clusters=[1, 2])


def test_the_table_of_answers() -> None:
    rows = [
        ("a", "s", "i", "q", 1.0),
        ("b", "s", "i", "q", 2.0),
        ("a", "t", "j", "q", 3.0),
        ("a", "t", "j", "r", 4.0),
    ]
    columns = ["annotator", "source", "item", "question", "value"]
    answers = pd.DataFrame(rows, columns=columns)
    table, sources = rating_table(answers)
    np.testing.assert_array_equal(table, [[1, 3, 4], [2, NAN, NAN]])
    assert sources.tolist() == ["s", "t", "t"]
    assert rating_table(answers[:0])[0].size == 0

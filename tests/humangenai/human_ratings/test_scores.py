"""ψ from answers: what counts, what it comes to, and planted methods found again."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from humangenai.human_ratings.scores import (
    psi_agreement,
    psi_differences,
    psi_preferences,
    psi_scores,
    ratings,
)


def answers(rows: list[dict[str, object]]) -> pd.DataFrame:
    """A table of answers; what a row does not say is as in an ordinary rated item."""
    usual = {
        "study": "sample",
        "track": "face",
        "question": "psi_A",
        "symbol": "psi_A",
        "is_gold": False,
        "is_attention": False,
        "skipped": False,
    }
    made = [
        usual | {"item": f"{row['method']}/{row['source']}", "value": math.nan} | row
        for row in rows
    ]
    return pd.DataFrame(made)


def study(
    means: dict[str, float], sources: int = 30, annotators: int = 8, seed: int = 0
) -> pd.DataFrame:
    """Everyone rates everything: latent means plus source, annotator and noise, rounded."""
    rng = np.random.default_rng(seed)
    source, strict = rng.normal(0, 0.3, sources), rng.normal(0, 0.3, annotators)
    return answers(
        [
            {
                "method": method,
                "source": f"s{i}",
                "annotator": f"a{k}",
                "value": float(
                    np.clip(np.rint(mean + source[i] + strict[k] + rng.normal(0, 0.6)), 1, 5)
                ),
            }
            for method, mean in means.items()
            for i in range(sources)
            for k in range(annotators)
        ]
    )


def test_mean_sd_and_counts_by_hand() -> None:
    table = answers(
        [
            {"method": "m", "source": "s", "annotator": "a", "value": 5.0},
            {"method": "m", "source": "s", "annotator": "b", "value": 4.0},
            {"method": "m", "source": "t", "annotator": "a", "value": 3.0},
        ]
    )
    (score,) = psi_scores(table)["m"]
    assert (score.symbol, score.track) == ("psi_A", "face")
    found = score.everyone
    assert found.mean[0] == pytest.approx(4.0)
    assert found.sd == pytest.approx(1.0)
    assert found.per_item[0] == pytest.approx((4.5 + 3) / 2)
    assert (found.n, found.items, found.annotators) == (3, 2, 2)


def test_what_does_not_count() -> None:
    rows = [
        {"method": "m", "source": "s", "annotator": "a", "value": 5.0},
        {"method": "m", "source": "t", "annotator": "a", "value": 1.0, "is_gold": True},
        {"method": "m", "source": "u", "annotator": "a", "value": 1.0, "is_attention": True},
        {"method": "m", "source": "v", "annotator": "a", "skipped": True},
        {"method": "m", "source": "w", "annotator": "a", "value": 1.0, "against": "n"},
    ]
    assert ratings(answers(rows))["source"].tolist() == ["s"]
    assert ratings(answers(rows[:4]))["source"].tolist() == ["s"]
    with pytest.raises(ValueError, match="is_gold"):
        ratings(answers(rows).drop(columns="is_gold"))


def test_planted_differences_are_found() -> None:
    table = study({"A": 2.6, "B": 3.1, "C": 3.4})
    scores = psi_scores(table)
    assert list(scores) == ["A", "B", "C"]
    for method, (score,) in scores.items():
        mean, low, high = score.everyone.mean
        assert mean == pytest.approx(table[table["method"] == method]["value"].mean())
        assert low < mean < high
        # A balanced table weighs items alike.
        assert score.everyone.per_item[0] == pytest.approx(mean)
    gaps = {gap.method: gap for gap in psi_differences(table) if gap.against == "A"}
    assert gaps["B"].low < 0.5 < gaps["B"].high
    assert gaps["C"].low < 0.8 < gaps["C"].high
    assert gaps["B"].low > 0
    assert len(psi_differences(table)) == 3


def test_flagged_annotators_are_left_out_of_the_trusted_score_only() -> None:
    table = study({"A": 4.0}, annotators=5)
    spoiled = table["annotator"].isin(["a3", "a4"])
    table.loc[spoiled, "value"] = 1.0
    (score,) = psi_scores(table, {"a3", "a4"})["A"]
    assert score.everyone.annotators == 5
    assert score.trusted.annotators == 3
    assert score.trusted.mean[0] == pytest.approx(table[~spoiled]["value"].mean())
    assert score.everyone.mean[0] < score.trusted.mean[0] - 1
    (nobody,) = psi_scores(table, set(table["annotator"]))["A"]
    assert nobody.trusted.n == 0
    assert math.isnan(nobody.trusted.mean[0])


def test_face_and_body_and_symbols_stay_apart() -> None:
    face, body = study({"A": 2.0}), study({"A": 4.0}, seed=1)
    body["track"] = "body"
    pose = study({"A": 3.0}, seed=2)
    pose["symbol"] = pose["question"] = "psi_B"
    scores = psi_scores(pd.concat([face, body, pose]))["A"]
    assert [(score.track, score.symbol) for score in scores] == [
        ("body", "psi_A"),
        ("face", "psi_A"),
        ("face", "psi_B"),
    ]
    assert scores[0].everyone.mean[0] > scores[1].everyone.mean[0] + 1


def test_agreement_over_all_methods() -> None:
    table = study({"A": 1.5, "B": 4.5})
    (found,) = psi_agreement(table)
    assert found.alpha[1] < found.alpha[0] < found.alpha[2]
    assert found.alpha[0] > 0.6
    assert found.items == 30
    (constant,) = psi_agreement(study({"A": 6.0}))
    assert constant.remark


def test_preferences_of_pairwise_items() -> None:
    rng = np.random.default_rng(4)
    strength = {"A": 0.0, "B": 0.7, "C": 1.4}
    rows = []
    for number in range(400):
        left, right = rng.permutation(list(strength))[:2]
        apart = strength[left] - strength[right] + rng.logistic()
        value = 2.0 if abs(apart) < 0.3 else 1.0 if apart > 0 else 3.0
        rows.append(
            {
                "method": left,
                "against": right,
                "source": f"s{number % 40}",
                "annotator": f"a{number % 7}",
                "question": "preference",
                "symbol": "psi_C",
                "value": value,
            }
        )
    found = psi_preferences(answers(rows))
    assert [score.method for score in found] == ["C", "B", "A"]
    assert found[0].strength[1] > found[-1].strength[2]
    assert sum(score.n for score in found) == 800
    assert psi_scores(answers(rows)) == {}
    assert psi_preferences(study({"A": 3.0})) == ()


def test_no_answers_yet() -> None:
    nothing = study({"A": 3.0})[:0]
    assert psi_scores(nothing) == {}
    assert psi_agreement(nothing) == ()
    assert psi_differences(nothing) == ()

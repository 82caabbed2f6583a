"""The paper's ψ values, as printed."""

from __future__ import annotations

from humangenai.human_ratings.published import PUBLISHED


def test_every_method_in_both_studies() -> None:
    methods = {row.method for row in PUBLISHED}
    assert methods == {"DP2: SG-GAN", "DP2: TriA-GAN", "Mask-SD", "RefSD"}
    assert len({(row.method, row.track) for row in PUBLISHED}) == len(PUBLISHED) == 8
    assert all(list(row.ratings) == ["psi_A", "psi_B", "psi_C"] for row in PUBLISHED)


def test_the_values_that_the_page_says_in_words() -> None:
    """4.5 / 4.6 privacy, 4.4 / 4.2 pose, 4.3 / 4.4 satisfaction (face / full body)."""
    means = {
        row.track: [rating.mean for rating in row.ratings.values()]
        for row in PUBLISHED
        if row.method == "RefSD"
    }
    assert means == {"face": [4.5, 4.4, 4.3], "body": [4.6, 4.2, 4.4]}


def test_refsd_is_rated_best_everywhere_as_the_paper_claims() -> None:
    for track in ("face", "body"):
        rows = {row.method: row.ratings for row in PUBLISHED if row.track == track}
        for symbol, rating in rows["RefSD"].items():
            others = [rows[name][symbol].mean for name in rows if name != "RefSD"]
            assert rating.mean > max(others)

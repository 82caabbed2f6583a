"""Ranking against torchreid (no ties), brute force over permutations (ties), and properties."""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humangenai.reid.ranking import METRICS, RANKS, Ranking, chance, rank, rank_distances

if TYPE_CHECKING:
    from types import ModuleType


def torchreid_rank() -> ModuleType:
    """torchreid's own evaluation, without importing the rest of torchreid."""
    spec = importlib.util.find_spec("torchreid")
    assert spec is not None and spec.submodule_search_locations
    path = Path(next(iter(spec.submodule_search_locations))) / "reid" / "metrics" / "rank.py"
    module_spec = importlib.util.spec_from_file_location("_torchreid_rank", path)
    assert module_spec is not None and module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules["_torchreid_rank"] = module
    module_spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore:Cython evaluation")
@pytest.mark.parametrize("seed", range(5))
def test_equals_torchreid_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_queries, n_gallery = 60, 300
    distances = rng.permutation(n_queries * n_gallery).reshape(n_queries, n_gallery).astype(float)
    ids = {
        "query_pids": rng.integers(0, 20, n_queries),
        "gallery_pids": rng.integers(0, 25, n_gallery),
        "query_camids": rng.integers(0, 4, n_queries),
        "gallery_camids": rng.integers(0, 4, n_gallery),
    }
    cmc, mean_ap = torchreid_rank().evaluate_rank(
        distances, *(ids[k] for k in ("query_pids", "gallery_pids")),
        *(ids[k] for k in ("query_camids", "gallery_camids")), use_cython=False,
    )  # fmt: skip
    ours = rank_distances(distances, **ids, block=7).values
    for k in RANKS:
        assert np.nanmean(ours[f"R@{k}"]) == pytest.approx(cmc[k - 1], abs=1e-6)
    assert np.nanmean(ours["mAP"]) == pytest.approx(mean_ap, abs=1e-12)


def brute_force(distances: list[int], positive: list[bool], junk: list[bool]) -> dict[str, float]:
    """Mean over every order of the valid gallery that sorts the distances."""
    valid = [i for i in range(len(distances)) if not junk[i]]
    if not any(positive[i] for i in valid):
        return dict.fromkeys(METRICS, math.nan)
    sums = dict.fromkeys(METRICS, 0.0)
    orders = 0
    for order in itertools.permutations(valid):
        if any(distances[a] > distances[b] for a, b in itertools.pairwise(order)):
            continue
        orders += 1
        places = [place for place, i in enumerate(order, 1) if positive[i]]
        for k in RANKS:
            sums[f"R@{k}"] += places[0] <= k
        sums["mAP"] += sum(found / place for found, place in enumerate(places, 1)) / len(places)
    return {metric: total / orders for metric, total in sums.items()}


pictures = st.lists(
    st.tuples(
        st.integers(0, 2),  # distance
        st.sampled_from(["positive", "negative", "junk", "same camera", "distractor"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=150, deadline=None)
@given(pictures)
def test_equals_brute_force_with_ties(row: list[tuple[int, str]]) -> None:
    distances, kinds = [distance for distance, _ in row], [kind for _, kind in row]
    pid = {"positive": 5, "junk": 5, "negative": 6, "same camera": 6, "distractor": -1}
    camid = {"positive": 1, "junk": 0, "negative": 1, "same camera": 0, "distractor": 1}
    ours = rank_distances(
        np.array([distances], dtype=np.float32),
        query_pids=[5],
        gallery_pids=[pid[kind] for kind in kinds],
        query_camids=[0],
        gallery_camids=[camid[kind] for kind in kinds],
    )
    expected = brute_force(
        distances, [kind == "positive" for kind in kinds], [kind == "junk" for kind in kinds]
    )
    for metric in METRICS:
        assert ours.values[metric][0] == pytest.approx(expected[metric], abs=1e-12, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.data())
def test_chance_is_the_mean_over_all_orders(n_valid: int, data: st.DataObject) -> None:
    n_positive = data.draw(st.integers(0, n_valid))
    wanted = [i < n_positive for i in range(n_valid)]
    expected = brute_force([0] * n_valid, wanted, [False] * n_valid)
    ours = chance([n_valid], [n_positive])
    for metric in METRICS:
        assert ours[metric][0] == pytest.approx(expected[metric], abs=1e-12, nan_ok=True)


def random_case(seed: int, levels: int = 5) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, levels, (23, 90)).astype(float), {
        "query_pids": rng.integers(0, 9, 23),
        "gallery_pids": rng.integers(-1, 9, 90),
        "query_camids": rng.integers(0, 3, 23),
        "gallery_camids": rng.integers(0, 3, 90),
    }


def assert_same(one: Ranking, other: Ranking) -> None:
    for metric in METRICS:
        np.testing.assert_allclose(one.values[metric], other.values[metric], atol=1e-12)
        np.testing.assert_allclose(one.chance[metric], other.chance[metric], atol=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_order_of_gallery_and_block_size_do_not_matter(seed: int, block: int) -> None:
    distances, ids = random_case(seed)
    order = np.random.default_rng(seed + 1).permutation(distances.shape[1])
    shuffled = ids | {k: ids[k][order] for k in ("gallery_pids", "gallery_camids")}
    assert_same(
        rank_distances(distances, **ids),
        rank_distances(distances[:, order], **shuffled, block=block),
    )


def test_all_tied_is_chance_and_queries_that_find_nobody_are_counted() -> None:
    distances, ids = random_case(0, levels=1)
    ids["query_pids"][:2] = 77  # in no gallery
    ranking = rank_distances(distances, **ids)
    for metric in METRICS:
        np.testing.assert_allclose(ranking.values[metric], ranking.chance[metric], atol=1e-12)
        assert np.isnan(ranking.values[metric][:2]).all()
    assert ranking.unscored == 2
    junk = (ids["gallery_pids"][None] == ids["query_pids"][:, None]) & (
        ids["gallery_camids"][None] == ids["query_camids"][:, None]
    )
    np.testing.assert_array_equal(ranking.n_valid, 90 - junk.sum(1))


def test_distractors_match_nobody() -> None:
    ranking = rank_distances(
        np.zeros((1, 3)),
        query_pids=[-1],
        gallery_pids=[-1, -1, 4],
        query_camids=[0],
        gallery_camids=[1, 0, 1],
    )
    assert ranking.unscored == 1


def test_embeddings_are_compared_by_euclidean_distance() -> None:
    rng = np.random.default_rng(3)
    queries, gallery = rng.normal(size=(40, 16)), rng.normal(size=(130, 16))
    ids = {
        "query_pids": rng.integers(0, 9, 40),
        "gallery_pids": rng.integers(0, 9, 130),
        "query_camids": rng.integers(0, 3, 40),
        "gallery_camids": rng.integers(0, 3, 130),
    }
    distances = np.linalg.norm(queries[:, None] - gallery[None], axis=2)
    assert_same(rank(queries, gallery, **ids, block=11), rank_distances(distances, **ids))


def test_equal_embeddings_tie_exactly_wherever_they_lie() -> None:
    rng = np.random.default_rng(4)
    one = rng.normal(size=(1, 512)).astype(np.float32) * 1e3
    gallery = np.repeat(one, 301, axis=0)  # a size at which matrix products have edge kernels
    ranking = rank(
        rng.normal(size=(5, 512)).astype(np.float32),
        gallery,
        query_pids=np.arange(5),
        gallery_pids=np.arange(301) % 7,
        query_camids=np.zeros(5, dtype=int),
        gallery_camids=np.ones(301, dtype=int),
    )
    for metric in METRICS:
        np.testing.assert_allclose(ranking.values[metric], ranking.chance[metric], atol=1e-12)


def test_a_query_that_equals_its_match_finds_it() -> None:
    rng = np.random.default_rng(5)
    gallery = rng.normal(size=(50, 8)).astype(np.float32)
    pids = np.arange(50)
    zeros = np.zeros(50, dtype=int)
    ranking = rank(
        gallery, gallery, query_pids=pids, gallery_pids=pids, query_camids=zeros,
        gallery_camids=zeros + 1,
    )  # fmt: skip
    assert (ranking.values["R@1"] == 1).all()
    np.testing.assert_allclose(ranking.values["mAP"], 1)


def test_bad_input_is_refused() -> None:
    distances, ids = random_case(0)
    with pytest.raises(ValueError, match="finite"):
        rank_distances(distances + np.inf, **ids)
    with pytest.raises(ValueError, match="query_pids"):
        rank_distances(distances[1:], **ids)
    with pytest.raises(ValueError, match="gallery is empty"):
        rank_distances(
            np.empty((1, 0)), query_pids=[1], gallery_pids=[], query_camids=[1], gallery_camids=[]
        )
    with pytest.raises(ValueError, match="dimensions"):
        rank(np.zeros((23, 3)), np.zeros((90, 4)), **ids)
    with pytest.raises(ValueError, match="n_positive"):
        chance([3], [4])

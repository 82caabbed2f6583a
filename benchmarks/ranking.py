"""How long ranking takes beside torchreid's own evaluation, on the same distances.

Usage: python benchmarks/ranking.py [--full]

Without options 500 queries x 5000 gallery pictures; --full adds Market-1501's size (3368 x 15913),
where torchreid's takes over a minute. Both get the same random float32 distances and must agree.
Also timed: our ranking from embeddings of 512 dimensions, distances included, and of distances
that are all equal, where torchreid would score the order of the files.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humangenai.reid.ranking import Ranking, rank, rank_distances

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = {"500 x 5000": (500, 5000, 100), "Market-1501": (3368, 15913, 750)}


def torchreid_evaluate_rank() -> Callable[..., tuple[Any, float]]:
    """Load torchreid's rank.py alone: the rest of torchreid imports TensorBoard, gdown, OpenCV."""
    package = importlib.util.find_spec("torchreid")
    if package is None or not package.submodule_search_locations:
        raise SystemExit("torchreid is not installed")
    file = Path(package.submodule_search_locations[0]) / "reid" / "metrics" / "rank.py"
    spec = importlib.util.spec_from_file_location("torchreid_rank", file)
    if spec is None or spec.loader is None:
        raise SystemExit("this torchreid has no reid/metrics/rank.py")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its Cython extension is missing
        spec.loader.exec_module(module)
    evaluate: Callable[..., tuple[Any, float]] = module.evaluate_rank
    return evaluate


def timed(action: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """The shortest of ``repeat`` runs, in seconds, and the result."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        result = action()
        best = min(best, time.perf_counter() - start)
    return best, result


def compare(name: str, n_queries: int, n_gallery: int, people: int, repeat: int) -> None:
    rng = np.random.default_rng(0)
    distances = rng.random((n_queries, n_gallery), dtype=np.float32)
    ids: dict[str, Any] = {
        "query_pids": rng.integers(0, people, n_queries),
        "gallery_pids": rng.integers(0, people, n_gallery),
        "query_camids": rng.integers(0, 6, n_queries),
        "gallery_camids": rng.integers(0, 6, n_gallery),
    }
    theirs, (cmc, mean_ap) = timed(
        lambda: torchreid_evaluate_rank()(distances, *ids.values(), use_cython=False), 1
    )
    ours, ranking = timed(lambda: rank_distances(distances, **ids), repeat)
    check(ranking, cmc, mean_ap)
    embeddings = rng.normal(size=(n_queries + n_gallery, 512)).astype(np.float32)
    whole, _ = timed(lambda: rank(embeddings[:n_queries], embeddings[n_queries:], **ids), 1)
    tied, _ = timed(lambda: rank_distances(np.zeros_like(distances), **ids), repeat)
    print(f"{name}: {n_queries} queries, {n_gallery} gallery pictures")
    print(f"  torchreid evaluate_rank (Python)  {theirs:8.2f} s")
    print(f"  ours, same distances              {ours:8.2f} s   {theirs / ours:.0f} times as fast")
    print(f"  ours, from embeddings             {whole:8.2f} s")
    print(f"  ours, all tied                    {tied:8.2f} s")


def check(ranking: Ranking, cmc: Any, mean_ap: float) -> None:
    """Without ties both must give the same figures (float32 distances do tie, now and then)."""
    for k in (1, 5, 10):
        np.testing.assert_allclose(np.nanmean(ranking.values[f"R@{k}"]), cmc[k - 1], atol=1e-4)
    np.testing.assert_allclose(np.nanmean(ranking.values["mAP"]), mean_ap, atol=1e-6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="Market-1501's size too (minutes)")
    sizes = SIZES if parser.parse_args().full else {"500 x 5000": SIZES["500 x 5000"]}
    for name, (n_queries, n_gallery, people) in sizes.items():
        compare(name, n_queries, n_gallery, people, repeat=3)


if __name__ == "__main__":
    main()

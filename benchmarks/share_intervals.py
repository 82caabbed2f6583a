"""How often intervals of shares hold the truth when there are few people.

Answers about one person hang together: people's own shares are drawn from a beta distribution, so
that two answers about one person correlate by 0.3. Prints the table of docs/attribute-fidelity.md::

    python benchmarks/share_intervals.py
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from humangenai.statistics import clustered_mean, clustered_share

CORRELATION = 0.3
CASES = ((4, 2, 0.95), (8, 2, 0.95), (8, 8, 0.8), (12, 8, 0.95), (24, 8, 0.8))
"""People, pictures of each, and the true share."""


def held(people: int, each: int, truth: float, tries: int) -> tuple[float, float]:
    """Share of simulated data sets whose interval holds the truth: bootstrap, then ours."""
    rng = np.random.default_rng(people * 100 + each)
    strength = (1 - CORRELATION) / CORRELATION
    labels = np.repeat(np.arange(people), each)
    bootstrap = ours = 0
    for _ in range(tries):
        easy = rng.beta(truth * strength, (1 - truth) * strength, people)
        hits = (rng.random((people, each)) < easy[:, None]).ravel()
        resampled, share = (
            clustered_mean(hits, labels, resamples=1000),
            clustered_share(hits, labels),
        )
        bootstrap += resampled.low <= truth <= resampled.high
        ours += share.low <= truth <= share.high
    return bootstrap / tries, ours / tries


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=600, help="simulated data sets per row")
    tries = parser.parse_args().tries
    sys.stdout.write("| people | pictures of each | truth | bootstrap, % | ours, % |\n")
    sys.stdout.write("|---:|---:|---:|---:|---:|\n")
    for people, each, truth in CASES:
        shares = held(people, each, truth, tries)
        figures = " | ".join(f"{100 * share:.0f}" for share in shares)
        sys.stdout.write(f"| {people} | {each} | {truth:.2f} | {figures} |\n")


if __name__ == "__main__":
    main()

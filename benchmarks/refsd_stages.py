"""The stages of RefSD on rendered people, as one picture: what docs/refsd.md shows.

Usage: python benchmarks/refsd_stages.py OUT.png [--count 6] [--start 0] [--step 41] [--seed 0]

One row per query of crowd, one column per stage: x, a, x′, m, x″, e. Only rendered people are
drawn on, so the picture may be published.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from humangenai.datasets.crowd import Options, load
from refsd.people import find_people
from refsd.pipeline import Picture, RefSD

STAGES = ("x", "a", "x_prime", "m", "x_second", "e")
GAP = 4
"""White pixels between pictures."""


def main() -> None:
    """Write the sheet, and print what became of whom."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--start", type=int, default=0, help="first query")
    parser.add_argument("--step", type=int, default=41, help="from one query to the next")
    parser.add_argument("--seed", type=int, default=0, help="of the avatars")
    chosen = parser.parse_args()
    crowd = load(Options())
    queries = [item for item in crowd.items() if item.split == "query"]
    places = [(chosen.start + chosen.step * n) % len(queries) for n in range(chosen.count)]
    images = [crowd.image(queries[place]) for place in places]
    people = find_people(images, crops=True)
    pictures = [
        Picture(image, found, seed=chosen.seed * 1000 + place, crop=True)
        for image, found, place in zip(images, people, places, strict=True)
    ]
    results = RefSD.from_config("none").batch(pictures, stages=True)
    for place, result in zip(places, results, strict=True):
        fates = ", ".join(f"{one.status} {one.avatar or one.reason}" for one in result.people)
        print(f"{queries[place].key}: {fates}")
    cells = [[_framed(result.stages[stage]) for stage in STAGES] for result in results]
    # Side by side in two halves, so that the sheet is about as wide as it is high.
    half = (len(cells) + 1) // 2
    rows = [np.hstack(row) for row in cells]
    rows += [np.full_like(rows[0], 255)] * (2 * half - len(rows))
    sheet = np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])])
    # 256 colours are enough to see what happens, and a third of the bytes.
    Image.fromarray(sheet).quantize(256).save(chosen.out, optimize=True)


def _framed(picture: np.ndarray) -> np.ndarray:
    return np.pad(picture, ((GAP, GAP), (GAP, GAP), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()

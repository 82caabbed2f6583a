"""How many careless annotators are flagged, and how many careful ones by mistake.

Usage: python benchmarks/careless_annotators.py [--studies 5] [--out RESULT.json]

Simulates studies of 100 careful annotators and 20 of each careless kind (what they are like:
annotator_ui/simulation.py), with a tenth of the items as checks, and without.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from annotator_ui.simulation import Kind, simulated_answers
from humangenai.human_ratings.quality import flagged

KINDS: dict[Kind, int] = {"careful": 100, "lazy": 20, "straight": 20, "random": 20}
SIZES = ((27, 2, 1), (54, 3, 3), (90, 5, 5), (180, 10, 10), (60, 0, 0))
"""Items, gold items and attention checks that everyone answers."""

MEANS = (3.0, 4.0)
"""Of the methods: in the middle of the scale, and where answers crowd at its end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = []
    print(f"{'items':>5} {'gold':>4} {'attention':>9} {'mean':>4}  flagged, % of each kind")
    for items, gold, attention in SIZES:
        for mean in MEANS:
            caught: Counter[str] = Counter()
            for seed in range(given.studies):
                answers = simulated_answers(KINDS, items, gold, attention, seed=seed, mean=mean)
                caught.update(name.split()[0] for name in flagged(answers, 1.0))
            shares = {
                kind: round(caught[kind] / (number * given.studies), 3)
                for kind, number in KINDS.items()
            }
            rows.append(
                {"items": items, "gold": gold, "attention": attention, "mean": mean, **shares}
            )
            said = "  ".join(f"{kind} {100 * share:.1f}" for kind, share in shares.items())
            print(f"{items:>5} {gold:>4} {attention:>9} {mean:>4}  {said}", flush=True)
    if given.out:
        result = {
            "command": f"python benchmarks/careless_annotators.py --studies {given.studies}",
            "annotators": {kind: number * given.studies for kind, number in KINDS.items()},
            "flagged": rows,
        }
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

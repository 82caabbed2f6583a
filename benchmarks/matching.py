"""How well avatars match what is asked: ``python benchmarks/matching.py``; no picture is made.

The labels of crowd's people are wanted of the bank's avatars, as ``prompt: {mode: preserve}`` with
``avatar: matched`` or ``made`` would. Prints the rows of docs/prompts.md.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from refsd.prompts import avatar_attributes, canonical
from refsd.wardrobe import bank_avatar, sample_avatar
from refsd.wardrobe.made import make_over
from refsd.wardrobe.matching import BuiltInBank, draw_avatar, score

PEOPLE = 1000
SHOWN = (
    "gender", "age group", "skin tone", "upper garment", "upper colour", "lower garment",
    "lower colour", "hair colour",
)  # fmt: skip


def main() -> None:
    bank = BuiltInBank()
    people = [
        canonical(sample_avatar("crowd", np.random.default_rng(number)).attributes)
        for number in range(PEOPLE)
    ]
    for how in ("random", "matched", "made"):
        equal, similar, known = Counter[str](), Counter[str](), Counter[str]()
        used: Counter[str] = Counter()
        for number, wanted in enumerate(people):
            rng = np.random.default_rng([number, 0])
            avatar = draw_avatar(bank, wanted if how == "matched" else None, rng)
            if how == "made":
                avatar = make_over(bank_avatar(int(rng.integers(len(bank)))), wanted, rng)
            used[avatar.name] += 1
            label = avatar_attributes(avatar)
            for key in SHOWN:
                if key in wanted:
                    known[key] += 1
                    equal[key] += label.get(key) == wanted[key]
                    similar[key] += score(label, {key: wanted[key]}) > 0
        shares = [
            f"{equal[key] / known[key]:.0%} ({similar[key] / known[key]:.0%})" for key in SHOWN
        ]
        print(f"| {how} | {' | '.join(shares)} | {len(used)} | {max(used.values())} times |")


if __name__ == "__main__":
    main()

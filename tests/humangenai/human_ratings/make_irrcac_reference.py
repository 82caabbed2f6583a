"""Gwet's coefficients by the package irrCAC, for ``irrcac_reference.json``.

irrCAC 0.4.4 (MIT) asks for an old SciPy and cannot be installed beside ours, so its figures are
kept. They were made in an environment of their own by

    pip install --no-deps --target irr irrcac==0.4.4
    PYTHONPATH=irr python tests/humangenai/human_ratings/make_irrcac_reference.py

with ours' numpy, pandas and SciPy, on which the parts used here do run.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

SCALE = [1.0, 2.0, 3.0, 4.0, 5.0]


def cases() -> dict[str, np.ndarray]:
    """Tables of ratings, (annotators, items): the handbook's, and random ones with gaps."""
    from irrCAC.datasets import raw_4raters

    made = {"handbook, 4 raters": raw_4raters().to_numpy().T}
    rng = np.random.default_rng(5)
    for annotators, items, missing, spread in (
        (2, 8, 0.0, 0.5),
        (3, 20, 0.3, 0.8),
        (5, 40, 0.5, 1.5),
        (8, 15, 0.2, 0.3),
        (4, 30, 0.6, 3.0),
    ):
        truth = rng.uniform(2, 5.5, items)
        table = np.clip(np.rint(truth + rng.normal(0, spread, (annotators, items))), 1, 5)
        table[rng.random(table.shape) < missing] = np.nan
        made[f"{annotators} × {items}, {missing:.0%} missing, spread {spread}"] = table
    constant = np.full((4, 25), 5.0)
    constant[0, 3] = constant[2, 9] = 4.0
    made["nearly constant"] = constant
    return made


def main() -> None:
    from irrCAC.raw import CAC

    rows = []
    for name, table in cases().items():
        frame = pd.DataFrame(table.T)
        values = {
            weights: float(
                CAC(frame, weights=weights, categories=SCALE, digits=12).gwet()["est"][
                    "coefficient_value"
                ]
            )
            for weights in ("identity", "ordinal", "quadratic")
        }
        ratings = [[None if np.isnan(value) else value for value in row] for row in table]
        rows.append({"name": name, "ratings": ratings, "gwet": values})
    path = Path(__file__).with_name("irrcac_reference.json")
    path.write_text(json.dumps(rows, indent=None).replace('{"name"', '\n{"name"') + "\n")


if __name__ == "__main__":
    main()

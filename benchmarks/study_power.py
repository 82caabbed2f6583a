"""How many raters and items a study needs to find a difference between two methods.

Usage: python benchmarks/study_power.py [--studies 300] [--out RESULT.json] [--picture PICTURE.png]

Simulates whole studies (see annotator_ui/simulation.py for what its annotators are like) and counts
in how many the 95 % interval of the difference lies above 0, and how often such intervals hold the
truth. ``--small`` does next to nothing.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np

from annotator_ui.simulation import BIAS_SD, ITEM_SD, NOISE_SD, coverage, power

DIFFERENCES = (0.3, 0.5)
RATERS = (2, 3, 5, 8, 15)
ITEMS = (5, 10, 20, 40, 60, 100)
WANTED = 0.8
COVERED = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--small", action="store_true", help="only the smallest studies")
    given = parser.parse_args()
    raters, items = (RATERS[:2], ITEMS[:2]) if given.small else (RATERS, ITEMS)
    table = {}
    for difference in (0.0, *DIFFERENCES):
        table[difference] = np.array(
            [
                [power(difference, r, i, studies=given.studies, seed=100 * r + i) for i in items]
                for r in raters
            ]
        )
        print(f"\na difference of {difference} points is found in … % of studies")
        print("raters \\ items" + "".join(f"{i:>7}" for i in items))
        for r, row in zip(raters, table[difference], strict=True):
            print(f"{r:>14}" + "".join(f"{100 * share:>7.0f}" for share in row), flush=True)
    held = {}
    print(f"\n95 % intervals that hold the truth, % of studies of {COVERED} people per method")
    for number in raters:
        mean, gap = held[number] = coverage(number, COVERED, studies=given.studies, seed=number)
        print(f"{number:>3} raters: mean {100 * mean:.0f}, difference {100 * gap:.0f}", flush=True)
    if given.out:
        result = {
            "command": f"python benchmarks/study_power.py --studies {given.studies}",
            "studies": given.studies,
            "item_sd": ITEM_SD,
            "bias_sd": BIAS_SD,
            "noise_sd": NOISE_SD,
            "raters": raters,
            "items": items,
            "coverage": {str(number): shares for number, shares in held.items()},
            "power": {str(key): shares.round(3).tolist() for key, shares in table.items()},
        }
        given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if given.picture:
        draw(table, raters, items, given.studies, given.picture)


def draw(
    table: dict[float, np.ndarray],
    raters: tuple[int, ...],
    items: tuple[int, ...],
    studies: int,
    path: Path,
) -> None:
    """Two panels, one per difference; a line per number of raters."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    panels = figure.subplots(1, len(DIFFERENCES), sharey=True)
    shades = [str(0.75 - 0.75 * at / max(len(raters) - 1, 1)) for at in range(len(raters))]
    markers = "ovs^D"
    for panel, difference in zip(panels, DIFFERENCES, strict=True):
        panel.axhline(100 * WANTED, color="tab:orange", linestyle="--", linewidth=1)
        lines = zip(raters, table[difference], shades, markers, strict=False)
        for number, row, shade, marker in lines:
            panel.plot(items, 100 * row, marker=marker, color=shade, label=str(number))
        panel.set_xscale("log")
        panel.set_xticks(items, [str(number) for number in items])
        panel.minorticks_off()
        panel.set_title(f"methods {difference} points apart")
        panel.set_xlabel("people shown per method")
        panel.set_ylim(0, 103)
        panel.grid(color="0.92")
        panel.set_axisbelow(True)
    panels[0].set_ylabel("studies that find the difference, %")
    panels[0].annotate(
        f"{100 * WANTED:.0f} %", (items[0], 100 * WANTED), (0, 4), textcoords="offset points",
        color="tab:orange",
    )  # fmt: skip
    handles, labels = panels[-1].get_legend_handles_labels()
    panels[-1].legend(handles[::-1], labels[::-1], title="raters of each item", loc="lower right")
    error = 100 * math.sqrt(0.25 / studies)
    figure.supxlabel(
        f"{studies} simulated studies per point (± {error:.0f} % at most, one standard error)",
        fontsize=8, color="0.4",
    )  # fmt: skip
    figure.savefig(path, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()

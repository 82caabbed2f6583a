"""What a masked-out picture still tells: the silhouette, the background, or the file order.

Usage: python benchmarks/maskout_residual.py [--preset full] [--seed 0]

MaskOut lets no pixel of the person through, and an attacker may still do better than chance with
it. The queries of crowd are masked in four ways, and each attacker searches the original gallery:

silhouette + background  what MaskOut writes: the dilated mask filled with grey
silhouette alone         the same mask, and everything else one other grey
background alone         the person's whole box, dilated by its width, filled: no outline is seen
nothing                  one grey picture for everybody: one ranking for all, chance and luck
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from humangenai.datasets.crowd import Options, load
from humangenai.reid.attackers import DEFAULT_ATTACKERS, load_attacker
from humangenai.reid.ranking import rank
from humangenai.statistics import clustered_mean
from refsd.masks import fill, union
from refsd.people import find_people

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from refsd.people import Person

Masked = dict[str, list["NDArray[np.uint8]"]]


def mask(images: list[NDArray[np.uint8]], people: list[list[Person]]) -> Masked:
    """Every picture in the four ways."""
    made: Masked = {
        "silhouette + background": [],
        "silhouette alone": [],
        "background alone": [],
        "nothing": [],
    }
    for image, persons in zip(images, people, strict=True):
        region = union(persons, image.shape[:2])
        rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
        margin = (columns[-1] - columns[0]) // 2
        box = np.zeros_like(region)
        box[:, max(0, columns[0] - margin) : columns[-1] + margin] = True
        box[: rows[0]] = False
        made["silhouette + background"].append(fill(image, region))
        made["silhouette alone"].append(fill(np.full_like(image, 90), region))
        made["background alone"].append(fill(image, box))
        made["nothing"].append(np.full_like(image, 127))
    return made


def main() -> None:
    """Print a table of R@1 with 95 % intervals over identities, beside chance."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", choices=["small", "full"], default="full")
    parser.add_argument("--seed", type=int, default=0, help="seed of crowd")
    chosen = parser.parse_args()
    crowd = load(Options(preset=chosen.preset, seed=chosen.seed))
    queries = [item for item in crowd.items() if item.split == "query"]
    gallery = [item for item in crowd.items() if item.split == "gallery"]
    images = [crowd.image(item) for item in queries]
    masked = mask(images, find_people(images, crops=True))
    pids = [item.pid for item in queries]
    for name in DEFAULT_ATTACKERS:
        attacker = load_attacker(name)
        enrolled = attacker.embed([crowd.image(item) for item in gallery])
        for what, pictures in masked.items():
            ranking = rank(
                attacker.embed(pictures),
                enrolled,
                query_pids=pids,
                gallery_pids=[item.pid for item in gallery],
                query_camids=[item.camid for item in queries],
                gallery_camids=[item.camid for item in gallery],
            )
            score = clustered_mean(ranking.values["R@1"], pids)
            chance = float(np.nanmean(ranking.chance["R@1"]))
            print(
                f"{attacker.name:20} {what:26} R@1 {score.value:6.2%} "
                f"[{score.low:.2%}, {score.high:.2%}], chance {chance:.2%}"
            )


if __name__ == "__main__":
    main()

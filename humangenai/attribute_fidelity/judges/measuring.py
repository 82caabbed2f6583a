"""How well a judge sees: its accuracy on labelled renders, measured once per version and kept.

The probe brings its accuracy with it. Other judges are tried here, on renders of the family that
refsd-tiny learned from, the same that the probe's ceiling is measured on::

    python -m humangenai.attribute_fidelity.judges.measuring clip:FOLDER --pictures 512

A judge that tells finer values apart than the labels do is measured in the labels' values: its
probabilities of all values that count as the same are added up. Renders are not photographs, and a
judge trained on photographs may see more in them: this ceiling is marked ``renders``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.judges.judge import Ceiling, unmeasured
from humangenai.attribute_fidelity.judges.mapping import locate
from humangenai.attribute_fidelity.labels import GROUPS, judged
from humangenai.store import atomic_write, slug
from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.data import Labelled
    from humangenai.attribute_fidelity.judges.judge import Judge
    from humangenai.attribute_fidelity.lines import Crop
    from refsd.wardrobe import Family

FAMILY: Family = "training"
SEED = 7
"""Of the renders: the very pictures that the probe's ceiling is measured on."""

BATCH = 32


def measure(
    judge: Judge, data: Labelled, crop: Crop, family: Family = FAMILY
) -> dict[str, Ceiling]:
    """How often a judge is right about labelled renders.

    Args:
        judge: to be tried.
        data: renders of one crop, with what they show in the renderer's words.
        crop: what they show.
        family: that they were drawn from.

    Returns:
        Attribute → ceiling, for attributes with two values or more that both the judge and the
        labels know. Pictures that the judge says nothing about are left out, as they are in scores.
    """
    values = judge.values(crop)
    labels = [judged(shown, family, crop) for shown in data.labels]
    batches = [
        judge.judge(data.pictures[start : start + BATCH], crop)
        for start in range(0, len(data.pictures), BATCH)
    ]
    found = {}
    for key in values.keys() & GROUPS[crop].keys():
        known, shares = _coarsened(
            key, values[key], np.concatenate([batch[key] for batch in batches]), crop
        )
        shown = [
            place
            for place, label in enumerate(labels)
            if label.get(key) in known and not np.isnan(shares[place]).any()
        ]
        if len({labels[place][key] for place in shown}) < 2:
            continue
        wanted = np.array([known.index(labels[place][key]) for place in shown], dtype=np.int64)
        result = accuracy(wanted, shares[shown].argmax(axis=1).astype(np.int64))
        where = f"renders ({family} family, {len(known)} values)"
        found[key] = Ceiling(**dataclasses.asdict(result), measured_on=where)
    return found


def _coarsened(
    key: str, values: Sequence[str], shares: NDArray[np.float32], crop: Crop
) -> tuple[list[str], NDArray[np.float32]]:
    """A judge's probabilities in the labels' values: those values, and float32 (N, len(values))."""
    places = [locate({key: GROUPS[crop][key]}, key, value) for value in values]
    known = [value for value in GROUPS[crop][key] if (key, value) in places]
    columns = [[place == (key, value) for place in places] for value in known]
    return known, shares @ np.array(columns, dtype=np.float32).reshape(len(known), -1).T


def measured(judge: Judge, crop: Crop) -> dict[str, Ceiling]:
    """What was measured of this version of a judge on this machine; NaN for the rest."""
    try:
        kept = json.loads(_file(judge, crop).read_text(encoding="utf-8"))
        found = {key: Ceiling(**ceiling) for key, ceiling in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        found = {}
    return {
        key: found.get(key, unmeasured(1 / len(values)))
        for key, values in judge.values(crop).items()
    }


def keep(judge: Judge, crop: Crop, ceilings: Mapping[str, Ceiling]) -> Path:
    """Keep what was measured where :func:`measured` finds it."""
    path = _file(judge, crop)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {key: dataclasses.asdict(ceiling) for key, ceiling in sorted(ceilings.items())}
    atomic_write(path, json.dumps(kept, indent=1).encode())
    return path


def _file(judge: Judge, crop: Crop) -> Path:
    return cache_dir() / "judges" / f"{slug(judge.name)}-{slug(judge.version)}-{crop}.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one judge on renders that are made first, where they are not there yet."""
    from humangenai.attribute_fidelity.data import SHARD, SIZES, Renders, load, render
    from humangenai.attribute_fidelity.judges.human import Human
    from humangenai.attribute_fidelity.judges.loading import load_judges

    parser = argparse.ArgumentParser(description="Measure a judge on labelled renders.")
    parser.add_argument("judge", help="NAME or NAME:WEIGHTS")
    parser.add_argument("--pictures", type=int, default=512, help="renders of each crop")
    parser.add_argument("--folder", type=Path, default=None, help="where renders are kept")
    given = parser.parse_args(arguments)
    judges = load_judges([given.judge])
    for name, reason in judges.missing.items():
        parser.exit(2, f"judge '{name}' is not available: {reason}\n")
    for judge in judges.available:
        if isinstance(judge, Human):
            parser.exit(
                2, "people cannot be measured here: ask them about pictures of known truth\n"
            )
        for crop in SIZES:
            folder = given.folder or cache_dir() / "judges" / "renders"
            wanted = Renders(FAMILY, crop, -(-given.pictures // SHARD) * SHARD, SEED)
            keep(judge, crop, measure(judge, load(list(render(wanted, folder))), crop))


if __name__ == "__main__":
    main()

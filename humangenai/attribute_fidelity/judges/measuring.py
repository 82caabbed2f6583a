"""How well a judge sees: what it says of labelled renders, asked once per version and kept.

The probe brings its accuracy with it. Other judges are tried on the same renders that the probe's
ceiling is measured on, of the family that refsd-tiny learned from. ϕ_C needs them for every judge:
its shift is divided by the judge's shift on true pairs. From the command line::

    python -m humangenai.attribute_fidelity.judges.measuring clip:FOLDER

Renders are not photographs: a judge trained on photographs may see less in them, or more in the
pictures of a model trained on photographs. Such a ceiling is marked ``renders``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

import numpy as np

from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.judges.judge import Ceiling, unmeasured
from humangenai.attribute_fidelity.judges.looking import BATCH, look
from humangenai.attribute_fidelity.judges.mapping import locate
from humangenai.attribute_fidelity.labels import GROUPS, judged
from humangenai.errors import UserError
from humangenai.store import atomic_write, slug
from refsd.cache import cache_dir
from refsd.prompts import PromptError, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from humangenai.attribute_fidelity.data import Labelled
    from humangenai.attribute_fidelity.judges.judge import Judge
    from humangenai.attribute_fidelity.lines import Crop
    from refsd.wardrobe import Family

Said = dict[str, dict[str, float]]
"""Attribute → value → probability, as in ``Judged``."""

Tried = list[tuple[dict[str, str], Said]]
"""Per render: its truth in the judge's own words, and what the judge says of it."""

FAMILY: Family = "training"
SEED = 7
"""Of the renders: the very pictures that the probe's ceiling is measured on."""

PICTURES = 256
"""Renders per crop; half a minute per hundred on one core, once per machine."""

MEASURED_ON = f"renders ({FAMILY} family)"


def labelled(judge: Judge, crop: Crop, pictures: int = PICTURES) -> Tried:
    """What a judge says of labelled renders; made and asked about only the first time.

    Args:
        judge: to be tried.
        crop: what the renders show.
        pictures: how many at least.
    """
    kept = _kept(judge, crop)
    if len(kept) >= pictures:
        return kept
    from humangenai.attribute_fidelity.data import SHARD, Renders, load, render

    shards = -(-pictures // SHARD)
    wanted = Renders(FAMILY, crop, shards * SHARD, SEED)
    tried = try_on(judge, load(list(render(wanted, cache_dir() / "judges" / "renders"))), crop)
    path = _file(judge, crop)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(path, json.dumps(tried).encode())
    return tried


def try_on(judge: Judge, data: Labelled, crop: Crop, family: Family = FAMILY) -> Tried:
    """Ask a judge about renders whose truth is known.

    Args:
        judge: to be tried.
        data: renders of one crop, with what they show in the renderer's words.
        crop: what they show.
        family: that they were drawn from.
    """
    values = judge.values(crop)
    said = [
        one
        for start in range(0, len(data.pictures), BATCH)
        for one in look(judge, data.pictures[start : start + BATCH], crop)
    ]
    truths = [truth(values, labels, family, crop) for labels in data.labels]
    return list(zip(truths, said, strict=True))


def truth(
    values: Mapping[str, Sequence[str]], labels: Mapping[str, str], family: Family, crop: Crop
) -> dict[str, str]:
    """What a good judge of these values says of a render.

    As fine as the judge's values are, and only what the picture shows: the hair under a hat is
    nobody's to judge (:func:`humangenai.attribute_fidelity.labels.judged`).

    >>> labels = {"gender": "male", "age": "70", "skin tone": "olive", "emotion": "sad"}
    >>> truth({"age": ("60", "70"), "skin tone": ("light", "medium")}, labels, "training", "head")
    {'age': '70', 'skin tone': 'medium'}
    """
    seen = judged(labels, family, crop)
    found: dict[str, str] = {}
    for key, value in labels.items():
        if key in GROUPS[crop] and key not in seen:
            continue
        try:
            named = canonical({key: value})
        except PromptError:
            # Some of the renderer's words for cuts and styles are in no vocabulary.
            continue
        for name, meant in named.items():
            place = locate(values, name, meant)
            if place is not None:
                found[place[0]] = place[1]
    for key, value in seen.items():
        place = locate(values, key, value)
        if place is not None:
            found.setdefault(*place)
    return found


def ceilings_of(
    values: Mapping[str, Sequence[str]], tried: Iterable[tuple[Mapping[str, str], Said]]
) -> dict[str, Ceiling]:
    """How often a judge was right, for every attribute of ``values``; NaN where nothing shows it.

    Pictures that it said nothing about are left out, as they are in scores. An attribute of which
    all pictures show the same value is not measured: whoever says it always would be always right.
    """
    tried = list(tried)
    found = {}
    for key, names in values.items():
        pairs = [
            (names.index(shown[key]), names.index(max(said[key], key=said[key].__getitem__)))
            for shown, said in tried
            if key in shown and key in said
        ]
        if len({wanted for wanted, _ in pairs}) < 2:
            found[key] = unmeasured(1 / len(names))
            continue
        columns = np.array(pairs, dtype=np.int64)
        result = dataclasses.asdict(accuracy(columns[:, 0], columns[:, 1]))
        found[key] = Ceiling(**result, measured_on=MEASURED_ON)
    return found


def measured(judge: Judge, crop: Crop) -> dict[str, Ceiling]:
    """The ceilings of this version of a judge, where it was tried on this machine; else NaN."""
    return ceilings_of(judge.values(crop), _kept(judge, crop))


def _kept(judge: Judge, crop: Crop) -> Tried:
    """What was said before; nothing where that cannot be read, and then it is asked again."""
    try:
        lines = json.loads(_file(judge, crop).read_text(encoding="utf-8"))
        return [(dict(shown), dict(said)) for shown, said in lines]
    except (OSError, ValueError, TypeError):
        return []


def _file(judge: Judge, crop: Crop) -> Path:
    return cache_dir() / "judges" / f"{slug(judge.name)}-{slug(judge.version)}-{crop}.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Try one judge on renders and print its ceilings."""
    from humangenai.attribute_fidelity.judges.human import Human
    from humangenai.attribute_fidelity.judges.loading import load_judges

    parser = argparse.ArgumentParser(
        prog="python -m humangenai.attribute_fidelity.judges.measuring",
        description="Try a judge on labelled renders.",
    )
    parser.add_argument("judge", help="NAME or NAME:WEIGHTS")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="renders per crop")
    given = parser.parse_args(arguments)
    try:
        judges = load_judges([given.judge])
    except UserError as error:
        parser.error(str(error))
    for name, reason in judges.missing.items():
        parser.error(f"judge '{name}' is not available: {reason}")
    for judge in judges.available:
        if isinstance(judge, Human):
            parser.error("people cannot be asked from here")
        for crop in GROUPS:
            tried = labelled(judge, crop, given.pictures)
            for key, ceiling in ceilings_of(judge.values(crop), tried).items():
                if ceiling.measured:
                    sys.stdout.write(
                        f"{crop} {key}: {ceiling.value:.3f} ({ceiling.low:.3f} to "
                        f"{ceiling.high:.3f}), chance {ceiling.chance:.3f}, n {ceiling.n}\n"
                    )


if __name__ == "__main__":
    main()

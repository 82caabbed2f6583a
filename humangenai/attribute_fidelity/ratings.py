"""ϕ by people, on the scale of their question (1 to 5): the only one that papers print.

A judge's probability is not on that scale, and no formula makes it so: people's answers are
compared with published ones, judges' scores with nobody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from humangenai.attribute_fidelity.answers import person
from humangenai.attribute_fidelity.scores import ends, ordered, places_of
from humangenai.records import PhiRating
from humangenai.statistics import clustered_t

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from humangenai.attribute_fidelity.judges.human import Rating
    from humangenai.attribute_fidelity.lines import Generated
    from humangenai.attribute_fidelity.scores import Place

    Rated = tuple[Generated, Rating]

SCALE = (1, 5)


def phi_ratings(
    generated: Iterable[Generated], ratings: Iterable[Rating], study: str
) -> tuple[PhiRating, ...]:
    """What people say of one method: suites, their groups, and every prompt that was rated.

    Args:
        generated: the method's pictures. Pairs (``phi_C``) are left out: people were asked about
            single pictures, and the papers about the change between two.
        ratings: people's answers, by picture and attribute.
        study: version of the export that they are from.
    """
    lines = {
        (line.sha256, line.crop, key, value): line
        for line in generated
        if line.suite != "phi_C" and line.status == "replaced"
        for key, value in line.attributes.items()
    }
    rated: dict[Place, list[Rated]] = {}
    for rating in ratings:
        line = lines.get((rating.sha256, rating.crop, rating.key, rating.value))
        for place in () if line is None else places_of(line):
            rated.setdefault(place, []).append((line, rating))  # type: ignore[arg-type]
    return tuple(_rating(place, rated[place], study) for place in ordered(rated))


def _rating(place: Place, rated: Sequence[Rated], study: str) -> PhiRating:
    suite, part, group, name = place
    said = np.array([answer for _, rating in rated for answer in rating.answers], dtype=float)
    people = [person(line) for line, rating in rated for _ in rating.answers]
    mean = clustered_t(said, people)
    low, high = np.clip([mean.low, mean.high], *SCALE).tolist()
    fields: dict[str, Any] = {"suite": suite, "part": part}
    return PhiRating(
        **fields,
        name=name,
        group=group,
        study=study,
        mean=(ends(mean)[0], low, high),
        sd=float(said.std(ddof=1)) if len(said) > 1 else float("nan"),
        n=mean.n,
        items=len(rated),
        people=mean.clusters,
    )

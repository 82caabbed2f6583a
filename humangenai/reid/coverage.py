"""Who was processed: the numbers that stand beside every score."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from humangenai.records import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from humangenai.records import ItemRecord


def coverage(items: Iterable[ItemRecord]) -> Coverage:
    """Count what became of the people in one method's items.

    People are counted over the true people where every finished item knows them, otherwise over
    the people who were found; then nobody can be known to be missed, and ``missed`` is None.
    Failed items hold no people and are counted on their own.

    Args:
        items: one record per item, all of one method.

    Returns:
        The counts; leaks are NaN without truth or without true people.
    """
    records = list(items)
    done = [record for record in records if record.status == "done"]
    truth = bool(done) and all(record.fates is not None for record in done)
    counts: Counter[str] = Counter()
    leaks: list[float] = []
    for record in done:
        if truth:
            counts.update(record.fates or ())
            leaks.extend(record.leaks or ())
        else:
            counts.update(person.status for person in record.people)
    known = np.array([leak for leak in leaks if not math.isnan(leak)])
    return Coverage(
        truth=truth,
        people=counts.total(),
        replaced=counts["replaced"],
        masked=counts["masked"],
        obscured=counts["obscured"],
        kept=counts["kept"],
        missed=counts["missed"] if truth else None,
        items=len(records),
        failed_items=len(records) - len(done),
        leak_mean=float(known.mean()) if known.size else math.nan,
        leak_p95=float(np.percentile(known, 95)) if known.size else math.nan,
    )

"""How much of the people who are truly there is outside the masks?

A method can only remove what it was told of. Where the dataset knows the truth, the true pixels of
every person are compared with the region the method processed, both taken afresh from the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from humangenai.fates import FOUND
from humangenai.verification.noise import summary
from humangenai.verification.opened import Unavailable
from humangenai.verification.outside import nothing_stored
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import TruePerson
    from humangenai.progress import Progress
    from humangenai.verification.opened import OpenedMethod

MAX_MEAN = 0.005
"""Largest mean share of a person's true pixels outside the regions. Those that remain lie at the
edge, where the true mask counts a pixel that the person covers in part."""

MISSED = 1 - FOUND
"""A person of whom a larger share than this is outside was missed: half of them is not removed."""


def check_leak(method: OpenedMethod, progress: Progress) -> CheckRecord:
    """Measure what is left of the true people, who were missed included.

    Fails if the mean share is above ``MAX_MEAN``, or anybody was missed: a person whom nobody
    found is not removed.

    Args:
        method: whose pictures.
        progress: told of every picture.
    """
    record = CheckRecord(
        check="leak", method=method.name, verdict="not checked", total=len(method.stored)
    )
    if not method.stored:
        return record.model_copy(update=nothing_stored(method))
    if method.run.dataset is None:
        return record.model_copy(update={"reason": method.run.why})
    leaks: dict[str, list[float]] = {}
    missing: list[str] = []
    unknown = 0
    with progress.stage(f"leak: {method.name}", len(method.stored)) as advance:
        for name in method.stored:
            try:
                truth = _truth(method, name)
                if truth is None:
                    unknown += 1
                else:
                    leaks[name] = person_leaks(truth, method.scene(name).region)
            except Unavailable as error:
                missing.append(str(error))
            advance(1)
    if unknown == len(method.stored):
        nobody = "nobody knows who is truly in these pictures: look at them, the report shows them"
        return record.model_copy(update={"verdict": "not applicable", "reason": nobody})
    if unknown:
        missing += ["it is not known who is truly there"] * unknown
    findings, figures = judge(leaks)
    verdict, reason = conclude(findings, summary(missing))
    return record.model_copy(
        update={
            "verdict": verdict,
            "reason": reason,
            "checked": len(leaks),
            "findings": tuple(findings),
            "figures": figures,
        }
    )


def person_leaks(truth: Sequence[TruePerson], region: NDArray[np.bool_]) -> list[float]:
    """Share of every true person's pixels outside a region, in [0, 1].

    Args:
        truth: who is truly there; people without a visible pixel are left out.
        region: bool (H, W).
    """
    return [
        float((true.mask & ~region).sum() / true.mask.sum()) for true in truth if true.mask.any()
    ]


def judge(leaks: dict[str, list[float]]) -> tuple[list[Finding], dict[str, float]]:
    """What is wrong with the shares, and the shares in figures.

    Args:
        leaks: public id → the share of every true person in that picture.

    Returns:
        Findings; and ``people``, ``missed``, ``mean``, ``p95`` and ``max``.
    """
    findings = [
        Finding(where=name, what=f"a person was missed: {share:.0%} of them is outside the masks")
        for name, shares in leaks.items()
        for share in shares
        if share > MISSED
    ]
    missed = len(findings)
    values = np.array([share for shares in leaks.values() for share in shares])
    if values.size == 0:
        return [], {"people": 0, "missed": 0}
    mean = float(values.mean())
    if mean > MAX_MEAN:
        worst = max(leaks, key=lambda name: max(leaks[name], default=0.0))
        what = (
            f"{mean:.2%} of the true people's pixels are outside the masks on average, at most "
            f"{MAX_MEAN:.1%} may be; most of all here: {max(leaks[worst]):.1%} of a person"
        )
        findings.append(Finding(where=worst, what=what))
    figures = {
        "people": values.size,
        "missed": missed,
        "mean": mean,
        "p95": float(np.percentile(values, 95)),
        "max": float(values.max()),
    }
    return findings, figures


def _truth(method: OpenedMethod, public_id: str) -> Sequence[TruePerson] | None:
    run, key = method.run, method.stored[public_id].key
    if run.dataset is None or key not in run.items:
        raise Unavailable("its original is not in the dataset any more")
    try:
        return run.dataset.truth(run.items[key])
    except Exception as error:
        raise Unavailable(f"its truth cannot be read any more ({type(error).__name__})") from error

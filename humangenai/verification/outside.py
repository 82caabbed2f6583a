"""Is everything outside the masks still the original, bit for bit?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.verification.noise import summary
from humangenai.verification.opened import Unavailable
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from humangenai.progress import Progress
    from humangenai.verification.opened import OpenedMethod


def check_outside(method: OpenedMethod, progress: Progress) -> CheckRecord:
    """Compare every published picture with its original, outside the regions of the people.

    Args:
        method: whose pictures.
        progress: told of every picture.
    """
    record = CheckRecord(
        check="outside", method=method.name, verdict="not checked", total=len(method.stored)
    )
    if not method.stored:
        return record.model_copy(update=nothing_stored(method))
    findings: list[Finding] = []
    missing: list[str] = []
    with progress.stage(f"outside: {method.name}", len(method.stored)) as advance:
        for name in method.stored:
            try:
                scene = method.scene(name)
                picture = method.picture(name)
            except Unavailable as error:
                missing.append(str(error))
            else:
                difference = compare_outside(scene.image, picture, scene.region)
                if difference is not None:
                    findings.append(Finding(where=name, what=difference))
            advance(1)
    verdict, reason = conclude(findings, summary(missing))
    return record.model_copy(
        update={
            "verdict": verdict,
            "reason": reason,
            "checked": len(method.stored) - len(missing),
            "findings": tuple(findings),
        }
    )


def compare_outside(
    original: NDArray[np.uint8], picture: NDArray[np.uint8], region: NDArray[np.bool_]
) -> str | None:
    """What differs outside a region, in words; None: nothing.

    Args:
        original: uint8 (H, W, 3).
        picture: uint8, what was published in its place.
        region: bool (H, W): where it may differ.
    """
    if picture.shape != original.shape:
        return (
            f"it is {picture.shape[1]} x {picture.shape[0]}, its original "
            f"{original.shape[1]} x {original.shape[0]}"
        )
    changed = int(((picture != original).any(axis=2) & ~region).sum())
    return f"{changed} pixels outside the masks are not the original's" if changed else None


def nothing_stored(method: OpenedMethod) -> dict[str, object]:
    """What a check of pictures says where a method has published none."""
    if method.imported:
        return {
            "verdict": "not checked",
            "reason": "made by another tool and kept outside of this folder",
        }
    if method.record.claim == "none":
        return {"verdict": "not applicable", "reason": "its pictures are not published"}
    return {"verdict": "not checked", "reason": "it has published no picture"}

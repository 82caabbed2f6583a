"""How far pseudonymized pictures are from originals as a network sees them.

FID and KID are those of Inception's features, and are measured where torchmetrics, torch-fidelity
and Inception's weights are on this machine. Elsewhere they are unscored. Another distance stands
beside them under its own name: KID's estimator (unbiased squared maximum mean discrepancy with a
cubic kernel; Bińkowski et al., "Demystifying MMD GANs", ICLR 2018) over the features of the suite's
re-identification network, of crops around true people. It compares methods of one run. It is no
FID, and other papers' figures have nothing to do with it.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from humangenai.records import UtilityMeasure
from humangenai.statistics import student
from humangenai.utility.detection.sight import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import Item
    from humangenai.progress import Progress
    from humangenai.scoring import Measured

PICTURES = 200
"""At most so many, evenly spread."""

BLOCKS = 10
"""Parts whose distances are averaged; how they differ gives the interval."""

LEAST = 8
"""Fewest crops of a block."""

INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
"""The file that torch-fidelity keeps in torch's hub folder."""

REMARKS = {
    "FID": f"too high by chance with few pictures; at most {PICTURES} are taken",
    "KID": "the interval is two standard deviations of its subsets",
}

MMD = "MMD² of re-identification features (no FID)"


def picture_quality(
    run: Measured, method: str, items: Sequence[Item], progress: Progress
) -> tuple[UtilityMeasure, ...]:
    """Distances between a method's pictures and their originals.

    Args:
        run: whose pictures.
        method: whose of them.
        items: those that were made.
        progress: told of the pictures.
    """
    from humangenai.reid import load_attacker

    chosen = spread(items, PICTURES)
    before: list[NDArray[np.uint8]] = []
    after: list[NDArray[np.uint8]] = []
    whole: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
    picture: list[int] = []
    with progress.stage(f"{method}: picture quality", len(chosen)) as advance:
        for number, item in enumerate(chosen):
            original, output = run.dataset.image(item), run.output(method, item)
            whole[0].append(original)
            whole[1].append(output)
            for person in run.dataset.truth(item) or ():
                x0, y0 = np.floor(person.box[:2]).astype(int)
                x1, y1 = np.ceil(person.box[2:]).astype(int)
                if x1 <= x0 or y1 <= y0:
                    continue
                before.append(original[y0:y1, x0:x1])
                after.append(output[y0:y1, x0:x1])
                picture.append(number)
            advance(1)
    measures = list(inception_distances(*whole))
    if before:
        network = load_attacker("osnet")
        # Whole pictures stay together; a block is large enough to be one.
        count = max(1, min(BLOCKS, len(before) // LEAST))
        blocks = np.array(picture) * count // len(chosen)
        measures.append(mmd_measure(network.embed(before), network.embed(after), blocks))
    return tuple(measures)


def mmd_measure(
    originals: NDArray[np.float32], outputs: NDArray[np.float32], blocks: NDArray[np.int64]
) -> UtilityMeasure:
    """The mean over blocks, with an interval; beside it what originals have among themselves.

    Args:
        originals: float32 (N, D), features; outputs: of the same people, in the same order.
        outputs: float32 (N, D).
        blocks: int64 (N,): which block each is in.
    """
    distances, floors = [], []
    for number in np.unique(blocks):
        here = np.flatnonzero(blocks == number)
        if len(here) < LEAST:
            continue
        # Of two halves, so that nobody is compared with themselves.
        one, other = here[::2], here[1::2]
        distances.append(
            (mmd(originals[one], outputs[other]) + mmd(originals[other], outputs[one])) / 2
        )
        floors.append(mmd(originals[one], originals[other]))
    return UtilityMeasure(
        name=MMD,
        value=_mean(distances),
        originals=_mean(floors),
        better="lower",
        n=len(originals),
        unscored=0,
        clusters=len(distances),
    )


def _mean(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean with the ends of Student's interval; NaN without values."""
    if not values:
        return math.nan, math.nan, math.nan
    value = float(np.mean(values))
    if len(values) < 2:
        return value, math.nan, math.nan
    half = student(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return value, value - half, value + half


def mmd(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Unbiased squared maximum mean discrepancy with KID's kernel, (x·y / D + 1)³.

    Args:
        one: float32 (N, D), N at least 2.
        other: float32 (M, D), M at least 2.

    >>> mmd(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
    -2.375
    """
    a, b = one.astype(np.float64), other.astype(np.float64)

    def kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)

    def within(x: NDArray[np.float64]) -> float:
        values = kernel(x, x)
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)))

    return within(a) + within(b) - 2 * float(kernel(a, b).mean())


def inception_distances(
    originals: Sequence[NDArray[np.uint8]], outputs: Sequence[NDArray[np.uint8]]
) -> tuple[UtilityMeasure, ...]:
    """FID and KID of whole pictures; unscored, with the reason, where they cannot be had.

    Args:
        originals: uint8 (H, W, 3) each.
        outputs: likewise, as many.
    """
    missing = why_no_inception()
    if missing is None and len(originals) < 2:
        missing = "fewer than two pictures"
    nothing = (math.nan, math.nan, math.nan)
    found = {"FID": nothing, "KID": nothing}
    if missing is None:
        found = _inception(originals, outputs)
    return tuple(
        UtilityMeasure(
            name=name,
            value=value,
            originals=nothing,
            better="lower",
            n=0 if missing else len(originals),
            unscored=len(originals) if missing else 0,
            clusters=0,
            remark=missing or REMARKS[name],
        )
        for name, value in found.items()
    )


def why_no_inception() -> str | None:
    """What FID and KID lack on this machine; None: nothing. Nothing is ever downloaded."""
    for package in ("torchmetrics", "torch_fidelity"):
        if find_spec(package) is None:
            return f"the package {package.replace('_', '-')} is not installed"
    import torch

    if not (Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION).is_file():
        return f"{INCEPTION} is not in torch's hub folder"
    return None


def _inception(
    originals: Sequence[NDArray[np.uint8]], outputs: Sequence[NDArray[np.uint8]]
) -> dict[str, tuple[float, float, float]]:
    """By torchmetrics: FID without an interval, KID with two standard deviations of its subsets."""
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    fid = FrechetInceptionDistance()
    kid = KernelInceptionDistance(subset_size=min(50, len(originals)))
    for pictures, real in ((originals, True), (outputs, False)):
        for picture in pictures:
            tensor = torch.from_numpy(picture).permute(2, 0, 1)[None]
            fid.update(tensor, real=real)
            kid.update(tensor, real=real)
    mean, deviation = (float(value) for value in kid.compute())
    return {
        "FID": (float(fid.compute()), math.nan, math.nan),
        "KID": (mean, mean - 2 * deviation, mean + 2 * deviation),
    }

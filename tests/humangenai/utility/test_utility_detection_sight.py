"""Whether people are still found where they were, and how far pictures are from originals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from humangenai.utility.detection import quality
from humangenai.utility.detection.quality import MMD, inception_distances, mmd, mmd_measure
from humangenai.utility.detection.sight import iou, match, pck, spread
from refsd.people import Person

BOX = np.array([10, 10, 30, 90], dtype=np.float32)


def person(box: np.ndarray, shift: float = 0.0, visibility: float = 1.0) -> Person:
    rng = np.random.default_rng(0)
    landmarks = rng.uniform([10, 10], [30, 90], (33, 2)).astype(np.float32) + np.float32(shift)
    x0, y0, x1, y1 = (int(value) for value in box)
    return Person(
        box.astype(np.float32),
        (x0, y0, x1, y1),
        np.ones((y1 - y0, x1 - x0), dtype=np.bool_),
        landmarks=landmarks,
        visibility=np.full(33, visibility, dtype=np.float32),
    )


def test_iou_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], dtype=np.float32)
    others = np.array([[0, 0, 10, 5], [5, 0, 15, 10], [20, 20, 30, 30]], dtype=np.float32)
    np.testing.assert_allclose(iou(boxes, others), [[0.5, 1 / 3, 0], [0, 0, 1]], atol=1e-7)


def test_everybody_is_matched_once_and_best_first() -> None:
    boxes = np.stack([BOX, BOX + np.float32([5, 0, 5, 0])])
    one = person(BOX + np.float32([4, 0, 4, 0]))
    assert match(boxes, [one]) == [None, one]
    both = [one, person(BOX)]
    assert match(boxes, both) == [both[1], one]
    assert match(boxes, [person(BOX + np.float32([0, 60, 0, 60]))]) == [None, None]
    assert match(boxes[:0], both) == []
    assert match(boxes, []) == [None, None]


def test_landmarks_count_within_a_tenth_of_the_size() -> None:
    before = person(BOX)
    assert pck(BOX, before, before) == 1
    # 80 pixels high: 5 √2 is within 8 pixels, 6 √2 is not.
    assert pck(BOX, before, person(BOX, shift=5)) == 1
    assert pck(BOX, before, person(BOX, shift=6)) == 0


def test_what_cannot_be_compared_is_unscored() -> None:
    before = person(BOX)
    assert math.isnan(pck(BOX, None, before))
    assert math.isnan(pck(BOX, before, None))
    assert math.isnan(pck(BOX, before, Person(BOX, (10, 10, 30, 90), before.mask)))
    # Landmarks that the estimator was not sure of in the original say nothing.
    assert math.isnan(pck(BOX, person(BOX, visibility=0.4), before))


def test_pictures_are_spread_evenly() -> None:
    items = list(range(10))
    assert spread(items, 3) == [0, 3, 6]  # type: ignore[arg-type, comparison-overlap]
    assert spread(items, 99) == items  # type: ignore[arg-type, comparison-overlap]


# ---- picture quality -------------------------------------------------------------------------


def test_mmd_is_nothing_between_draws_of_one_kind_and_grows_with_the_distance() -> None:
    rng = np.random.default_rng(0)
    one, other, near, far = (
        (rng.normal(size=(400, 16)) + shift).astype(np.float32) for shift in (0, 0, 0.3, 1.0)
    )
    same, close, wide = (mmd(one, two) for two in (other, near, far))
    assert abs(same) < 0.02
    assert same < close < wide
    assert close > 0.1


def test_mmd_equals_its_definition() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(5, 3)).astype(np.float32)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.astype(float) @ b.astype(float) / 3 + 1) ** 3)

    xx = np.mean([k(x[i], x[j]) for i in range(4) for j in range(4) if i != j])
    yy = np.mean([k(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    xy = np.mean([k(a, b) for a in x for b in y])
    assert mmd(x, y) == pytest.approx(xx + yy - 2 * xy)


def test_originals_against_themselves_are_as_far_as_by_chance() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(300, 8)).astype(np.float32)
    blocks = np.arange(300) * 10 // 300
    same = mmd_measure(features, features, blocks)
    assert same.name == MMD
    assert same.value[0] == pytest.approx(same.originals[0])
    assert same.value[1] < 0 < same.value[2]
    assert same.clusters == 10
    moved = mmd_measure(features, features + np.float32(1), blocks)
    assert moved.value[1] > same.value[2]


def test_few_people_are_unscored() -> None:
    features = np.ones((4, 8), dtype=np.float32)
    assert math.isnan(mmd_measure(features, features, np.zeros(4, dtype=np.int64)).value[0])


def test_fid_and_kid_are_unscored_without_inceptions_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures = [np.zeros((8, 8, 3), dtype=np.uint8)] * 3
    monkeypatch.setattr(quality, "find_spec", lambda name: None)
    for one in inception_distances(pictures, pictures):
        assert one.name in ("FID", "KID")
        assert math.isnan(one.value[0])
        assert one.n == 0
        assert one.unscored == 3
        assert "torchmetrics is not installed" in one.remark
    monkeypatch.setattr(quality, "find_spec", lambda name: name)
    monkeypatch.setattr("torch.hub.get_dir", lambda: "/nowhere")
    assert quality.INCEPTION in (quality.why_no_inception() or "")

"""Detectors' scores: pycocotools' own figures, and intervals over pictures and trainings."""

import math

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from humangenai.statistics import resample_weights
from humangenai.utility.detection import METRICS, Detections, Truth, evaluate
from humangenai.utility.detection.scores import _mean_precision

CATEGORIES = ("person", "dog", "unicorn")


def scene(rng: np.random.Generator) -> Truth:
    """Up to five things; unicorns occur nowhere."""
    count = int(rng.integers(0, 6))
    corners = rng.uniform(0, 80, (count, 2))
    return Truth(
        np.concatenate([corners, corners + rng.uniform(8, 60, (count, 2))], axis=1),
        rng.integers(0, 2, count),
        rng.random(count) < 0.15,
    )


def detector(rng: np.random.Generator, truth: list[Truth], skill: float) -> list[Detections]:
    """Finds some things, badly placed, and some that are not there."""
    found = []
    for picture in truth:
        seen = rng.random(len(picture.boxes)) < skill
        boxes = picture.boxes[seen]
        boxes = boxes + rng.normal(0, 12 * (1.1 - skill), boxes.shape)
        extra = rng.uniform(0, 80, (int(rng.integers(0, 4)), 2))
        boxes = np.concatenate([boxes, np.concatenate([extra, extra + 25], axis=1)])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        categories = np.concatenate([picture.categories[seen], rng.integers(0, 2, len(extra))])
        scores = rng.random(len(boxes)) * np.where(np.arange(len(boxes)) < seen.sum(), 1, 0.7)
        found.append(Detections(boxes, categories, scores))
    return found


def people(*boxes: list[float]) -> Truth:
    """People in these places, none of them a crowd."""
    count = len(boxes)
    return Truth(np.array(boxes), np.zeros(count, np.int64), np.zeros(count, np.bool_))


def found_people(*boxes: list[float], scores: list[float]) -> Detections:
    """People who are found in these places."""
    return Detections(np.array(boxes), np.zeros(len(boxes), np.int64), np.array(scores))


def by_hand_of_coco(truth: list[Truth], found: list[Detections]) -> list[float]:
    """The two figures as COCO's users compute them, with loadRes and summarize."""
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number + 100} for number in range(len(truth))],
        "categories": [{"id": number + 1} for number in range(len(CATEGORIES))],
        "annotations": [],
    }
    results = []
    for number, (there, seen) in enumerate(zip(truth, found, strict=True)):
        for box, category, crowd in zip(there.boxes, there.categories, there.crowd, strict=True):
            size = box[2:] - box[:2]
            entry = {"id": len(coco.dataset["annotations"]) + 1, "image_id": number + 100,
                     "category_id": int(category) + 1, "bbox": [*box[:2], *size],
                     "area": float(size.prod()), "iscrowd": int(crowd)}  # fmt: skip
            coco.dataset["annotations"].append(entry)
        results += [
            {"image_id": number + 100, "category_id": int(category) + 1,
             "bbox": [*box[:2], *(box[2:] - box[:2])], "score": float(score)}
            for box, category, score in zip(seen.boxes, seen.categories, seen.scores, strict=True)
        ]  # fmt: skip
    coco.createIndex()
    run = COCOeval(coco, coco.loadRes(results), "bbox")
    run.evaluate()
    run.accumulate()
    run.summarize()
    return [float(run.stats[0]), float(run.stats[1])]


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [scene(rng) for _ in range(25)]
    models = [detector(rng, truth, 0.8), detector(rng, truth, 0.5)]
    found = evaluate(truth, models, CATEGORIES)
    for number, model in enumerate(models):
        ours = [found.precision[metric][number] for metric in METRICS]
        assert ours == pytest.approx(by_hand_of_coco(truth, model), abs=1e-12)
        assert 0 < ours[0] < ours[1] < 1
    score = found.score("mAP@.5", resamples=100)
    assert score.value == pytest.approx(found.precision["mAP@.5"].mean())
    assert (score.n, score.seeds) == (25, 2)
    assert score.low < score.value < score.high
    assert np.isnan(found.by_category["unicorn"]["mAP@.5"]).all()  # never 0
    both = [found.by_category[name]["mAP@.5"] for name in ("person", "dog")]
    assert np.mean(both, axis=0) == pytest.approx(found.precision["mAP@.5"])


def test_a_known_case() -> None:
    """Two people, of whom the surer box finds one (IoU 0.8) and a wrong one comes between."""
    truth = people([0, 0, 10, 10], [50, 50, 60, 60])
    boxes: list[list[float]] = [[0, 0, 10, 8], [200, 200, 210, 210], [50, 50, 60, 60]]
    found = evaluate([truth], [[found_people(*boxes, scores=[0.9, 0.8, 0.7])]], CATEGORIES)
    # Recall 0.5 at precision 1 (51 of 101 recalls), then 1 at precision 2/3 (50 of 101).
    half = (51 + 50 * 2 / 3) / 101
    assert found.precision["mAP@.5"][0] == pytest.approx(half)
    # Above IoU 0.8 only the last box is right: recall 0.5 at precision 1/3.
    strict = 51 / 3 / 101
    assert found.precision["mAP@[.5:.95]"][0] == pytest.approx((7 * half + 3 * strict) / 10)


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_as_good_as_copies_of_pictures(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [scene(rng) for _ in range(9)]
    model = detector(rng, truth, 0.7)
    found = evaluate(truth, [model], CATEGORIES)
    weights = resample_weights(9, 8, seed)
    for metric in METRICS:
        ours = _mean_precision(found._models[0], metric, weights)
        for value, row in zip(ours, weights.astype(int), strict=True):
            copies = [at for at in range(9) for _ in range(row[at])]
            again = evaluate(
                [truth[at] for at in copies], [[model[at] for at in copies]], CATEGORIES
            )
            assert value == pytest.approx(again.precision[metric][0], abs=1e-9)


def test_a_better_detector_is_told_from_a_worse_one_and_from_itself() -> None:
    rng = np.random.default_rng(5)
    truth = [scene(rng) for _ in range(40)]
    good = evaluate(truth, [detector(rng, truth, 0.9) for _ in range(3)], CATEGORIES)
    bad = evaluate(truth, [detector(rng, truth, 0.5) for _ in range(3)], CATEGORIES)
    gap = good.difference(bad, "mAP@.5", resamples=200)
    assert not gap.within_noise
    assert gap.low > 0
    assert good.difference(good, "mAP@.5", resamples=200).p == 1
    person = good.score("mAP@.5", "person", resamples=200)
    assert person.value == pytest.approx(good.by_category["person"]["mAP@.5"].mean())
    assert person.low < person.value < person.high
    assert good.difference(bad, "mAP@.5", "person", resamples=200).low > 0
    assert math.isnan(good.score("mAP@.5", "unicorn", resamples=20).value)
    one = evaluate(truth, [detector(rng, truth, 0.5)], CATEGORIES)
    assert math.isnan(one.score("mAP@.5", resamples=50).low)  # of one training nobody knows
    with pytest.raises(ValueError, match="equally many"):
        good.difference(one, "mAP@.5")
    with pytest.raises(ValueError, match="same test pictures"):
        good.difference(evaluate(truth[:-1], [detector(rng, truth[:-1], 1)], CATEGORIES), "mAP@.5")


def test_nothing_there_and_nothing_found() -> None:
    nothing, blind = people(), found_people(scores=[])
    empty = evaluate([nothing, nothing], [[blind, blind]], CATEGORIES)
    assert math.isnan(empty.precision["mAP@.5"][0])
    missed = evaluate([people([0, 0, 9, 9]), nothing], [[blind, blind]], CATEGORIES)
    assert missed.precision["mAP@.5"][0] == 0


def test_wrong_input_is_refused() -> None:
    one = people([0, 0, 9, 9])
    with pytest.raises(ValueError, match="1 boxes, but 2 categories"):
        Truth(one.boxes, np.zeros(2, np.int64), one.crowd)
    with pytest.raises(ValueError, match="x0 <= x1"):
        found_people([9, 0, 0, 9], scores=[1])
    with pytest.raises(ValueError, match="finite"):
        found_people([0, 0, 9, 9], scores=[math.nan])
    seen = Detections(one.boxes, np.array([3]), np.ones(1))
    with pytest.raises(ValueError, match="categories are 0 to 2"):
        evaluate([one], [[seen]], CATEGORIES)
    with pytest.raises(ValueError, match="1 test pictures, but detections in 0"):
        evaluate([one], [[]], CATEGORIES)
    with pytest.raises(ValueError, match="nothing to evaluate"):
        evaluate([one], [], CATEGORIES)

"""How well detectors find things: COCO's mAP, by COCO's own code, with intervals.

pycocotools matches boxes, and its figures are those of one model on all pictures. Intervals draw
pictures anew, which needs the mean precision of thousands of other sets of pictures: matches stay
as they are within a picture, so they are counted again with weights instead of being made again.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from humangenai.statistics import Repeated, repeated_difference, repeated_share, resample_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Metric = Literal["mAP@[.5:.95]", "mAP@.5"]

METRICS: tuple[Metric, ...] = ("mAP@[.5:.95]", "mAP@.5")

RESAMPLES = 1000
MOST_BOXES = 100
"""Boxes of a picture and category that count, the surest ones: COCO's rule."""

_HALF = 0
"""Where IoU 0.5 stands among COCO's thresholds."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What is in one picture.

    Attributes:
        boxes: float (N, 4): x0 y0 x1 y1 in pixels, x1 and y1 exclusive.
        categories: int (N,): their numbers.
        crowd: bool (N,): regions of many; what is found in them is neither right nor wrong.

    Raises:
        ValueError: shapes do not fit, or a box ends before it begins.
    """

    boxes: NDArray[np.float64]
    categories: NDArray[np.int64]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _to_arrays(self, {"boxes": np.float64, "categories": np.int64, "crowd": np.bool_})


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector finds in one picture.

    Attributes:
        boxes: float (N, 4), as in :class:`Truth`.
        categories: int (N,).
        scores: float (N,): the higher, the surer.

    Raises:
        ValueError: shapes do not fit, a box ends before it begins, or a score is not finite.
    """

    boxes: NDArray[np.float64]
    categories: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        _to_arrays(self, {"boxes": np.float64, "categories": np.int64, "scores": np.float64})
        if not np.isfinite(self.scores).all():
            raise ValueError("scores must be finite")


def _to_arrays(picture: Truth | Detections, types: Mapping[str, Any]) -> None:
    """Lists become arrays, and what does not fit together is refused."""
    for name, kind in types.items():
        object.__setattr__(picture, name, np.asarray(getattr(picture, name), dtype=kind))
    boxes = picture.boxes.reshape(-1, 4)
    object.__setattr__(picture, "boxes", boxes)
    for name in types:
        if len(getattr(picture, name)) != len(boxes):
            raise ValueError(f"{len(boxes)} boxes, but {len(getattr(picture, name))} {name}")
    if not np.isfinite(boxes).all() or (boxes[:, 2:] < boxes[:, :2]).any():
        raise ValueError("boxes are x0, y0, x1, y1 with x0 <= x1 and y0 <= y1")


@dataclass(frozen=True, eq=False)
class _Category:
    """One model's boxes of one category in all pictures, in descending order of their scores.

    Attributes:
        picture: int64 (D,): in which picture a box is.
        right: bool (T, D): it matches something, per IoU threshold.
        counts: bool (T, D): False where it lies in a crowd.
        there: int64 (pictures,): how many there are to be found.
    """

    picture: NDArray[np.int64]
    right: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    there: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Models of one configuration (one per seed) on the same test pictures.

    Attributes:
        pictures: how many.
        precision: metric → float64 (seeds,): pycocotools' figure of each model; NaN where there is
            nothing to be found.
        by_category: category → the same for it alone.
    """

    pictures: int
    precision: Mapping[Metric, NDArray[np.float64]]
    by_category: Mapping[str, Mapping[Metric, NDArray[np.float64]]]
    _models: tuple[tuple[_Category, ...], ...]
    _drawn: dict[tuple[Metric, str | None, int, int], NDArray[np.float64]] = field(
        default_factory=dict
    )

    def score(
        self,
        metric: Metric,
        category: str | None = None,
        *,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> Repeated:
        """Mean over models, with an interval over pictures and trainings.

        Args:
            metric: one of ``METRICS``.
            category: only this one, e.g. ``person``; None: the mean of all.
            resamples: of pictures, for the interval.
            seed: of the resamples.
        """
        return repeated_share(
            self._per_seed(metric, category),
            self._resampled(metric, category, resamples, seed),
            n=self.pictures,
            clusters=self.pictures,
        )

    def difference(
        self,
        against: Evaluation,
        metric: Metric,
        category: str | None = None,
        *,
        resamples: int = RESAMPLES,
        seed: int = 0,
    ) -> Repeated:
        """This minus ``against``, paired by picture and by training (in their order).

        Raises:
            ValueError: they were not tested on the same pictures, or have not equally many models.
        """
        if not _same_truth(self, against):
            raise ValueError("only detections in the same test pictures can be compared")
        if len(self._models) != len(against._models):
            raise ValueError("only equally many trainings can be compared pairwise")
        drawn = [one._resampled(metric, category, resamples, seed) for one in (self, against)]
        return repeated_difference(
            self._per_seed(metric, category) - against._per_seed(metric, category),
            drawn[0] - drawn[1],
            n=self.pictures,
            clusters=self.pictures,
        )

    def _per_seed(self, metric: Metric, category: str | None) -> NDArray[np.float64]:
        return (self.precision if category is None else self.by_category[category])[metric]

    def _resampled(
        self, metric: Metric, category: str | None, resamples: int, seed: int
    ) -> NDArray[np.float64]:
        """Mean over models on pictures drawn anew: float64 (resamples,); computed once."""
        key = (metric, category, resamples, seed)
        if key not in self._drawn:
            self._drawn[key] = self._draw(*key)
        return self._drawn[key]

    def _draw(
        self, metric: Metric, category: str | None, resamples: int, seed: int
    ) -> NDArray[np.float64]:
        weights = resample_weights(self.pictures, resamples, seed)
        at = None if category is None else [*self.by_category].index(category)
        chosen = [model if at is None else (model[at],) for model in self._models]
        means = [_mean_precision(model, metric, weights) for model in chosen]
        return np.asarray(np.mean(means, axis=0))


def evaluate(
    truth: Sequence[Truth],
    detections: Sequence[Sequence[Detections]],
    categories: Sequence[str],
) -> Evaluation:
    """Match boxes and compute precision with pycocotools.

    Args:
        truth: one per test picture.
        detections: per model (seed), one per test picture in the same order.
        categories: their names; boxes name them by number.

    Raises:
        ValueError: there is no picture or model, a model has not one entry per picture, or a
            category has no name.

    >>> there = Truth([[0, 0, 10, 10]], [0], [False])
    >>> found = Detections([[0, 0, 10, 7]], [0], [0.9])
    >>> one = evaluate([there], [[found]], ["person"])
    >>> [round(float(one.precision[metric][0]), 2) for metric in METRICS]
    [0.5, 1.0]
    """
    if not truth or not detections:
        raise ValueError("nothing to evaluate: no test picture or no model")
    for model in detections:
        if len(model) != len(truth):
            raise ValueError(f"{len(truth)} test pictures, but detections in {len(model)}")
    named: list[Truth | Detections] = [*truth, *(one for model in detections for one in model)]
    for numbers in (picture.categories for picture in named):
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(categories):
            raise ValueError(f"categories are 0 to {len(categories) - 1}")
    reference = _reference(truth, len(categories))
    runs = [_run(reference, model) for model in detections]
    precisions = [run.eval["precision"][:, :, :, 0, -1] for run in runs]
    return Evaluation(
        pictures=len(truth),
        precision={
            metric: np.array([_mean(one, metric) for one in precisions]) for metric in METRICS
        },
        by_category={
            name: {
                metric: np.array([_mean(one[:, :, [at]], metric) for one in precisions])
                for metric in METRICS
            }
            for at, name in enumerate(categories)
        },
        _models=tuple(_matches(run, len(truth), len(categories)) for run in runs),
    )


def _mean(precision: NDArray[np.float64], metric: Metric) -> float:
    """The mean of pycocotools' table (thresholds, recalls, categories); -1 there means nothing."""
    chosen = precision[[_HALF]] if metric == "mAP@.5" else precision
    known = chosen[chosen > -1]
    return float(known.mean()) if known.size else float("nan")


# ---- pycocotools -----------------------------------------------------------------------------


def _reference(truth: Sequence[Truth], categories: int) -> Any:
    from pycocotools.coco import COCO

    coco = COCO()
    entries = [
        {**entry, "iscrowd": int(crowd)}
        for number, picture in enumerate(truth)
        for entry, crowd in zip(_entries(picture, number), picture.crowd, strict=True)
    ]
    coco.dataset = {
        "images": [{"id": number} for number in range(len(truth))],
        "categories": [{"id": number, "name": str(number)} for number in range(categories)],
        # From 1: COCOeval takes the id 0 for "no match".
        "annotations": [{**entry, "id": at} for at, entry in enumerate(entries, start=1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        coco.createIndex()
    return coco


def _entries(picture: Truth | Detections, number: int) -> list[dict[str, Any]]:
    """Boxes as COCO writes them: corner and size."""
    entries = []
    for (x0, y0, x1, y1), category in zip(
        picture.boxes.tolist(), picture.categories.tolist(), strict=True
    ):
        width, height = x1 - x0, y1 - y0
        entries.append(
            {
                "image_id": number,
                "category_id": category,
                "bbox": [x0, y0, width, height],
                "area": width * height,
            }
        )
    return entries


def _run(reference: Any, model: Sequence[Detections]) -> Any:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    entries = [
        {**entry, "score": score, "iscrowd": 0}
        for number, picture in enumerate(model)
        for entry, score in zip(_entries(picture, number), picture.scores.tolist(), strict=True)
    ]
    found = COCO()
    found.dataset = {
        **reference.dataset,
        "annotations": [{**entry, "id": at} for at, entry in enumerate(entries, start=1)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        found.createIndex()
        run = COCOeval(reference, found, "bbox")
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.params.maxDets = [MOST_BOXES]
        run.evaluate()
        run.accumulate()
    return run


def _matches(run: Any, pictures: int, categories: int) -> tuple[_Category, ...]:
    """What pycocotools matched, category by category."""
    thresholds = len(run.params.iouThrs)
    found = []
    for category in range(categories):
        # One entry per category and picture, None where neither has a box.
        entries = run.evalImgs[category * pictures : (category + 1) * pictures]
        there = np.zeros(pictures, dtype=np.int64)
        picture: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        scores: list[NDArray[np.float64]] = [np.zeros(0)]
        right = [np.zeros((thresholds, 0), dtype=np.bool_)]
        counts = [np.zeros((thresholds, 0), dtype=np.bool_)]
        for number, entry in enumerate(entries):
            if entry is None:
                continue
            there[number] = int((np.asarray(entry["gtIgnore"]) == 0).sum())
            scores.append(np.asarray(entry["dtScores"], dtype=np.float64))
            picture.append(np.full(scores[-1].size, number))
            right.append(np.asarray(entry["dtMatches"]) > 0)
            counts.append(np.asarray(entry["dtIgnore"]) == 0)
        # Stable, as pycocotools sorts: equal scores stay in the order of pictures.
        order = np.argsort(-np.concatenate(scores), kind="mergesort")
        found.append(
            _Category(
                np.concatenate(picture)[order],
                np.concatenate(right, axis=1)[:, order],
                np.concatenate(counts, axis=1)[:, order],
                there,
            )
        )
    return tuple(found)


def _same_truth(one: Evaluation, other: Evaluation) -> bool:
    return all(
        np.array_equal(mine.there, theirs.there)
        for mine, theirs in zip(one._models[0], other._models[0], strict=False)
    ) and len(one._models[0]) == len(other._models[0])


# ---- resampling ------------------------------------------------------------------------------

RECALLS = np.linspace(0.0, 1.0, 101)
"""Where COCO reads the precision off."""

_MOST_AT_ONCE = 2_000_000
"""Resamples times boxes that are held in memory together."""


def _mean_precision(
    model: Sequence[_Category], metric: Metric, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """COCO's mean precision with pictures counted by weights: float64 (resamples,)."""
    means = np.full((len(model), len(weights)), np.nan)
    for at, category in enumerate(model):
        there = weights @ category.there
        rows = [_HALF] if metric == "mAP@.5" else range(len(category.right))
        scores = [_average_precision(category, threshold, weights, there) for threshold in rows]
        means[at] = np.where(there > 0, np.mean(scores, axis=0), np.nan)
    known = ~np.isnan(means)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, means, 0).sum(axis=0) / known.sum(axis=0))


def _average_precision(
    category: _Category, threshold: int, weights: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean precision at COCO's 101 recalls, per resample; see ``COCOeval.accumulate``."""
    counts = category.counts[threshold]
    right = category.right[threshold] & counts
    wrong = ~category.right[threshold] & counts
    made = np.zeros(len(weights))
    step = max(1, _MOST_AT_ONCE // max(right.size, 1))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step, category.picture]  # (resamples, boxes)
        hits = np.cumsum(drawn * right, axis=1)
        precision = hits / np.maximum(hits + np.cumsum(drawn * wrong, axis=1), np.spacing(1))
        # From the right: the best precision that is still had at this recall or a higher one.
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = hits / np.maximum(there[start : start + step], 1)[:, None]
        for row in range(len(drawn)):
            at = np.searchsorted(recall[row], RECALLS, side="left")
            made[start + row] = best[row, at[at < right.size]].sum() / RECALLS.size
    return made

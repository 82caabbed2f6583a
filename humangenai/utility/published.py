"""Downstream utility as RefSD's authors report it: copied, never ranked with what we measure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from humangenai.records import Record, Training

TRAININGS: tuple[Training, ...] = ("S", "R", "S+R", "S→R")
"""On synthetic pictures, on real ones, on both together, on synthetic and then on real ones."""


class PublishedScore(Record):
    """One printed number.

    Attributes:
        training: on which pictures.
        model: as the page names it.
        task: what is told apart, or found.
        metric: as ours are called.
        percent: as printed.
    """

    track: Literal["classification", "detection"]
    dataset: str
    training: Training
    model: str
    task: str
    metric: Literal["accuracy", "mAP@[.5:.95]", "mAP@.5"]
    percent: float = Field(ge=0, le=100)


TITLE = "Reported by the paper, downstream utility"
METHOD = "RefSD"
PAPER = (
    "Patwari et al., Rendering-Refined Stable Diffusion for Privacy Compliant Synthetic Data, "
    "arXiv 2412.06248 (FG 2026)"
)
URL = "https://rendering-refined-stable-diffusion.github.io/"
PROTOCOL = (
    "S: trained on synthetic pictures, R: on real ones, S+R: on both together, S→R: on synthetic "
    "ones first, then on real ones; in percent as printed"
)
NOTES = (
    "Copied from the paper's page, not measured by this project; never ranked with measured rows.",
    (
        "The page gives no intervals, seeds, schedules or numbers of pictures, and no S+R row of "
        "detection. It does not say how synthetic faces got their labels."
    ),
    (
        "RAF-DB's emotions are told with about 90 % accuracy by the best published models; ViTs "
        "with 41.5 % were most likely trained from scratch or only briefly. This reading is ours."
    ),
)

CLASSIFIERS = ("ViT-Base", "ViT-Tiny")
DETECTOR = "DINOv2-Adapter + Faster R-CNN"

_CLASSIFICATION: dict[Training, dict[str, tuple[float, float]]] = {
    "S": {
        "emotion": (36.3, 39.6), "age group": (48.2, 48.4), "gender": (53.1, 52.9),
        "ethnicity": (67.6, 68.2),
    },
    "R": {
        "emotion": (41.5, 41.5), "age group": (58.4, 57.0), "gender": (61.9, 60.6),
        "ethnicity": (78.2, 77.5),
    },
    "S+R": {
        "emotion": (44.3, 42.0), "age group": (59.9, 58.5), "gender": (73.0, 63.4),
        "ethnicity": (79.9, 77.5),
    },
    "S→R": {
        "emotion": (45.3, 42.2), "age group": (58.1, 55.7), "gender": (64.4, 65.1),
        "ethnicity": (78.8, 77.6),
    },
}  # fmt: skip
"""Accuracies of ViT-Base and ViT-Tiny on RAF-DB."""

_DETECTION: dict[Training, tuple[float, float]] = {
    "S": (26.4, 33.2),
    "R": (25.3, 32.2),
    "S→R": (30.8, 38.8),
}
"""mAP@[.5:.95] and mAP@.5 on OpenImages; the page has no S+R."""

CLASSIFICATION = tuple(
    PublishedScore(
        track="classification",
        dataset="RAF-DB",
        training=training,
        model=model,
        task=task,
        metric="accuracy",
        percent=percent,
    )
    for training, tasks in _CLASSIFICATION.items()
    for task, percents in tasks.items()
    for model, percent in zip(CLASSIFIERS, percents, strict=True)
)

DETECTION = tuple(
    PublishedScore(
        track="detection",
        dataset="OpenImages",
        training=training,
        model=DETECTOR,
        task="600 classes",
        metric=metric,
        percent=percent,
    )
    for training, percents in _DETECTION.items()
    for metric, percent in zip(("mAP@[.5:.95]", "mAP@.5"), percents, strict=True)
)

"""Classifiers of people's emotion, age, gender and ethnicity."""

from humangenai.utility.classification.scores import (
    METRICS,
    GroupScores,
    Predictions,
    by_group,
    confusion,
    difference,
    score,
)

__all__ = [
    "METRICS",
    "GroupScores",
    "Predictions",
    "by_group",
    "confusion",
    "difference",
    "score",
]

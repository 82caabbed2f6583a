"""Detectors of people and of everything else."""

from humangenai.utility.detection.scores import METRICS, Detections, Evaluation, Truth, evaluate

__all__ = ["METRICS", "Detections", "Evaluation", "Truth", "evaluate"]

"""Labelled heads of crowd's people, to learn from and to be tested on."""

from humangenai.datasets.crowd_faces.dataset import CrowdFaces, Options, load

__all__ = ["CrowdFaces", "Options", "load"]

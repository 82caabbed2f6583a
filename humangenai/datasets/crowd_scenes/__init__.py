"""Crowd's scenes: several rendered people per picture, among crates and barrels."""

from humangenai.datasets.crowd_scenes.dataset import CrowdScenes, Options, load

__all__ = ["CrowdScenes", "Options", "load"]

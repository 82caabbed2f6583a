"""The embedded dataset: rendered people of known identity before six cameras."""

from humangenai.datasets.crowd.dataset import Crowd, Options, load

__all__ = ["Crowd", "Options", "load"]

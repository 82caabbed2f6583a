"""Parametric bodies, and fitting one to what was seen of a person."""

from refsd.bodies.model import Bodies, BodyModel, Fits, Observation

__all__ = ["Bodies", "BodyModel", "Fits", "Observation"]

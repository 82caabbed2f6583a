"""Parametric bodies, and fitting one to what was seen of a person.

``load_body`` and what needs a body's data are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from refsd.bodies.model import Bodies, BodyModel, Fits, Observation

if TYPE_CHECKING:
    from refsd.bodies.anny import AnnyBody
    from refsd.bodies.fit import fit_bodies
    from refsd.bodies.landmarks import LANDMARKS, blazepose_landmarks
    from refsd.bodies.loading import BODIES, load_body
    from refsd.bodies.poses import pose_kinds, sample_pose, turned

__all__ = [
    "BODIES",
    "LANDMARKS",
    "AnnyBody",
    "Bodies",
    "BodyModel",
    "Fits",
    "Observation",
    "blazepose_landmarks",
    "fit_bodies",
    "load_body",
    "pose_kinds",
    "sample_pose",
    "turned",
]

_LAZY = {
    "BODIES": "refsd.bodies.loading",
    "LANDMARKS": "refsd.bodies.landmarks",
    "AnnyBody": "refsd.bodies.anny",
    "blazepose_landmarks": "refsd.bodies.landmarks",
    "fit_bodies": "refsd.bodies.fit",
    "load_body": "refsd.bodies.loading",
    "pose_kinds": "refsd.bodies.poses",
    "sample_pose": "refsd.bodies.poses",
    "turned": "refsd.bodies.poses",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)

"""Faces that feel something: emotions as facial actions.

Which muscles an emotion moves follows EMFACS, the emotional part of the Facial Action Coding
System (Ekman and Friesen 1983), in ARKit's names; how strongly is ours, chosen by eye.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EMOTIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "happy": {"mouthSmile": 0.9, "cheekSquint": 0.8, "eyeSquint": 0.3, "jawOpen": 0.12},
    "sad": {
        "browInnerUp": 1.0, "browDown": 0.2, "mouthFrown": 1.0, "mouthShrugLower": 0.5,
        "eyeBlink": 0.25,
    },
    "angry": {
        "browDown": 1.0, "eyeSquint": 0.6, "eyeWide": 0.3, "noseSneer": 0.6, "mouthPress": 0.8,
        "mouthFrown": 0.4,
    },
    "surprised": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0, "jawOpen": 0.6},
    "fearful": {
        "browInnerUp": 1.0, "browOuterUp": 0.4, "browDown": 0.3, "eyeWide": 1.0,
        "mouthStretch": 1.0, "mouthLowerDown": 0.5, "jawOpen": 0.2,
    },
    "disgusted": {
        "noseSneer": 1.0, "mouthUpperUp": 0.8, "browDown": 0.7, "cheekSquint": 0.7,
        "mouthFrown": 0.6, "eyeSquint": 0.4,
    },
}  # fmt: skip
"""The seven basic emotions (RAF-DB's classes) → action without its side → strength in [0, 1]."""

_ONE_SIDED = frozenset({"browInnerUp", "jawOpen", "mouthShrugLower"})


def expression(emotion: str, strength: float = 1.0) -> dict[str, float]:
    """The facial actions of an emotion, to be joined with an avatar's shape.

    Args:
        emotion: one of ``EMOTIONS``.
        strength: 1 is a clear expression, less a restrained one; in [0, 1].

    Raises:
        ValueError: there is no such emotion.

    >>> expression("surprised", 0.5)["jawOpen"]
    0.3
    """
    if emotion not in EMOTIONS:
        raise ValueError(f"unknown emotion {emotion!r}; known: {', '.join(EMOTIONS)}")
    actions = {}
    for action, amount in EMOTIONS[emotion].items():
        for side in ("",) if action in _ONE_SIDED else ("Left", "Right"):
            actions[action + side] = amount * strength
    return actions

"""What annotators are asked: worded 5-point scales, and preferences between two pictures.

The papers print scores of 5-point scales where higher is better, but not the wording of their
questions (ψ_A privacy, ψ_B pose preservation, ψ_C quality, realism and preference). The wording
here is this suite's own; every study keeps the words that its annotators saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Track = Literal["face", "body"]
"""What a study shows: heads, or whole people."""

Symbol = Literal["psi_A", "psi_B", "psi_C", "phi"]

LEFT, TIE, RIGHT = 1, 2, 3
"""Answers to a pairwise question: which picture is better."""


@dataclass(frozen=True)
class Question:
    """One question about the pictures of an item.

    Attributes:
        id: unique within an item, e.g. ``psi_C_realism``.
        text: what the annotator reads.
        kind: ``likert``: answers 1 to 5, higher is better; ``pairwise``: 1 the left picture is
            better, 2 no difference, 3 the right one.
        anchors: the words of the answers, from answer 1 on.
        symbol: the score that the answers go into.
    """

    id: str
    text: str
    kind: Literal["likert", "pairwise"]
    anchors: tuple[str, ...]
    symbol: Symbol

    @property
    def values(self) -> range:
        """The possible answers."""
        return range(1, len(self.anchors) + 1)


def questions(track: Track, symbol: Symbol) -> tuple[Question, ...]:
    """The built-in questions about one item of ψ_A, ψ_B or ψ_C.

    >>> [question.id for question in questions("face", "psi_C")]
    ['psi_C_quality', 'psi_C_realism', 'psi_C_preference']

    Raises:
        ValueError: ϕ has no fixed question, see :func:`attribute_question`.
    """
    if symbol not in _QUESTIONS:
        raise ValueError("the question of ϕ depends on the attribute: see attribute_question")
    return _QUESTIONS[symbol](track)


def attribute_question(attribute: str) -> Question:
    """The question of ϕ about one prompted attribute.

    Args:
        attribute: as prompted, e.g. ``wavy hair``.
    """
    return Question(
        id="phi",
        text=f"How well does the person show: {attribute}?",
        kind="likert",
        anchors=(
            "Not at all",
            "Barely",
            "In part",
            "Mostly",
            "Fully and clearly",
        ),
        symbol="phi",
    )


def preference_question(track: Track) -> Question:
    """The question about two methods' pictures of the same original, side by side."""
    return Question(
        id="preference",
        text=f"Which {_THING[track]} is better, all in all: in quality and in how real it looks?",
        kind="pairwise",
        anchors=("The left one", "No difference", "The right one"),
        symbol="psi_C",
    )


_THING = {"face": "portrait", "body": "picture of a person"}


def _privacy(track: Track) -> tuple[Question, ...]:
    seen = {
        "face": "Look at the face: its shape, features, skin and hair.",
        "body": "Look at everything: face, hair, build, skin and clothes.",
    }
    return (
        Question(
            id="psi_A",
            text="How hard is it to tell from the right picture who is in the left one? "
            + seen[track],
            kind="likert",
            anchors=(
                "It is plainly the same person",
                "Probably the same person",
                "I cannot decide",
                "Probably someone else",
                "Plainly someone else, nothing gives them away",
            ),
            symbol="psi_A",
        ),
    )


def _pose(track: Track) -> tuple[Question, ...]:
    what = {
        "face": "the direction and tilt of the head, and where the eyes look",
        "body": "posture, limbs, head and gestures",
    }
    return (
        Question(
            id="psi_B",
            text=f"How well does the right picture keep the pose of the left one: {what[track]}?",
            kind="likert",
            anchors=(
                "Not at all: another pose, or nobody to see",
                "Little: only the rough direction is kept",
                "In part: some of it differs clearly",
                "Well: small differences",
                "Fully: the same pose",
            ),
            symbol="psi_B",
        ),
    )


def _satisfaction(track: Track) -> tuple[Question, ...]:
    thing = {"face": "face", "body": "person"}[track]
    return (
        Question(
            id="psi_C_quality",
            text="How good is the technical quality of the picture: sharpness, noise, seams?",
            kind="likert",
            anchors=("Very poor", "Poor", "Acceptable", "Good", "Very good"),
            symbol="psi_C",
        ),
        Question(
            id="psi_C_realism",
            text=f"How real does the {thing} look?",
            kind="likert",
            anchors=(
                f"No real {thing} at all",
                "Plainly artificial",
                "Somewhat artificial",
                "Nearly real",
                "Like a photo of a real one",
            ),
            symbol="psi_C",
        ),
        Question(
            id="psi_C_preference",
            text=f"If this {thing} stood for you in a published picture, how content were you?",
            kind="likert",
            anchors=(
                "Not at all content",
                "Rather not content",
                "Neither nor",
                "Rather content",
                "Fully content",
            ),
            symbol="psi_C",
        ),
    )


_QUESTIONS = {"psi_A": _privacy, "psi_B": _pose, "psi_C": _satisfaction}

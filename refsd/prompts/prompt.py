"""A prompt, and the mistakes that can be made with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

View = Literal["face", "half", "full"]
"""How much of the person the picture shows: head and shoulders, down to the hips, or all."""


@dataclass(frozen=True)
class Prompt:
    """What a text encoder is given for one person.

    Attributes:
        positive: what shall be seen.
        negative: what shall not.
        attributes: what ``positive`` says, by the keys of ``refsd.prompts.VOCABULARY``; for
            records and judges.
        drawn: those keys of ``attributes`` that nobody asked for: chance chose them.
        dropped: what was asked for and is not in ``positive``, each with the reason.
    """

    positive: str = ""
    negative: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    drawn: frozenset[str] = frozenset()
    dropped: tuple[str, ...] = ()


class PromptError(ValueError):
    """Attributes or a text that cannot become a prompt; the message names them and the way out."""

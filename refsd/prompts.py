"""What the refined person shall look like, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """What a text encoder is given for one person.

    Attributes:
        positive: what shall be seen.
        negative: what shall not.
    """

    positive: str = ""
    negative: str = ""

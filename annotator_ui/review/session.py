"""Which run this process serves, to whom, and what was worked out about its pictures."""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from annotator_ui.review.serving import PORT, RUN, TOKEN
from humangenai.corrections import drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from humangenai.corrections import Edit
    from humangenai.review import Review
    from refsd.people import Person

Outline = tuple[tuple[tuple[int, int], ...], ...]
"""Closed lines of points x, y in pixels."""


@lru_cache(maxsize=1)
def review() -> Review:
    """The run that this process serves."""
    from humangenai.review import Review

    return Review(Path(os.environ[RUN]))


def cookie_name() -> str:
    """The cookie that holds the token; browsers send it to all ports, so it names this one."""
    return f"review-{os.environ[PORT]}"


def is_token(text: str | None) -> bool:
    """Whether a text is the token of the link that was printed."""
    return text is not None and hmac.compare_digest(text.encode(), os.environ[TOKEN].encode())


def is_owner(cookies: Mapping[str, str]) -> bool:
    """Whether these cookies come from whoever opened the link."""
    return is_token(cookies.get(cookie_name()))


@lru_cache(maxsize=4)
def original(place: int) -> NDArray[np.uint8]:
    """The original of the item at a place in the run: uint8 (H, W, 3)."""
    return review().original(review().keys[place])


@lru_cache(maxsize=64)
def found(place: int) -> tuple[Person, ...]:
    """Who was found there."""
    return tuple(review().found(review().keys[place]))


@lru_cache(maxsize=256)
def by_hand(place: int, edit: Edit) -> Person:
    """The person that an edit draws; the network is asked once, not on every click."""
    return drawn(original(place), edit)


@lru_cache(maxsize=512)
def outline(place: int, person: Person) -> Outline:
    """The border of what will be removed of a person: the dilated mask."""
    import cv2

    from refsd import masks

    (x0, y0, _, _), region = masks.window_region(person, original(place).shape[:2])
    lines, _ = cv2.findContours(
        region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(x0, y0)
    )
    smooth = (cv2.approxPolyDP(line, 0.75, closed=True)[:, 0] for line in lines)
    return tuple(tuple((int(x), int(y)) for x, y in line) for line in smooth)

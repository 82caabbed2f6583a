"""Shows an item's pictures side by side with the people drawn in, and takes clicks and boxes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HERE = Path(__file__)
_canvas = st.components.v2.component(
    "review.canvas",
    html='<div class="canvas"></div>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


KEY = "canvas"
"""Of the component. Its state holds what was done as ``{"item": …, "value": …}``: a ``point``
(x, y) or ``box`` (x0, y0, x1, y1) in pixels, or a ``pick`` (a name)."""


@dataclass(frozen=True)
class Shape:
    """One person as drawn.

    Attributes:
        name: comes back when the person is clicked.
        label: beside the outline.
        state: decides the colour.
        chosen: whether the panel speaks of this person.
        outline: closed lines of points x, y in pixels of the picture.
    """

    name: str
    label: str
    state: str
    chosen: bool
    outline: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class Picture:
    """One picture: where the browser gets it, and what it is."""

    src: str
    caption: str


def show_canvas(
    item: int,
    pictures: Sequence[Picture],
    size: tuple[int, int],
    people: Sequence[Shape],
    *,
    hint: str,
    on_event: Callable[[], None],
) -> None:
    """Show pictures; the first one takes clicks and boxes.

    Args:
        item: whose pictures; comes back with what is done, as a late click must not speak of
            another item.
        pictures: of one size.
        size: (width, height) in pixels.
        people: drawn into all of them.
        hint: what to do, above the first picture.
        on_event: called when something was done.
    """
    _canvas(
        key=KEY,  # one for all items: no picture of another one stays on the screen
        data={
            "item": item,
            "pictures": [asdict(picture) for picture in pictures],
            "size": list(size),
            "people": [asdict(person) for person in people],
            "hint": hint,
        },
        on_point_change=on_event,
        on_box_change=on_event,
        on_pick_change=on_event,
    )

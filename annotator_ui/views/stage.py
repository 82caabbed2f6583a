"""Shows an item's pictures: large, side by side, and magnified together at the same place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui.pictures import SIZE
from annotator_ui.session import desk

if TYPE_CHECKING:
    from annotator_ui.items import Item

_HERE = Path(__file__)
_stage = st.components.v2.component(
    "annotator.stage",
    html='<div class="stage"></div>',
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
)


def show_pictures(item: Item) -> None:
    """Show the pictures of an item; the browser gets their random ids only."""
    height, width = SIZE[desk().study.config.track]
    images = [
        {"id": image, "caption": caption}
        for image, caption in zip(item.images, item.captions, strict=True)
    ]
    # One key for all items: the same pictures stay on the screen from question to question.
    _stage(key="stage", data={"images": images, "aspect": width / height})

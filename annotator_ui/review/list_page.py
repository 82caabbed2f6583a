"""The run's items: those nobody has looked at first, and making corrected ones again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui.review.serving import apply
from annotator_ui.review.session import review
from annotator_ui.texts import plain

if TYPE_CHECKING:
    from humangenai.review import ItemState

ABOUT = (
    "Methods process whom detection has found. Whoever it missed stays in the release as they "
    "are. Look at each picture, add who was missed, take out what is no person; then have the "
    "corrected pictures made again. What you say stays in the run's `private/` folder."
)
PENDING = "What you said is not in the run yet: corrected pictures are still as they were."
APPLYING = "Making the corrected pictures again, with all methods of the run…"
APPLIED = "The corrected pictures were made again. Verify the release before you publish it."


def show() -> None:
    """The list."""
    run = review()
    items = run.items()
    looked = sum(item.correction is not None for item in items)
    st.header(f"Review of {plain(run.name)}")
    st.markdown(ABOUT)
    st.progress(
        looked / len(items) if items else 1.0, text=f"**{looked}** of {len(items)} reviewed"
    )
    _offer_to_apply()
    if items and items[0].correction is None and items[0].people is not None:
        st.button(
            "Review the next picture",
            key="next",
            type="primary",
            shortcut="n",
            on_click=go_to,
            args=(items[0].place,),
        )
    _show_table(items)


def go_to(place: int | None) -> None:
    """Open an item; None: the list."""
    if place is None:
        st.query_params.clear()
    else:
        st.query_params.from_dict({"item": str(place)})


def _offer_to_apply() -> None:
    said = st.session_state.pop("applied", None)
    if said is not None:
        (st.success if said == APPLIED else st.error)(plain(said))
    if review().is_applied:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(PENDING, width="stretch")
        wanted = st.button("Make them again", key="apply", type="secondary")
    if wanted:
        with st.spinner(APPLYING, show_time=True):
            problem = apply(review().folder)
        st.session_state["applied"] = problem or APPLIED
        st.rerun()


def _show_table(items: list[ItemState]) -> None:
    chosen = st.dataframe(
        {
            "picture": [item.key for item in items],
            "people found": [item.people for item in items],
            "with doubt": [item.uncertain if item.people is not None else None for item in items],
            "state": [_state(item) for item in items],
        },
        key="items",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
    )
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(items) and items[rows[0]].people is not None:
        go_to(items[rows[0]].place)
        st.rerun()


def _state(item: ItemState) -> str:
    if item.people is None:
        return "failed, not in the release"
    if item.correction is None:
        return "not reviewed"
    number = len(item.correction.edits)
    return f"corrected ({number})" if number else "looks right"

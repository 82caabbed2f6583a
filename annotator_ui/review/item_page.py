"""One picture: the original and what methods made of it, the people in it, and corrections."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui.review import draft
from annotator_ui.review.canvas import KEY, Picture, Shape, show_canvas
from annotator_ui.review.list_page import go_to
from annotator_ui.review.session import by_hand, found, original, outline, review
from annotator_ui.texts import plain
from humangenai.corrections import box_at
from humangenai.errors import UserError
from humangenai.review import is_uncertain

if TYPE_CHECKING:
    from annotator_ui.review.draft import Edits, Entry
    from humangenai.review import ItemState
    from refsd.people import Person

HELP = (
    "**Click** someone who was missed, or **drag** a box around them. Click an outline to correct "
    "it. Outlines show what methods remove."
)
WORDS = {
    "found": "found",
    "uncertain": "found with doubt",
    "removed": "no person: stays in the release as it is",
    "redrawn": "found, drawn again by hand",
    "added": "added by hand",
}
GLANCE = 0.4
"""Seconds after a picture appeared in which nobody can have looked at it: a key pressed twice."""

TOO_QUICK = "That was quick: please look at this picture first."
LEAVES = "Whatever you mark as no person is published untouched."


def show(place: int) -> None:
    """The page of one item.

    Args:
        place: of the item in the run.
    """
    run = review()
    key = run.keys[place]
    if st.session_state.get("asked") != place:
        st.session_state["asked"], st.session_state["since"] = place, time.monotonic()
    states = {state.place: state for state in run.items()}
    _show_top(key, place, states)
    try:
        people, image = found(place), original(place)
    except (OSError, ValueError, UserError) as error:
        st.error(plain(str(error)))
        return
    edits = _edits(place, states[place])
    everybody = draft.entries(len(people), edits)
    chosen = st.session_state.get(_chosen(place))
    if chosen not in {entry.name for entry in everybody}:
        chosen = None
    shown, panel = st.columns([4, 1.15], gap="medium")
    with shown:
        stamp = max((path.stat().st_mtime_ns for path in run.outputs(key).values()), default=0)
        pictures = [Picture(f"/picture/{place}/0", "original")] + [
            Picture(f"/picture/{place}/{at}?v={stamp}", f"{method}, as in the release now")
            for at, method in enumerate(run.outputs(key), start=1)
        ]
        show_canvas(
            place,
            pictures,
            size=(image.shape[1], image.shape[0]),
            people=[_shape(place, entry, chosen) for entry in everybody],
            hint=_hint(place, everybody),
            on_event=lambda: _take(place),
        )
    with panel, st.container(key="panel"):
        _show_panel(place, everybody, chosen)
        _show_save(place, edits, states)


def _show_top(key: str, place: int, states: dict[int, ItemState]) -> None:
    looked = sum(state.correction is not None for state in states.values())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All pictures", key="list", on_click=go_to, args=(None,))
        st.button(
            "Previous",
            key=f"previous {place}",
            shortcut="left",
            on_click=go_to,
            args=(place - 1,),
            disabled=place == 0,
        )
        st.button(
            "Next",
            key=f"following {place}",
            shortcut="right",
            on_click=go_to,
            args=(place + 1,),
            disabled=place + 1 == len(states),
        )
        st.markdown(
            f"**{plain(key)}** · picture {place + 1} of {len(states)} · {looked} reviewed",
            width="stretch",
        )


# Who is there ----------------------------------------------------------------------------------


def _person(place: int, entry: Entry) -> Person:
    if entry.edit is not None and entry.edit.box is not None:
        return by_hand(place, entry.edit)
    return found(place)[entry.place]


def _look(place: int, entry: Entry) -> str:
    """The state of a person, as words and colours tell it."""
    if entry.state == "found" and is_uncertain(found(place)[entry.place]):
        return "uncertain"
    return entry.state


def _number(place: int, entry: Entry) -> int:
    return entry.place + 1 + (len(found(place)) if entry.name[0] == "a" else 0)


def _shape(place: int, entry: Entry, chosen: str | None) -> Shape:
    return Shape(
        name=entry.name,
        label=str(_number(place, entry)),
        state=_look(place, entry),
        chosen=entry.name == chosen,
        outline=outline(place, _person(place, entry)),
    )


def _show_panel(place: int, everybody: list[Entry], chosen: str | None) -> None:
    st.markdown(HELP)
    names = [entry.name for entry in everybody]
    words = {
        entry.name: f"{_number(place, entry)} · {WORDS[_look(place, entry)]}" for entry in everybody
    }
    # Whatever the list shows is part of its key: the browser would keep the old words.
    widget = f"person {place} {chosen} {' '.join(words.values())}"
    if names:
        st.selectbox(
            f"People: {sum(entry.state != 'removed' for entry in everybody)}",
            names,
            index=names.index(chosen) if chosen else None,
            format_func=lambda name: words.get(name, name),
            placeholder="Choose a person",
            key=widget,
            on_change=_choose_listed,
            args=(place, widget),
        )
    else:
        st.markdown("Nobody was found here.")
    entry = next((entry for entry in everybody if entry.name == chosen), None)
    if entry is not None:
        _show_actions(place, entry)
    with st.expander("By numbers"):
        _show_numbers(place)


def _show_actions(place: int, entry: Entry) -> None:
    if st.session_state.get(_drawing(place)) == entry.name:
        st.button(
            "Do not draw",
            key=f"stop {place}",
            shortcut="escape",
            on_click=_draw_again,
            args=(place, None),
        )
        return
    if entry.state != "removed":
        st.button(
            "Take away" if entry.state == "added" else "This is no person",
            key=f"remove {place} {entry.name}",
            shortcut="delete",
            help=None if entry.state == "added" else LEAVES,
            width="stretch",
            on_click=_remove,
            args=(place, entry.name),
        )
        st.button(
            "Draw again",
            key=f"draw {place} {entry.name}",
            shortcut="d",
            width="stretch",
            on_click=_draw_again,
            args=(place, entry.name),
        )
    if entry.state in ("removed", "redrawn"):
        st.button(
            "As it was found",
            key=f"undo {place} {entry.name}",
            width="stretch",
            on_click=_undo,
            args=(place, entry.name),
        )
    if entry.edit is not None and entry.edit.box is not None:
        nobody = by_hand(place, entry.edit.model_copy(update={"whole": False})).landmarks is None
        whole = f"whole {place} {entry.name} {entry.edit.box}"
        st.checkbox(
            "The whole box is this person",
            value=entry.edit.whole or nobody,
            disabled=nobody,
            key=whole,
            on_change=_set_whole,
            args=(place, entry.name, whole),
            help="Nobody was recognised in this box, so all of it is removed."
            if nobody
            else "Otherwise the silhouette that was recognised in it.",
        )


def _show_numbers(place: int) -> None:
    """The way without a mouse: a box typed in."""
    height, width = original(place).shape[:2]
    with st.form(f"numbers {place}", border=False):
        left, right = st.columns(2)
        x0 = left.number_input("left", 0, width - 1, 0, key=f"x0 {place}")
        y0 = right.number_input("top", 0, height - 1, 0, key=f"y0 {place}")
        x1 = left.number_input("right", 1, width, width, key=f"x1 {place}")
        y1 = right.number_input("bottom", 1, height, height, key=f"y1 {place}")
        sent = st.form_submit_button("Use this box")
    st.caption(f"Pixels; the picture is {width} wide and {height} high.")
    if not sent:
        return
    if x0 < x1 and y0 < y1:
        _set_box(place, (float(x0), float(y0), float(x1), float(y1)))
        st.rerun()
    st.error("left must be less than right, and top less than bottom")


def _show_save(place: int, edits: Edits, states: dict[int, ItemState]) -> None:
    number = len(edits)
    words = f"Save {number} correction{'s' if number > 1 else ''}" if number else "Looks right"
    correction = states[place].correction
    saved = correction is not None and correction.edits == edits
    if saved:
        words = "On to the next"
    st.button(
        words,
        key=f"save {place}",  # a late key press must not speak of another picture
        type="primary",
        shortcut="s",
        width="stretch",
        on_click=_save,
        args=(place,),
    )
    if saved:
        st.caption(f"Saved: {number} correction{'s' if number != 1 else ''}.")
    if "problem" in st.session_state:
        st.error(plain(st.session_state.pop("problem")))


def _hint(place: int, everybody: list[Entry]) -> str:
    name = st.session_state.get(_drawing(place))
    entry = next((entry for entry in everybody if entry.name == name), None)
    return "" if entry is None else f"Drag a box around person {_number(place, entry)} (Esc: stop)"


# What is done ----------------------------------------------------------------------------------


def _chosen(place: int) -> str:
    return f"chosen {place}"


def _drawing(place: int) -> str:
    return f"drawing {place}"


def _draft(place: int) -> str:
    return f"draft {place}"


def _edits(place: int, state: ItemState) -> Edits:
    """What was said of this picture: in this tab, else what is saved."""
    saved = state.correction.edits if state.correction else ()
    edits: Edits = st.session_state.setdefault(_draft(place), saved)
    return edits


def _take(place: int) -> None:
    """Do what was done on the canvas."""
    for what in ("pick", "box", "point"):
        done = st.session_state[KEY].get(what)
        if done is None or done["item"] != place:
            continue
        if what == "pick":
            st.session_state[_chosen(place)] = str(done["value"])
        elif what == "box":
            x0, y0, x1, y1 = (float(value) for value in done["value"])
            _set_box(place, (x0, y0, x1, y1))
        else:
            x, y = (float(value) for value in done["value"])
            _set_box(place, box_at(original(place), x, y))


def _set_box(place: int, box: tuple[float, float, float, float]) -> None:
    """Give a box to who is being drawn again, else to somebody new."""
    edits: Edits = st.session_state[_draft(place)]
    name = st.session_state.pop(_drawing(place), None)
    if name is None:
        edits = draft.add(edits, box)
        name = f"a{sum(edit.kind == 'add' for edit in edits) - 1}"
    else:
        edits = draft.draw(edits, name, box)
    st.session_state[_draft(place)] = edits
    st.session_state[_chosen(place)] = name


def _choose_listed(place: int, widget: str) -> None:
    st.session_state[_chosen(place)] = st.session_state[widget]
    st.session_state.pop(_drawing(place), None)


def _draw_again(place: int, name: str | None) -> None:
    st.session_state[_drawing(place)] = name


def _remove(place: int, name: str) -> None:
    st.session_state[_draft(place)] = draft.remove(st.session_state[_draft(place)], name)


def _undo(place: int, name: str) -> None:
    st.session_state[_draft(place)] = draft.undo(st.session_state[_draft(place)], name)


def _set_whole(place: int, name: str, widget: str) -> None:
    whole = bool(st.session_state[widget])
    st.session_state[_draft(place)] = draft.set_whole(st.session_state[_draft(place)], name, whole)


def _save(place: int) -> None:
    """Save, and go on to who needs a look most; to the list when all have had one."""
    if time.monotonic() - st.session_state.get("since", 0.0) < GLANCE:
        st.toast(TOO_QUICK)
        return
    run = review()
    key, edits = run.keys[place], st.session_state[_draft(place)]
    before = run.corrections.get(key)
    try:
        if before is None or before.edits != edits:
            run.save(key, edits)
    except UserError as error:
        st.session_state["problem"] = str(error)
        return
    st.session_state.pop(_drawing(place), None)
    rest = [item for item in run.items() if item.correction is None and item.people is not None]
    go_to(rest[0].place if rest else None)

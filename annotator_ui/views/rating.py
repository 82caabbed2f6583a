"""Rating: one question at a time about the pictures beside it.

What is on the screen follows from the database and the address (``?item=…&q=…`` after going back),
never from the session alone: a reload or a crash of the server leads to the same place.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui import texts
from annotator_ui.permissions import DeskError
from annotator_ui.session import desk
from annotator_ui.views.stage import show_pictures

if TYPE_CHECKING:
    from annotator_ui.desk import Annotator
    from annotator_ui.items import Item
    from humangenai.human_ratings.questions import Question

DOUBLE_PRESS = 0.3
"""Seconds after a question appeared in which nobody can have read it: a key pressed twice."""

PAIRWISE_KEYS = ("1", "0", "2")


@dataclass(frozen=True)
class Place:
    """Where the annotator is: an item, and one of its questions.

    Attributes:
        back: whether the annotator went back to here.
    """

    item: Item
    at: int
    back: bool

    @property
    def question(self) -> Question:
        """The question on the screen."""
        return self.item.questions[self.at]

    @property
    def name(self) -> str:
        """Another one for every question of every item."""
        return f"{self.item.id} {self.at}"


def show(annotator: Annotator) -> None:
    """The page on which items are rated."""
    try:
        place = _place(annotator)
    except DeskError as error:
        st.query_params.clear()
        st.info(texts.plain(str(error).capitalize()))
        return
    _show_progress(annotator)
    if place is None:
        _show_end(annotator)
        return
    pictures, asked = st.columns([2, 1], gap="medium")
    with pictures:
        show_pictures(place.item)
    with asked, st.container(key="asked"):
        if st.session_state.get("skipping") == place.item.id:
            _ask_reason(annotator, place)
        else:
            _ask(annotator, place)


def _place(annotator: Annotator) -> Place | None:
    """What the address names, else the first question that is open."""
    asked = st.query_params.get("item")
    if asked is None:
        item = desk().next_item(annotator.id)
        if item is None:
            return None
        return Place(item, _first_open(item), back=False)
    item = desk().item(annotator.id, asked)
    number = st.query_params.get("q", "")
    at = int(number) if number.isdecimal() else 0
    return Place(item, min(at, len(item.questions) - 1), back=True)


def _first_open(item: Item) -> int:
    missing = (at for at, question in enumerate(item.questions) if question.id not in item.answers)
    return next(missing, 0)


def _show_progress(annotator: Annotator) -> None:
    progress = desk().progress(annotator.id)
    share = progress.done / progress.total if progress.total else 1.0
    words = f"**{progress.done}** of {progress.total} done"
    if progress.done:
        left = progress.seconds / progress.done * (progress.total - progress.done)
        words += f" · {texts.minutes(progress.seconds)} so far"
        words += f" · about {texts.minutes(left)} left" if left >= 60 else ""
    with st.container(key="progress"):
        st.progress(share, text=words)


# Asking ----------------------------------------------------------------------------------------


def _ask(annotator: Annotator, place: Place) -> None:
    item, question = place.item, place.question
    _note_asked(place)
    if len(item.questions) > 1:
        st.caption(f"Question {place.at + 1} of {len(item.questions)}")
    show_question(question)
    given = item.answers.get(question.id)
    show_answers(question, place.name, given, _answer, (annotator, place))
    with st.container(key="moves", horizontal=True):
        st.button(
            "Back",
            key="back",
            shortcut="left",
            on_click=_go_back,
            args=(annotator, place),
        )
        st.button("Skip", key="skip", shortcut="s", on_click=_start_skipping, args=(place,))
        st.button(
            "Next",
            key=f"next {place.name}",
            shortcut="right",
            disabled=given is None and not item.skipped,
            on_click=_go_on,
            args=(annotator, place),
        )
    with st.container(key="keys"):
        st.caption(f"{texts.KEYS_SHORT[question.kind]} · {texts.KEYS_REST}")
    if item.skipped:
        st.caption("You skipped these pictures; an answer takes that back.")


def show_question(question: Question) -> None:
    """The words of a question."""
    st.markdown(f"#### {texts.plain(question.text)}")


def answer_keys(question: Question) -> tuple[str, ...]:
    """The key of every answer, in the order of ``question.values``."""
    return PAIRWISE_KEYS if question.kind == "pairwise" else tuple(map(str, question.values))


def show_answers(
    question: Question,
    key: str,
    given: int | None,
    on_click: object,
    args: tuple[object, ...],
) -> None:
    """One button per answer, the given one marked, with its number as the key to press.

    Args:
        question: whose answers.
        key: unique for what is asked: a late key press must not answer another question.
        given: the answer so far.
        on_click: called with ``args``, then the answer.
        args: the first arguments of ``on_click``.
    """
    keys = answer_keys(question)
    with st.container(key="answers", gap="xsmall"):
        for value, words, shortcut in zip(question.values, question.anchors, keys, strict=True):
            st.button(
                f"**{shortcut}** {texts.plain(words)}",
                key=f"answer {key} {value}",
                type="primary" if given == value else "secondary",
                width="stretch",
                shortcut=shortcut,
                on_click=on_click,  # type: ignore[arg-type]
                args=(*args, value),
            )


def _note_asked(place: Place) -> None:
    """Remember what is asked, and since when, before any of it can be seen.

    From then on the buttons of the question before are dead, though a slow browser may still show
    them: a key must never answer a question that is being replaced.
    """
    if st.session_state.get("asked") != place.name:
        st.session_state["asked"] = place.name
        st.session_state["since"] = time.monotonic()


# What buttons do -------------------------------------------------------------------------------


def _answer(annotator: Annotator, place: Place, value: int) -> None:
    seconds = time.monotonic() - st.session_state.get("since", time.monotonic())
    if st.session_state.get("asked") != place.name or seconds < DOUBLE_PRESS:
        st.toast(texts.TOO_QUICK)
        return
    if _tell(lambda: desk().answer(annotator.id, place.item.id, place.question.id, value, seconds)):
        _go_on(annotator, place)


def _go_on(annotator: Annotator, place: Place) -> None:
    """To the next question; from the last one to the next item."""
    if not place.back:
        return  # the next open question follows from the database
    if place.at + 1 < len(place.item.questions):
        _go_to(place.item, place.at + 1)
        return
    _tell(lambda: _go_to_item(desk().following_item(annotator.id, place.item.id), at=0))


def _go_back(annotator: Annotator, place: Place | None) -> None:
    if place is not None and place.at > 0:
        _go_to(place.item, place.at - 1)
        return
    here = place.item.id if place else None

    def go() -> None:
        previous = desk().previous_item(annotator.id, here)
        if previous is not None:
            last = 0 if previous.skipped else len(previous.questions) - 1
            _go_to_item(previous, at=last)

    _tell(go)


def _go_to_item(item: Item | None, at: int) -> None:
    if item is None or not (item.skipped or len(item.answers) == len(item.questions)):
        st.query_params.clear()  # what is open comes by itself
    else:
        _go_to(item, at)


def _go_to(item: Item, at: int) -> None:
    st.query_params.from_dict({"item": item.id, "q": str(at)})


def _tell(act: object) -> bool:
    """Do something with the desk; tell the annotator where that is refused."""
    try:
        act()  # type: ignore[operator]
    except DeskError as error:
        st.toast(texts.plain(str(error).capitalize()))
        return False
    return True


# Skipping --------------------------------------------------------------------------------------


def _start_skipping(place: Place) -> None:
    st.session_state["skipping"] = place.item.id


def _stop_skipping() -> None:
    st.session_state.pop("skipping", None)


def _ask_reason(annotator: Annotator, place: Place) -> None:
    st.markdown(f"#### {texts.SKIP_QUESTION}")
    with st.container(key="reasons", gap="xsmall"):
        for number, reason in enumerate(texts.SKIP_REASONS, start=1):
            st.button(
                f"**{number}** {reason}",
                key=f"reason {place.item.id} {number}",
                width="stretch",
                shortcut=str(number),
                on_click=_skip,
                args=(annotator, place, reason),
            )
    with st.form("other", border=False):
        other = st.text_input("Another reason", max_chars=500)
        sent = st.form_submit_button("Skip for this reason")
    if sent and other.strip():
        _skip(annotator, place, other)
        st.rerun()
    st.button("Do not skip", key="stay", shortcut="escape", on_click=_stop_skipping)


def _skip(annotator: Annotator, place: Place, reason: str) -> None:
    if _tell(lambda: desk().skip(annotator.id, place.item.id, reason)):
        _stop_skipping()
        if place.back:
            _tell(lambda: _go_to_item(desk().following_item(annotator.id, place.item.id), at=0))


def _show_end(annotator: Annotator) -> None:
    st.success(texts.DONE)
    st.button(
        "Back to my last answer",
        key="back",
        shortcut="left",
        on_click=_go_back,
        args=(annotator, None),
    )

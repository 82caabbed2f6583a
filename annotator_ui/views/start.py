"""Before the items: consent, instructions, training examples with feedback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui import texts
from annotator_ui.session import desk
from annotator_ui.views.rating import answer_keys, show_answers, show_question
from annotator_ui.views.stage import show_pictures
from humangenai.human_ratings.questions import attribute_question, preference_question, questions

if TYPE_CHECKING:
    from annotator_ui.desk import Annotator
    from annotator_ui.items import Example
    from humangenai.human_ratings.questions import Question

STEP = "step"
"""In the address: 0 and more are training examples, none the instructions before them."""


def show_consent(annotator: Annotator) -> None:
    """What the annotator agrees to."""
    about = desk().about()
    with st.container(width=READING_WIDTH):
        st.header(texts.CONSENT_TITLE)
        # The lines of a YAML file end where the file's do; paragraphs are what was meant.
        for paragraph in about.consent.split("\n\n"):
            st.text(" ".join(paragraph.split()))
        if about.contact:
            st.text(f"Questions? {about.contact}")

    def agree() -> None:
        desk().consent(annotator.id)

    st.button(texts.AGREE, key="agree", type="primary", shortcut="enter", on_click=agree)


def show_training(annotator: Annotator) -> None:
    """The instructions, then one example after the other, then the items."""
    examples = desk().training_examples()
    step = st.query_params.get(STEP, "")
    if not step.isdecimal():
        show_instructions()
        st.button(
            "Start with examples",
            key="examples",
            type="primary",
            shortcut="enter",
            on_click=_go_to,
            args=(annotator, 0, len(examples)),
        )
        return
    at = min(int(step), len(examples) - 1)
    st.progress((at + 1) / len(examples), text=f"Example {at + 1} of {len(examples)}")
    pictures, asked = st.columns([2, 1], gap="medium")
    with pictures:
        show_pictures(examples[at].item)
    with asked, st.container(key="asked"):
        _show_example(annotator, examples[at], at, len(examples))


def _show_example(annotator: Annotator, example: Example, at: int, number: int) -> None:
    question = next(q for q in example.item.questions if q.id == example.question_id)
    given = st.session_state.get(f"example {at}")
    show_question(question)
    show_answers(question, f"example {at}", given, _try_answer, (at,))
    if given is None:
        return
    words = f"**{texts.plain(question.anchors[example.answer - 1])}** is what we expect here."
    because = f" {texts.plain(example.explanation)}" if example.explanation else ""
    if given == example.answer:
        st.success(words + because)
    else:
        st.warning(words + because)
    st.button(
        "Next",
        key=f"next example {at}",
        type="primary",
        shortcut="right",
        on_click=_go_to,
        args=(annotator, at + 1, number),
    )


def _try_answer(at: int, value: int) -> None:
    st.session_state[f"example {at}"] = value


def _go_to(annotator: Annotator, at: int, number: int) -> None:
    if at < number:
        st.query_params[STEP] = str(at)
        return
    desk().finish_training(annotator.id)
    st.query_params.clear()


# Instructions ----------------------------------------------------------------------------------


READING_WIDTH = 760
"""Pixels; longer lines are hard to read."""


def show_instructions() -> None:
    """What is asked, what the answers mean, and which keys there are."""
    with st.container(width=READING_WIDTH):
        _show_instructions()


def _show_instructions() -> None:
    st.header("What you will do")
    st.markdown(texts.INSTRUCTIONS)
    config = desk().study.config
    if {"psi_A", "psi_B"} & set(config.questions):
        st.markdown(texts.SHOWN["pair"])
    if "preference" in config.questions:
        st.markdown(texts.SHOWN["preference"])
    st.subheader("The questions and their answers")
    for question in _asked():
        with st.container(border=True):
            st.markdown(f"**{texts.plain(question.text)}**")
            keyed = zip(answer_keys(question), question.anchors, strict=True)
            st.markdown("  \n".join(f"**{key}** {texts.plain(words)}" for key, words in keyed))
    st.subheader("Keys")
    st.markdown("  \n".join(f"**{key}** {words}" for key, words in texts.KEYS))


def _asked() -> list[Question]:
    config = desk().study.config
    found: list[Question] = []
    for kind in config.questions:
        if kind == "preference":
            found.append(preference_question(config.track))
        elif kind == "phi":
            found.append(attribute_question("…"))
        else:
            found += questions(config.track, kind)
    return found

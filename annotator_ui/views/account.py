"""Signing in, logging out, withdrawing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from annotator_ui import texts
from annotator_ui.links import LinkError
from annotator_ui.session import desk

if TYPE_CHECKING:
    from annotator_ui.desk import Annotator

_goto = st.components.v2.component(
    "annotator.goto",
    js="export default ({ data }) => window.location.replace(data.address);",
)


def show_sign_in() -> None:
    """For whoever has no valid link, or has logged out."""
    st.title("Rating pictures of people")
    problem = st.query_params.get("problem", "")
    if problem in texts.PROBLEMS:
        st.info(texts.PROBLEMS[problem])
    else:
        st.markdown(texts.SIGN_IN)
    if "is_logged_in" in st.user:  # only where an OIDC provider is configured
        _show_provider()


def _show_provider() -> None:
    """Sign in with an OIDC provider: what it vouches for becomes a token, as a link carries it."""
    if not st.user["is_logged_in"]:
        st.button("Sign in", type="primary", shortcut="enter", on_click=st.login)
        return
    identity = st.user.get("email") if st.user.get("email_verified") else st.user.get("sub")
    try:
        annotator = desk().sign_in_as(str(identity))
    except LinkError:
        st.text(f"Nobody in this study is known as {identity}.")
    else:
        if st.button(f"Continue as {texts.plain(annotator.name)}", type="primary"):
            token = desk().token(annotator.id, days=1)
            _goto(key="enter", data={"address": f"/?{urlencode({'token': token})}"})
    st.button("Sign out", on_click=st.logout)


def show_account(annotator: Annotator) -> None:
    """Log out, or withdraw."""
    st.header("You")
    st.text(f"You are signed in as {annotator.name}.")
    progress = desk().progress(annotator.id)
    st.text(f"{progress.done} of {progress.total} done, {texts.minutes(progress.seconds)} so far.")
    st.html('<a class="leave" href="/leave">Log out</a>')
    st.subheader("Withdraw from this study")
    st.markdown(texts.WITHDRAW)
    sure = st.checkbox("I am sure")

    def withdraw() -> None:
        desk().withdraw(annotator.id)

    st.button("Withdraw and delete my answers", disabled=not sure, on_click=withdraw)

"""The app: who is there, and which pages they have. Streamlit runs this file on every click."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui import texts
from annotator_ui.session import desk, who
from annotator_ui.views import account, admin, rating, start

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from annotator_ui.desk import Annotator


def main() -> None:
    """Show the page that was asked for."""
    st.set_page_config(page_title="Rating", layout="wide")
    st.html(Path(__file__).parent / "views" / "style.css")
    annotator = who(st.context.cookies)
    if annotator is None:
        pages = [st.Page(account.show_sign_in, title="Sign in", url_path="sign-in", default=True)]
    elif annotator.role == "admin":
        pages = _admin_pages(annotator)
    else:
        pages = _annotator_pages(annotator)
    st.navigation(pages, position="top").run()


def _annotator_pages(annotator: Annotator) -> list[StreamlitPage]:
    you = partial(account.show_account, annotator)
    pages = [st.Page(partial(_show_work, annotator), title="Rate", url_path="rate", default=True)]
    if annotator.state in ("rating", "done"):
        pages.append(
            st.Page(start.show_instructions, title="Instructions", url_path="instructions")
        )
    return [*pages, st.Page(you, title="You", url_path="you")]


def _show_work(annotator: Annotator) -> None:
    """What comes next for an annotator."""
    if annotator.state == "withdrawn":
        st.info(texts.WITHDRAWN)
    elif desk().about().state == "closed":
        st.info(texts.CLOSED)
    elif annotator.state == "consent":
        start.show_consent(annotator)
    elif annotator.state == "training":
        start.show_training(annotator)
    else:
        rating.show(annotator)


def _admin_pages(annotator: Annotator) -> list[StreamlitPage]:
    return [
        st.Page(admin.show_progress, title="Progress", url_path="progress", default=True),
        st.Page(admin.show_agreement, title="Agreement", url_path="agreement"),
        st.Page(admin.show_annotators, title="Annotators", url_path="annotators"),
        st.Page(partial(admin.show_items, annotator), title="Items", url_path="items"),
        st.Page(admin.show_export, title="Export", url_path="export"),
        st.Page(partial(account.show_account, annotator), title="You", url_path="you"),
    ]


main()

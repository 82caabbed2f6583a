"""The review page. Streamlit runs this file on every click."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from annotator_ui.review import item_page, list_page
from annotator_ui.review.session import is_owner, review

CLOSED = "Please open the link that `humangenai review` has printed."


def main() -> None:
    """Show the list of items, or the item that the address names."""
    st.set_page_config(page_title="Review", layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    if not is_owner(st.context.cookies):
        st.info(CLOSED)
        return
    asked = st.query_params.get("item", "")
    if asked.isdecimal() and int(asked) < len(review().keys):
        item_page.show(int(asked))
    else:
        list_page.show()


main()

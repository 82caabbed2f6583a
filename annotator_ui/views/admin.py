"""For admins: how far the study is, who agrees, who is careless, which items divide; export."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from annotator_ui import texts
from annotator_ui.exporting import FORMATS, Format, encode
from annotator_ui.session import admin_desk, desk
from annotator_ui.summaries import SIMULATED, summary_tables
from annotator_ui.views.stage import show_pictures

if TYPE_CHECKING:
    import pandas as pd

    from annotator_ui.desk import Annotator
    from humangenai.report.tables import Table

FRESH = 30
"""Seconds after which agreement is computed again."""


def show_progress() -> None:
    """How far methods and annotators are."""
    about = desk().about()
    st.header(about.title)
    methods, overview = admin_desk().methods(), admin_desk().overview()
    rated = overview[overview["role"] == "rated"]
    figures = st.columns(3)
    figures[0].metric("Items answered", f"{methods['done'].sum()} of {methods['wanted'].sum()}")
    figures[1].metric("Annotators at work", int(overview["annotator"].nunique()))
    figures[2].metric("Study", about.state)
    st.subheader("Methods")
    st.dataframe(
        methods.assign(share=methods["done"] / methods["wanted"].clip(lower=1)),
        hide_index=True,
        column_config={
            "share": st.column_config.ProgressColumn("share", format="percent", max_value=1)
        },
    )
    st.subheader("Annotators and methods")
    st.caption("Items done, of those that count.")
    st.dataframe(
        rated.pivot_table(
            index="name", columns="method", values="done", aggfunc="sum", fill_value=0
        )
    )


def show_agreement() -> None:
    """Scores, preferences and agreement as they are now, with and without flagged annotators."""
    st.header("Scores and agreement")
    answers = admin_desk().answers()
    if answers["value"].notna().sum() == 0:
        st.info("Nobody has answered yet.")
        return
    if answers["simulated"].any():
        st.warning(SIMULATED)
    flagged = tuple(q.annotator for q in admin_desk().flagged() if q.reasons)
    for table in _tables(answers, flagged):
        st.subheader(texts.plain(table.title))
        st.dataframe(_frame(table), hide_index=True)
        # The report has the details beneath the figures; here they stand in brackets.
        st.caption(texts.plain(table.note.replace("beneath:", "in brackets:")))


@st.cache_data(ttl=FRESH, max_entries=4, show_spinner="Computing intervals …")
def _tables(answers: pd.DataFrame, flagged: tuple[str, ...]) -> list[Table]:
    return summary_tables(answers, flagged)


def _frame(table: Table) -> pd.DataFrame:
    import pandas as pd

    rows = [
        [f"{cell.value} ({cell.detail})" if cell.detail else cell.value for cell in row]
        for row in table.rows
    ]
    return pd.DataFrame(rows, columns=list(table.columns))


def show_annotators() -> None:
    """Who takes part, how carefully, and withdrawing for somebody."""
    from humangenai.human_ratings.quality import quality_table

    st.header("Annotators")
    annotators = admin_desk().annotators()
    quality = quality_table(admin_desk().flagged())
    raters = annotators[annotators["role"] == "annotator"]
    table = raters.merge(quality, on="annotator", how="left").drop(columns="annotator")
    st.dataframe(table.drop(columns=["role", "reasons"]), hide_index=True)
    for row in table[table["flagged"].eq(True)].itertuples():
        st.warning(texts.plain(f"{row.name}: {row.reasons}"))
    st.subheader("Withdraw someone's consent")
    st.markdown("All their answers and their name are deleted. This cannot be undone.")
    names = dict(zip(annotators["annotator"], annotators["name"], strict=True))
    left = raters[raters["state"] != "withdrawn"]["annotator"]
    chosen = st.selectbox("Who?", left, index=None, format_func=lambda found: names[found])
    if chosen is None:
        return
    sure = st.checkbox("I am sure", key=f"sure {chosen}")

    def withdraw() -> None:
        desk().withdraw(chosen)

    st.button("Withdraw and delete", disabled=not sure, on_click=withdraw)


_TABLE = "items table"


def show_items(annotator: Annotator) -> None:
    """The items, those that divide the annotators first."""
    st.header("Items, most disagreement first")
    # A chosen row is a place in the table that was shown, and answers keep coming: it stays as it
    # was while a row is chosen, or another item would be opened.
    table = st.session_state.get(_TABLE)
    if table is None or not table["selection"]["rows"]:
        st.session_state["items"] = admin_desk().items_by_disagreement()
    items = st.session_state["items"]
    if items.empty:
        st.info("Nobody has answered yet.")
        return
    chosen = st.dataframe(
        items, hide_index=True, on_select="rerun", selection_mode="single-row", key=_TABLE
    )
    rows = chosen["selection"]["rows"]
    if not rows:
        st.caption("Choose a row to see the pictures and the answers.")
        return
    item = desk().item(annotator.id, items["item"].iloc[rows[0]])
    pictures, asked = st.columns([3, 2], gap="medium")
    with pictures:
        show_pictures(item)
    answers = admin_desk().answers()
    names = admin_desk().annotators().set_index("annotator")["name"]
    given = answers[answers["item"] == item.id]
    with asked:
        for question in item.questions:
            st.markdown(f"**{texts.plain(question.text)}**")
            own = given[given["question"] == question.id]
            st.dataframe(
                own.assign(name=own["annotator"].map(names))[
                    ["name", "value", "seconds", "reason"]
                ],
                hide_index=True,
            )


def show_export() -> None:
    """Answers as files."""
    from annotator_ui.admin_desk import ANSWER_COLUMNS

    st.header("Export")
    st.markdown("All answers as they stand, one row per annotator, item and question.")

    def content(kind: Format) -> bytes:
        """Made when it is asked for: with many answers it takes seconds, and annotators wait."""
        return encode(admin_desk().answers(), kind)

    with st.container(horizontal=True):
        for kind in FORMATS:
            st.download_button(
                f"answers.{kind}",
                data=partial(content, kind),
                file_name=f"answers.{kind}",
                key=kind,
                # A rerun would drop files still being made, and with them the next click.
                on_click="ignore",
            )
    st.subheader("Columns")
    st.table({"column": list(ANSWER_COLUMNS), "meaning": list(ANSWER_COLUMNS.values())})

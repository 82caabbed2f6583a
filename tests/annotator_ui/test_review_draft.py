"""What a reviewer clicks becomes edits that fit together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotator_ui.review import draft
from humangenai.corrections import Correction, Edit

BOX = (1.0, 2.0, 3.0, 4.0)
OTHER = (5.0, 6.0, 7.0, 8.0)
FOUND = 3

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "draw", "undo", "whole"]),
        st.integers(0, 7),
        st.booleans(),
    ),
    max_size=20,
)


def test_each_way_of_correcting() -> None:
    edits = draft.add((), BOX)
    edits = draft.remove(edits, "f1")
    edits = draft.draw(edits, "f2", BOX)
    edits = draft.set_whole(edits, "f2", whole=True)
    edits = draft.add(edits, OTHER)
    edits = draft.draw(edits, "a0", OTHER)
    assert [(one.name, one.state) for one in draft.entries(FOUND, edits)] == [
        ("f0", "found"),
        ("f1", "removed"),
        ("f2", "redrawn"),
        ("a0", "added"),
        ("a1", "added"),
    ]
    assert Edit(kind="redraw", person=2, box=BOX, whole=True) in edits
    assert draft.remove(draft.remove(draft.undo(draft.undo(edits, "f1"), "f2"), "a1"), "a0") == ()


@given(ACTIONS)
def test_whatever_is_clicked_can_be_saved(actions: list[tuple[str, int, bool]]) -> None:
    edits: draft.Edits = ()
    for what, number, whole in actions:
        everybody = draft.entries(FOUND, edits)
        one = everybody[number % len(everybody)]
        if what == "add":
            edits = draft.add(edits, BOX)
        elif what == "remove":
            edits = draft.remove(edits, one.name)
        elif what == "draw":
            edits = draft.draw(edits, one.name, OTHER)
        elif what == "undo":
            edits = draft.undo(edits, one.name)
        elif one.edit is not None and one.edit.box is not None:
            edits = draft.set_whole(edits, one.name, whole)
        Correction(key="a", people="b", edits=edits)
        after = draft.entries(FOUND, edits)
        assert [entry.name for entry in after[:FOUND]] == ["f0", "f1", "f2"]
        assert len({entry.name for entry in after}) == len(after)

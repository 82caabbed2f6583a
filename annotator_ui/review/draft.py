"""A reviewer's edits of one picture before they are saved; no page, no network.

People have names here: ``f0`` is the first who was found, ``a0`` the first who was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from humangenai.corrections import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from humangenai.corrections import Box

Edits = tuple[Edit, ...]
State = Literal["found", "removed", "redrawn", "added"]


@dataclass(frozen=True)
class Entry:
    """One person of a picture under review.

    Attributes:
        name: see above.
        place: among those found, or among those added.
        state: what the reviewer said.
        edit: that says so; None for ``found``.
    """

    name: str
    place: int
    state: State
    edit: Edit | None = None


def entries(found: int, edits: Edits) -> list[Entry]:
    """Everybody in a picture: those found, then those added.

    Args:
        found: how many were found.
        edits: so far.
    """
    about = {edit.person: edit for edit in edits if edit.person is not None}
    people = [
        Entry(f"f{place}", place, _state(about.get(place)), about.get(place))
        for place in range(found)
    ]
    return [
        *people,
        *(Entry(f"a{place}", place, "added", edit) for place, edit in enumerate(_added(edits))),
    ]


def add(edits: Edits, box: Box) -> Edits:
    """Add somebody."""
    return (*edits, Edit(kind="add", box=box))


def remove(edits: Edits, name: str) -> Edits:
    """Say that somebody is no person; who was added by hand just goes."""
    rest = undo(edits, name)
    return rest if name[0] == "a" else (*rest, Edit(kind="remove", person=int(name[1:])))


def draw(edits: Edits, name: str, box: Box) -> Edits:
    """Give somebody another box."""
    if name[0] == "f":
        return (*undo(edits, name), Edit(kind="redraw", person=int(name[1:]), box=box))
    return _replaced(edits, name, Edit(kind="add", box=box))


def set_whole(edits: Edits, name: str, whole: bool) -> Edits:
    """Make a drawn box the mask, or the silhouette in it."""
    edit = edits[_where(edits, name)]
    return _replaced(edits, name, edit.model_copy(update={"whole": whole}))


def undo(edits: Edits, name: str) -> Edits:
    """Forget what was said of somebody; who was added goes."""
    try:
        at = _where(edits, name)
    except KeyError:
        return edits
    return (*edits[:at], *edits[at + 1 :])


def _replaced(edits: Edits, name: str, edit: Edit) -> Edits:
    at = _where(edits, name)
    return (*edits[:at], edit, *edits[at + 1 :])


def _where(edits: Edits, name: str) -> int:
    """Place of the edit about somebody.

    Raises:
        KeyError: there is none.
    """
    number = int(name[1:])
    places = [
        at
        for at, edit in enumerate(edits)
        if (edit.kind == "add" if name[0] == "a" else edit.person == number)
    ]
    chosen = places[number : number + 1] if name[0] == "a" else places
    if not chosen:
        raise KeyError(name)
    return chosen[0]


def _added(edits: Edits) -> Iterator[Edit]:
    return (edit for edit in edits if edit.kind == "add")


def _state(edit: Edit | None) -> State:
    if edit is None:
        return "found"
    return "removed" if edit.kind == "remove" else "redrawn"

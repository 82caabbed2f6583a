"""Who may do what: every call of an annotator asks here first, in its own transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from annotator_ui import database as db

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from annotator_ui.study import Study


class DeskError(Exception):
    """Something that this annotator may not do, or not now; the message may be shown."""


def lock(connection: Connection, study: Study, annotator_id: str) -> Any:
    """The annotator's row, held until the transaction ends: two tabs take turns.

    Returns:
        ``state`` and ``role`` of the annotator, and ``study_state``.

    Raises:
        DeskError: the study has no such annotator.
    """
    row = connection.execute(
        select(db.annotator.c.state, db.annotator.c.role, db.study.c.state.label("study_state"))
        .join(db.study, db.study.c.id == db.annotator.c.study_id)
        .where(db.annotator.c.id == annotator_id, db.annotator.c.study_id == study.id)
        .with_for_update(of=db.annotator)
    ).first()
    if row is None:
        raise DeskError("there is no such annotator")
    return row


def lock_for_work(connection: Connection, study: Study, annotator_id: str) -> None:
    """As :func:`lock`, for an annotator who is about to rate.

    Raises:
        DeskError: the annotator has not consented, is not trained, has withdrawn or is an admin,
            or the study is closed.
    """
    row = lock(connection, study, annotator_id)
    if row.state != "rating":
        raise DeskError(
            {
                "consent": "the consent comes first",
                "training": "the training comes first",
                "withdrawn": "you have withdrawn from this study",
            }[row.state]
        )
    if row.role != "annotator":
        raise DeskError("admins rate nothing")
    if row.study_state != "open":
        raise DeskError("this study is closed")


def may_see(connection: Connection, study: Study, annotator_id: str, item: Row[Any]) -> bool:
    """Whether an item may be shown: admins see all, annotators what was assigned to them."""
    person = connection.execute(
        select(db.annotator.c.role, db.annotator.c.state).where(
            db.annotator.c.id == annotator_id, db.annotator.c.study_id == study.id
        )
    ).first()
    if person is None or person.state in ("consent", "withdrawn"):
        return False
    if person.role == "admin" or item.role == "training":
        return True
    assigned = exists().where(
        db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item.id
    )
    return bool(connection.scalar(select(assigned)))

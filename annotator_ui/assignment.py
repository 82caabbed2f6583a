"""Assignment: who gets which item next, and who holds which.

An item is leased to an annotator: ``open`` while it is being answered, then ``done`` or
``skipped``, or ``released`` where the annotator walked away. Everything here is part of the
transaction that the caller has opened.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, exists, func, insert, not_, select, update

from annotator_ui import database as db

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from annotator_ui.study import Study
    from humangenai.human_ratings.study import StudyConfig

LEASE_SECONDS = 15 * 60
"""How long an item waits for an annotator before it goes to somebody else."""

_RATED = "rated"
_CHECKS = ("gold", "attention")
# Which leases count as an annotator of the item.
_COUNTS = {"open": 1, "done": 1, "skipped": 0, "released": 0}


def assign(connection: Connection, study: Study, annotator_id: str) -> Any:
    """The row of the item to work on now: the one this annotator holds, or a new one.

    New items are those with the fewest annotators, drawn at random among these, so that every
    annotator has another order. Gold items and attention checks are strewn in. No item comes
    twice.

    Returns:
        None where nothing is left for this annotator.
    """
    now = study.clock()
    held = connection.execute(
        select(db.item)
        .join(db.lease, db.lease.c.item_id == db.item.c.id)
        .where(db.lease.c.annotator_id == annotator_id, db.lease.c.state == "open")
        .order_by(db.lease.c.number)
        .limit(1)
    ).first()
    if held is not None:
        connection.execute(
            update(db.lease)
            .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == held.id)
            .values(expires=now + LEASE_SECONDS)
        )
        return held
    _release_expired(connection, study, now)
    number = _next_number(connection, annotator_id)
    if _is_full(study.config, number):
        return None
    row = _draw(connection, study, annotator_id, number)
    if row is not None:
        _take(connection, study, annotator_id, row.id, number=number, now=now)
    return row


def set_lease(
    connection: Connection, study: Study, annotator_id: str, item_id: str, *, old: str, new: str
) -> None:
    """Change the state of a lease, and with it how many annotators the item has."""
    connection.execute(
        update(db.lease)
        .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id)
        .values(state=new, expires=study.clock() + LEASE_SECONDS)
    )
    _add_load(connection, item_id, _COUNTS[new] - _COUNTS[old])


def forget(connection: Connection, annotator_id: str) -> None:
    """Give back every item that an annotator has or had, finished ones too."""
    held = connection.execute(
        select(db.lease.c.item_id, db.lease.c.state)
        .where(db.lease.c.annotator_id == annotator_id)
        .order_by(db.lease.c.item_id)
    ).all()
    for item_id, state in held:
        _add_load(connection, item_id, -_COUNTS[state])
    connection.execute(delete(db.lease).where(db.lease.c.annotator_id == annotator_id))


def has_more(connection: Connection, study: Study, annotator_id: str) -> bool:
    """Whether there is an item for this annotator: one that is held, or a new one."""
    held = exists().where(db.lease.c.annotator_id == annotator_id, db.lease.c.state == "open")
    if connection.scalar(select(held)):
        return True
    if _is_full(study.config, _next_number(connection, annotator_id)):
        return False
    free = _untaken(study, annotator_id, _RATED).where(
        db.item.c.load < study.config.raters_per_item
    )
    return connection.execute(free.limit(1)).first() is not None


def count_left(connection: Connection, study: Study, annotator_id: str) -> int:
    """About how many more items this annotator can get: exact but for the checks."""
    free = (
        db.item.c.study_id == study.id,
        db.item.c.role == _RATED,
        db.item.c.load < study.config.raters_per_item,
    )
    all_free = connection.scalar(select(func.count()).select_from(db.item).where(*free)) or 0
    # As a question about each of the annotator's few leases: joined, SQLite asks all the items.
    had = (
        connection.scalar(
            select(func.count())
            .select_from(db.lease)
            .where(
                db.lease.c.annotator_id == annotator_id,
                db.lease.c.state != "released",
                exists().where(db.item.c.id == db.lease.c.item_id, *free),
            )
        )
        or 0
    )
    rated = all_free - had
    share = study.config.gold.share + study.config.attention_checks.share
    if share == 0 or rated == 0:
        return rated
    # One role at a time: given a list of roles, SQLite reads all items.
    all_checks = sum(
        connection.scalar(
            select(func.count()).where(db.item.c.study_id == study.id, db.item.c.role == role)
        )
        or 0
        for role in _CHECKS
    )
    had_checks = (
        connection.scalar(
            select(func.count())
            .select_from(db.lease)
            .where(
                db.lease.c.annotator_id == annotator_id,
                exists().where(db.item.c.id == db.lease.c.item_id, db.item.c.role.in_(_CHECKS)),
            )
        )
        or 0
    )
    checks = all_checks - had_checks
    return rated + min(checks, int(rated * share / (1 - share)))


def _release_expired(connection: Connection, study: Study, now: float) -> None:
    """Take back the items of those who walked away; their answers so far stay."""
    expired = connection.execute(
        select(db.lease.c.annotator_id, db.lease.c.item_id)
        .where(
            db.lease.c.study_id == study.id,
            db.lease.c.state == "open",
            db.lease.c.expires <= now,
        )
        .limit(50)
        .with_for_update(skip_locked=True)  # someone else releases them, or they are answered
    ).all()
    for annotator_id, item_id in expired:
        connection.execute(
            update(db.lease)
            .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id)
            .values(state="released")
        )
        _add_load(connection, item_id, -1)


def _next_number(connection: Connection, annotator_id: str) -> int:
    last = connection.scalar(
        select(func.max(db.lease.c.number)).where(db.lease.c.annotator_id == annotator_id)
    )
    return 0 if last is None else int(last) + 1


def _is_full(config: StudyConfig, number: int) -> bool:
    limit = config.items_per_annotator
    return limit is not None and number >= limit


def _draw(connection: Connection, study: Study, annotator_id: str, number: int) -> Any:
    """A new item for this annotator, None where there is none."""
    point = _fraction(annotator_id, "place", number)
    if _is_check(study.config, annotator_id, number):
        for role in _roles(study.config, annotator_id, number):
            check = _nearest(connection, _untaken(study, annotator_id, role), point)
            if check is not None:
                return check
    least = connection.scalar(  # in the words of the index, so that it is one step into it
        select(db.item.c.load)
        .where(db.item.c.study_id == study.id, db.item.c.role == _RATED)
        .order_by(db.item.c.load)
        .limit(1)
    )
    for load in range(least or 0, study.config.raters_per_item):
        query = _untaken(study, annotator_id, _RATED).where(db.item.c.load == load)
        found = _nearest(connection, query, point)
        if found is not None:
            return found
    return None


def _is_check(config: StudyConfig, annotator_id: str, number: int) -> bool:
    """Whether the annotator's item of this number is a gold item or an attention check.

    One item in each stretch of ``1 / share`` is, at a place that differs between annotators
    and stretches: nobody can tell from counting.
    """
    share = config.gold.share + config.attention_checks.share
    if share == 0:
        return False
    length = max(round(1 / share), 1)
    stretch, position = divmod(number, length)
    return position == int(_fraction(annotator_id, "check", stretch) * length)


def _untaken(study: Study, annotator_id: str, role: str) -> Select[Any]:
    """Items of a role that this annotator has not had."""
    had = exists().where(
        db.lease.c.annotator_id == annotator_id,
        db.lease.c.item_id == db.item.c.id,
        db.lease.c.state != "released",
    )
    return select(db.item).where(db.item.c.study_id == study.id, db.item.c.role == role, not_(had))


def _nearest(connection: Connection, query: Select[Any], point: float) -> Any:
    """The first item at or after a random point, around the end; locked.

    A locked item is somebody else's in this moment, so it is passed over.
    """
    place = db.item.c.place
    for part in (place >= point, place < point):
        found = connection.execute(
            query.where(part).order_by(place).limit(1).with_for_update(skip_locked=True, of=db.item)
        ).first()
        if found is not None:
            return found
    return None


def _take(
    connection: Connection,
    study: Study,
    annotator_id: str,
    item_id: str,
    *,
    number: int,
    now: float,
) -> None:
    given = {"number": number, "state": "open", "expires": now + LEASE_SECONDS}
    changed = connection.execute(
        update(db.lease)  # where it was released before
        .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id)
        .values(**given)
    )
    if changed.rowcount == 0:
        connection.execute(
            insert(db.lease).values(
                annotator_id=annotator_id, item_id=item_id, study_id=study.id, **given
            )
        )
    _add_load(connection, item_id, 1)


def _add_load(connection: Connection, item_id: str, change: int) -> None:
    if change:
        connection.execute(
            update(db.item).where(db.item.c.id == item_id).values(load=db.item.c.load + change)
        )


def _fraction(*parts: object) -> float:
    """A number in [0, 1) that looks random and depends on nothing else."""
    word = hashlib.sha256(json.dumps(parts).encode()).digest()[:8]
    return int.from_bytes(word, "big") / 2**64


def _roles(config: StudyConfig, annotator_id: str, number: int) -> tuple[str, str]:
    """Gold first, or the attention check, in the proportion of their shares."""
    gold, attention = config.gold.share, config.attention_checks.share
    if _fraction(annotator_id, "role", number) * (gold + attention) < gold:
        return ("gold", "attention")
    return ("attention", "gold")

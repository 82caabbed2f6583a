"""The annotators' desk: what the pages for annotators may ask of the database.

Every call is one short transaction, and is over when it returns: what it has acknowledged is on the
disk. Any number of processes and threads may work at desks of the same study.

What a :class:`Desk` hands out names no method, no original and no other annotator; admins have
:class:`annotator_ui.admin_desk.AdminDesk`. Who may do what is decided in
:mod:`annotator_ui.permissions`, who gets which item in :mod:`annotator_ui.assignment`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import delete, exists, func, insert, select, update

from annotator_ui import assignment
from annotator_ui import database as db
from annotator_ui.items import Example, Item, build_item, own_answers, read_questions
from annotator_ui.links import LinkError, make_token, read_token
from annotator_ui.permissions import DeskError, lock, lock_for_work, may_see

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from annotator_ui.study import Study
    from humangenai.human_ratings.questions import Question

LINK_DAYS = 60
LONGEST_REASON = 500
"""Characters of a reason that are stored."""

Role = Literal["annotator", "admin"]
State = Literal["consent", "training", "rating", "done", "withdrawn"]


@dataclass(frozen=True)
class About:
    """What everyone may know about the study."""

    name: str
    title: str
    track: str
    consent: str
    contact: str
    minimum_seconds: float
    state: Literal["open", "closed"]


@dataclass(frozen=True)
class Annotator:
    """Who has signed in.

    Attributes:
        state: what comes next: the consent, the training, items, or nothing more.
    """

    id: str
    name: str
    role: Role
    state: State


@dataclass(frozen=True)
class Progress:
    """How far an annotator is.

    Attributes:
        done: items answered or skipped.
        total: done and what is left for this annotator; falls as others take items.
        seconds: time spent on the answers.
    """

    done: int
    total: int
    seconds: float


class Desk:
    """The annotators' desk of one study.

    Args:
        study: from :func:`annotator_ui.study.open_study`.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._database = study.database

    # Everyone ------------------------------------------------------------------------------------

    def about(self) -> About:
        """What everyone may know about the study."""
        config = self.study.config
        return About(
            name=config.name,
            title=config.title,
            track=config.track,
            consent=config.consent,
            contact=config.contact,
            minimum_seconds=config.minimum_seconds,
            state=self.study.state(),
        )

    def sign_in(self, token: str) -> Annotator:
        """Who a personal link belongs to.

        Raises:
            LinkError: the link is forged, expired, of another study, or of someone removed.
        """
        annotator_id = read_token(
            self.study.secret, self.study.config.name, token, self.study.clock()
        )
        return self._who(db.annotator.c.id == annotator_id)

    def sign_in_as(self, identity: str) -> Annotator:
        """Who an OIDC provider says it is.

        Args:
            identity: what the provider vouches for, e.g. a verified e-mail address.

        Raises:
            LinkError: nobody in this study has that identity.
        """
        return self._who(db.annotator.c.identity == identity)

    def token(self, annotator_id: str, days: float = LINK_DAYS) -> str:
        """What makes a link personal; see :mod:`annotator_ui.links`."""
        expires = self.study.clock() + days * 86400
        return make_token(self.study.secret, self.study.config.name, annotator_id, expires)

    def _who(self, condition: Any) -> Annotator:
        with self._database.reading() as connection:
            row = connection.execute(
                select(db.annotator).where(db.annotator.c.study_id == self.study.id, condition)
            ).first()
            if row is None:
                raise LinkError("this link is not valid; ask for a new one")
            state = row.state
            if state == "rating" and not assignment.has_more(connection, self.study, row.id):
                state = "done"
        return Annotator(row.id, row.name, row.role, state)

    # Before the items ----------------------------------------------------------------------------

    def consent(self, annotator_id: str) -> None:
        """The annotator agrees to the study's terms."""
        with self._database.writing() as connection:
            row = lock(connection, self.study, annotator_id)
            if row.state != "consent":
                return
            trained = connection.scalar(
                select(
                    exists().where(
                        db.item.c.study_id == self.study.id, db.item.c.role == "training"
                    )
                )
            )
            state = "training" if trained else "rating"
            connection.execute(
                update(db.annotator).where(db.annotator.c.id == annotator_id).values(state=state)
            )
            self.study.note(connection, "consent", annotator_id)

    def training_examples(self) -> list[Example]:
        """The examples shown before the first item, one question each."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(db.item)
                .where(db.item.c.study_id == self.study.id, db.item.c.role == "training")
                .order_by(db.item.c.load, db.item.c.place)
            ).all()
            examples = []
            for row in rows:
                item = build_item(connection, row, None)
                examples += [
                    Example(item, question, value, row.explanation or "")
                    for question, value in json.loads(row.expected).items()
                ]
        return examples

    def finish_training(self, annotator_id: str) -> None:
        """The annotator has seen the examples.

        Raises:
            DeskError: the annotator has not consented, or has withdrawn.
        """
        with self._database.writing() as connection:
            row = lock(connection, self.study, annotator_id)
            if row.state == "rating":
                return
            if row.state != "training":
                raise DeskError("the consent comes first")
            connection.execute(
                update(db.annotator).where(db.annotator.c.id == annotator_id).values(state="rating")
            )
            self.study.note(connection, "training", annotator_id)

    def withdraw(self, annotator_id: str) -> None:
        """The annotator withdraws: all answers, old ones too, and the name are deleted.

        That there was a consent, and that it was withdrawn, stays known of the random id.
        """
        with self._database.writing() as connection:
            lock(connection, self.study, annotator_id)
            assignment.forget(connection, annotator_id)
            for table in (db.answer, db.answer_history):
                connection.execute(delete(table).where(table.c.annotator_id == annotator_id))
            connection.execute(
                update(db.annotator)
                .where(db.annotator.c.id == annotator_id)
                .values(state="withdrawn", name=f"withdrawn {annotator_id}", identity=None)
            )
            self.study.note(connection, "withdrawn", annotator_id)
        self._database.purge()

    # Items ---------------------------------------------------------------------------------------

    def next_item(self, annotator_id: str) -> Item | None:
        """The item to work on now: the one this annotator holds, or a new one.

        No item comes twice; see :func:`annotator_ui.assignment.assign`.

        Returns:
            None where nothing is left for this annotator.

        Raises:
            DeskError: the annotator has not consented or has withdrawn, or the study is closed.
        """
        with self._database.writing() as connection:
            lock_for_work(connection, self.study, annotator_id)
            row = assignment.assign(connection, self.study, annotator_id)
            return None if row is None else build_item(connection, row, annotator_id)

    def item(self, annotator_id: str, item_id: str) -> Item:
        """An item that was assigned to this annotator (any, for an admin).

        Raises:
            DeskError: it was not, or does not exist; nothing tells which.
        """
        with self._database.reading() as connection:
            row = self._row(connection, item_id)
            if row is None or not may_see(connection, self.study, annotator_id, row):
                raise DeskError("there is no such item")
            return build_item(connection, row, annotator_id)

    def previous_item(self, annotator_id: str, before: str | None = None) -> Item | None:
        """The item that this annotator finished or skipped before another one.

        Args:
            annotator_id: who goes back.
            before: id of the item that is on the screen; None: go to the last one.

        Returns:
            None at the first item.
        """
        finished = db.lease.c.state.in_(("done", "skipped"))
        return self._neighbour(annotator_id, before, finished, forwards=False)

    def following_item(self, annotator_id: str, after: str) -> Item | None:
        """Forward again after :meth:`previous_item`: the annotator's next item, or a new one.

        Returns:
            None where nothing is left for this annotator.
        """
        kept = db.lease.c.state != "released"
        return self._neighbour(annotator_id, after, kept, forwards=True) or self.next_item(
            annotator_id
        )

    def _neighbour(
        self, annotator_id: str, item_id: str | None, condition: Any, *, forwards: bool
    ) -> Item | None:
        number = db.lease.c.number
        query = select(db.lease.c.item_id).where(db.lease.c.annotator_id == annotator_id, condition)
        with self._database.reading() as connection:
            if item_id is not None:
                here = connection.scalar(
                    select(number).where(
                        db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id
                    )
                )
                if here is None:
                    raise DeskError("there is no such item")
                query = query.where(number > here if forwards else number < here)
            order = number if forwards else number.desc()
            found = connection.scalar(query.order_by(order).limit(1))
            if found is None:
                return None
            return build_item(connection, self._row(connection, found), annotator_id)

    def image(self, annotator_id: str, image_id: str) -> bytes:
        """A picture, as a PNG file without metadata.

        Raises:
            DeskError: it is of no item that was assigned to this annotator, or does not exist.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                select(db.item)
                .join(db.image, db.image.c.item_id == db.item.c.id)
                .where(db.image.c.id == image_id, db.item.c.study_id == self.study.id)
            ).first()
            if row is None or not may_see(connection, self.study, annotator_id, row):
                raise DeskError("there is no such picture")
        # The id is one of ours now, so it cannot lead out of the folder.
        return (self.study.images / f"{image_id}.png").read_bytes()

    def progress(self, annotator_id: str) -> Progress:
        """How far this annotator is."""
        with self._database.reading() as connection:
            counts: dict[str, int] = dict(
                connection.execute(
                    select(db.lease.c.state, func.count())
                    .where(db.lease.c.annotator_id == annotator_id)
                    .group_by(db.lease.c.state)
                )
                .tuples()
                .all()
            )
            seconds = connection.scalar(
                select(func.sum(db.answer.c.seconds)).where(
                    db.answer.c.annotator_id == annotator_id
                )
            )
            left = assignment.count_left(connection, self.study, annotator_id)
        done = counts.get("done", 0) + counts.get("skipped", 0)
        total = done + counts.get("open", 0) + left
        if self.study.config.items_per_annotator is not None:
            total = min(total, max(self.study.config.items_per_annotator, done))
        return Progress(done=done, total=total, seconds=float(seconds or 0.0))

    # Answers -------------------------------------------------------------------------------------

    def answer(
        self, annotator_id: str, item_id: str, question_id: str, value: int, seconds: float
    ) -> None:
        """Store an answer: it is on the disk when this returns. Giving it again changes nothing.

        Another answer to the same question replaces the first; the history keeps both.

        Args:
            annotator_id: who answers.
            item_id: an item that was assigned to this annotator.
            question_id: one of its questions.
            value: one of the question's values.
            seconds: how long the annotator took, 0 or more.

        Raises:
            DeskError: the item is not this annotator's, it has no such question or value, the time
                is no time, the annotator has not consented or has withdrawn, or the study is
                closed.
        """
        if not (math.isfinite(seconds) and seconds >= 0):
            raise DeskError("the time taken must be 0 seconds or more")
        with self._database.writing() as connection:
            lock_for_work(connection, self.study, annotator_id)
            held, questions = self._assigned(connection, annotator_id, item_id)
            question = next((q for q in questions if q.id == question_id), None)
            if question is None:
                raise DeskError("this item has no such question")
            if isinstance(value, bool) or value not in question.values:
                raise DeskError(f"answers to this question are 1 to {len(question.anchors)}")
            known = own_answers(connection, annotator_id, item_id)
            if known.get(question_id) != value:
                self._store(
                    connection,
                    annotator_id,
                    item_id,
                    question_id,
                    new=question_id not in known,
                    value=value,
                    reason=None,
                    seconds=seconds,
                )
                known[question_id] = value
            answered = all(known.get(q.id) is not None for q in questions)
            now = "done" if answered else "open"
            assignment.set_lease(connection, self.study, annotator_id, item_id, old=held, new=now)

    def skip(self, annotator_id: str, item_id: str, reason: str) -> None:
        """Leave an item out: its answers become missing ones, with the reason.

        Raises:
            DeskError: as in :meth:`answer`, or there is no reason.
        """
        reason = reason.strip()[:LONGEST_REASON]
        if not reason:
            raise DeskError("say why you skip this item")
        with self._database.writing() as connection:
            lock_for_work(connection, self.study, annotator_id)
            held, questions = self._assigned(connection, annotator_id, item_id)
            known = own_answers(connection, annotator_id, item_id)
            for question in questions:
                self._store(
                    connection,
                    annotator_id,
                    item_id,
                    question.id,
                    new=question.id not in known,
                    value=None,
                    reason=reason,
                    seconds=0.0,
                )
            assignment.set_lease(
                connection, self.study, annotator_id, item_id, old=held, new="skipped"
            )

    # Within a transaction ------------------------------------------------------------------------

    def _row(self, connection: Connection, item_id: str) -> Any:
        return connection.execute(
            select(db.item).where(db.item.c.id == item_id, db.item.c.study_id == self.study.id)
        ).first()

    def _assigned(
        self, connection: Connection, annotator_id: str, item_id: str
    ) -> tuple[str, tuple[Question, ...]]:
        """The state of an annotator's lease, and the item's questions."""
        row = connection.execute(
            select(db.lease.c.state, db.item.c.questions)
            .join(db.item, db.item.c.id == db.lease.c.item_id)
            .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id)
        ).first()
        if row is None:
            raise DeskError("there is no such item")
        return row.state, read_questions(row.questions)

    def _store(
        self,
        connection: Connection,
        annotator_id: str,
        item_id: str,
        question_id: str,
        *,
        new: bool,
        value: int | None,
        reason: str | None,
        seconds: float,
    ) -> None:
        given = {
            "value": value,
            "reason": reason,
            "seconds": seconds,
            "created": self.study.clock(),
        }
        key = {"annotator_id": annotator_id, "item_id": item_id, "question": question_id}
        if new:
            connection.execute(insert(db.answer).values(**key, **given))
        else:
            connection.execute(
                update(db.answer)
                .where(*(db.answer.c[name] == part for name, part in key.items()))
                .values(**given)
            )
        connection.execute(insert(db.answer_history).values(**key, **given))

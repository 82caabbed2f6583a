"""The desk: what the app may ask of the database. The one way between the two.

Every call is one short transaction, and is over when it returns: what it has acknowledged is on the
disk. Any number of processes and threads may work at desks of the same study.

What a :class:`Desk` hands to annotators names no method, no original and no other annotator.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Integer, Select, exists, func, insert, not_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from annotator_ui import database as db
from annotator_ui.links import LinkError, make_token, read_token
from humangenai.errors import UserError
from humangenai.human_ratings.questions import Question
from humangenai.human_ratings.study import StudyConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd
    from sqlalchemy import Connection, Row

    from humangenai.human_ratings.quality import Quality

LEASE_SECONDS = 15 * 60
"""How long an item waits for an annotator before it goes to somebody else."""

LINK_DAYS = 60
LONGEST_REASON = 500
"""Characters of a reason that are stored."""

_RATED = "rated"
_CHECKS = ("gold", "attention")
# Which leases count as an annotator of the item.
_COUNTS = {"open": 1, "done": 1, "skipped": 0, "released": 0}

Role = Literal["annotator", "admin"]
State = Literal["consent", "training", "rating", "done", "withdrawn"]


class DeskError(Exception):
    """Something that this annotator may not do, or not now; the message may be shown."""


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
class Item:
    """What is shown and asked at once.

    Attributes:
        images: ids for :meth:`Desk.image`, in the order of display.
        captions: what stands above each image.
        kind: ``single``: one picture; ``pair``: the original and what was made of it;
            ``preference``: two pictures to choose from.
        prompt: the attribute that was asked of the method, where that is the question.
        answers: this annotator's own, by question id; skipped questions are missing.
        skipped: whether this annotator has skipped it.
    """

    id: str
    images: tuple[str, ...]
    captions: tuple[str, ...]
    kind: Literal["single", "pair", "preference"]
    questions: tuple[Question, ...]
    prompt: str | None = None
    answers: Mapping[str, int] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True)
class Example:
    """A training example: one question about an item, its answer, and why."""

    item: Item
    question_id: str
    answer: int
    explanation: str


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


CAPTIONS = {"single": ("",), "pair": ("Original", "Replaced"), "preference": ("Left", "Right")}


class Desk:
    """One study's desk.

    Args:
        url: of the database.
        study: name of the study.
        clock: seconds since 1970 (UTC); tests give their own.

    Raises:
        UserError: there is no such study, or no such database.
    """

    def __init__(self, url: str, study: str, clock: Callable[[], float] = time.time) -> None:
        self._database = db.connect(url)
        self._clock = clock
        try:
            with self._database.reading() as connection:
                row = connection.execute(select(db.study).where(db.study.c.name == study)).first()
                names = connection.scalars(select(db.study.c.name)).all() if row is None else ()
        except (OperationalError, ProgrammingError) as error:
            raise db.unreachable(error) from error
        if row is None:
            known = ", ".join(sorted(names)) or "none"
            raise UserError(
                f"there is no study '{study}' in this database; known: {known}; make one with "
                "humangenai study create CONFIG.yaml"
            )
        self._study_id = row.id
        self._secret = row.secret
        self._images = Path(row.folder) / "images"
        self.config = StudyConfig.model_validate_json(row.config)

    # Everyone ------------------------------------------------------------------------------------

    def about(self) -> About:
        """What everyone may know about the study."""
        with self._database.reading() as connection:
            state: Literal["open", "closed"] = connection.execute(
                select(db.study.c.state).where(db.study.c.id == self._study_id)
            ).scalar_one()
        return About(
            name=self.config.name,
            title=self.config.title,
            track=self.config.track,
            consent=self.config.consent,
            contact=self.config.contact,
            minimum_seconds=self.config.minimum_seconds,
            state=state,
        )

    def sign_in(self, token: str) -> Annotator:
        """Who a personal link belongs to.

        Raises:
            LinkError: the link is forged, expired, of another study, or of someone removed.
        """
        annotator_id = read_token(self._secret, self.config.name, token, self._clock())
        return self._who(db.annotator.c.id == annotator_id)

    def sign_in_as(self, identity: str) -> Annotator:
        """Who an OIDC provider says it is.

        Args:
            identity: what the provider vouches for, e.g. a verified e-mail address.

        Raises:
            LinkError: nobody in this study has that identity.
        """
        return self._who(db.annotator.c.identity == identity)

    def _who(self, condition: Any) -> Annotator:
        with self._database.reading() as connection:
            row = connection.execute(
                select(db.annotator).where(db.annotator.c.study_id == self._study_id, condition)
            ).first()
            if row is None:
                raise LinkError("this link is not valid; ask for a new one")
            state = row.state
            if state == "rating" and not self._has_more(connection, row.id):
                state = "done"
        return Annotator(row.id, row.name, row.role, state)

    # Before the items ----------------------------------------------------------------------------

    def consent(self, annotator_id: str) -> None:
        """The annotator agrees to the study's terms."""
        with self._database.writing() as connection:
            row = self._lock(connection, annotator_id)
            if row.state != "consent":
                return
            trained = connection.scalar(
                select(
                    exists().where(
                        db.item.c.study_id == self._study_id, db.item.c.role == "training"
                    )
                )
            )
            self._set_annotator(connection, annotator_id, "training" if trained else "rating")
            self._note(connection, "consent", annotator_id)

    def training_examples(self) -> list[Example]:
        """The examples shown before the first item, one question each."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(db.item)
                .where(db.item.c.study_id == self._study_id, db.item.c.role == "training")
                .order_by(db.item.c.load, db.item.c.place)
            ).all()
            examples = []
            for row in rows:
                item = self._build(connection, row, None)
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
            row = self._lock(connection, annotator_id)
            if row.state == "rating":
                return
            if row.state != "training":
                raise DeskError("the consent comes first")
            self._set_annotator(connection, annotator_id, "rating")
            self._note(connection, "training", annotator_id)

    def withdraw(self, annotator_id: str) -> None:
        """The annotator withdraws: all answers, old ones too, and the name are deleted.

        That there was a consent, and that it was withdrawn, stays known of the random id.
        """
        with self._database.writing() as connection:
            self._lock(connection, annotator_id)
            held = connection.execute(
                select(db.lease.c.item_id, db.lease.c.state)
                .where(db.lease.c.annotator_id == annotator_id)
                .order_by(db.lease.c.item_id)
            ).all()
            for item_id, state in held:
                self._add_load(connection, item_id, -_COUNTS[state])
            for table in (db.answer, db.answer_history, db.lease):
                connection.execute(delete_from(table).where(table.c.annotator_id == annotator_id))
            connection.execute(
                update(db.annotator)
                .where(db.annotator.c.id == annotator_id)
                .values(state="withdrawn", name=f"withdrawn {annotator_id}", identity=None)
            )
            self._note(connection, "withdrawn", annotator_id)

    # Items ---------------------------------------------------------------------------------------

    def next_item(self, annotator_id: str) -> Item | None:
        """The item to work on now: the one this annotator holds, or a new one.

        New items are those with the fewest annotators, drawn at random among these, so that every
        annotator has another order. Gold items and attention checks are strewn in. No item comes
        twice.

        Returns:
            None where nothing is left for this annotator.

        Raises:
            DeskError: the annotator has not consented or has withdrawn, or the study is closed.
        """
        now = self._clock()
        with self._database.writing() as connection:
            self._lock_for_work(connection, annotator_id)
            held = connection.execute(
                select(db.lease.c.item_id)
                .where(db.lease.c.annotator_id == annotator_id, db.lease.c.state == "open")
                .order_by(db.lease.c.number)
                .limit(1)
            ).scalar()
            if held is not None:
                connection.execute(
                    update(db.lease)
                    .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == held)
                    .values(expires=now + LEASE_SECONDS)
                )
                return self._build(connection, self._row(connection, held), annotator_id)
            self._release_expired(connection, now)
            number = self._next_number(connection, annotator_id)
            if self._is_full(number):
                return None
            row = self._draw(connection, annotator_id, number)
            if row is None:
                return None
            self._take(connection, annotator_id, row.id, number, now)
            return self._build(connection, row, annotator_id)

    def item(self, annotator_id: str, item_id: str) -> Item:
        """An item that was assigned to this annotator (any, for an admin).

        Raises:
            DeskError: it was not, or does not exist; nothing tells which.
        """
        with self._database.reading() as connection:
            row = self._row(connection, item_id)
            if row is None or not self._may_see(connection, annotator_id, row):
                raise DeskError("there is no such item")
            return self._build(connection, row, annotator_id)

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
            return self._build(connection, self._row(connection, found), annotator_id)

    def image(self, annotator_id: str, image_id: str) -> bytes:
        """A picture, as a PNG file without metadata.

        Raises:
            DeskError: it is of no item that was assigned to this annotator, or does not exist.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                select(db.item)
                .join(db.image, db.image.c.item_id == db.item.c.id)
                .where(db.image.c.id == image_id, db.item.c.study_id == self._study_id)
            ).first()
            if row is None or not self._may_see(connection, annotator_id, row):
                raise DeskError("there is no such picture")
        # The id is one of ours now, so it cannot lead out of the folder.
        return (self._images / f"{image_id}.png").read_bytes()

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
            left = self._left(connection, annotator_id)
        done = counts.get("done", 0) + counts.get("skipped", 0)
        total = done + counts.get("open", 0) + left
        if self.config.items_per_annotator is not None:
            total = min(total, max(self.config.items_per_annotator, done))
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
            self._lock_for_work(connection, annotator_id)
            held, questions = self._assigned(connection, annotator_id, item_id)
            question = next((q for q in questions if q.id == question_id), None)
            if question is None:
                raise DeskError("this item has no such question")
            if isinstance(value, bool) or value not in question.values:
                raise DeskError(f"answers to this question are 1 to {len(question.anchors)}")
            known = self._answers(connection, annotator_id, item_id)
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
            self._set_lease(connection, annotator_id, item_id, held, "done" if answered else "open")

    def skip(self, annotator_id: str, item_id: str, reason: str) -> None:
        """Leave an item out: its answers become missing ones, with the reason.

        Raises:
            DeskError: as in :meth:`answer`, or there is no reason.
        """
        reason = reason.strip()[:LONGEST_REASON]
        if not reason:
            raise DeskError("say why you skip this item")
        with self._database.writing() as connection:
            self._lock_for_work(connection, annotator_id)
            held, questions = self._assigned(connection, annotator_id, item_id)
            known = self._answers(connection, annotator_id, item_id)
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
            self._set_lease(connection, annotator_id, item_id, held, "skipped")

    # Annotators and their links ------------------------------------------------------------------

    def add_annotator(
        self,
        name: str,
        role: Role = "annotator",
        *,
        identity: str | None = None,
        simulated: bool = False,
    ) -> str:
        """Add someone who may take part.

        Args:
            name: unique in the study; seen by admins and by the annotator.
            role: admins see everything and rate nothing.
            identity: what an OIDC provider calls them.
            simulated: whether a program answers; marked in every table, and refused as evidence.

        Returns:
            The annotator's random id.

        Raises:
            UserError: the name or identity is taken, or empty.
        """
        if not 0 < len(name) <= 200:
            raise UserError("an annotator's name has 1 to 200 characters")
        annotator_id = random_id()
        try:
            with self._database.writing() as connection:
                connection.execute(
                    insert(db.annotator).values(
                        id=annotator_id,
                        study_id=self._study_id,
                        name=name,
                        identity=identity,
                        role=role,
                        state="consent" if role == "annotator" else "rating",
                        simulated=simulated,
                        created=self._clock(),
                    )
                )
        except IntegrityError as error:
            raise UserError(
                f"study {self.config.name} has an annotator '{name}' already"
            ) from error
        return annotator_id

    def annotator_id(self, name: str) -> str | None:
        """The id of the annotator of that name, None where there is none."""
        with self._database.reading() as connection:
            found: str | None = connection.scalar(
                select(db.annotator.c.id).where(
                    db.annotator.c.study_id == self._study_id, db.annotator.c.name == name
                )
            )
        return found

    def token(self, annotator_id: str, days: float = LINK_DAYS) -> str:
        """What makes a link personal; see :mod:`annotator_ui.links`."""
        expires = self._clock() + days * 86400
        return make_token(self._secret, self.config.name, annotator_id, expires)

    def close(self) -> None:
        """Close the study: nothing can be answered any more."""
        self._set_study("closed")

    def reopen(self) -> None:
        """Open a closed study again."""
        self._set_study("open")

    def _set_study(self, state: str) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(db.study).where(db.study.c.id == self._study_id).values(state=state)
            )
            self._note(connection, state, None)

    # For admins ----------------------------------------------------------------------------------

    def answers(self) -> pd.DataFrame:
        """All answers as they stand, one row per annotator, item and question.

        Returns:
            Columns ``study``, ``item``, ``method``, ``against`` (the method on the right of a
            pairwise item, else None), ``track``, ``source`` (opaque id of the person in the
            original), ``question``, ``symbol``, ``annotator``, ``value`` (float, NaN where
            skipped), ``seconds``, ``created`` (UTC), ``is_gold``, ``gold_value`` (float, NaN where
            none is known), ``is_attention``, ``skipped``, ``reason`` and ``simulated``.
        """
        import pandas as pd

        with self._database.reading() as connection:
            rows = connection.execute(
                select(
                    db.answer,
                    db.item.c.method,
                    db.item.c.against,
                    db.item.c.source,
                    db.item.c.role,
                    db.item.c.expected,
                    db.item.c.questions,
                    db.annotator.c.simulated,
                )
                .join(db.item, db.item.c.id == db.answer.c.item_id)
                .join(db.annotator, db.annotator.c.id == db.answer.c.annotator_id)
                .where(db.item.c.study_id == self._study_id)
                .order_by(db.answer.c.created, db.answer.c.item_id, db.answer.c.question)
            ).all()
        symbols: dict[str, dict[str, str]] = {}
        records = []
        for row in rows:
            if row.questions not in symbols:
                symbols[row.questions] = {q["id"]: q["symbol"] for q in json.loads(row.questions)}
            expected = json.loads(row.expected) if row.expected else {}
            records.append(
                (
                    self.config.name,
                    row.item_id,
                    row.method,
                    row.against,
                    self.config.track,
                    row.source,
                    row.question,
                    symbols[row.questions][row.question],
                    row.annotator_id,
                    math.nan if row.value is None else float(row.value),
                    row.seconds,
                    row.created,
                    row.role == "gold",
                    float(expected.get(row.question, math.nan)),
                    row.role == "attention",
                    row.value is None,
                    row.reason,
                    row.simulated,
                )
            )
        table = pd.DataFrame(records, columns=list(ANSWER_COLUMNS))
        table["created"] = pd.to_datetime(table["created"], unit="s", utc=True)
        floats = ["value", "seconds", "gold_value"]
        flags = ["is_gold", "is_attention", "skipped", "simulated"]
        return table.astype(dict.fromkeys(floats, "float64") | dict.fromkeys(flags, "bool"))

    def items(self) -> pd.DataFrame:
        """All items.

        Returns:
            Columns ``item``, ``role`` (rated, gold, attention or training), ``kind``, ``method``,
            ``against``, ``source``, ``prompt``, ``expected`` (a dict of known answers by question
            id) and ``annotators`` (how many have it or have finished it).
        """
        import pandas as pd

        names = ("id", "role", "display", "method", "against", "source", "prompt", "expected")
        with self._database.reading() as connection:
            rows = connection.execute(
                select(*(db.item.c[name] for name in names), db.item.c.load)
                .where(db.item.c.study_id == self._study_id)
                .order_by(db.item.c.id)
            ).all()
        columns = ["item", "role", "kind", *names[3:], "annotators"]
        table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        table["expected"] = [json.loads(row.expected) if row.expected else {} for row in rows]
        return table

    def flagged(self) -> list[Quality]:
        """How carefully everyone answered, the flagged ones first."""
        from humangenai.human_ratings.quality import flags

        return flags(self.answers(), self.config.minimum_seconds)

    def annotators(self) -> pd.DataFrame:
        """Everyone: ``annotator`` (id), ``name``, ``role``, ``state``, ``simulated``."""
        import pandas as pd

        columns = ("annotator", "name", "role", "state", "simulated")
        with self._database.reading() as connection:
            rows = connection.execute(
                select(
                    db.annotator.c.id,
                    db.annotator.c.name,
                    db.annotator.c.role,
                    db.annotator.c.state,
                    db.annotator.c.simulated,
                )
                .where(db.annotator.c.study_id == self._study_id)
                .order_by(db.annotator.c.created)
            ).all()
        return pd.DataFrame([tuple(row) for row in rows], columns=list(columns))

    def overview(self) -> pd.DataFrame:
        """Who has done how much of which method.

        Returns:
            Columns ``method``, ``annotator`` (id), ``name``, ``role`` (of the items: rated, gold
            or attention), ``done``, ``skipped`` and ``open``: numbers of items.
        """
        import pandas as pd

        counts = [
            func.sum((db.lease.c.state == state).cast(Integer)).label(state)
            for state in ("done", "skipped", "open")
        ]
        keys = (db.item.c.method, db.annotator.c.id, db.annotator.c.name, db.item.c.role)
        with self._database.reading() as connection:
            rows = connection.execute(
                select(*keys, *counts)
                .select_from(db.lease)
                .join(db.item, db.item.c.id == db.lease.c.item_id)
                .join(db.annotator, db.annotator.c.id == db.lease.c.annotator_id)
                .where(db.lease.c.study_id == self._study_id)
                .group_by(*keys)
                .order_by(*keys)
            ).all()
        columns = ["method", "annotator", "name", "role", "done", "skipped", "open"]
        return pd.DataFrame([tuple(row) for row in rows], columns=columns)

    def methods(self) -> pd.DataFrame:
        """How far each method is.

        Returns:
            Columns ``method``, ``items``, ``wanted`` (finished items that the study asks for) and
            ``done`` (those it has).
        """
        import pandas as pd

        done = (
            select(db.item.c.method, func.count().label("done"))
            .join(db.lease, db.lease.c.item_id == db.item.c.id)
            .where(
                db.lease.c.study_id == self._study_id,
                db.lease.c.state == "done",
                db.item.c.role == _RATED,
            )
            .group_by(db.item.c.method)
            .subquery()
        )
        with self._database.reading() as connection:
            rows = connection.execute(
                select(db.item.c.method, func.count(), func.max(func.coalesce(done.c.done, 0)))
                .outerjoin(done, done.c.method == db.item.c.method)
                .where(db.item.c.study_id == self._study_id, db.item.c.role == _RATED)
                .group_by(db.item.c.method)
                .order_by(db.item.c.method)
            ).all()
        wanted = self.config.raters_per_item
        return pd.DataFrame(
            [(method, items, items * wanted, number) for method, items, number in rows],
            columns=["method", "items", "wanted", "done"],
        )

    def items_by_disagreement(self, limit: int = 200) -> pd.DataFrame:
        """Items whose annotators differ most, first.

        Returns:
            Columns ``item``, ``method``, ``role``, ``question``, ``n`` (answers), ``mean``, ``sd``
            (of the answers, with n in the denominator), ``lowest`` and ``highest``.
        """
        import pandas as pd

        value = db.answer.c.value
        mean = func.avg(value * 1.0)
        variance = func.avg(value * value * 1.0) - mean * mean
        with self._database.reading() as connection:
            rows = connection.execute(
                select(
                    db.item.c.id,
                    db.item.c.method,
                    db.item.c.role,
                    db.answer.c.question,
                    func.count(value),
                    mean,
                    variance,
                    func.min(value),
                    func.max(value),
                )
                .join(db.item, db.item.c.id == db.answer.c.item_id)
                .where(db.item.c.study_id == self._study_id, value.is_not(None))
                .group_by(db.item.c.id, db.item.c.method, db.item.c.role, db.answer.c.question)
                .order_by(variance.desc(), db.item.c.id)
                .limit(limit)
            ).all()
        columns = ["item", "method", "role", "question", "n", "mean", "sd", "lowest", "highest"]
        table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        table["mean"] = table["mean"].astype("float64")
        table["sd"] = table["sd"].astype("float64").clip(lower=0) ** 0.5
        return table

    # Within a transaction ------------------------------------------------------------------------

    def _lock(self, connection: Connection, annotator_id: str) -> Any:
        """The annotator's row, held until the transaction ends: two tabs take turns.

        Returns:
            ``state`` and ``role`` of the annotator, and ``study_state``.
        """
        row = connection.execute(
            select(db.annotator.c.state, db.annotator.c.role, db.study.c.state.label("study_state"))
            .join(db.study, db.study.c.id == db.annotator.c.study_id)
            .where(db.annotator.c.id == annotator_id, db.annotator.c.study_id == self._study_id)
            .with_for_update(of=db.annotator)
        ).first()
        if row is None:
            raise DeskError("there is no such annotator")
        return row

    def _lock_for_work(self, connection: Connection, annotator_id: str) -> None:
        row = self._lock(connection, annotator_id)
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

    def _set_annotator(self, connection: Connection, annotator_id: str, state: str) -> None:
        connection.execute(
            update(db.annotator).where(db.annotator.c.id == annotator_id).values(state=state)
        )

    def _note(self, connection: Connection, kind: str, annotator_id: str | None) -> None:
        connection.execute(
            insert(db.event_log).values(
                study_id=self._study_id,
                annotator_id=annotator_id,
                kind=kind,
                created=self._clock(),
            )
        )

    def _row(self, connection: Connection, item_id: str) -> Any:
        return connection.execute(
            select(db.item).where(db.item.c.id == item_id, db.item.c.study_id == self._study_id)
        ).first()

    def _may_see(self, connection: Connection, annotator_id: str, row: Row[Any]) -> bool:
        person = connection.execute(
            select(db.annotator.c.role, db.annotator.c.state).where(
                db.annotator.c.id == annotator_id, db.annotator.c.study_id == self._study_id
            )
        ).first()
        if person is None or person.state in ("consent", "withdrawn"):
            return False
        if person.role == "admin" or row.role == "training":
            return True
        return bool(
            connection.scalar(
                select(
                    exists().where(
                        db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == row.id
                    )
                )
            )
        )

    def _build(self, connection: Connection, row: Any, annotator_id: str | None) -> Item:
        images = connection.scalars(
            select(db.image.c.id).where(db.image.c.item_id == row.id).order_by(db.image.c.position)
        ).all()
        known = self._answers(connection, annotator_id, row.id) if annotator_id else {}
        return Item(
            id=row.id,
            images=tuple(images),
            captions=CAPTIONS[row.display],
            kind=row.display,
            questions=read_questions(row.questions),
            prompt=row.prompt,
            answers={key: value for key, value in known.items() if value is not None},
            skipped=bool(known) and all(value is None for value in known.values()),
        )

    def _answers(
        self, connection: Connection, annotator_id: str, item_id: str
    ) -> dict[str, int | None]:
        rows = connection.execute(
            select(db.answer.c.question, db.answer.c.value).where(
                db.answer.c.annotator_id == annotator_id, db.answer.c.item_id == item_id
            )
        )
        return {row.question: row.value for row in rows}

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
            "created": self._clock(),
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

    def _set_lease(
        self, connection: Connection, annotator_id: str, item_id: str, old: str, new: str
    ) -> None:
        connection.execute(
            update(db.lease)
            .where(db.lease.c.annotator_id == annotator_id, db.lease.c.item_id == item_id)
            .values(state=new, expires=self._clock() + LEASE_SECONDS)
        )
        self._add_load(connection, item_id, _COUNTS[new] - _COUNTS[old])

    def _add_load(self, connection: Connection, item_id: str, change: int) -> None:
        if change:
            connection.execute(
                update(db.item).where(db.item.c.id == item_id).values(load=db.item.c.load + change)
            )

    # The draw ------------------------------------------------------------------------------------

    def _release_expired(self, connection: Connection, now: float) -> None:
        """Take back the items of those who walked away; their answers so far stay."""
        expired = connection.execute(
            select(db.lease.c.annotator_id, db.lease.c.item_id)
            .where(
                db.lease.c.study_id == self._study_id,
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
            self._add_load(connection, item_id, -1)

    def _next_number(self, connection: Connection, annotator_id: str) -> int:
        last = connection.scalar(
            select(func.max(db.lease.c.number)).where(db.lease.c.annotator_id == annotator_id)
        )
        return 0 if last is None else int(last) + 1

    def _is_full(self, number: int) -> bool:
        limit = self.config.items_per_annotator
        return limit is not None and number >= limit

    def _draw(self, connection: Connection, annotator_id: str, number: int) -> Any:
        """A new item for this annotator, None where there is none."""
        point = _fraction(annotator_id, "place", number)
        if self._is_check(annotator_id, number):
            for role in _roles(self.config, annotator_id, number):
                check = self._nearest(connection, self._open(annotator_id, role), point)
                if check is not None:
                    return check
        least = connection.scalar(  # in the words of the index, so that it is one step into it
            select(db.item.c.load)
            .where(db.item.c.study_id == self._study_id, db.item.c.role == _RATED)
            .order_by(db.item.c.load)
            .limit(1)
        )
        for load in range(least or 0, self.config.raters_per_item):
            query = self._open(annotator_id, _RATED).where(db.item.c.load == load)
            found = self._nearest(connection, query, point)
            if found is not None:
                return found
        return None

    def _is_check(self, annotator_id: str, number: int) -> bool:
        """Whether the annotator's item of this number is a gold item or an attention check.

        One item in each stretch of ``1 / share`` is, at a place that differs between annotators
        and stretches: nobody can tell from counting.
        """
        share = self.config.gold.share + self.config.attention_checks.share
        if share == 0:
            return False
        length = max(round(1 / share), 1)
        stretch, position = divmod(number, length)
        return position == int(_fraction(annotator_id, "check", stretch) * length)

    def _open(self, annotator_id: str, role: str) -> Select[Any]:
        """Items of a role that this annotator has not had."""
        had = exists().where(
            db.lease.c.annotator_id == annotator_id,
            db.lease.c.item_id == db.item.c.id,
            db.lease.c.state != "released",
        )
        return select(db.item).where(
            db.item.c.study_id == self._study_id, db.item.c.role == role, not_(had)
        )

    def _nearest(self, connection: Connection, query: Select[Any], point: float) -> Any:
        """The first item at or after a random point, around the end; locked.

        A locked item is somebody else's in this moment, so it is passed over.
        """
        place = db.item.c.place
        for part in (place >= point, place < point):
            found = connection.execute(
                query.where(part)
                .order_by(place)
                .limit(1)
                .with_for_update(skip_locked=True, of=db.item)
            ).first()
            if found is not None:
                return found
        return None

    def _take(
        self, connection: Connection, annotator_id: str, item_id: str, number: int, now: float
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
                    annotator_id=annotator_id, item_id=item_id, study_id=self._study_id, **given
                )
            )
        self._add_load(connection, item_id, 1)

    def _has_more(self, connection: Connection, annotator_id: str) -> bool:
        held = exists().where(db.lease.c.annotator_id == annotator_id, db.lease.c.state == "open")
        if connection.scalar(select(held)):
            return True
        if self._is_full(self._next_number(connection, annotator_id)):
            return False
        free = self._open(annotator_id, _RATED).where(db.item.c.load < self.config.raters_per_item)
        return connection.execute(free.limit(1)).first() is not None

    def _left(self, connection: Connection, annotator_id: str) -> int:
        """About how many more items this annotator can get: exact but for the checks."""
        free = (
            db.item.c.study_id == self._study_id,
            db.item.c.role == _RATED,
            db.item.c.load < self.config.raters_per_item,
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
        share = self.config.gold.share + self.config.attention_checks.share
        if share == 0 or rated == 0:
            return rated
        # One role at a time: given a list of roles, SQLite reads all items.
        all_checks = sum(
            connection.scalar(
                select(func.count()).where(
                    db.item.c.study_id == self._study_id, db.item.c.role == role
                )
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


ANSWER_COLUMNS: Mapping[str, str] = {
    "study": "name of the study",
    "item": "random id of the item",
    "method": "method that made the picture (the left one of a pairwise item)",
    "against": "method that made the right picture of a pairwise item, else empty",
    "track": "face or body",
    "source": "random id of the person in the original; the same for all methods",
    "question": "id of the question",
    "symbol": "score that the answer goes into: psi_A, psi_B, psi_C or phi",
    "annotator": "random id of the annotator",
    "value": "1 to 5, higher is better; pairwise: 1 left, 2 no difference, 3 right; empty: skipped",
    "seconds": "time the annotator took",
    "created": "when the answer was given, UTC",
    "is_gold": "whether the answer is known (gold item); such items do not count in scores",
    "gold_value": "the known answer of a gold item or attention check, else empty",
    "is_attention": "whether the question says what to answer; such items do not count in scores",
    "skipped": "whether the annotator skipped the item",
    "reason": "why, in the annotator's words",
    "simulated": "whether a program answered; such answers are no evidence",
}
"""The columns of :meth:`Desk.answers`, and what each means."""


def random_id() -> str:
    """22 random characters that are safe in URLs and file names: 128 bits, nothing to guess."""
    return secrets.token_urlsafe(16)


def write_questions(questions: Sequence[Question]) -> str:
    """Questions as an item keeps them."""
    return json.dumps([asdict(question) for question in questions], ensure_ascii=False)


def read_questions(text: str) -> tuple[Question, ...]:
    """Questions as an item keeps them."""
    return tuple(
        Question(**{**entry, "anchors": tuple(entry["anchors"])}) for entry in json.loads(text)
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

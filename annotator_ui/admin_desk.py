"""The admins' desk: who takes part, how far the study is, and everything that was answered.

Nothing of this is for annotators; they have :class:`annotator_ui.desk.Desk`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from sqlalchemy import Integer, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from annotator_ui import database as db
from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from annotator_ui.desk import Role
    from annotator_ui.study import Study
    from humangenai.human_ratings.quality import Quality

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
"""The columns of :meth:`AdminDesk.answers`, and what each means."""


class AdminDesk:
    """The admins' desk of one study.

    Args:
        study: from :func:`annotator_ui.study.open_study`.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self._database = study.database

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
        annotator_id = db.random_id()
        try:
            with self._database.writing() as connection:
                connection.execute(
                    insert(db.annotator).values(
                        id=annotator_id,
                        study_id=self.study.id,
                        name=name,
                        identity=identity,
                        role=role,
                        state="consent" if role == "annotator" else "rating",
                        simulated=simulated,
                        created=self.study.clock(),
                    )
                )
        except IntegrityError as error:
            raise UserError(
                f"study {self.study.config.name} has an annotator '{name}' already"
            ) from error
        return annotator_id

    def close(self) -> None:
        """Close the study: nothing can be answered any more."""
        with self._database.writing() as connection:
            connection.execute(
                update(db.study).where(db.study.c.id == self.study.id).values(state="closed")
            )
            self.study.note(connection, "closed")

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
                .where(db.item.c.study_id == self.study.id)
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
                    self.study.config.name,
                    row.item_id,
                    row.method,
                    row.against,
                    self.study.config.track,
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
                .where(db.item.c.study_id == self.study.id)
                .order_by(db.item.c.id)
            ).all()
        columns = ["item", "role", "kind", *names[3:], "annotators"]
        table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        table["expected"] = [json.loads(row.expected) if row.expected else {} for row in rows]
        return table

    def pictures(self) -> pd.DataFrame:
        """Which pictures made for ϕ the items show: what joins answers to a run's pictures.

        Returns:
            Columns ``item``, ``sha256`` (of the picture's file in the run), ``crop`` (head or
            body), ``attribute`` and ``value`` (what was asked about); no row for other items.
        """
        import pandas as pd

        with self._database.reading() as connection:
            rows = connection.execute(
                select(db.item.c.id, db.item.c.shows)
                .where(db.item.c.study_id == self.study.id, db.item.c.shows.is_not(None))
                .order_by(db.item.c.id)
            ).all()
        columns = ["item", "sha256", "crop", "attribute", "value"]
        return pd.DataFrame(
            [{"item": row.id, **json.loads(row.shows)} for row in rows], columns=columns
        )

    def flagged(self) -> list[Quality]:
        """How carefully everyone answered, the flagged ones first."""
        from humangenai.human_ratings.quality import flags

        return flags(self.answers(), self.study.config.minimum_seconds)

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
                .where(db.annotator.c.study_id == self.study.id)
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
                .where(db.lease.c.study_id == self.study.id)
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
                db.lease.c.study_id == self.study.id,
                db.lease.c.state == "done",
                db.item.c.role == "rated",
            )
            .group_by(db.item.c.method)
            .subquery()
        )
        with self._database.reading() as connection:
            rows = connection.execute(
                select(db.item.c.method, func.count(), func.max(func.coalesce(done.c.done, 0)))
                .outerjoin(done, done.c.method == db.item.c.method)
                .where(db.item.c.study_id == self.study.id, db.item.c.role == "rated")
                .group_by(db.item.c.method)
                .order_by(db.item.c.method)
            ).all()
        wanted = self.study.config.raters_per_item
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
                .where(db.item.c.study_id == self.study.id, value.is_not(None))
                .group_by(db.item.c.id, db.item.c.method, db.item.c.role, db.answer.c.question)
                .order_by(variance.desc(), db.item.c.id)
                .limit(limit)
            ).all()
        columns = ["item", "method", "role", "question", "n", "mean", "sd", "lowest", "highest"]
        table = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        table["mean"] = table["mean"].astype("float64")
        table["sd"] = table["sd"].astype("float64").clip(lower=0) ** 0.5
        return table

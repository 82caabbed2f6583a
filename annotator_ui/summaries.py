"""What a study says so far, in the tables in which its runs' reports will say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from humangenai.human_ratings.recording import summarise_study
from humangenai.report.tables import (
    agreement_table,
    preference_table,
    rating_differences_table,
    ratings_table,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from humangenai.records import RatingScore
    from humangenai.report.tables import Table

SIMULATED = "SIMULATED: programs answered in this study; nothing here is evidence"


@dataclass(frozen=True)
class _Method:
    """A method of the study, as the table of ratings takes it."""

    name: str
    ratings: tuple[RatingScore, ...]


def summary_tables(answers: pd.DataFrame, flagged: Collection[str] = ()) -> list[Table]:
    """Scores with and without flagged annotators, differences, preferences, agreement.

    Args:
        answers: as :meth:`annotator_ui.admin_desk.AdminDesk.answers` gives them.
        flagged: annotators whose answers were flagged.

    Returns:
        Those tables about which anything is known.

    Raises:
        UserError: nobody has answered.
    """
    study, scores = summarise_study(answers, flagged)
    made = (
        ratings_table([_Method(name, found) for name, found in scores.items()], study),
        rating_differences_table(study),
        preference_table(study),
        agreement_table(study),
    )
    return [table for table in made if table.rows]

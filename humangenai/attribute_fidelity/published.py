"""ϕ as RefSD's authors report it: people's answers on a 5-point scale, read off their plots.

``published.yaml`` holds the numbers. They are compared with people's answers only: a judge's
accuracy is on another scale, and so is its forced choice between the two pictures of a pair.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import Field, model_validator

from humangenai.attribute_fidelity.suites import load_suite
from humangenai.records import Number, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE = "Reported by the paper, attribute fidelity"
NOTES = (
    (
        "Read off the plots of the paper's page, not measured by this project; never ranked with "
        "measured rows, and on another scale than any judge's score."
    ),
    (
        "The page gives no number of annotators or pictures, no wording of the questions and no "
        "agreement, and of ϕ_A and ϕ_D nothing but words. Of 31 face attributes the error bars "
        "were not read."
    ),
    (
        "The plot of the 50 single attributes is titled ϕ_C there; its axis and the page's caption "
        "say ϕ_B, and so do we."
    ),
)


class PublishedValue(Record):
    """One prompt or pair.

    Attributes:
        name: of the suite's entry.
        mean: on the 5-point scale; sd: the upper half of its error bar, NaN where it was not read.
    """

    name: str
    mean: float = Field(ge=1, le=5)
    sd: Number = math.nan


class PublishedSuite(Record):
    """One plot.

    Attributes:
        question: what people were asked, in our words; the paper gives none.
        group_means: the plot's lines, group → mean.
    """

    suite: Literal["phi_B", "phi_C"]
    question: str
    group_means: dict[str, float] = Field(default_factory=dict)
    rows: tuple[PublishedValue, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_of_the_suite(self) -> PublishedSuite:
        unknown = {row.name for row in self.rows} - set(self.groups())
        if unknown:
            raise ValueError(f"{self.suite} has no entries {sorted(unknown)}")
        return self

    def groups(self) -> Mapping[str, str]:
        """Entry of the suite → its group."""
        return {entry.name: entry.group for entry in load_suite(self.suite).entries()}


class Published(Record):
    """Everything that the paper's plots show of ϕ.

    Attributes:
        paper: a citation; url: where the plots are.
        method: whose values they are.
        scale: in words.
        reading_error: how far a mean may be from what was plotted, either way.
    """

    paper: str
    url: str = Field(pattern="^https://")
    method: str
    scale: str
    reading_error: float = Field(gt=0)
    suites: tuple[PublishedSuite, ...]

    def means(self, suite: str) -> Mapping[str, PublishedValue]:
        """Entry → its value; empty for suites of which nothing is published."""
        return {row.name: row for one in self.suites if one.suite == suite for row in one.rows}


@cache
def load_published() -> Published:
    """The published values.

    >>> load_published().means("phi_B")["Happy"].mean
    4.88
    """
    text = Path(__file__).with_name("published.yaml").read_text(encoding="utf-8")
    return Published.model_validate(yaml.safe_load(text))

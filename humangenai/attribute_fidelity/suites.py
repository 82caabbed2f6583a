"""ϕ's prompts as data: which attributes are asked for, in which words, and which can be scored.

The suites are the YAML files of ``humangenai/attribute_fidelity/suites``. Changing what a suite
asks changes its version; scores of two versions are never compared.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from refsd.prompts import VOCABULARY, canonical, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refsd.prompts import Scope

SuiteName = Literal["phi_A", "phi_B", "phi_C", "phi_D"]
SUITES: tuple[SuiteName, ...] = ("phi_A", "phi_B", "phi_C", "phi_D")

_FOLDER = Path(__file__).parent / "suites"


class Asked(BaseModel):
    """One prompt of a suite.

    Attributes:
        name: as tables print it.
        group: prompts of one group are summarised together.
        attributes: what is asked for, in the vocabulary's words.
        subject: who is described; prompts of one subject say more and more of the same person.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str
    attributes: dict[str, str] = Field(min_length=1)
    subject: str = ""

    @model_validator(mode="after")
    def _in_words_of_the_vocabulary(self) -> Asked:
        if canonical(self.attributes) != self.attributes:
            raise ValueError(f"{self.attributes} is not in the vocabulary's own words")
        check(self.attributes, self.name)
        return self

    def in_scope(self, scope: Scope | None) -> bool:
        """Whether a checkpoint can be expected to show it; always, where nobody knows."""
        return scope is None or _covers(scope, self.attributes)


class Pair(BaseModel):
    """Two prompts that differ in one value.

    Attributes:
        name: as tables print it.
        group: pairs of one group are summarised together.
        key: which attribute changes.
        before, after: its two values, in the vocabulary's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str
    key: str
    before: str
    after: str

    @model_validator(mode="after")
    def _in_words_of_the_vocabulary(self) -> Pair:
        if self.key not in VOCABULARY:
            raise ValueError(f"{self.key!r} is no attribute")
        for value in (self.before, self.after):
            if canonical({self.key: value}) != {self.key: value}:
                raise ValueError(f"{self.key}: {value!r} is not in the vocabulary's own words")
        return self

    def in_scope(self, scope: Scope | None) -> bool:
        """Whether a checkpoint can be expected to show both."""
        return scope is None or all(
            _covers(scope, {self.key: value}) for value in (self.before, self.after)
        )


class Suite(BaseModel):
    """A list of prompts or of pairs.

    Attributes:
        suite: its name.
        version: changes with everything that is asked.
        title: in words.
        view: how much of the person the pictures show.
        source: where the list comes from.
        prompts: single prompts; empty for a suite of pairs.
        pairs: pairs; empty for a suite of prompts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: SuiteName
    version: int = Field(ge=1)
    title: str
    view: Literal["face", "full"]
    source: str
    prompts: tuple[Asked, ...] = ()
    pairs: tuple[Pair, ...] = ()

    def entries(self) -> tuple[Asked, ...] | tuple[Pair, ...]:
        """What is asked, prompts or pairs."""
        return self.prompts or self.pairs

    def covered(self, scope: Scope | None) -> list[str]:
        """The names of what a checkpoint can be scored on; the rest is unscored, not zero.

        A subject counts with all of its prompts or with none, so that levels of detail are
        compared on the same subjects.

        Args:
            scope: what it was taught; None: nobody knows, and all of it is scored.
        """
        out = {p.subject for p in self.prompts if p.subject and not p.in_scope(scope)}
        return [
            entry.name
            for entry in self.entries()
            if entry.in_scope(scope) and getattr(entry, "subject", "") not in out
        ]


@cache
def load_suite(name: SuiteName) -> Suite:
    """Read one of the suites that come with the benchmark.

    >>> suite = load_suite("phi_C")
    >>> suite.title, len(suite.pairs)
    ('Fine-grained attribute translation', 29)
    """
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return Suite.model_validate(yaml.safe_load(text))


def _covers(scope: Scope, attributes: Mapping[str, str]) -> bool:
    return all(scope.covers(key, value) for key, value in attributes.items())

"""A study as its YAML file describes it: what is shown, to how many, and what they are asked."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (pydantic needs it)
from typing import Literal

from pydantic import Field, field_validator, model_validator

from humangenai.config import Config, read
from humangenai.human_ratings.questions import Track  # noqa: TC001  (pydantic needs it)

Kind = Literal["psi_A", "psi_B", "psi_C", "phi", "preference"]
"""What one item asks: one of the ψ scores, ϕ's attribute, or a preference between two methods."""

CONSENT = """\
You will see pictures of people, originals and pictures made from them, and answer questions about
them. Taking part is voluntary. Your answers are stored under a random number, with the time each
took; your name stays with the people who run the study and is not published. You may stop at any
time, and may withdraw: all your answers are then deleted. Do not copy, photograph or pass on the
pictures."""


class SourceConfig(Config):
    """A run whose pictures are shown.

    Attributes:
        run: a run folder, relative to the YAML file.
        methods: names as in the run's record; empty: all but the original.
    """

    run: Path
    methods: tuple[str, ...] = ()


class KnownAnswer(Config):
    """One person in one method's picture, with answers that are known.

    Attributes:
        method: as in the run's record.
        item: the item's key in the run.
        person: which person of the picture, in the order they were found.
        kind: what is asked.
        answers: answer per question id, e.g. ``{psi_A: 1}``.
        explanation: shown in training.
    """

    method: str
    item: str
    person: int = Field(default=0, ge=0)
    kind: Kind = "psi_A"
    answers: dict[str, int] = Field(min_length=1)
    explanation: str = ""


class ChecksConfig(Config):
    """Items that tell who answers carelessly.

    Attributes:
        share: of an annotator's items, in [0, 0.5].
        automatic: make such items: for gold, the original beside itself (no privacy, the same
            pose) and a picture of noise; for attention checks, items whose question says what to
            answer. So many of each kind of item.
        items: further ones, whose answers you know. Only for gold.
    """

    share: float = Field(ge=0, le=0.5)
    automatic: int = Field(default=5, ge=0)
    items: tuple[KnownAnswer, ...] = ()


class TrainingConfig(Config):
    """Examples before the start, with the answer and the reason for it.

    Attributes:
        automatic: make examples as gold items are made.
        items: further ones, of your choice.
    """

    automatic: bool = True
    items: tuple[KnownAnswer, ...] = ()


class StudyConfig(Config):
    """``configs/studies/*.yaml``: one study.

    Attributes:
        name: of the study, in commands and links: small letters, digits and dashes.
        title: what annotators read.
        runs: whose pictures are shown. All runs must be of the same pictures.
        track: heads (``face``) or whole people (``body``).
        items_per_method: people drawn per method. All methods show the same people.
        raters_per_item: annotators that each item needs.
        items_per_annotator: at most so many items for one annotator, checks included; None: as
            long as there are any.
        questions: the kinds of items; each person is shown once for each of them.
        gold: items with known answers.
        attention_checks: items whose question says what to answer.
        training: examples before the start.
        seed: of the draw of people. The ids and the order are random in any case.
        minimum_seconds: answers quicker than this count as not read.
        consent: what annotators agree to.
        contact: whom annotators ask; shown beside the consent.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    title: str
    runs: tuple[SourceConfig, ...] = Field(min_length=1)
    track: Track
    items_per_method: int = Field(default=100, ge=1)
    raters_per_item: int = Field(default=5, ge=1)
    items_per_annotator: int | None = Field(default=None, ge=1)
    questions: tuple[Kind, ...] = Field(default=("psi_A", "psi_B", "psi_C"), min_length=1)
    gold: ChecksConfig = ChecksConfig(share=0.05)
    attention_checks: ChecksConfig = ChecksConfig(share=0.05)
    training: TrainingConfig = TrainingConfig()
    seed: int = 0
    minimum_seconds: float = Field(default=1.0, ge=0)
    consent: str = CONSENT
    contact: str = ""

    @field_validator("questions")
    @classmethod
    def _once(cls, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if len(set(kinds)) < len(kinds):
            raise ValueError("a kind is named twice")
        return kinds

    @model_validator(mode="after")
    def _no_chosen_attention(self) -> StudyConfig:
        if self.attention_checks.items:
            raise ValueError("attention_checks has no items of its own; list them under gold")
        return self


def load_study(path: Path) -> StudyConfig:
    """Read a study's YAML file; its run folders are taken relative to the file.

    Raises:
        UserError: it cannot be read, or holds an unknown key or a bad value.
    """
    config = read(path, StudyConfig)
    here = path.resolve().parent
    runs = tuple(source.model_copy(update={"run": here / source.run}) for source in config.runs)
    return config.model_copy(update={"runs": runs})

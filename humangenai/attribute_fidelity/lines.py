"""The lines that ϕ is computed from: one per generated picture, one per judge and picture.

Everything in a ϕ table can be computed again from these. They name people of the dataset and
pictures made from them, so they stay in ``private/``.
"""

from __future__ import annotations

from typing import Literal

from humangenai.attribute_fidelity.suites import SuiteName  # noqa: TC001  (pydantic needs it)
from humangenai.records import Record

Crop = Literal["head", "body"]
"""What a picture shows: head and shoulders (square), or a whole person (twice as high as wide)."""


class Generated(Record):
    """One picture that was asked for.

    Attributes:
        suite: which list the prompt is from, and suite_version which version of it.
        prompt: name of the suite's entry; for ``phi_C`` the name of the pair.
        side: ``phi_C`` only: which of the pair's two values was asked for.
        subject: ``phi_A`` only: who is described, the same at all levels of detail.
        group: the suite's group; for ``phi_A`` the level, simple, medium or complex.
        attributes: what was asked for, in the vocabulary's words.
        source: key of the item whose person was replaced; person: index among those found there.
        draw: number of the seed, from 0. The same source, person and draw over all prompts and
            methods are the same person and the same seed.
        crop: what the picture shows.
        status: ``masked`` where the method could not make a person, ``failed`` where it raised.
        original: the source person's own labels where the dataset knows them, else empty.
        picture: path of the picture within the run folder; None unless replaced.
        sha256: of the picture's file; None unless replaced.
        error: one line, where it failed.
        content: changes with anything the picture is made from; then it is made again.
    """

    suite: SuiteName
    suite_version: int
    prompt: str
    side: Literal["", "before", "after"] = ""
    subject: str = ""
    group: str
    attributes: dict[str, str]
    source: str
    person: int
    draw: int
    crop: Crop
    status: Literal["replaced", "masked", "failed"]
    original: dict[str, str]
    picture: str | None
    sha256: str | None
    error: str | None = None
    content: str = ""


class Judged(Record):
    """What one judge says of one picture.

    Attributes:
        judge: its name, and judge_version what changes with its answers.
        sha256: of the picture that was judged.
        crop: what the picture shows.
        said: attribute key, in the vocabulary's words → value → calibrated probability, summing
            to 1 over the values that this judge tells apart.
    """

    judge: str
    judge_version: str
    sha256: str
    crop: Crop
    said: dict[str, dict[str, float]]

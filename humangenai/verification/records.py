"""What a verification writes down, in ``private/verification.json``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from humangenai.records import Number, Record

SCHEMA_VERSION = 1

Check = Literal["noise", "outside", "leak", "completeness", "files", "metadata", "names"]

Verdict = Literal["passed", "failed", "not checked", "not applicable"]
"""``not checked``: it should have been and could not; ``not applicable``: there is nothing that it
could be asked of. Only the first of the two keeps a release from passing."""

PROVES: dict[Check, str] = {
    "noise": (
        "Other pixels under the dilated masks give the same output, so none of them reaches it; "
        "silhouette, pose, height and scene still do, and are attacks of their own."
    ),
    "outside": (
        "Every pixel outside the dilated masks is the original's, stored without loss; whether "
        "the scene itself tells who was there is for your eyes."
    ),
    "leak": (
        "So much of the people who are truly there lies outside the dilated masks; known only "
        "where the dataset knows the truth, and no promise for other pictures."
    ),
    "completeness": (
        "Every picture was made by this run and is as it was written, and every item is "
        "accounted for; it does not say that a picture is good."
    ),
    "files": (
        "Only files that this suite writes are there, none hidden and none a link; their times "
        "of change are not looked at."
    ),
    "metadata": (
        "The files hold pixels, records and labels and nothing beside; what the pixels "
        "themselves show, such as a name on a badge, is for your eyes."
    ),
    "names": (
        "No name, path, seed or key of the originals is written in a file or its name; words "
        "too short or too common to tell are not searched for."
    ),
}
"""Check → what it proves, and what it does not."""


class Finding(Record):
    """One thing that is wrong.

    Attributes:
        where: public id of the picture, or the path within ``release/``.
        what: what is wrong, in words that name no item.
    """

    where: str
    what: str


class CheckRecord(Record):
    """What one check found, of one method or of the whole release.

    Attributes:
        check: which.
        method: whose pictures; None: the whole release.
        verdict: see ``Verdict``.
        checked: pictures (or files) that were looked at.
        total: pictures (or files) that there are.
        sampled: public ids of the pictures that were chosen; empty where all were looked at.
        findings: all that is wrong.
        reason: why it was not checked or does not apply; None otherwise.
        figures: numbers that belong to the check, shares in [0, 1].
    """

    check: Check
    method: str | None = None
    verdict: Verdict
    checked: int = 0
    total: int = 0
    sampled: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str | None = None
    figures: dict[str, Number] = Field(default_factory=dict)


class Verification(Record):
    """Whether a release passed.

    Attributes:
        created: when it was looked at, ISO 8601, UTC.
        run_created: when the run began.
        release_sha256: over names and content of all files of ``release/``: what was looked at.
        verdict: ``passed`` only if every check passed that applies, and some method claims to
            remove people.
        checks: one record each.
        notes: what must be known besides.
    """

    schema_version: int = SCHEMA_VERSION
    humangenai_version: str
    created: str
    run_created: str
    release_sha256: str
    verdict: Literal["passed", "failed", "not checked"]
    checks: tuple[CheckRecord, ...]
    notes: tuple[str, ...] = ()


def conclude(
    findings: list[Finding] | tuple[Finding, ...], missing: str | None = None
) -> tuple[Verdict, str | None]:
    """The verdict of a check, and the reason where there is none.

    What is wrong outweighs what could not be looked at, and that outweighs the rest.

    Args:
        findings: what is wrong.
        missing: why something could not be looked at; None: all was.
    """
    if findings:
        return "failed", missing
    return ("not checked", missing) if missing else ("passed", None)

"""All checks of a finished run, in order, and the verdict over them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from humangenai import __version__
from humangenai.progress import Silent
from humangenai.store import atomic_write
from humangenai.verification.completeness import check_completeness
from humangenai.verification.files import check_files, list_files
from humangenai.verification.leak import check_leak
from humangenai.verification.metadata import check_metadata
from humangenai.verification.names import check_names
from humangenai.verification.noise import check_noise
from humangenai.verification.opened import opened
from humangenai.verification.outside import check_outside
from humangenai.verification.records import CheckRecord, Verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from humangenai.progress import Progress
    from humangenai.verification.opened import OpenedMethod, OpenedRun

SAMPLE = 32
"""Pictures per method that are made again. If one picture in ten leaks, 32 show it with a
probability of 97 %: 1 - 0.9**32."""


def verify_release(
    root: Path, sample: int | None = SAMPLE, progress: Progress | None = None
) -> Verification:
    """Check what a run has made, before it is published, and write the verdict down.

    Nothing changes but ``private/verification.json``. The verdict is kept out of ``release/``: it
    speaks of that folder as it is, and would not do so any more if it lay there.

    Args:
        root: the run's folder.
        sample: so many pictures per method are made again, the run's key decides which; None: all.
        progress: told how far it has come.

    Raises:
        UserError: the folder holds no finished run, or another process writes there.
    """
    progress = progress or Silent()
    with opened(root) as (run, methods):
        checks: list[CheckRecord] = []
        for method in methods:
            checks += [
                check_noise(method, sample, progress),
                check_outside(method, progress),
                check_leak(method, progress),
                check_completeness(method),
            ]
        release = run.folder.release
        publishing = [method.name for method in methods if method.record.claim != "none"]
        checks += [
            check_files(release, publishing),
            check_metadata(release, progress),
            check_names(run, methods, progress),
        ]
        verification = Verification(
            humangenai_version=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            run_created=run.folder.created,
            release_sha256=release_hash(release),
            verdict=overall(checks, methods),
            checks=tuple(checks),
            notes=notes(run, methods, checks),
        )
        data = verification.model_dump_json(indent=1).encode()
        atomic_write(run.folder.private / "verification.json", data)
    return verification


def overall(
    checks: Sequence[CheckRecord], methods: Sequence[OpenedMethod]
) -> Literal["passed", "failed", "not checked"]:
    """The verdict over all checks.

    ``passed`` only if every check passed that applies, and at least one method claims to remove
    people: a release in which nobody claims anything has nothing to pass.
    """
    verdicts = {check.verdict for check in checks}
    if "failed" in verdicts:
        return "failed"
    claimed = any(method.record.claim == "removes" for method in methods)
    return "not checked" if "not checked" in verdicts or not claimed else "passed"


def notes(
    run: OpenedRun, methods: Sequence[OpenedMethod], checks: Sequence[CheckRecord]
) -> tuple[str, ...]:
    """What must be known besides the checks."""
    lines = []
    if not any(method.record.claim == "removes" for method in methods):
        lines.append("no method of this run claims to remove people: there is nothing to pass")
    lines += [
        f"noise was tried on {len(check.sampled)} of {check.total} pictures of {check.method}, "
        "drawn by the run's key; --all tries all of them"
        for check in checks
        if check.sampled
    ]
    weaker = [method.name for method in methods if method.record.claim == "obscures"]
    if weaker:
        lines.append(
            f"{', '.join(weaker)}: blurred or pixelated people are still there and can be "
            "recognised; leave these pictures out of what you publish"
        )
    if run.config.seed is not None:
        lines.append(
            "made with --seed: whoever guesses the seed knows which picture is which and who "
            "stands for whom; make what you publish without it"
        )
    if run.record.humangenai_version != __version__:
        lines.append(
            f"made by humangenai {run.record.humangenai_version}, verified by {__version__}"
        )
    lines.append(
        "the files' times of change tell the order in which pictures were made; publish copies "
        "with one time for all (tar --mtime=2000-01-01)"
    )
    return tuple(lines)


def release_hash(release: Path) -> str:
    """sha256, in hex, over names and content of all files of a release."""
    content = hashlib.sha256()
    for path in list_files(release):
        content.update(path.relative_to(release).as_posix().encode() + b"\0")
        if path.is_file() and not path.is_symlink():
            content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()

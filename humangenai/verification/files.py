"""Is anything in ``release/`` that does not belong there?"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from humangenai.store import slug
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAYOUT = (
    re.compile(r"record\.json"),
    re.compile(r"[^/]+/images/[0-9a-f]{32}\.png"),
    re.compile(r"[^/]+/labels/(coco\.json|yolo\.yaml|[0-9a-f]{32}\.txt)"),
)
"""What this suite writes into ``release/``; the first folder is a method's."""


def list_files(release: Path) -> list[Path]:
    """Everything in a release but ordinary folders, sorted; links are not followed."""
    found = []
    for folder, folders, files in os.walk(release):
        entries = [os.path.join(folder, name) for name in (*folders, *files)]  # noqa: PTH118
        found += [Path(entry) for entry in entries if not _is_folder(entry)]
    return sorted(found)


def check_files(release: Path, methods: Iterable[str]) -> CheckRecord:
    """Look for files that are hidden, linked, or that this suite does not write.

    Args:
        release: the folder.
        methods: names of the methods that have published something.
    """
    paths = list_files(release)
    slugs = {slug(name) for name in methods}
    findings = [
        Finding(where=path.relative_to(release).as_posix(), what=what)
        for path in paths
        if (what := _what_is_wrong(path, path.relative_to(release).parts, slugs)) is not None
    ]
    findings += [
        Finding(where=path.relative_to(release).as_posix(), what="a hidden folder")
        for path in sorted(release.rglob(".*"))
        if _is_folder(path)
    ]
    verdict, reason = conclude(findings)
    return CheckRecord(
        check="files",
        verdict=verdict,
        checked=len(paths),
        total=len(paths),
        findings=tuple(findings),
        reason=reason,
    )


def _what_is_wrong(path: Path, parts: Sequence[str], slugs: set[str]) -> str | None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "a link to another place"
    if not stat.S_ISREG(status.st_mode):
        return "neither a file nor a folder"
    if status.st_nlink > 1:
        return "a hard link: the same file has another name elsewhere"
    if any(part.startswith(".") for part in parts):
        return "a hidden file"
    if not any(pattern.fullmatch("/".join(parts)) for pattern in LAYOUT):
        return "not a file that this suite writes"
    if len(parts) > 1 and parts[0] not in slugs:
        return "in a folder that is no method's of this run"
    return None


def _is_folder(path: Path | str) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)

"""Does every picture have its line, and every line its picture?"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from humangenai.store import slug
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    from pathlib import Path

    from humangenai.verification.opened import OpenedMethod


def check_completeness(method: OpenedMethod) -> CheckRecord:
    """Hold the item lines of a method against the plan and against the published pictures.

    A recorded failure is an answer: nothing of that item is published. A method that claims to
    remove people and whose lines say that somebody was kept fails.

    Args:
        method: whose lines.
    """
    findings = [*_planned_without_line(method), *_wrong_pictures(method), *_orphans(method)]
    findings += _strange_labels(method)
    if method.record.claim == "removes":
        findings += [
            Finding(where=name, what="a person was found and kept")
            for name, line in method.stored.items()
            if any(person.status == "kept" for person in line.people)
        ]
    verdict, reason = conclude(findings, method.run.why)
    failed = sum(line.status == "failed" for line in method.lines.values())
    return CheckRecord(
        check="completeness",
        method=method.name,
        verdict=verdict,
        checked=len(method.lines),
        total=len({*method.run.planned, *method.lines}),
        findings=tuple(findings),
        reason=reason,
        figures={"failed_items": failed},
    )


def _planned_without_line(method: OpenedMethod) -> list[Finding]:
    return [
        Finding(
            where=method.run.folder.public_id(method.name, key),
            what="the run was to make this picture, and no line says what became of it",
        )
        for key in method.run.planned
        if key not in method.lines
    ]


def _wrong_pictures(method: OpenedMethod) -> list[Finding]:
    """Pictures that are missing, or not what was written."""
    folder = method.run.folder
    findings = []
    for key, line in method.lines.items():
        name = folder.public_id(method.name, key)
        what = None
        if line.status == "failed":
            continue
        if line.output is None:
            if method.record.claim != "none":
                what = "it is done, and no picture of it was published"
        elif (path := folder.root / line.output) != folder.image_path(method.name, key):
            what = "its line names a file that is not its own"
        elif not path.is_file():
            what = "its picture is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != line.output_sha256:
            what = "its picture is not the one that was written"
        if what is not None:
            findings.append(Finding(where=name, what=what))
    return findings


def _orphans(method: OpenedMethod) -> list[Finding]:
    """Published pictures that no line speaks of: those of failed items included."""
    folder = method.run.folder
    known = {f"{name}.png" for name in method.stored}
    images = folder.release / slug(method.name) / "images"
    return [
        Finding(where=path.relative_to(folder.release).as_posix(), what="no line speaks of it")
        for path in sorted(images.glob("*"))
        if path.name not in known
    ]


def _strange_labels(method: OpenedMethod) -> list[Finding]:
    """Labels of pictures that are not published, and published pictures without labels."""
    release = method.run.folder.release
    labels = release / slug(method.name) / "labels"
    if not labels.is_dir():
        return []
    findings = []
    for path, named in (
        (labels, {file.stem for file in labels.glob("*.txt")}),
        (labels / "coco.json", _named_by_coco(labels / "coco.json")),
    ):
        where = path.relative_to(release).as_posix()
        if named is None:
            findings.append(Finding(where=where, what="it is not a COCO file of this suite"))
            continue
        extra, lacking = len(named - set(method.stored)), len(set(method.stored) - named)
        if extra:
            findings.append(Finding(where=where, what=f"labels of {extra} unpublished pictures"))
        if lacking:
            findings.append(Finding(where=where, what=f"no labels of {lacking} pictures"))
    return findings


def _named_by_coco(path: Path) -> set[str] | None:
    """Names of the pictures that a COCO file speaks of, without their endings; None: broken."""
    try:
        images = json.loads(path.read_text(encoding="utf-8"))["images"]
        return {str(image["file_name"]).removesuffix(".png") for image in images}
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""Every judge looks at every picture once: lines in ``private/phi/judged``.

A picture is known by the sha256 of its file. What the same version of a judge has said of it is
not asked again, whichever method made it; what another version said is dropped.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from humangenai.attribute_fidelity.judges.human import Human
from humangenai.attribute_fidelity.lines import Judged
from humangenai.store import StoreError, append_line, atomic_write, drop_torn_line, read_lines, slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.judges.judge import Judge
    from humangenai.attribute_fidelity.lines import Crop, Generated

BATCH = 64
"""Pictures that a judge is shown together; what was said of them is then on the disk."""

Key = tuple[str, str]
"""A picture: the sha256 of its file, and which crop it is."""


def judge_pictures(
    judge: Judge | Human, pictures: Iterable[Generated], run: Path, lines: Path
) -> list[Judged]:
    """What a judge says of a method's pictures, asking only about new ones.

    Args:
        judge: who is asked.
        pictures: of one method; those where nobody was replaced have no picture and are left out.
        run: the run folder, which the pictures' paths begin at.
        lines: where it is kept, ``private/phi/judged/<method>-<judge>.jsonl``; what other methods'
            files beside it say of the same picture counts too.

    Returns:
        One line per picture (not per prompt: two prompts may share one), in the order of
        ``pictures``. ``said`` leaves out what the judge says nothing about.

    Raises:
        StoreError: a picture is missing or is not the one that was made, or lines cannot be read.
    """
    wanted: dict[Key, tuple[Path, Crop]] = {
        (line.sha256, line.crop): (run / line.picture, line.crop)
        for line in pictures
        if line.picture is not None and line.sha256 is not None
    }
    lines.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = _keep_own(lines, judge)
    elsewhere = _beside(lines, judge)
    _append(lines, known, [elsewhere[key] for key in wanted if key in elsewhere.keys() - known])
    for batch, crop in _batches({key: wanted[key] for key in wanted if key not in known}):
        _append(lines, known, _ask(judge, batch, crop))
    return [known[key] for key in wanted]


def look(
    judge: Judge, pictures: NDArray[np.uint8], crop: Crop
) -> list[dict[str, dict[str, float]]]:
    """What a judge says of pictures, as lines have it.

    Args:
        judge: who is asked.
        pictures: uint8 (N, H, W, 3), sRGB.
        crop: what they show.

    Returns:
        Per picture: attribute → value → probability to six digits. Attributes that the judge says
        nothing about are left out.
    """
    values = judge.values(crop)
    answers = judge.judge(pictures, crop) if values else {}
    return [
        {
            key: {
                value: round(float(share), 6)
                for value, share in zip(values[key], rows[place], strict=True)
            }
            for key, rows in answers.items()
            if not np.isnan(rows[place]).any()
        }
        for place in range(len(pictures))
    ]


def read_judged(path: Path) -> list[Judged]:
    """The whole lines of a file of judgements; none where there is no file.

    Raises:
        StoreError: a line is no judgement.
    """
    found = []
    for number, line in enumerate(read_lines(path), start=1):
        try:
            found.append(Judged.model_validate_json(line))
        except ValidationError as error:
            raise StoreError(
                f"{path}: line {number} is not what a judge says; delete the file, and the judge "
                "is asked again"
            ) from error
    return found


def _keep_own(lines: Path, judge: Judge | Human) -> dict[Key, Judged]:
    """What this version of the judge has said already; what others said is cut out of the file."""
    found = read_judged(lines)
    kept = [line for line in found if _is_of(judge, line)]
    if len(kept) < len(found):
        atomic_write(lines, "".join(line.model_dump_json() + "\n" for line in kept).encode())
    else:
        drop_torn_line(lines)
    return {(line.sha256, line.crop): line for line in kept}


def _beside(lines: Path, judge: Judge | Human) -> dict[Key, Judged]:
    """What this version has said of other methods' pictures."""
    files = sorted(lines.parent.glob(f"*-{slug(judge.name)}.jsonl"))
    return {
        (line.sha256, line.crop): line
        for path in files
        if path != lines
        for line in read_judged(path)
        if _is_of(judge, line)
    }


def _is_of(judge: Judge | Human, line: Judged) -> bool:
    return (line.judge, line.judge_version) == (judge.name, judge.version)


def _append(path: Path, known: dict[Key, Judged], said: Sequence[Judged]) -> None:
    if said:
        append_line(path, "\n".join(line.model_dump_json() for line in said))
        known |= {(line.sha256, line.crop): line for line in said}


def _batches(
    pictures: dict[Key, tuple[Path, Crop]],
) -> Iterator[tuple[dict[str, NDArray[np.uint8]], Crop]]:
    """Pictures of one crop and one size by their sha256, ``BATCH`` at a time."""
    waiting: dict[tuple[Crop, tuple[int, ...]], dict[str, NDArray[np.uint8]]] = {}
    for (sha256, _), (path, crop) in pictures.items():
        picture = _read_picture(path, sha256)
        batch = waiting.setdefault((crop, picture.shape), {})
        batch[sha256] = picture
        if len(batch) == BATCH:
            yield waiting.pop((crop, picture.shape)), crop
    for (crop, _), batch in waiting.items():
        yield batch, crop


def _read_picture(path: Path, sha256: str) -> NDArray[np.uint8]:
    """A picture as uint8 (H, W, 3), sRGB."""
    import cv2

    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror}; make the pictures again"
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"{path} is not the picture that was made; delete it and make it again")
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise StoreError(f"{path} is no picture; delete it and make it again")
    return np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8)


def _ask(judge: Judge | Human, batch: dict[str, NDArray[np.uint8]], crop: Crop) -> list[Judged]:
    said = (
        [judge.recall(sha256, crop) for sha256 in batch]
        if isinstance(judge, Human)
        else look(judge, np.stack(list(batch.values())), crop)
    )
    return [
        Judged(judge=judge.name, judge_version=judge.version, sha256=sha256, crop=crop, said=one)
        for sha256, one in zip(batch, said, strict=True)
    ]

"""ϕ's pictures: every prompt that a checkpoint was taught, painted over the same few people.

One line per picture in ``private/phi/items``, as it is finished; a run that was stopped goes on
where it stopped. What two prompts have in common (``happy`` is asked for in ϕ_B and twice in ϕ_C)
is painted once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Literal

from humangenai import __version__
from humangenai.attribute_fidelity.lines import Generated
from humangenai.attribute_fidelity.suites import SUITES, Pair, load_suite
from humangenai.methods import Task
from humangenai.pseudonymization import attempt, settings_hash
from humangenai.store import append_line, atomic_write, read_lines, slug, writing
from refsd.images import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.attribute_fidelity.sources import Source
    from humangenai.attribute_fidelity.suites import Suite, SuiteName
    from humangenai.methods import Method, Outcome
    from humangenai.progress import Progress
    from humangenai.store import RunFolder
    from refsd.prompts import Scope

CROPS: Mapping[str, Crop] = {"face": "head", "full": "body"}
"""A suite's view → what its pictures show."""


@dataclass(frozen=True)
class Ask:
    """What one line asks for; names as in :class:`Generated`."""

    suite: SuiteName
    suite_version: int
    prompt: str
    group: str
    attributes: Mapping[str, str]
    crop: Crop
    side: Literal["", "before", "after"] = ""
    subject: str = ""


@dataclass(frozen=True, eq=False)
class Design:
    """Which pictures are made: every ask over every source person of its crop, ``draws`` times.

    Attributes:
        sources: for every crop, whose places the new people take.
        asks: what shall be shown; see :func:`asked`.
        draws: how many new people take each place.
    """

    sources: Mapping[Crop, Sequence[Source]]
    asks: Sequence[Ask]
    draws: int


@dataclass(frozen=True, eq=False)
class _Picture:
    """One picture to make, and the lines that speak of it."""

    source: Source
    draw: int
    attributes: Mapping[str, str]
    content: str
    asks: list[Ask] = field(default_factory=list)


_Place = tuple[str, str, str, str, int, int]
"""Which line: suite, prompt, side, source, person, draw."""


def asked(scope: Scope | None, suites: Iterable[SuiteName] = SUITES) -> list[Ask]:
    """Everything that a checkpoint can be scored on, in the order of the suites.

    Args:
        scope: what it was taught; None: nobody knows, and all of it is asked for.
        suites: which lists.
    """
    return [ask for name in suites for ask in _asked(load_suite(name), scope)]


def _asked(suite: Suite, scope: Scope | None) -> Iterator[Ask]:
    covered = set(suite.covered(scope))
    crop = CROPS[suite.view]
    for entry in suite.entries():
        if entry.name not in covered:
            continue
        if isinstance(entry, Pair):
            for side, value in (("before", entry.before), ("after", entry.after)):
                yield Ask(
                    suite.suite, suite.version, entry.name, entry.group, {entry.key: value}, crop,
                    side=side,  # type: ignore[arg-type]
                )  # fmt: skip
        else:
            yield Ask(
                suite.suite, suite.version, entry.name, entry.group, entry.attributes, crop,
                subject=entry.subject,
            )  # fmt: skip


def generate(
    folder: RunFolder, method: Method, design: Design, progress: Progress
) -> list[Generated]:
    """Make the pictures that are not made yet.

    The seed comes from the run's key, the source person and the draw: the same for all prompts and
    methods, so that two pictures differ in nothing but what was asked for.

    Args:
        folder: the run folder, open.
        method: paints what a task asks for (``humangenai.attributes.follows_prompts``).
        design: which pictures.
        progress: told of every picture.

    Returns:
        One line per ask, source and draw.
    """
    lines = folder.private / "phi" / "items" / f"{slug(method.name)}.jsonl"
    with writing(lines):
        lines.parent.mkdir(parents=True, exist_ok=True)
    known = {_place(line): line for line in map(Generated.model_validate_json, read_lines(lines))}
    pictures = _pictures(folder, method, design)
    with progress.stage(f"{method.name}: ϕ", len(pictures)) as advance:
        todo = [picture for picture in pictures if not _is_done(folder, picture, known)]
        advance(len(pictures) - len(todo))
        for start in range(0, len(todo), method.batch_size):
            batch = todo[start : start + method.batch_size]
            tasks = [_task(folder, picture) for picture in batch]
            for picture, done in zip(batch, attempt(method, tasks), strict=True):
                for line in _lines(folder, method, picture, done):
                    append_line(lines, line.model_dump_json())
                    known[_place(line)] = line
                advance(1)
    return [known[place] for picture in pictures for place in _places(picture)]


def _pictures(folder: RunFolder, method: Method, design: Design) -> list[_Picture]:
    """What is to be made, pictures of the same person and seed beside each other."""
    settings = settings_hash(method)
    found: dict[str, _Picture] = {}
    for crop, sources in design.sources.items():
        for source, draw in product(sources, range(design.draws)):
            made_of = (__version__, "phi", settings, source.people, source.key, source.index, crop)
            for ask in (ask for ask in design.asks if ask.crop == crop):
                content = folder.content_key(*made_of, draw, dict(ask.attributes))
                picture = found.setdefault(content, _Picture(source, draw, ask.attributes, content))
                picture.asks.append(ask)
    return list(found.values())


def _places(picture: _Picture) -> list[_Place]:
    source = picture.source
    return [
        (ask.suite, ask.prompt, ask.side, source.key, source.index, picture.draw)
        for ask in picture.asks
    ]


def _place(line: Generated) -> _Place:
    return line.suite, line.prompt, line.side, line.source, line.person, line.draw


def _is_done(folder: RunFolder, picture: _Picture, known: Mapping[_Place, Generated]) -> bool:
    """Whether all lines of a picture are there, and it is as they say; failures are tried again."""
    lines = [known.get(place) for place in _places(picture)]
    for line, ask in zip(lines, picture.asks, strict=True):
        if line is None or line.content != picture.content or line.status == "failed":
            return False
        if (line.group, line.suite_version) != (ask.group, ask.suite_version):
            return False
    files = {(line.picture, line.sha256) for line in lines if line is not None}
    return all(name is None or _sha256(folder, name) == sha256 for name, sha256 in files)


def _sha256(folder: RunFolder, name: str) -> str | None:
    path = folder.root / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _task(folder: RunFolder, picture: _Picture) -> Task:
    source = picture.source
    return Task(
        key=source.key,
        image=source.image,
        people=[source.person],
        seed=folder.seed(source.key, f"phi {source.index} {picture.draw}"),
        crop=True,
        attributes=[picture.attributes],
        suite=True,
    )


def _lines(
    folder: RunFolder, method: Method, picture: _Picture, done: tuple[Outcome, float] | str
) -> list[Generated]:
    """The lines of a picture, after it is stored."""
    status: Literal["replaced", "masked", "failed"] = "failed"
    path = sha256 = error = None
    if isinstance(done, str):
        error = done
    else:
        outcome, person = done[0], done[0].people[0]
        status = "replaced" if person.status == "replaced" else "masked"
        error = person.reason
        if status == "replaced":
            path, sha256 = _store(folder, method, picture, outcome.image)
    source = picture.source
    return [
        Generated(
            suite=ask.suite,
            suite_version=ask.suite_version,
            prompt=ask.prompt,
            side=ask.side,
            subject=ask.subject,
            group=ask.group,
            attributes=dict(ask.attributes),
            source=source.key,
            person=source.index,
            draw=picture.draw,
            crop=source.crop,
            status=status,
            original=dict(source.labels),
            picture=path,
            sha256=sha256,
            error=error,
            content=picture.content,
        )
        for ask in picture.asks
    ]


def _store(
    folder: RunFolder, method: Method, picture: _Picture, image: NDArray[np.uint8]
) -> tuple[str, str]:
    """Keep a picture; its path within the run folder, and its file's sha256."""
    path = folder.private / "phi" / "pictures" / slug(method.name) / f"{picture.content[:32]}.png"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    data = encode_png(image)
    atomic_write(path, data)
    return path.relative_to(folder.root).as_posix(), hashlib.sha256(data).hexdigest()

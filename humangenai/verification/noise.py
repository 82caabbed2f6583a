"""Do pixels under the masks reach the output? The method is run again on other pixels.

People stay frozen: the same boxes, masks and landmarks. What lies under the dilated masks is
replaced by something else, and not one bit of the output may change: no pixel, and nothing that is
said of the people. The run must also be repeatable: unless the unchanged input gives the stored
picture again, nothing is known about the stored picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from humangenai.perception import BATCH_PIXELS, one_line
from humangenai.verification.opened import Unavailable
from humangenai.verification.records import CheckRecord, Finding, conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.methods import Method, Outcome, Task
    from humangenai.progress import Progress
    from humangenai.records import ItemRecord
    from humangenai.verification.opened import OpenedMethod
    from refsd.people import NewPerson


def _uniform(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Every pixel drawn on its own."""
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _constant(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint8]:
    """One colour, far from the grey that regions are filled with."""
    colour = rng.choice([0, 1, 2, 3, 252, 253, 254, 255], 3).astype(np.uint8)
    return np.broadcast_to(colour, shape)


NOISES: Mapping[str, Callable[[tuple[int, ...], np.random.Generator], NDArray[np.uint8]]] = {
    "uniform noise": _uniform,
    "one colour": _constant,
}
"""What pixels under the masks are replaced by. Uniform noise moves averages, edges and textures;
one colour takes all structure away."""


@dataclass(frozen=True, eq=False)
class _Case:
    """A picture to be made again, and what no stage of the method may see of it."""

    id: str
    task: Task
    unseen: NDArray[np.bool_]


def check_noise(method: OpenedMethod, sample: int | None, progress: Progress) -> CheckRecord:
    """Run a method again with other pixels under the masks.

    Args:
        method: whose pictures; one that does not claim to remove people is not asked.
        sample: so many pictures, the run's key decides which; None: all of them.
        progress: told of every picture.
    """
    record = CheckRecord(check="noise", method=method.name, verdict="not checked")
    if method.imported:
        foreign = "made by another tool: it cannot be run again, and what it claims is unknown"
        return record.model_copy(update={"reason": foreign})
    if method.record.claim != "removes":
        return record.model_copy(
            update={
                "verdict": "not applicable",
                "reason": f"it makes no such claim (it says of itself: {method.record.claim})",
            }
        )
    with_people = {name: line for name, line in method.stored.items() if line.people}
    chosen = choose(with_people, sample)
    update: dict[str, object] = {
        "total": len(with_people),
        "sampled": tuple(chosen) if len(chosen) < len(with_people) else (),
    }
    if method.method is None:
        return record.model_copy(update={**update, "sampled": (), "reason": method.why})
    if not chosen:
        nobody = "nobody was found in any picture: there is nothing to replace"
        return record.model_copy(update={**update, "reason": nobody})
    findings: list[Finding] = []
    missing: list[str] = []
    with progress.stage(f"noise: {method.name}", len(chosen)) as advance:
        for cases in _batches(method, chosen, missing):
            wrong, unlike = _try_noises(method, cases)
            findings += wrong
            missing += unlike
            advance(len(cases))
    verdict, reason = conclude(findings, summary(missing))
    checked = len(chosen) - len(missing)
    return record.model_copy(
        update={
            **update,
            "verdict": verdict,
            "reason": reason,
            "checked": checked,
            "findings": tuple(findings),
        }
    )


def choose(lines: Mapping[str, ItemRecord], sample: int | None) -> list[str]:
    """Public ids of the pictures to look at.

    Of every kind of outcome (replaced, masked by choice, masked because they could not be
    replaced, and their mixtures) one picture comes first; the rest follows in the order of the ids,
    which the run's key has drawn.

    Args:
        lines: public id → line, ordered by id.
        sample: how many; None: all.
    """
    first: dict[frozenset[tuple[str, bool]], str] = {}
    for name, line in lines.items():
        kind = frozenset((person.status, person.reason is not None) for person in line.people)
        first.setdefault(kind, name)
    kinds = list(first.values())
    return [*kinds, *(name for name in lines if name not in set(kinds))][:sample]


def summary(missing: Sequence[str]) -> str | None:
    """Why pictures could not be looked at, in one line; None if all could."""
    if not missing:
        return None
    reasons = ", ".join(dict.fromkeys(missing))
    return f"{len(missing)} of the pictures: {reasons}"


def _batches(
    method: OpenedMethod, chosen: Sequence[str], missing: list[str]
) -> Iterator[list[_Case]]:
    """Pictures to be made again, a few at a time; why others cannot be goes into ``missing``."""
    size = method.method.batch_size if method.method else 1
    cases: list[_Case] = []
    pixels = 0
    for name in chosen:
        try:
            scene = method.scene(name)
            cases.append(_Case(name, method.task(name, scene.image), scene.unseen))
        except Unavailable as error:
            missing.append(str(error))
            continue
        pixels += scene.unseen.size
        if len(cases) == size or pixels >= BATCH_PIXELS:
            yield cases
            cases, pixels = [], 0
    if cases:
        yield cases


def _try_noises(method: OpenedMethod, cases: Sequence[_Case]) -> tuple[list[Finding], list[str]]:
    """Compare the outputs of a batch under every noise with those of the originals.

    The originals come last: a method that remembers pictures by their key would otherwise hand
    back what it remembers and pass.

    Returns:
        What is wrong, and of which pictures nothing is known.
    """
    if method.method is None:  # check_noise looked
        raise Unavailable(method.why or "")
    noisy = {
        noise: _attempt(method.method, [_with_noise(method, case, noise) for case in cases])
        for noise in NOISES
    }
    again = _attempt(method.method, [case.task for case in cases])
    if isinstance(again, str):
        return [], [f"the method fails here ({again})"] * len(cases)
    findings: list[Finding] = []
    missing: list[str] = []
    for place, case in enumerate(cases):
        unlike = _unlike_stored(method, case.id, again[place])
        if unlike is not None:
            missing.append(unlike)
            continue
        for noise, outcomes in noisy.items():
            difference = _difference(again[place], outcomes, place)
            if difference is not None:
                what = f"with {noise} under the masks {difference}"
                findings.append(Finding(where=case.id, what=what))
    return findings, missing


def _unlike_stored(method: OpenedMethod, public_id: str, again: Outcome) -> str | None:
    """Why the method, run again, says nothing of the published picture; None if it is the same."""
    try:
        if np.array_equal(method.picture(public_id), again.image):
            return None
    except Unavailable as error:
        return str(error)
    return "not reproducible here (another machine, version or number of threads, or chance)"


def _with_noise(method: OpenedMethod, case: _Case, noise: str) -> Task:
    """A picture's task with other pixels where nothing may be seen."""
    seed = method.run.folder.seed(case.task.key, f"verify-release: {noise}")
    image = case.task.image.copy()
    other = NOISES[noise](image.shape, np.random.default_rng(seed))
    np.copyto(image, other, where=case.unseen[..., None])
    return replace(case.task, image=image)


def _attempt(method: Method, tasks: Sequence[Task]) -> Sequence[Outcome] | str:
    """The outcomes, or why there are none."""
    try:
        return method.pseudonymize(tasks)
    except Exception as error:  # told in the verdict
        return one_line(error)


def _difference(again: Outcome, noisy: Sequence[Outcome] | str, place: int) -> str | None:
    """What noise changed in an outcome; None: nothing."""
    if isinstance(noisy, str):
        return f"the method fails ({noisy}), otherwise it does not"
    other = noisy[place]
    if again.image.shape != other.image.shape:
        return "the output has another size"
    changed = int((again.image != other.image).any(axis=2).sum())
    if changed:
        return f"{changed} pixels of the output change"
    if list(again.people) != list(other.people):
        return "what is said of the people changes"
    pairs = zip(again.people, other.people, strict=True)
    if any(not _same_labels(one.new, two.new) for one, two in pairs):
        return "the labels of the new people change"
    return None


def _same_labels(one: NewPerson | None, other: NewPerson | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(
        np.array_equal(getattr(one, part.name), getattr(other, part.name)) for part in fields(one)
    )

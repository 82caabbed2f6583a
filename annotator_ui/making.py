"""Makes a study: draws people, writes their blinded pictures, fills the database.

A picture's name and an item's id are random; what method made it is in the database alone. All
pictures of a study have one size, and are PNG files without metadata.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from sqlalchemy import insert, select, text

from annotator_ui import database as db
from annotator_ui import pictures
from annotator_ui.database import random_id
from annotator_ui.items import write_questions
from annotator_ui.migrations import upgrade
from humangenai.errors import UserError, unknown
from humangenai.human_ratings.questions import (
    LEFT,
    RIGHT,
    attribute_question,
    preference_question,
    questions,
)
from humangenai.store import writing
from humangenai.verification.opened import OpenedMethod, Unavailable, opened
from refsd import masks
from refsd.images import encode_png

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.human_ratings.questions import Question
    from humangenai.human_ratings.study import Kind, KnownAnswer, StudyConfig
    from refsd.people import Person

    Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Draft:
    """An item before it has an id.

    Attributes:
        role: ``rated``, ``gold``, ``attention`` or ``training``.
        display: as :class:`annotator_ui.items.Item` has it in ``kind``.
        method: whose picture is asked about; the left one where two are compared.
        source: who is in the original; the same for all methods.
        questions: what is asked.
        images: uint8 (height, width, 3), in the order of display.
        against: the method on the right, where two are compared.
        prompt: the attribute that was asked of the method.
        expected: known answers by question id.
        explanation: why, for training.
    """

    role: Literal["rated", "gold", "attention", "training"]
    display: Literal["single", "pair", "preference"]
    method: str
    source: str
    questions: tuple[Question, ...]
    images: tuple[NDArray[np.uint8], ...]
    against: str | None = None
    prompt: str | None = None
    expected: Mapping[str, int] | None = None
    explanation: str | None = None


@dataclass(frozen=True)
class Made:
    """What a study consists of.

    Attributes:
        items: items to rate, per method (both methods of a comparison).
        checks: gold items and attention checks.
        training: training examples.
        pictures: files written.
    """

    items: dict[str, int]
    checks: int
    training: int
    pictures: int


def make_study(config: StudyConfig, url: str, folder: Path) -> Made:
    """Make a study from finished runs.

    Args:
        config: what to show to whom.
        url: of the database; its tables are made where they are missing.
        folder: becomes the study's folder.

    Raises:
        UserError: a run is missing or unfinished, has no such method, its originals cannot be had,
            too few people are shown by all methods, or the study exists already.
    """
    upgrade(url)
    with ExitStack() as stack:
        material = _gather(config, stack)
        return store_study(url, config, folder, _drafts(config, material))


def store_study(url: str, config: StudyConfig, folder: Path, drafts: Iterable[Draft]) -> Made:
    """Write a study's pictures and fill the database; both or neither.

    Args:
        url: of the database; its tables are made where they are missing.
        config: the study.
        folder: becomes the study's folder; ``images/`` is made in it.
        drafts: its items; taken one by one, so that their pictures need not fit into memory.

    Raises:
        UserError: there is a study of that name, or the folder cannot be written.
    """
    upgrade(url)
    database = db.connect(url)
    with database.reading() as connection:
        if connection.scalar(select(db.study.c.id).where(db.study.c.name == config.name)):
            raise UserError(
                f"the database has a study '{config.name}' already; give it another name"
            )
    images = folder / "images"
    with writing(images):
        images.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # originals are in it
    written: list[Path] = []
    try:
        entries = [_write(draft, images, written) for draft in drafts]
        # One date for all pictures: the order in which they were written follows the runs.
        now = time.time()
        for path in written:
            os.utime(path, (now, now))
        os.sync()  # all pictures are on the disk before the database speaks of them
        _insert(database, config, folder, entries)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return _summary(entries)


# Into the database ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entry:
    """An item whose pictures are written: the draft without them, and their ids."""

    id: str
    draft: Draft
    images: tuple[str, ...]


def _write(draft: Draft, images: Path, written: list[Path]) -> _Entry:
    names = tuple(random_id() for _ in draft.images)
    for name, picture in zip(names, draft.images, strict=True):
        written.append(images / f"{name}.png")
        with writing(written[-1]):
            written[-1].write_bytes(encode_png(picture))
    return _Entry(random_id(), replace(draft, images=()), names)


def _insert(
    database: db.Database, config: StudyConfig, folder: Path, entries: Sequence[_Entry]
) -> None:
    mixed = list(entries)
    random.SystemRandom().shuffle(mixed)  # the order of rows must not follow the methods either
    sources = {entry.draft.source: random_id() for entry in mixed}
    with database.writing() as connection:
        study_id = connection.execute(
            insert(db.study)
            .values(
                name=config.name,
                state="open",
                config=config.model_dump_json(),
                folder=str(folder.resolve()),
                secret=secrets.token_hex(32),
                created=time.time(),
            )
            .returning(db.study.c.id)
        ).scalar_one()
        if mixed:
            connection.execute(
                insert(db.item), [_item_row(entry, study_id, sources) for entry in mixed]
            )
            connection.execute(
                insert(db.image),
                [
                    {"id": name, "item_id": entry.id, "position": position}
                    for entry in mixed
                    for position, name in enumerate(entry.images)
                ],
            )
    with database.writing() as connection:
        connection.execute(text("ANALYZE"))  # or the first annotators wait for unplanned queries


def _item_row(entry: _Entry, study_id: int, sources: Mapping[str, str]) -> dict[str, object]:
    draft = entry.draft
    return {
        "id": entry.id,
        "study_id": study_id,
        "role": draft.role,
        "display": draft.display,
        "method": draft.method,
        "against": draft.against,
        "source": sources[draft.source],
        "questions": write_questions(draft.questions),
        "prompt": draft.prompt,
        "expected": json.dumps(dict(draft.expected)) if draft.expected else None,
        "explanation": draft.explanation,
        "load": 0,
        "place": secrets.randbelow(2**53) / 2**53,
    }


def _summary(entries: Iterable[_Entry]) -> Made:
    items: dict[str, int] = {}
    checks = training = written = 0
    for entry in entries:
        written += len(entry.images)
        checks += entry.draft.role in ("gold", "attention")
        training += entry.draft.role == "training"
        if entry.draft.role == "rated":
            for method in filter(None, (entry.draft.method, entry.draft.against)):
                items[method] = items.get(method, 0) + 1
    return Made(dict(sorted(items.items())), checks, training, written)


# Out of the runs -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Shown:
    """One person who is shown.

    Attributes:
        key: of the picture in the runs.
        index: which person of the picture.
        person: as found in the original.
        where: the frame in which the person is shown.
    """

    key: str
    index: int
    person: Person
    where: pictures.Frame

    @property
    def source(self) -> str:
        """The same for all methods, and for nobody else."""
        return f"{self.key} {self.index}"


class _Material:
    """The pictures of all methods of a study.

    Args:
        config: of the study.
        methods: name → the method in its run.
    """

    def __init__(self, config: StudyConfig, methods: dict[str, OpenedMethod]) -> None:
        self.methods = methods
        self._track = config.track
        self._first = next(iter(methods.values()))
        # A person's picture is needed once per kind of item, one person after the other.
        self._original = lru_cache(maxsize=2)(self._load_original)
        self._output = lru_cache(maxsize=2 * len(methods))(self._load_output)

    def people(self) -> Iterator[tuple[str, int]]:
        """Key and index of everyone whom every method has dealt with, in a fixed order."""
        lines = [method.lines for method in self.methods.values()]
        for key, line in sorted(self._first.lines.items()):
            if all(key in other and other[key].status == "done" for other in lines):
                yield from ((key, index) for index in range(len(line.people)))

    def shown(self, key: str, index: int) -> Shown | None:
        """A person, unless too small, without a head, or somebody else in another run."""
        person = self._person(self._first, key, index)
        if person is None:
            return None
        where = pictures.frame(person, self._track)
        runs = {id(method.run): method for method in self.methods.values()}
        others = [self._person(method, key, index) for method in runs.values()]
        same = all(other and np.allclose(other.box, person.box, atol=2) for other in others)
        return Shown(key, index, person, where) if where and same else None

    def _person(self, method: OpenedMethod, key: str, index: int) -> Person | None:
        people = method.people(key)
        return people[index] if index < len(people) else None

    def original(self, shown: Shown, *, cut_out: bool = False) -> Picture:
        """A person in the original."""
        image = self._original(shown.key)
        return self._show(image, shown, self._seen(shown, image, None) if cut_out else None)

    def output(self, method: str, shown: Shown, *, cut_out: bool = False) -> Picture:
        """What a method made of a person."""
        image = self._output(method, shown.key)
        return self._show(image, shown, self._seen(shown, image, method) if cut_out else None)

    def prompt(self, method: str, shown: Shown) -> str | None:
        """What the method was asked to show instead of a person."""
        people = self.methods[method].lines[shown.key].people
        return people[shown.index].prompt if shown.index < len(people) else None

    def _show(self, image: Picture, shown: Shown, mask: NDArray[np.bool_] | None) -> Picture:
        return pictures.show(image, shown.where, self._track, mask)

    def _seen(self, shown: Shown, image: Picture, method: str | None) -> NDArray[np.bool_]:
        """Where a person is seen: the avatar where there is one, else who was there before."""
        height, width = image.shape[:2]
        if method is not None:
            people = self.methods[method].lines[shown.key].people
            label = people[shown.index].label if shown.index < len(people) else None
            if label is not None:
                from pycocotools import mask as coco_masks

                outline = {"size": [height, width], "counts": label.outline.encode("ascii")}
                return np.asarray(coco_masks.decode(outline), dtype=np.bool_)
        if masks.is_believable(shown.person):
            return shown.person.full_mask(height, width)
        return masks.region(shown.person, (height, width))

    def _load_original(self, key: str) -> Picture:
        return self._first.run.original(key)

    def _load_output(self, method: str, key: str) -> Picture:
        source = self.methods[method]
        if source.lines[key].output is None:  # the original: runs do not store it again
            return source.run.original(key)
        return source.picture(source.run.folder.public_id(method, key))


def _gather(config: StudyConfig, stack: ExitStack) -> _Material:
    methods: dict[str, OpenedMethod] = {}
    first: OpenedMethod | None = None
    for source in config.runs:
        run, found = stack.enter_context(opened(source.run))
        if run.dataset is None:
            raise UserError(f"{source.run}: {run.why}")
        by_name = {method.name: method for method in found}
        for name in source.methods:
            if name not in by_name:
                raise UserError(f"{source.run}: {unknown('method', name, by_name)}")
        for name in source.methods or [name for name in by_name if name != "Original"]:
            if name in methods:
                raise UserError(
                    f"{source.run}: a study can show '{name}' only once; say under 'methods' which "
                    "methods of each run to show"
                )
            methods[name] = by_name[name]
            first = first or by_name[name]
            if _data(by_name[name]) != _data(first):
                raise UserError(
                    f"{source.run} was made from other pictures than {first.run.folder.root}; "
                    "a study compares methods on the same pictures"
                )
    if not methods:
        raise UserError("the runs hold no method to show but the original; name it under 'methods'")
    return _Material(config, methods)


def _data(method: OpenedMethod) -> str:
    return method.run.record.dataset.manifest_hash


# Items ---------------------------------------------------------------------------------------


def _drafts(config: StudyConfig, material: _Material) -> Iterator[Draft]:
    rng = np.random.default_rng(config.seed)
    people = _choose(config, material, rng)
    try:
        yield from _rated(config, material, people, rng)
        for check in _known(config, material, people, rng, config.gold.automatic):
            yield replace(check, role="gold", explanation=None)
        for chosen in config.gold.items:
            yield _chosen(config, material, chosen, "gold")
        yield from _attention(config, material, people, rng)
        if config.training.automatic:
            for example in _known(config, material, people, rng, 1):
                yield replace(example, role="training")
        for chosen in config.training.items:
            yield _chosen(config, material, chosen, "training")
    except Unavailable as error:
        raise UserError(f"{config.runs[0].run}: {error}") from error


def _choose(config: StudyConfig, material: _Material, rng: np.random.Generator) -> list[Shown]:
    """People to show, drawn; second and further people of a picture only where first ones end."""
    order: list[tuple[int, float, str, int]] = []
    for key, group in itertools.groupby(material.people(), key=lambda place: place[0]):
        indices = rng.permutation([index for _, index in group]).tolist()
        order += [(turn, rng.random(), key, index) for turn, index in enumerate(indices)]
    found: list[Shown] = []
    for _, _, key, index in sorted(order):
        shown = material.shown(key, index)
        if shown is not None:
            found.append(shown)
        if len(found) == config.items_per_method:
            return found
    what = "heads that are large enough" if config.track == "face" else "people large enough"
    raise UserError(
        f"items_per_method: {config.items_per_method} are wanted, but the runs show {len(found)} "
        f"{what} under all methods; lower items_per_method, or make a run of more pictures"
    )


def _rated(
    config: StudyConfig, material: _Material, people: Sequence[Shown], rng: np.random.Generator
) -> Iterator[Draft]:
    names = list(material.methods)
    pairs = list(itertools.combinations(names, 2))
    if "preference" in config.questions and not pairs:
        raise UserError("questions: preference compares two methods; the runs show only one")
    prompted = 0
    turns = itertools.cycle([pairs[place] for place in rng.permutation(len(pairs))])
    for shown in people:
        for kind in config.questions:
            if kind == "preference":
                # About one comparison for every two methods, so that each is seen about once.
                for _ in range(max(1, len(names) // 2)):
                    pair = next(turns)
                    left, right = pair if rng.random() < 0.5 else pair[::-1]
                    yield _preference(config, material, shown, left, right)
                continue
            for method in names:
                if kind == "phi" and material.prompt(method, shown) is None:
                    continue
                prompted += kind == "phi"
                yield _about(config, material, kind, method, shown)
    if "phi" in config.questions and not prompted:
        raise UserError("questions: phi asks about prompts, but no method of the runs was prompted")


def _about(
    config: StudyConfig, material: _Material, kind: Kind, method: str, shown: Shown
) -> Draft:
    """One method's picture of one person, with the questions of one kind."""
    prompt = material.prompt(method, shown) if kind == "phi" else None
    draft = Draft(
        role="rated",
        display="pair" if kind in ("psi_A", "psi_B") else "single",
        method=method,
        source=shown.source,
        questions=(),
        images=(),
        prompt=prompt,
    )
    if kind == "phi":
        asked: tuple[Question, ...] = (attribute_question(prompt or ""),)
    elif kind == "preference":
        raise ValueError("a preference is about two methods")
    else:
        asked = questions(config.track, kind)
    alone = kind == "psi_A"
    after = material.output(method, shown, cut_out=alone)
    if draft.display == "single":
        return replace(draft, questions=asked, images=(after,))
    return replace(draft, questions=asked, images=(material.original(shown, cut_out=alone), after))


def _preference(
    config: StudyConfig, material: _Material, shown: Shown, left: str, right: str
) -> Draft:
    return Draft(
        role="rated",
        display="preference",
        method=left,
        against=right,
        source=shown.source,
        questions=(preference_question(config.track),),
        images=(material.output(left, shown), material.output(right, shown)),
    )


def _known(
    config: StudyConfig,
    material: _Material,
    people: Sequence[Shown],
    rng: np.random.Generator,
    count: int,
) -> Iterator[Draft]:
    """Items whose answers nobody can doubt, so many of each kind."""
    for kind in config.questions:
        for _ in range(count):
            shown = people[int(rng.integers(len(people)))]
            source = f"known {rng.random()}"
            nothing = pictures.noise(config.track, rng)
            if kind == "preference":
                good = material.original(shown)
                left = bool(rng.random() < 0.5)
                yield Draft(
                    role="gold",
                    display="preference",
                    method="Original" if left else "noise",
                    against="noise" if left else "Original",
                    source=source,
                    questions=(preference_question(config.track),),
                    images=(good, nothing) if left else (nothing, good),
                    expected={"preference": LEFT if left else RIGHT},
                    explanation="One of the two shows nobody.",
                )
            elif kind in ("psi_A", "psi_B"):
                same = material.original(shown, cut_out=kind == "psi_A")
                yield Draft(
                    role="gold",
                    display="pair",
                    method="Original",
                    source=source,
                    questions=questions(config.track, kind),
                    images=(same, same),
                    expected={kind: 1 if kind == "psi_A" else 5},
                    explanation="Both show the same picture: the same person in the same pose.",
                )
            else:
                asked = (
                    (attribute_question("a person"),)
                    if kind == "phi"
                    else questions(config.track, "psi_C")
                )
                yield Draft(
                    role="gold",
                    display="single",
                    method="noise",
                    source=source,
                    questions=asked,
                    images=(nothing,),
                    expected=dict.fromkeys((question.id for question in asked), 1),
                    explanation="The picture shows nobody: everything about it is worst.",
                )


def _attention(
    config: StudyConfig, material: _Material, people: Sequence[Shown], rng: np.random.Generator
) -> Iterator[Draft]:
    """Items that look like all others, but whose question says what to answer."""
    names = list(material.methods)
    kinds: list[Kind] = [kind for kind in config.questions if kind.startswith("psi")]
    for kind in kinds or ["psi_C"]:
        for _ in range(config.attention_checks.automatic):
            shown = people[int(rng.integers(len(people)))]
            draft = _about(config, material, kind, names[rng.integers(len(names))], shown)
            question = draft.questions[0]
            value = int(rng.integers(1, len(question.anchors) + 1))
            told = f"This is a check that questions are read. Please answer {value} here."
            yield replace(
                draft,
                role="attention",
                questions=(replace(question, text=told),),
                expected={question.id: value},
            )


def _chosen(
    config: StudyConfig,
    material: _Material,
    known: KnownAnswer,
    role: Literal["gold", "training"],
) -> Draft:
    """An item whose answer the study's makers know."""
    where = f"{role}.items: {known.method}, {known.item}, person {known.person}"
    if known.method not in material.methods:
        raise UserError(f"{where}: {unknown('method', known.method, material.methods)}")
    if (known.item, known.person) not in set(material.people()):
        raise UserError(f"{where}: the runs hold no such person under all methods")
    shown = material.shown(known.item, known.person)
    if shown is None:
        raise UserError(f"{where}: too small to be judged; choose another")
    if known.kind == "preference":
        raise UserError(f"{where}: a preference compares two methods; choose another kind")
    draft = _about(config, material, known.kind, known.method, shown)
    by_id = {question.id: question for question in draft.questions}
    for question_id, value in known.answers.items():
        if question_id not in by_id:
            raise UserError(f"{where}: {unknown('question', question_id, by_id)}")
        if value not in by_id[question_id].values:
            raise UserError(f"{where}: answers are 1 to {len(by_id[question_id].anchors)}")
    return replace(draft, role=role, expected=known.answers, explanation=known.explanation or None)

"""Makes a study from finished runs: draws people, and asks about what methods made of them."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from annotator_ui import pictures
from annotator_ui.material import Material, Shown, gather
from annotator_ui.migrations import upgrade
from annotator_ui.prompted import draft_prompted, made_for_phi
from annotator_ui.storing import Draft, Made, store_study
from humangenai.errors import UserError, unknown
from humangenai.human_ratings.questions import (
    LEFT,
    RIGHT,
    attribute_question,
    preference_question,
    questions,
)
from humangenai.verification.opened import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from annotator_ui.prompted import Made as MadeForPhi
    from humangenai.human_ratings.questions import Question
    from humangenai.human_ratings.study import Kind, KnownAnswer, StudyConfig


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
        material = gather(config, stack)
        return store_study(url, config, folder, _drafts(config, material))


def _drafts(config: StudyConfig, material: Material) -> Iterator[Draft]:
    rng = np.random.default_rng(config.seed)
    made = made_for_phi(config, material) if "phi" in config.questions else {}
    kinds = [kind for kind in config.questions if not (kind == "phi" and made)]
    # Checks need somebody to show, too.
    people = _choose(config, material, rng, config.items_per_method if kinds else 1)
    try:
        yield from _rated(config, material, kinds, people, rng)
        if made:
            yield from draft_prompted(config, material, made, rng)
        for check in _known(config, material, people, rng, config.gold.automatic):
            yield replace(check, role="gold", explanation=None)
        for chosen in config.gold.items:
            yield _chosen(config, material, chosen, "gold")
        yield from _attention(config, material, made, people, rng)
        if config.training.automatic:
            for example in _known(config, material, people, rng, 1):
                yield replace(example, role="training")
        for chosen in config.training.items:
            yield _chosen(config, material, chosen, "training")
    except Unavailable as error:
        raise UserError(f"{config.runs[0].run}: {error}") from error


def _choose(
    config: StudyConfig, material: Material, rng: np.random.Generator, wanted: int
) -> list[Shown]:
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
        if len(found) == wanted:
            return found
    what = "heads that are large enough" if config.track == "face" else "people large enough"
    raise UserError(
        f"items_per_method: {wanted} are wanted, but the runs show {len(found)} "
        f"{what} under all methods; lower items_per_method, or make a run of more pictures"
    )


def _rated(
    config: StudyConfig,
    material: Material,
    kinds: Sequence[Kind],
    people: Sequence[Shown],
    rng: np.random.Generator,
) -> Iterator[Draft]:
    """Items about people of the runs' pictures, of these kinds."""
    names = list(material.methods)
    pairs = list(itertools.combinations(names, 2))
    if "preference" in kinds and not pairs:
        raise UserError("questions: preference compares two methods; the runs show only one")
    prompted = 0
    turns = itertools.cycle([pairs[place] for place in rng.permutation(len(pairs))])
    for shown in people:
        for kind in kinds:
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
    if "phi" in kinds and not prompted:
        raise UserError("questions: phi asks about prompts, but no method of the runs was prompted")


def _about(config: StudyConfig, material: Material, kind: Kind, method: str, shown: Shown) -> Draft:
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
    config: StudyConfig, material: Material, shown: Shown, left: str, right: str
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
    material: Material,
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
    config: StudyConfig,
    material: Material,
    made: MadeForPhi,
    people: Sequence[Shown],
    rng: np.random.Generator,
) -> Iterator[Draft]:
    """Items that look like all others, but whose question says what to answer."""
    names = list(material.methods)
    number = config.attention_checks.automatic
    kinds: list[Kind] = [kind for kind in config.questions if kind.startswith("psi")]
    if made and not kinds:
        for draft in itertools.islice(draft_prompted(config, material, made, rng), number):
            yield _told(replace(draft, shows=None), rng)
        return
    for kind in kinds or ["psi_C"]:
        for _ in range(number):
            shown = people[int(rng.integers(len(people)))]
            yield _told(_about(config, material, kind, names[rng.integers(len(names))], shown), rng)


def _told(draft: Draft, rng: np.random.Generator) -> Draft:
    """The same item, whose first question says what to answer."""
    question = draft.questions[0]
    value = int(rng.integers(1, len(question.anchors) + 1))
    told = f"This is a check that questions are read. Please answer {value} here."
    return replace(
        draft,
        role="attention",
        questions=(replace(question, text=told),),
        expected={question.id: value},
    )


def _chosen(
    config: StudyConfig,
    material: Material,
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

"""Studies of a few drawn pictures, made without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from humangenai.human_ratings.questions import questions
from humangenai.human_ratings.study import StudyConfig

if TYPE_CHECKING:
    from pathlib import Path

    from annotator_ui.admin_desk import AdminDesk
    from annotator_ui.desk import Desk
    from annotator_ui.items import Item

METHODS = ("maskout", "refsd[tiny]", "weakblur")
CHECKS = {"share": 0.1}


def sample_config(**changes: object) -> StudyConfig:
    """The config of a sample study; its run folder does not exist."""
    plain = {
        "name": "sample",
        "title": "Sample study",
        "runs": [{"run": "nowhere"}],
        "track": "body",
        "raters_per_item": 3,
        "gold": CHECKS,
        "attention_checks": CHECKS,
    }
    return StudyConfig.model_validate({**plain, **changes})


def make_sample_study(
    folder: Path, url: str | None = None, people: int = 4, **changes: object
) -> tuple[str, str]:
    """A study of drawn pictures: 3 methods, people × 3 kinds of items each, checks, training.

    Args:
        folder: where its pictures and, without a URL, its database go.
        url: of a database; None: SQLite in the folder.
        people: per method.
        changes: to the config's keys.

    Returns:
        The database's URL and the study's name, as open_study takes them.
    """
    from dataclasses import replace

    from annotator_ui.storing import Draft, store_study

    config = sample_config(**changes)
    rng = np.random.default_rng(0)

    def picture() -> np.ndarray:
        colours = rng.integers(0, 256, (4, 3, 3), dtype=np.uint8)
        return np.kron(colours, np.ones((20, 20, 1), np.uint8))

    drafts = []
    for person in range(people):
        for method in METHODS:
            for symbol in ("psi_A", "psi_B", "psi_C"):
                single = symbol == "psi_C"
                drafts.append(
                    Draft(
                        role="rated",
                        display="single" if single else "pair",
                        method=method,
                        source=f"person {person}",
                        questions=questions(config.track, symbol),
                        images=(picture(),) if single else (picture(), picture()),
                    )
                )
    (privacy,) = questions(config.track, "psi_A")
    same = picture()
    for number in range(4):
        known = Draft(
            role="gold",
            display="pair",
            method="original",
            source=f"gold {number}",
            questions=(privacy,),
            images=(same, same),
            expected={"psi_A": 1},
        )
        told = replace(privacy, text="This is a check that the page is read: please answer 2.")
        drafts += [
            known,
            replace(known, role="attention", questions=(told,), expected={"psi_A": 2}),
        ]
    drafts.append(
        replace(known, role="training", explanation="Both pictures show the same person.")
    )
    folder.mkdir(parents=True, exist_ok=True)
    url = url or f"sqlite:///{folder / 'study.db'}"
    store_study(url, config, folder, drafts)
    return url, config.name


def admin(desk: Desk) -> AdminDesk:
    """The admins' desk of the same study."""
    from annotator_ui.admin_desk import AdminDesk

    return AdminDesk(desk.study)


def ready(desk: Desk, name: str) -> str:
    """Add an annotator who has consented and been trained; returns the id."""
    annotator = admin(desk).add_annotator(name)
    desk.consent(annotator)
    desk.finish_training(annotator)
    return annotator


def answer_all(desk: Desk, annotator: str, item: Item, value: int = 3) -> None:
    """Give every question of an item the same answer, in 2 s each."""
    for question in item.questions:
        desk.answer(annotator, item.id, question.id, value, 2.0)


def rate(desk: Desk, annotator: str, most: int = 1000) -> list[Item]:
    """Answer items until there are no more, and give them."""
    items: list[Item] = []
    while len(items) < most and (item := desk.next_item(annotator)) is not None:
        answer_all(desk, annotator, item)
        items.append(item)
    return items

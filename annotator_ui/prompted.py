"""Pictures that were made for ϕ: people are asked whether they show what the prompt named."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from annotator_ui import pictures
from annotator_ui.storing import Draft
from humangenai.attribute_fidelity.lines import Generated
from humangenai.errors import UserError
from humangenai.human_ratings.questions import attribute_question
from humangenai.store import read_lines, slug
from refsd.images import load_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from annotator_ui.material import Material
    from humangenai.attribute_fidelity.lines import Crop
    from humangenai.human_ratings.questions import Track
    from humangenai.human_ratings.study import StudyConfig
    from humangenai.verification.opened import OpenedMethod

CROPS: Mapping[Track, Crop] = {"face": "head", "body": "body"}

Place = tuple[object, ...]
"""What was asked of whom: the same for all methods."""

Made = dict[str, dict[Place, Generated]]
"""Method → what was asked → the line of the picture that it made."""


def made_for_phi(config: StudyConfig, material: Material) -> Made:
    """The pictures that the runs' track ϕ has made (``eval --track phi``), of the study's track.

    Returns:
        Methods without any are left out. Pairs (``phi_C``) are, too: they are about the change
        between two pictures.

    Raises:
        UserError: a run's lines cannot be read.
    """
    found = {
        name: _lines(name, method, CROPS[config.track]) for name, method in material.methods.items()
    }
    return {name: lines for name, lines in found.items() if lines}


def _lines(name: str, method: OpenedMethod, crop: Crop) -> dict[Place, Generated]:
    path = method.run.folder.private / "phi" / "items" / f"{slug(name)}.jsonl"
    try:
        lines = [Generated.model_validate_json(line) for line in read_lines(path)]
    except ValidationError as error:
        raise UserError(f"{path} was written by another version of humangenai") from error
    return {
        _place(line): line
        for line in lines
        if line.status == "replaced" and line.crop == crop and line.suite != "phi_C"
    }


def _place(line: Generated) -> Place:
    asked = tuple(sorted(line.attributes.items()))
    return line.suite, line.prompt, line.source, line.person, line.draw, asked


def draft_prompted(
    config: StudyConfig, material: Material, made: Made, rng: np.random.Generator
) -> Iterator[Draft]:
    """Items about pictures that all of these methods have made, one attribute of each.

    Raises:
        UserError: there are not as many as the study wants, or a picture is not what it was.
    """
    common = sorted(set.intersection(*(set(lines) for lines in made.values())), key=repr)
    if len(common) < config.items_per_method:
        raise UserError(
            f"items_per_method: {config.items_per_method} are wanted, but {', '.join(made)} made "
            f"{len(common)} pictures for ϕ of the same people and prompts"
        )
    for at in rng.permutation(len(common))[: config.items_per_method]:
        place = common[int(at)]
        wanted = sorted(next(iter(made.values()))[place].attributes.items())
        attribute, value = wanted[int(rng.integers(len(wanted)))]
        for name, lines in made.items():
            line = lines[place]
            asked = f"{value} ({attribute})"
            yield Draft(
                role="rated",
                display="single",
                method=name,
                source=f"{line.source} {line.person}",
                questions=(attribute_question(asked),),
                images=(_picture(material.methods[name], line, config.track),),
                prompt=asked,
                shows={
                    "sha256": str(line.sha256),
                    "crop": line.crop,
                    "attribute": attribute,
                    "value": value,
                },
            )


def _picture(method: OpenedMethod, line: Generated, track: Track) -> NDArray[np.uint8]:
    path = method.run.folder.root / str(line.picture)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != line.sha256:
        raise UserError(f"{path} was changed since it was made; run eval --track phi again")
    image = load_image(data)
    height, width = image.shape[:2]
    tall, wide = pictures.SIZE[track]
    side = max(height / tall, width / wide) / 2
    x, y = width / 2, height / 2
    where = (x - side * wide, y - side * tall, x + side * wide, y + side * tall)
    return pictures.show(image, where, track)

"""What is cut out for ψ_A: the person, or what a method painted, and never a sharper outline."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from annotator_ui.material import Material, Shown, gather
from annotator_ui.pictures import GROUND
from humangenai.config import DatasetConfig, RunConfig, method_config
from humangenai.human_ratings.study import StudyConfig
from humangenai.records import LabelRecord
from humangenai.runner import run
from refsd import masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PLUGINS = str(Path(__file__).parents[1] / "humangenai" / "plugins")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of MaskOut and the original; only read."""
    sys.path.insert(0, PLUGINS)
    out = tmp_path_factory.mktemp("runs") / "run"
    config = RunConfig(
        dataset=DatasetConfig(dataset="tinycrowd", options={"people": 2, "splits": False}),
        methods=tuple(method_config(name) for name in ("original", "maskout")),
        tracks=(),
        seed=1,
    )
    assert not run(config, out).failures
    yield out
    sys.path.remove(PLUGINS)
    sys.modules.pop("tinycrowd", None)


@pytest.fixture
def material(folder: Path) -> Iterator[Material]:
    """The run, opened for a study that shows the original too."""
    methods = [{"run": folder, "methods": ["Original", "MaskOut"]}]
    config = StudyConfig.model_validate(
        {"name": "x", "title": "X", "runs": methods, "track": "body", "items_per_method": 1}
    )
    with ExitStack() as stack:
        yield gather(config, stack)


def first(material: Material) -> Shown:
    shown = material.shown(*next(material.people()))
    assert shown is not None
    return shown


def record(material: Material, shown: Shown, **changes: Any) -> None:
    """Change what MaskOut's line says became of a person."""
    lines = material.methods["MaskOut"].lines
    line = lines[shown.key]
    people = list(line.people)
    people[shown.index] = people[shown.index].model_copy(update=changes)
    lines[shown.key] = line.model_copy(update={"people": tuple(people)})


def left(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What of a picture is not plain ground; enlarging it has blurred the edges a little."""
    return np.asarray((np.abs(picture.astype(int) - GROUND) > 40).any(axis=2))


def test_a_masked_person_keeps_the_outline_that_is_published(material: Material) -> None:
    shown = first(material)
    output = material.output("MaskOut", shown).astype(int)
    published = (np.abs(output - masks.GREY) <= 2).all(axis=2)
    cut_out = left(material.output("MaskOut", shown, cut_out=True))
    person = left(material.original(shown, cut_out=True))
    assert (published & ~cut_out).mean() < 0.01
    assert (cut_out & ~published).mean() < 0.05  # the edge
    assert (person & ~cut_out).mean() < 0.01
    assert cut_out.sum() > 1.2 * person.sum()  # the person's own outline is not to be seen


def test_the_original_is_cut_out_along_the_person(material: Material) -> None:
    shown = first(material)
    assert (
        material.output("Original", shown, cut_out=True) == material.original(shown, cut_out=True)
    ).all()


def test_who_could_not_be_replaced_is_a_box(material: Material) -> None:
    shown = first(material)
    cut_out = left(material.output("MaskOut", shown, cut_out=True))
    record(material, shown, status="masked", reason="no pose was found")
    box = left(material.output("MaskOut", shown, cut_out=True))
    rows, columns = np.flatnonzero(box.any(axis=1)), np.flatnonzero(box.any(axis=0))
    assert box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.95
    assert (cut_out & ~box).mean() < 0.01
    assert box.sum() > cut_out.sum()


def test_an_avatar_is_cut_out_along_its_label(material: Material) -> None:
    from pycocotools import mask as coco_masks

    shown = first(material)
    height, width = material.methods["MaskOut"].lines[shown.key].size or (0, 0)
    avatar = np.zeros((height, width), np.uint8, order="F")
    x0, y0, x1, y1 = (round(float(side)) for side in shown.person.box)
    middle = np.s_[(2 * y0 + y1) // 3 : (y0 + 2 * y1) // 3, x0:x1]
    avatar[middle] = 1
    outline = coco_masks.encode(avatar)["counts"].decode("ascii")
    label = LabelRecord(
        box=(x0, y0, x1, y1), area=int(avatar.sum()), outline=outline, keypoints=(0.0,) * 51
    )
    record(material, shown, status="replaced", label=label)
    cut_out = left(material.output("MaskOut", shown, cut_out=True))
    top, bottom = shown.where[1], shown.where[3]
    rows = avatar.any(axis=1).sum() / (bottom - top)
    assert cut_out.any(axis=1).mean() == pytest.approx(rows, abs=0.03)

"""The large detector over tiny random backbones: it learns, and it finds boxes in pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from toy_detection import CATEGORIES, toy

from humangenai.errors import UserError
from humangenai.utility.detection import Truth
from humangenai.utility.detection.detector import Recipe
from humangenai.utility.detection.faster_rcnn import FasterRcnn, TimmPyramid
from humangenai.utility.detection.training import Job, detect, train

if TYPE_CHECKING:
    from pathlib import Path

TINY = FasterRcnn(
    name="tiny",
    backbone="test_vit",
    weights="",
    shortest=(64,),
    longest=96,
    recipe=Recipe(updates=2, batch=2, learning_rate=1e-3),
)


@pytest.mark.parametrize("backbone", ["test_vit", "test_resnet"])
def test_the_pyramid_halves_level_by_level(backbone: str) -> None:
    pyramid = TimmPyramid(replace(TINY, backbone=backbone)._backbone(), channels=8).eval()
    with torch.inference_mode():
        levels = pyramid(torch.zeros(1, 3, 64, 96))
    assert [tuple(one.shape[1:]) for one in levels.values()] == [
        (8, 16, 24), (8, 8, 12), (8, 4, 6), (8, 2, 3), (8, 1, 2)
    ]  # fmt: skip


def test_it_is_trained_and_finds_boxes(tmp_path: Path) -> None:
    pictures = toy(3, seed=0)
    # A crowd and a box without an area teach nothing, and break nothing.
    odd = Truth([[4, 4, 30, 30], [9, 9, 9, 20]], [0, 1], [True, False])
    pictures = replace(pictures, truth=[*pictures.truth[:2], odd])
    job = Job(TINY, pictures, pictures.content_hash(), len(CATEGORIES), seed=0)
    weights = train(job, tmp_path)
    found = detect(job, weights, pictures.images)
    assert len(found) == 3
    for one in found:
        assert one.categories.size == 0 or one.categories.max() < len(CATEGORIES)
        assert (one.boxes >= 0).all()
        assert (one.boxes[:, 2] <= 96).all()
        assert (one.boxes[:, 3] <= 64).all()


def test_the_mirror_takes_boxes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def network(pictures, targets):  # type: ignore[no-untyped-def]
        given.append((pictures[0], targets[0]["boxes"]))
        return {"loss": torch.zeros(())}

    pictures = toy(1, seed=1)
    for drawn in (0.9, 0.1):
        monkeypatch.setattr(torch, "rand", lambda shape, drawn=drawn: torch.tensor(drawn))
        TINY.loss(network, pictures.images, pictures.truth, "cpu")  # type: ignore[arg-type]
    (plain, boxes), (mirrored, moved) = given
    assert torch.equal(plain.flip(-1), mirrored)
    assert torch.equal(moved[:, [0, 2]], 96 - boxes[:, [2, 0]])


def test_what_timm_has_not_is_said() -> None:
    with pytest.raises(UserError, match="nothing_like_this"):
        replace(TINY, backbone="nothing_like_this").build(2)
    with pytest.raises(UserError, match="no such file with weights"):
        replace(TINY, weights="missing.safetensors").build(2)

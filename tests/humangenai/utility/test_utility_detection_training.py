"""Detectors learn what is there; a killed training goes on as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_detection import CATEGORIES, DETECTOR, HEIGHT, WIDTH, toy

from humangenai.updates import batch
from humangenai.utility.detection import Evaluation, Truth, evaluate
from humangenai.utility.detection.centres import _decode, fit, targets, vary
from humangenai.utility.detection.pictures import Loaded, Pictures
from humangenai.utility.detection.training import Job, detect, train
from refsd.images import ImageError

TEST = toy(30, seed=99)

MARGIN = 0.5
"""By so much mAP@.5 of a detector that learned must be above that of one that did not."""


def job(pictures: Pictures, *, seed: int = 0, start: Job | None = None, updates: int = 150) -> Job:
    recipe = replace(DETECTOR.recipe, updates=updates)
    detector = replace(DETECTOR, recipe=recipe)
    return Job(detector, pictures, pictures.content_hash(), len(CATEGORIES), seed, start)


def learns(one: Job, folder: Path) -> Evaluation:
    found = detect(one, train(one, folder), TEST.images)
    return evaluate(TEST.truth, [found], CATEGORIES)


def precision(evaluation: Evaluation) -> float:
    return float(evaluation.precision["mAP@.5"][0])


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return learns(job(toy(40, seed=1)), tmp_path_factory.mktemp("learned"))


def test_learning_beats_chance_by_the_margin(learned: Evaluation, tmp_path: Path) -> None:
    nothing = learns(job(toy(40, seed=1), updates=1), tmp_path)
    assert precision(learned) > precision(nothing) + MARGIN


def test_shuffled_boxes_teach_nothing(learned: Evaluation, tmp_path: Path) -> None:
    pictures = toy(40, seed=1)
    moved = [*pictures.truth[7:], *pictures.truth[:7]]
    shuffled = learns(job(Pictures(pictures.images, moved)), tmp_path)
    assert precision(shuffled) < 0.1
    assert precision(learned) > precision(shuffled) + MARGIN


def test_a_useful_synthetic_set_helps(tmp_path: Path) -> None:
    # Originals show no crate at all; the synthetic pictures do.
    originals, synthetic = toy(20, seed=2, categories=(0,)), toy(30, seed=3)
    r = learns(job(originals), tmp_path)
    both = learns(job(synthetic + originals), tmp_path)
    assert float(r.by_category["crate"]["mAP@.5"][0]) < 0.1
    assert precision(both) > precision(r) + 0.2


def test_s_to_r_goes_on_from_s(tmp_path: Path) -> None:
    s = job(toy(10, seed=4), updates=12)
    r = job(toy(10, seed=5), updates=12)
    still = replace(r.detector, recipe=replace(r.detector.recipe, learning_rate=0.0))
    # Without a learning rate, weights are those it started from.
    frozen = torch.load(train(replace(r, detector=still, start=s), tmp_path))
    assert (tmp_path / f"{s.key()}.weights").is_file()
    weights = {one.key(): torch.load(train(one, tmp_path)) for one in (s, r, replace(r, start=s))}
    of_s, of_r, fine = (one["heat.weight"] for one in weights.values())
    assert torch.equal(frozen["heat.weight"], of_s)
    assert not torch.equal(of_s, of_r)
    assert not torch.equal(of_s, fine)
    assert not torch.equal(of_r, fine)


KILLED = """
import os, sys
from pathlib import Path
from humangenai.utility.detection import training
sys.path[:0] = sys.argv[2].split(os.pathsep)
from test_utility_detection_training import job
from toy_detection import toy

training.CHECKPOINT_EVERY = 5
done = 0
def advance(steps):
    global done
    done += steps
    if done == 13:
        os.kill(os.getpid(), 9)
training.train(job(toy(10, seed=6), updates=20), Path(sys.argv[1]), advance)
"""


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    one = job(toy(10, seed=6), updates=20)
    whole = torch.load(train(one, tmp_path / "whole"))
    killed = tmp_path / "killed"
    paths = f"{Path(__file__).parent}:{Path(__file__).parents[2]}"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(killed), paths], check=False)
    assert ended.returncode == -9
    assert [path.suffix for path in killed.iterdir()] == [".checkpoint"]
    steps: list[int] = []
    resumed = torch.load(train(one, killed, steps.append))
    assert steps[0] == 10  # found in the checkpoint
    assert sum(steps) == 20
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert [path.suffix for path in killed.iterdir()] == [".weights"]


def test_what_is_trained_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job(toy(6, seed=7), updates=3)
    first = train(one, tmp_path).read_bytes()
    monkeypatch.setattr("humangenai.utility.detection.training._Run", None)
    steps: list[int] = []
    assert train(one, tmp_path, steps.append).read_bytes() == first
    assert steps == [3]


def test_keys_change_with_all_that_weights_depend_on() -> None:
    pictures = toy(4, seed=8)
    one = job(pictures)
    others = [
        job(pictures, seed=1),
        job(pictures, updates=151),
        job(pictures, start=one),
        job(toy(4, seed=9)),
        replace(one, detector=replace(one.detector, channels=20)),
    ]
    assert len({one.key(), *(other.key() for other in others)}) == 6
    assert job(toy(4, seed=8)).key() == one.key()


def test_content_is_pixels_and_boxes() -> None:
    pictures = toy(3, seed=10)
    first = pictures.truth[0]
    boxes = Truth(first.boxes + 1, first.categories, first.crowd)
    crowd = Truth(first.boxes, first.categories, ~first.crowd)
    hashes = {
        Pictures(pictures.images, [one, *pictures.truth[1:]]).content_hash()
        for one in (first, boxes, crowd)
    }
    lighter = [pictures.images[0] + np.uint8(1), *pictures.images[1:]]
    assert len({*hashes, Pictures(lighter, pictures.truth).content_hash()}) == 4


def test_every_picture_comes_up_equally_often() -> None:
    seen = np.bincount([at for update in range(14) for at in batch(7, 4, 0, update)])
    assert seen.tolist() == [8] * 7
    assert batch(7, 4, 0, 1).tolist() != batch(7, 4, 1, 1).tolist()
    assert len(batch(2, 5, 0, 0)) == 5  # fewer pictures than a batch


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture"):
        train(job(Pictures([], [])), tmp_path)


def test_pictures_are_read_once_and_slices_are_lists() -> None:
    read = []

    def loader(at: int):  # type: ignore[no-untyped-def]
        def load() -> np.ndarray:
            read.append(at)
            return np.full((2, 2, 3), at, dtype=np.uint8)

        return load

    images = Loaded([loader(at) for at in range(4)])
    assert [int(one[0, 0, 0]) for one in images[1:3]] == [1, 2]
    assert int(images[1][0, 0, 0]) == 1
    assert read == [1, 2]
    assert len(images) == 4


def test_what_cannot_be_read_is_left_out() -> None:
    pictures = toy(3, seed=11)

    def broken() -> np.ndarray:
        raise ImageError("is not a picture")

    images = Loaded([lambda: pictures.images[0], broken, lambda: pictures.images[2]])
    some = Pictures(images, pictures.truth).readable()
    assert len(some) == 2
    assert some.truth[1] is pictures.truth[2]
    assert (some.images[1] == pictures.images[2]).all()
    assert pictures.readable() is pictures


# ---- the small detector ----------------------------------------------------------------------


def test_a_map_that_says_what_it_should_gives_the_boxes_back() -> None:
    boxes = torch.tensor([[6.0, 3.0, 19.0, 40.0], [50.0, 20.0, 81.0, 44.0]])
    heat, sides, weight, counts = targets(
        boxes, torch.tensor([0, 1]), torch.tensor([False, False]), (HEIGHT, WIDTH), 2
    )
    assert (heat == 1).sum() == 2
    assert (counts == 1).all()
    assert (weight[heat.amax(dim=0) == 1] == 1).all()
    found = _decode(torch.logit(heat.clamp(1e-4, 1 - 1e-4)), sides, 0.5, (2 * HEIGHT, 2 * WIDTH))
    sure = found.scores > 0.9
    order = np.argsort(found.categories[sure])
    np.testing.assert_allclose(found.boxes[sure][order], 2 * boxes.numpy(), atol=1e-3)
    assert found.categories[sure][order].tolist() == [0, 1]


def test_of_crowds_nothing_is_asked() -> None:
    box = torch.tensor([[16.0, 16.0, 48.0, 48.0]])
    heat, _, weight, counts = targets(
        box, torch.tensor([0]), torch.tensor([True]), (HEIGHT, WIDTH), 2
    )
    assert heat.max() == weight.max() == 0
    assert (counts == 0).sum() == 16  # 4 x 4 cells
    assert (counts[2:6, 2:6] == 0).all()


def test_boxes_move_with_their_pictures() -> None:
    pictures = torch.zeros(40, 3, HEIGHT, WIDTH, dtype=torch.uint8)
    pictures[:, :, 22:44, 30:50] = 255
    torch.manual_seed(0)
    varied, boxes, shown = vary(pictures, [torch.tensor([[30.0, 22.0, 50.0, 44.0]])] * 40)
    flips = 0
    for picture, box, there in zip(varied, boxes, shown, strict=True):
        assert there.all()
        light = picture.mean(dim=0) > 0.5 * picture.max()
        rows, columns = light.any(dim=1).nonzero().flatten(), light.any(dim=0).nonzero().flatten()
        seen = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
        np.testing.assert_allclose(box[0].numpy(), seen, atol=1.01)
        flips += box[0, 0] + box[0, 2] > WIDTH
    assert 5 < flips < 35


def test_things_that_leave_the_picture_are_not_taught() -> None:
    torch.manual_seed(1)
    edge = torch.tensor([[0.0, 0.0, 4.0, 64.0]])
    _, boxes, shown = vary(torch.zeros(200, 3, HEIGHT, WIDTH, dtype=torch.uint8), [edge] * 200)
    shown_now = torch.cat(shown)
    assert 20 < shown_now.sum() < 190
    for box in boxes:
        assert (box >= 0).all()
        assert (box <= torch.tensor([WIDTH, HEIGHT] * 2)).all()


def test_pictures_of_other_shapes_are_fitted_in() -> None:
    framed, scale = fit(np.full((100, 50, 3), 255, dtype=np.uint8), HEIGHT, WIDTH)
    assert framed.shape == (HEIGHT, WIDTH, 3)
    assert scale == pytest.approx(0.64)
    assert (framed[:, :32] == 255).all()
    assert (framed[:, 33:] == 114).all()
    same = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert fit(same, HEIGHT, WIDTH)[0] is same

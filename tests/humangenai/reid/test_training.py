"""Training: that it learns, resumes exactly, and what its parts promise."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from humangenai.reid import load_attacker, training
from humangenai.reid.osnet import Preprocessing
from humangenai.reid.training import (
    Settings,
    TrainingData,
    augment,
    batch_hard_triplet_loss,
    batches,
    train,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = Settings(
    architecture="osnet_x0_25",
    preprocessing=Preprocessing(height=64, width=32, normalise=True),
    epochs=2,
    people=4,
    shots=3,
    held_out=0.2,
    validate_every=1,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faster precision is a matter of timing; tests must not depend on it."""
    monkeypatch.setattr(training._Run, "choose_precision", lambda _: "float32")


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """People in plain clothes of their own before noise."""
    rng = np.random.default_rng(0)
    pictures, pids, camids = [], [], []
    for pid in range(15):
        upper, lower = rng.integers(0, 256, (2, 3))
        for camid in range(4):
            picture = rng.integers(0, 256, (128, 64, 3))
            picture[20:70, 15:50] = upper
            picture[70:120, 18:46] = lower
            pictures.append(np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255))
            pids.append(pid + 100)
            camids.append(camid)
    return TrainingData.collect(
        "tiny",
        [picture.astype(np.uint8) for picture in pictures],
        np.array(pids),
        np.array(camids),
        SETTINGS.preprocessing,
    )


def test_training_learns_and_leaves_a_usable_attacker(data: TrainingData, tmp_path: Path) -> None:
    lines: list[str] = []
    settings = replace(SETTINGS, epochs=14, validate_every=100)
    path = train(data, settings, tmp_path, lines.append)
    losses = [float(m[1]) for line in lines if (m := re.search(r"loss ([\d.]+)", line))]
    assert len(losses) == 14
    assert np.mean(losses[-3:]) < 0.85 * np.mean(losses[:3])
    attacker = load_attacker("osnet", path)
    assert attacker.name == "OSNet[tiny]"
    assert attacker.record().trained_on == "tiny train split, 12 identities"
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["epochs"] == 14
    assert record["data"]["held_out_identities"] == 3
    assert record["held_out"]["R@1"] > 0.4
    assert record["data"]["sha256"] == data.content_hash()
    assert str(tmp_path) not in path.with_suffix(".json").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "osnet_tiny.json",
        "osnet_tiny.safetensors",
    ]


def test_an_interrupted_training_ends_with_the_same_weights(
    data: TrainingData, tmp_path: Path
) -> None:
    whole = train(data, SETTINGS, tmp_path / "whole").read_bytes()

    def interrupt(line: str) -> None:
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, SETTINGS, tmp_path / "parts", interrupt)
    lines: list[str] = []
    parts = train(data, SETTINGS, tmp_path / "parts", lines.append).read_bytes()
    assert "resumed after epoch 1" in lines[0]
    assert parts == whole


def test_a_checkpoint_of_other_settings_is_not_used(data: TrainingData, tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("epoch 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(data, SETTINGS, tmp_path, interrupt)
    lines: list[str] = []
    train(data, replace(SETTINGS, seed=1, epochs=1), tmp_path, lines.append)
    assert "resumed" not in lines[0]


def test_a_time_budget_ends_the_training(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(np.arange(0, 1e6, 5.0))  # every look at the clock, five seconds pass
    monkeypatch.setattr("humangenai.reid.training.time.monotonic", lambda: next(now))
    path = train(data, replace(SETTINGS, epochs=None, minutes=2), tmp_path)
    record = json.loads(path.with_suffix(".json").read_text())
    assert 2 <= record["minutes"] <= 2.6
    assert record["epochs"] >= 2


def test_batches_hold_so_many_people_and_serve_everybody_alike() -> None:
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.concatenate([np.repeat(np.arange(30), 8), [30, 30]]))
    served = np.zeros(31, dtype=int)
    for _ in range(10):
        drawn = list(batches(labels, 8, 4, rng))
        assert len(drawn) == len(labels) // 32
        for batch in drawn:
            people, counts = np.unique(labels[batch], return_counts=True)
            assert len(people) == 8
            assert (counts == 4).all()
            whole = people != 30  # somebody with two pictures is shown them twice
            assert len(np.unique(batch)) >= 4 * whole.sum()
            served[people] += 1
    assert served.max() - served.min() <= 12


def test_augmented_pictures_stay_pictures_and_repeat() -> None:
    pictures = torch.randint(0, 256, (6, 3, 40, 20), dtype=torch.uint8)

    def once(seed: int) -> torch.Tensor:
        return augment(pictures, torch.Generator().manual_seed(seed))

    assert once(1).shape == (6, 3, 40, 20)
    assert once(1).dtype == torch.float32
    assert once(1).min() >= 0 and once(1).max() <= 1
    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))


def test_augmentation_keeps_the_middle_of_the_picture_recognizable() -> None:
    picture = torch.zeros(1, 3, 160, 80, dtype=torch.uint8)
    picture[:, 0] = 200  # a red picture stays red, but for casts, grey ones and erased parts
    varied = augment(picture.repeat(200, 1, 1, 1), torch.Generator().manual_seed(0))
    middle = varied[:, :, 70:90, 35:45].mean(dim=(2, 3))
    assert (middle[:, 0] > middle[:, 1:].amax(1)).float().mean() > 0.8


def test_triplet_loss_equals_its_definition() -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(12, 5)), np.repeat(np.arange(4), 3)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    distances = cdist(unit, unit)
    terms = []
    for i in range(12):
        same = labels == labels[i]
        terms.append(max(0, 0.3 + distances[i][same].max() - distances[i][~same].min()))
    ours = batch_hard_triplet_loss(torch.from_numpy(features), torch.from_numpy(labels))
    assert float(ours) == pytest.approx(np.mean(terms), abs=1e-6)


def test_both_precisions_train(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bfloat16(run: training._Run) -> str:
        run._bfloat16 = True
        return "bfloat16"

    monkeypatch.setattr(training._Run, "choose_precision", bfloat16)
    path = train(data, replace(SETTINGS, epochs=1), tmp_path)
    assert np.isfinite(load_attacker("osnet", path).embed([data.pictures[0]])).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, people=20), "too few"),
        (lambda s: replace(s, preprocessing=Preprocessing(height=70, width=32)), "pixels"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    data: TrainingData,
    tmp_path: Path,
    change: Callable[[Settings], Settings],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        train(data, change(SETTINGS), tmp_path)


def test_one_camera_is_refused(data: TrainingData, tmp_path: Path) -> None:
    one = replace(data, camids=np.zeros_like(data.camids))
    with pytest.raises(ValueError, match="one camera only"):
        train(one, SETTINGS, tmp_path)

"""The probe: what it is told, what it says, and how that is scored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from humangenai.attribute_fidelity import data, training
from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.data import SIZES, Renders, load, render
from humangenai.attribute_fidelity.labels import GROUPS, judged
from humangenai.attribute_fidelity.probe import Probe
from humangenai.errors import UserError
from refsd.training.looks import LOOKS
from refsd.training.people import sample_person

if TYPE_CHECKING:
    from pathlib import Path

CROPS = tuple(GROUPS)


@pytest.mark.parametrize("family", LOOKS)
@pytest.mark.parametrize("crop", CROPS)
def test_every_value_that_is_judged_is_drawn_and_no_other(family, crop) -> None:
    seen: dict[str, set[str]] = {group: set() for group in GROUPS[crop]}
    for number in range(600):
        for group, value in judged(
            sample_person(np.random.default_rng(number), family).labels, family, crop
        ).items():
            seen[group].add(value)
    assert seen == {group: set(values) for group, values in GROUPS[crop].items()}


def test_what_is_hidden_is_not_judged() -> None:
    person = {"hair length": "long", "hair colour": "red", "headwear": "bowler", "emotion": "sad"}
    assert judged(person, "probe", "head").items() >= {"headwear": "worn", "emotion": "sad"}.items()
    assert not {"hair length", "hair colour"} & judged(person, "probe", "head").keys()
    from_behind = judged({"hair length": "long", "gender": "male"}, "probe", "head")
    assert not {"emotion", "glasses", "facial hair", "make-up"} & from_behind.keys()
    striped = {"upper pattern": "striped", "upper colour": "red"}
    assert "upper colour" not in judged(striped, "training", "body")


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(5, 60), st.integers(0, 2**32 - 1))
def test_accuracy_is_the_mean_recall(values: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted, said = rng.integers(0, values, (2, count))
    wanted[:values] = np.arange(values)
    said[:values] = np.arange(values)
    result = accuracy(wanted, said)
    assert result.value == pytest.approx(balanced_accuracy_score(wanted, said))
    assert result.low <= result.value <= result.high
    assert result.chance == 1 / values


def test_who_does_not_look_scores_chance_whatever_they_prefer() -> None:
    rng = np.random.default_rng(0)
    wanted = rng.choice(3, 4000, p=[0.8, 0.15, 0.05])
    said = rng.choice(3, 4000, p=[0.1, 0.1, 0.8])
    result = accuracy(wanted, said)
    assert result.low < result.chance == 1 / 3 < result.high
    assert np.isnan(accuracy(wanted[:0], said[:0]).value)


def test_augmentation_keeps_size_and_colour() -> None:
    rng = np.random.default_rng(1)
    picture = np.full((64, 64, 3), (180, 60, 90), dtype=np.uint8)
    for number in range(50):
        changed = training.augment(picture, np.random.default_rng(number))
        assert changed.shape == picture.shape
        assert changed.dtype == np.uint8
        assert np.abs(changed.mean(axis=(0, 1)) / (180, 60, 90) - 1).max() < 0.2
    noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    first = training.augment(noise, np.random.default_rng(3))
    assert np.array_equal(first, training.augment(noise, np.random.default_rng(3)))


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(4000, 3)).astype(np.float32)
    chances = np.exp(truth) / np.exp(truth).sum(axis=1, keepdims=True)
    wanted = np.array([rng.choice(3, p=p / p.sum()) for p in chances.astype(np.float64)])
    assert training.temperature(truth * 2.5, wanted) == pytest.approx(2.5, rel=0.15)
    wanted[::2] = training.MISSING
    assert training.temperature(truth * 2.5, wanted) == pytest.approx(2.5, rel=0.2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A probe of heads that saw eight pictures; it knows nothing, but everything runs."""
    folder, out = tmp_path_factory.mktemp("renders"), tmp_path_factory.mktemp("probe")
    few = {
        name: Renders(part.family, "head", 8, part.seed)
        for name, part in training.parts("head", 8).items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHARD", 8)
        for part in few.values():
            list(render(part, folder))
        patch.setattr(training, "parts", lambda *_: few)
        training.train("head", folder, out, training.Settings(epochs=1, batch=4))
    return folder, out


def test_renders_are_made_once(trained: tuple[Path, Path]) -> None:
    paths = sorted(trained[0].glob("*"))
    assert [path.name for path in paths] == [
        "v2-probe-head-80-seed0-0000.safetensors", "v2-probe-head-80-seed1-0000.safetensors",
        "v2-training-head-80-seed7-0000.safetensors",
    ]  # fmt: skip
    shard = load([paths[0]])
    assert shard.pictures.shape == (8, 80, 80, 3)
    assert len(shard.labels) == 8


def test_the_record_says_how_often_the_probe_is_right(trained: tuple[Path, Path]) -> None:
    record = json.loads((trained[1] / "probe_head.json").read_text())
    assert set(record["accuracy"]) == {"probe family, held out", "training family"}
    for measured in record["accuracy"].values():
        assert set(measured) == set(GROUPS["head"])
        assert measured["gender"]["n"] <= 8
    assert all(0.2 <= value <= 5 for value in record["temperatures"].values())


def test_weights_that_are_not_what_the_record_says_are_refused(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="cannot read the probe"):
        Probe.load(tmp_path)
    file, record = tmp_path / "probe_body.safetensors", tmp_path / "probe_body.json"
    file.write_bytes((trained[1] / "probe_head.safetensors").read_bytes())
    record.write_text('{"sha256": "other"}')
    with pytest.raises(UserError, match="is not the file that its record names"):
        Probe.load(tmp_path)


@pytest.mark.parametrize("crop", CROPS)
def test_the_shipped_probe_judges_as_its_record_says(crop, tmp_path: Path) -> None:
    probe = Probe.load()
    assert probe.values[crop] == dict(GROUPS[crop])
    for measured in probe.records[crop]["accuracy"].values():
        assert set(measured) == set(GROUPS[crop])
        seen = {group for group, row in measured.items() if row["low"] > row["chance"]}
        # Of the others nothing counts that the probe says; the record says which they are.
        assert seen >= {"skin tone", "hair length", "hair colour", "headwear"}
        assert seen >= ({"upper colour"} if crop == "body" else {"gender", "emotion"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHARD", 16)
        shard = load(list(render(Renders("training", crop, 16, 7), tmp_path)))
    said = probe.judge(shard.pictures, crop)
    alone = probe.judge(shard.pictures[3:4], crop)
    for group, values in GROUPS[crop].items():
        assert said[group].shape == (16, len(values))
        assert np.allclose(said[group].sum(axis=1), 1, atol=1e-5)
        assert np.allclose(alone[group][0], said[group][3], atol=1e-5)
    wanted = [judged(labels, "training", crop)["skin tone"] for labels in shard.labels]
    right = [
        GROUPS[crop]["skin tone"][row.argmax()] == value
        for row, value in zip(said["skin tone"], wanted, strict=True)
    ]
    assert np.mean(right) > 0.4


def test_pictures_of_other_sizes_are_resized_and_what_is_no_picture_is_refused() -> None:
    networks = {crop: training.ProbeNetwork(GROUPS[crop], SIZES[crop][0]) for crop in CROPS}
    records = {crop: {"temperatures": dict.fromkeys(GROUPS[crop], 1.0)} for crop in CROPS}
    probe = Probe(networks, records)
    large = np.zeros((2, 256, 128, 3), dtype=np.uint8)
    small = np.zeros((2, *SIZES["body"], 3), dtype=np.uint8)
    one, other = probe.judge(large, "body"), probe.judge(small, "body")
    assert all(np.array_equal(one[group], other[group]) for group in one)
    assert probe.judge(small[:0], "body")["gender"].shape == (0, 2)
    with pytest.raises(ValueError, match="unknown crop 'foot'"):
        probe.judge(small, "foot")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be uint8"):
        probe.judge(small.astype(np.float32), "body")  # type: ignore[arg-type]

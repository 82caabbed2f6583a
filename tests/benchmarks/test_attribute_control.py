"""The measure of attribute control: 1 for a painter who obeys, 0 for one who does not listen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.attribute_fidelity.labels import GROUPS
from humangenai.attribute_fidelity.training import numbers
from refsd.diffusion import load_checkpoint
from refsd.diffusion.random_weights import write_random_checkpoint
from refsd.training import data
from refsd.training.people import sample_person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

VALUES = GROUPS["body"]


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        import attribute_control  # type: ignore[import-not-found]

        yield attribute_control
    sys.modules.pop("attribute_control", None)


@pytest.fixture(scope="module")
def people() -> list[dict[str, str]]:
    return [dict(sample_person(np.random.default_rng([3, n])).labels) for n in range(300)]


def judge(labels: list[dict[str, str]], right: float, seed: int) -> dict[str, np.ndarray]:
    """Certainties of a judge who is right so often, and otherwise says anything."""
    rng, said = np.random.default_rng(seed), {}
    for group, places in numbers(labels, "training", "body").items():
        count = len(VALUES[group])
        guess = np.where(rng.random(len(places)) < right, places, rng.integers(0, count, 300))
        said[group] = np.eye(count, dtype=np.float32)[np.maximum(guess, 0)]
    return said


def test_a_painter_who_obeys_reaches_what_the_judge_can_see(benchmark, people) -> None:
    _, asked = zip(*(benchmark.prompt_of(labels, "body") for labels in people), strict=True)
    seen = judge(people, 0.8, seed=0)
    pictures = {"refined": seen, "composites": judge(people, 0.0, seed=4), "renders": seen}
    for group, row in benchmark.control(pictures, asked, VALUES).items():
        assert row.control == pytest.approx((1, 1, 1)), group
        assert row.avatar[0] < 0.5
        assert row.shuffled[0] < 0.5
        assert 0.75 < row.ceiling.value < 0.97


def test_half_of_the_way_is_a_half_and_not_listening_is_nothing(benchmark, people) -> None:
    _, asked = zip(*(benchmark.prompt_of(labels, "body") for labels in people), strict=True)
    seen, half, none = (judge(people, right, seed=3) for right in (0.8, 0.4, 0.0))
    pictures = {"refined": half, "composites": none, "renders": seen}
    halves = benchmark.control(pictures, asked, VALUES).values()
    assert np.mean([row.control[0] for row in halves]) == pytest.approx(0.5, abs=0.06)
    covered = [row.avatar[1] <= 0 <= row.avatar[2] for row in halves]
    assert np.mean(covered) > 0.8
    covered = [row.shuffled[1] <= 0 <= row.shuffled[2] for row in halves]
    assert np.mean(covered) > 0.8


def test_a_judge_who_sees_nothing_scores_nobody(benchmark, people) -> None:
    _, asked = zip(*(benchmark.prompt_of(labels, "body") for labels in people), strict=True)
    blind = judge(people, 0.0, seed=1)
    right = judge(people, 1.0, seed=0)
    pictures = {"refined": right, "composites": right, "renders": blind}
    rows = benchmark.control(pictures, asked, VALUES).values()
    assert np.isnan([row.control[0] for row in rows]).mean() > 0.8


@pytest.mark.parametrize("how", ["made", "anew"])
def test_composites_are_refined_and_judged(benchmark, tmp_path: Path, how) -> None:
    """With random weights: everything runs, and nothing of the prompt is seen."""
    folder = write_random_checkpoint(tmp_path / "weights", family="sd15", size="tiny")
    (folder / "refiner.yaml").write_text(
        "name: random\nlicence: ours\nfamily: sd15\nbase: {path: .}\n"
        "controlnet: {path: controlnet}\nsteps: 1\nguidance: 1.0\nsizes: [[64, 64], [128, 64]]\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SHARD", 4)
        rows, sheet, prompts = benchmark.measure(
            load_checkpoint(str(folder)), data.Part("head", 64, 4, 7, composite=how), tmp_path
        )
    assert set(rows) == set(GROUPS["head"])
    assert sheet.shape == (3 * 64, 4 * 64, 3)
    assert len(prompts) == 4


def test_prompts_say_what_is_asked(benchmark, people) -> None:
    for labels in people:
        prompt, asked = benchmark.prompt_of(labels, "head")
        if asked["glasses"] == "sunglasses":
            assert "sunglasses" in prompt.positive
        if "upper colour" in asked:
            assert asked["upper colour"] in prompt.positive
        if asked["make-up"] == "none":
            assert "make-up" not in prompt.positive
        assert asked["gender"] == labels["gender"]

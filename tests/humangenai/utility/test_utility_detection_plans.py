"""What `--track detection` runs: its benchmarks, and one way of prompting."""

from __future__ import annotations

from pathlib import Path

import pytest

from humangenai.commands import Request, evaluation


def test_alone_it_runs_its_benchmark_once_per_method() -> None:
    (plan,) = evaluation(Request(methods=("refsd",), tracks=("detection",)), None)
    assert plan.config.dataset.dataset == "crowd-scenes"
    assert plan.config.dataset.options["preset"] == "small"
    assert plan.config.utility.preset == "small"
    assert plan.config.utility.seeds == 3
    assert plan.config.only_learns
    # Boxes are no words to prompt with: labels cannot be preserved.
    assert [method.method for method in plan.config.methods] == ["refsd"]


def test_the_full_preset_is_that_of_scenes_and_models() -> None:
    request = Request(methods=("maskout",), tracks=("detection",), preset="full")
    (plan,) = evaluation(request, None)
    assert plan.config.dataset.options["preset"] == "full"
    assert plan.config.utility.preset == "full"


@pytest.mark.parametrize("dataset", ["coco", "openimages"])
def test_a_dataset_of_ones_own_is_not_asked_twice(dataset: str) -> None:
    request = Request(methods=("refsd",), dataset=dataset, path=Path("copy"), tracks=("detection",))
    (plan,) = evaluation(request, None)
    assert Path(plan.config.dataset.options["path"]).name == "copy"
    assert plan.config.utility.modes == ("random",)
    assert len(plan.config.methods) == 1

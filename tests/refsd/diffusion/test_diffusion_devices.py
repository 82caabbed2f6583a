"""What is chosen for which machine."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refsd.diffusion import load_checkpoint
from refsd.diffusion.devices import plan_for


@pytest.mark.parametrize(
    ("name", "device", "memory", "dtype", "offload"),
    [
        ("sd15", "cpu", 24, "float32", False),
        ("sd15", "cpu", 8, "bfloat16", False),
        ("sdxl", "cpu", 24, "bfloat16", False),
        ("sdxl", "cpu", 64, "float32", False),
        ("sd15", "cuda", 24, "bfloat16", False),
        ("sdxl", "cuda", 24, "bfloat16", False),
        ("sdxl", "cuda", 12, "bfloat16", True),
    ],
)
def test_precision_and_offload_follow_the_memory(
    name: str, device: str, memory: float, dtype: str, offload: bool
) -> None:
    plan = plan_for(load_checkpoint(name), device, memory, "bfloat16")  # type: ignore[arg-type]
    assert (plan.dtype, plan.offload) == (dtype, offload)


def test_large_cards_take_more_at_once() -> None:
    checkpoint = load_checkpoint("sd15")
    batches = [plan_for(checkpoint, "cuda", memory, "bfloat16").batch for memory in (6, 12, 140)]
    assert batches == sorted(batches)
    assert batches[0] < batches[-1]


@given(st.sampled_from(["sd15", "sdxl"]), st.floats(2, 200))
def test_a_plan_is_plain_data_for_the_record(name: str, memory: float) -> None:
    plan = plan_for(load_checkpoint(name), "cuda", memory, "float16")
    assert plan.batch >= 1
    assert plan.settings() == dataclasses.asdict(plan)
    assert plan.dtype == "float16"


def test_a_dtype_that_is_asked_for_is_kept() -> None:
    checkpoint = load_checkpoint("sd15").model_copy(update={"dtype": "float32"})
    assert plan_for(checkpoint, "cuda", 24, "bfloat16").dtype == "float32"

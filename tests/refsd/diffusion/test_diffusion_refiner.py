"""Refinement with tiny checkpoints: what it may change, on what it depends, what it records."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from refsd.diffusion import CheckpointError
from refsd.diffusion.crops import crop_around, cut
from refsd.diffusion.prompting import Embeddings
from refsd.diffusion.refiner import DiffusionRefiner
from refsd.diffusion.running import Job, Runner
from refsd.prompts import Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from refsd.diffusion import Checkpoint
    from refsd.refinement import Composite

    MakeCheckpoint = Callable[..., Checkpoint]
    MakeComposite = Callable[..., Composite]


pytestmark = pytest.mark.usefixtures("one_thread")


def set_batch(refiner: DiffusionRefiner, batch: int) -> DiffusionRefiner:
    refiner._runner.plan = dataclasses.replace(refiner._runner.plan, batch=batch)
    return refiner


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_seed_gives_the_same_bytes_and_another_gives_others(
    family: str, make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    composite = make_composite()
    # Two refiners: nothing is left over from the first run.
    first, second = (
        DiffusionRefiner(make_checkpoint(family)).refine([composite])[0].image for _ in range(2)
    )
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    other = dataclasses.replace(composite, seed=4)
    changed = DiffusionRefiner(make_checkpoint(family)).refine([other])[0].image
    assert not np.array_equal(first, changed)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_four_at_once_are_four_single_ones(
    family: str, make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    """Within one step of 255: matrix products of another size round otherwise."""
    composite = make_composite(people=4)
    at_once = set_batch(DiffusionRefiner(make_checkpoint(family)), 4).refine([composite])[0]
    single = set_batch(DiffusionRefiner(make_checkpoint(family)), 1).refine([composite])[0]
    difference = np.abs(at_once.image.astype(int) - single.image)
    assert difference.max() <= 1
    assert not np.array_equal(at_once.image, composite.image)


def test_neighbours_change_nothing(
    make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    """Bit for bit: batches are always full, so their sizes do not depend on who else is there."""
    refiner = set_batch(DiffusionRefiner(make_checkpoint()), 4)
    one, many = make_composite(people=1, seed=3), make_composite(people=3, seed=9)
    alone = refiner.refine([one])[0].image
    assert np.array_equal(alone, refiner.refine([many, one])[1].image)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_only_regions_change(
    family: str, make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    composite = make_composite(people=2)
    before = composite.image.copy()
    refined = DiffusionRefiner(make_checkpoint(family)).refine([composite])[0]
    allowed = np.logical_or.reduce(list(composite.regions))
    assert np.array_equal(refined.image[~allowed], before[~allowed])
    assert np.array_equal(composite.image, before)
    for region in composite.regions:
        assert (refined.image[region] != before[region]).mean() > 0.5
    assert refined.flagged == ()


def test_noise_outside_the_crop_does_not_reach_the_person(
    make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    checkpoint, composite = make_checkpoint(), make_composite()
    x0, y0, x1, y1 = crop_around(composite.regions[0], checkpoint.sizes, checkpoint.context).window
    noisy = np.random.default_rng(1).integers(0, 256, composite.image.shape, dtype=np.uint8)
    inside = (slice(max(y0, 0), y1), slice(max(x0, 0), x1))
    noisy[inside] = composite.image[inside]
    refiner = DiffusionRefiner(checkpoint)
    plain = refiner.refine([composite])[0].image
    other = refiner.refine([dataclasses.replace(composite, image=noisy)])[0].image
    assert np.array_equal(plain[inside], other[inside])


def test_the_largest_of_those_who_overlap_lies_on_top(
    make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    composite = make_composite()
    large = np.zeros(composite.image.shape[:2], dtype=np.bool_)
    large[4:92, 10:70] = True
    small = np.zeros_like(large)
    small[30:60, 60:84] = True
    refiner = DiffusionRefiner(make_checkpoint())
    alone = dataclasses.replace(composite, regions=[large])
    both = dataclasses.replace(
        composite, regions=[large, small], prompts=[*composite.prompts, Prompt("another")]
    )
    # Away from the large one's soft edge.
    overlap = (slice(34, 56), slice(61, 67))
    first, second = refiner.refine([alone, both])
    assert np.array_equal(first.image[overlap], second.image[overlap])


def test_edges_are_those_of_the_composite(
    make_checkpoint: MakeCheckpoint,
    make_composite: MakeComposite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Job] = []

    def watch(_: Runner, jobs: Sequence[Job]) -> list[None]:
        seen.extend(jobs)
        return [None] * len(jobs)

    monkeypatch.setattr(Runner, "paint", watch)
    checkpoint, composite = make_checkpoint(canny=[40, 90]), make_composite(people=2)
    DiffusionRefiner(checkpoint).refine([composite])
    for job, region in zip(seen, composite.regions, strict=True):
        crop = cut(composite.image, crop_around(region, checkpoint.sizes, checkpoint.context))
        assert np.array_equal(job.image, crop)
        assert np.array_equal(job.guide, np.dstack([cv2.Canny(crop, 40, 90)] * 3))


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_edges_and_words_count(
    family: str,
    make_checkpoint: MakeCheckpoint,
    make_composite: MakeComposite,
) -> None:
    """A ControlNet's first and last layers are born as zeros: filled here, so that edges count."""
    runner = Runner(make_checkpoint(family), "refine")
    with torch.no_grad():
        controlnet = runner._pipeline.controlnet
        for layer in (
            controlnet.controlnet_cond_embedding.conv_out,
            controlnet.controlnet_mid_block,
        ):
            torch.nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    image = np.ascontiguousarray(make_composite().image[:64, :64])
    black, white = np.zeros_like(image), np.full_like(image, 255)
    plain, edges, words, unwanted = (
        runner.paint([Job(image, guide, Prompt(text, negative), 1)])[0]
        for guide, text, negative in (
            (black, "a man", ""), (white, "a man", ""), (black, "b", ""), (black, "a man", "c"),
        )
    )  # fmt: skip
    assert plain is not None
    for other in (edges, words, unwanted):
        assert other is not None
        assert not np.array_equal(plain, other)


def test_a_text_is_encoded_once(
    make_checkpoint: MakeCheckpoint, make_composite: MakeComposite, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    encode = Embeddings._encode

    def watch(self: Embeddings, positive: str, negative: str) -> dict[str, Any]:
        asked.append((positive, negative))
        return encode(self, positive, negative)

    monkeypatch.setattr(Embeddings, "_encode", watch)
    refiner = DiffusionRefiner(make_checkpoint())
    composite = make_composite(people=2)
    first = refiner.refine([composite])[0].image
    assert np.array_equal(first, refiner.refine([composite])[0].image)
    assert asked == [("person 0", "blurry"), ("person 1", "blurry")]


def set_verdict(folder: Path, threshold: float) -> None:
    """Let the checker refuse everything (-2) or nothing (2): similarities lie in [-1, 1]."""
    (file,) = (folder / "safety_checker").glob("*.safetensors")
    weights = load_file(file)
    weights["concept_embeds_weights"] = torch.full_like(
        weights["concept_embeds_weights"], threshold
    )
    save_file(weights, file, metadata={"format": "pt"})


@pytest.mark.parametrize(("threshold", "refused"), [(-2.0, (0, 1)), (2.0, ())])
def test_what_the_safety_checker_refuses_is_recorded_and_not_shown(
    threshold: float,
    refused: tuple[int, ...],
    guarded: Path,
    make_checkpoint: MakeCheckpoint,
    make_composite: MakeComposite,
) -> None:
    set_verdict(guarded, threshold)
    refiner = DiffusionRefiner(make_checkpoint(folder=guarded, safety_checker=True))
    composite = make_composite(people=2)
    refined = refiner.refine([composite])[0]
    assert refined.flagged == refused
    assert np.array_equal(refined.image, composite.image) == bool(refused)


def test_values_that_are_not_numbers_are_no_black_picture(
    make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    refiner = DiffusionRefiner(make_checkpoint())
    with torch.no_grad():
        refiner._runner._pipeline.vae.decoder.conv_out.bias.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="not numbers"):
        refiner.refine([make_composite()])


def test_settings_say_what_ran_and_where_nothing_lies(
    make_checkpoint: MakeCheckpoint, tiny_checkpoint: Callable[[str, str], Path]
) -> None:
    refiner = DiffusionRefiner(make_checkpoint())
    said = refiner.settings()
    text = json.dumps(said)
    assert str(tiny_checkpoint("sd15", "refine").parent) not in text
    weights = said["weights"]
    assert isinstance(weights, dict)
    assert set(weights) == {"base", "controlnet"}
    assert all(value.startswith("sha256:") for value in weights.values())
    assert {"scheduler", "steps", "strength", "canny", "device", "dtype", "batch"} <= set(said)
    assert refiner.name == "random-sd15"


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_savings_of_memory_change_nothing_but_rounding(
    family: str, make_checkpoint: MakeCheckpoint, make_composite: MakeComposite
) -> None:
    composite = make_composite()
    plain, sparing = (set_batch(DiffusionRefiner(make_checkpoint(family)), 1) for _ in range(2))
    sparing._runner.plan = dataclasses.replace(sparing._runner.plan, slicing=True)
    difference = np.abs(
        plain.refine([composite])[0].image.astype(int) - sparing.refine([composite])[0].image
    )
    assert difference.max() <= 1


def test_nobody_to_refine_needs_no_weights(
    make_composite: MakeComposite, make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    checkpoint = make_checkpoint(base={"path": str(tmp_path / "nowhere")})
    composite = make_composite(people=0)
    refined = DiffusionRefiner(checkpoint).refine([composite])[0]
    assert np.array_equal(refined.image, composite.image)

"""ControlNets for other conditions than edges, beside the finished denoiser; one fills holes.

UNet and text encoder stay as they are; a copy of the UNet's first half learns to read condition
pictures, and is joined to it by convolutions that start at zero (Zhang et al. 2023, section 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from refsd.training.batches import HELD_OUT
from refsd.training.diffusion import make_controlnet
from refsd.training.hardware import DEVICE, reduced
from refsd.training.lessons import make_part
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from diffusers import ControlNetModel

    from refsd.prompts import View
    from refsd.training.diffusion import Trainee
    from refsd.training.lessons import Control, Lesson

VIEWS: Mapping[str, View] = {"body": "full", "head": "face"}
"""What of a person a crop shows."""

TURNS = ("body", "body", "head")
"""Which crop the steps take in turn."""

_RATE = 2e-4
_WARM_UP = 100
_AVERAGE = 0.999


def train(
    parts: Mapping[str, Sequence[Path]],
    trainee: Trainee,
    control: Control,
    folder: Path,
    steps: int,
) -> ControlNetModel:
    """Train a ControlNet, or go on training it.

    Args:
        parts: crop → shards of the pairs, which lie beside their condition pictures.
        trainee: a finished denoiser, see ``export.load_trained``; its ControlNet is replaced.
        control: what the ControlNet shall read.
        folder: of the run.
        steps: of 16 pairs each.

    Returns:
        The averaged ControlNet.

    Raises:
        SetupError: a shard has no condition pictures.
    """
    torch.manual_seed(0)
    trainee.unet.requires_grad_(False)
    trainee.text_encoder.requires_grad_(False)
    trainee.controlnet = model = make_controlnet(trainee.unet).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.01)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    loop = Loop(folder, steps)
    if (state := loop.resume()) is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average = state["average"]
    turns = [crop for crop in TURNS if crop in parts]
    data = {
        crop: make_part(training_shards(shards), control, VIEWS[crop], trainee)
        for crop, shards in parts.items()
    }
    held_out = {
        crop: make_part(shards[-HELD_OUT:], control, VIEWS[crop], trainee)
        for crop, shards in parts.items()
    }
    for step in loop.numbers():
        part = data[turns[step % len(turns)]]
        rng = np.random.default_rng([step, 6])
        loss = _loss(trainee, part.draw(trainee.scheduler, step // len(turns), rng))
        learn(loss, model, optimizer, step)
        follow(average, model, step)
        loop.add(denoising=float(loss.detach()))
        if loop.is_due():
            loop.save_after(
                {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "average": average,
                }
            )
            trained = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(average)
            for crop, some in held_out.items():
                loop.sheet(some.rows(trainee), crop)
            model.load_state_dict(trained)
    model.load_state_dict(average)
    return model


def training_shards(shards: Sequence[Path]) -> Sequence[Path]:
    """All shards but those that are held out."""
    return shards[: max(1, len(shards) - HELD_OUT)]


def learn(
    loss: torch.Tensor, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    """One step down a loss, short at first; the rate is set here, not by the optimizer."""
    for group in optimizer.param_groups:
        group["lr"] = _RATE * min(1.0, (step + 1) / _WARM_UP)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


@torch.no_grad()
def follow(average: Mapping[str, torch.Tensor], model: torch.nn.Module, step: int) -> None:
    """Move an average of weights towards the weights, in place; quickly early on."""
    decay = min(_AVERAGE, (step + 1) / (step + 10))
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - decay)


def _loss(trainee: Trainee, lesson: Lesson) -> torch.Tensor:
    with reduced(), sdpa_kernel(SDPBackend.MATH):  # as the denoiser was trained
        words = trainee.embed(lesson.captions)
        made = trainee.velocity(lesson.noisy, lesson.times, words, lesson.shown)
    counted = lesson.counted.expand_as(lesson.wanted)
    return functional.mse_loss(made.float(), lesson.wanted, weight=counted)

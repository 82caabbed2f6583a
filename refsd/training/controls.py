"""ControlNets for other conditions than edges, beside the finished denoiser.

UNet and text encoder stay as they are; a copy of the UNet's first half learns to read condition
pictures, and is joined to it by convolutions that start at zero (Zhang et al. 2023, section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from refsd.errors import SetupError
from refsd.training.batches import HELD_OUT, Pairs, to_tensor
from refsd.training.captions import caption
from refsd.training.conditions import condition_shard, load_conditions
from refsd.training.diffusion import (
    STARTED,
    STARTED_FROM,
    Encoded,
    make_controlnet,
    noised,
    sample,
)
from refsd.training.hardware import DEVICE, reduced
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from diffusers import ControlNetModel, DDIMScheduler
    from numpy.typing import NDArray

    from refsd.prompts import View
    from refsd.training.conditions import Condition
    from refsd.training.diffusion import Trainee

VIEWS: Mapping[str, View] = {"body": "full", "head": "face"}
"""What of a person a crop shows."""

TURNS = ("body", "body", "head")
"""Which crop the steps take in turn."""

_BATCH = 16
_RATE = 2e-4
_WARM_UP = 100
_AVERAGE = 0.999


class Conditioned:
    """A part of the data with its condition pictures.

    Args:
        shards: of the pairs.
        condition: which pictures.
        view: what of a person the part shows.
        trainee: whose autoencoder makes latents.

    Raises:
        SetupError: a shard has no condition pictures.
    """

    def __init__(
        self, shards: Sequence[Path], condition: Condition, view: View, trainee: Trainee
    ) -> None:
        self.pictures = read_conditions(shards, condition)
        self.latents = Encoded(Pairs(shards), view, trainee.vae)
        self.condition: Condition = condition


def read_conditions(shards: Sequence[Path], condition: Condition) -> NDArray[np.uint8]:
    """The condition pictures of all pairs of some shards, uint8 (N, H, W, 3).

    Raises:
        SetupError: a shard has none.
    """
    files = [condition_shard(path, condition) for path in shards]
    for file in files:
        if not file.exists():
            raise SetupError(
                f"{file} is missing; draw it: python -m refsd.training conditions --folder "
                f"{file.parent.parent} --condition {condition}"
            )
    return np.concatenate([load_conditions(file) for file in files])


def train(
    parts: Mapping[str, Sequence[Path]],
    trainee: Trainee,
    condition: Condition,
    folder: Path,
    steps: int,
) -> ControlNetModel:
    """Train a ControlNet, or go on training it.

    Args:
        parts: crop → shards of the pairs, which lie beside their condition pictures.
        trainee: a finished denoiser, see ``export.load_trained``; its ControlNet is replaced.
        condition: what the ControlNet shall read.
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
        crop: Conditioned(training_shards(shards), condition, VIEWS[crop], trainee)
        for crop, shards in parts.items()
    }
    held_out = {
        crop: Conditioned(shards[-HELD_OUT:], condition, VIEWS[crop], trainee)
        for crop, shards in parts.items()
    }
    for step in loop.numbers():
        part = data[turns[step % len(turns)]]
        loss = _loss(trainee, part, step // len(turns), np.random.default_rng([step, 6]))
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
                loop.sheet(_rows(trainee, some), crop)
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


@dataclass(frozen=True, eq=False)
class Batch:
    """What chance decides of a step.

    Attributes:
        chosen: int64 (N,), places of the pairs in their part.
        mirrored: whether all are seen in a mirror.
        captions: N.
        noise: float32 (N, 4, h, w).
        times: int64 (N,), steps of the noise schedule, spread evenly.
    """

    chosen: NDArray[np.int64]
    mirrored: bool
    captions: list[str]
    noise: torch.Tensor
    times: torch.Tensor


def draw_batch(
    pairs: Pairs, view: View, turn: int, rng: np.random.Generator, *,
    scheduler: DDIMScheduler, shape: tuple[int, ...],
) -> Batch:  # fmt: skip
    """Draw a step's batch.

    Args:
        pairs: from which.
        view: what of a person they show.
        turn: how many steps this part has had.
        rng: all other chance.
        scheduler: of the noise.
        shape: of one picture's latents.
    """
    chosen = pairs.draw(turn, _BATCH)
    mirrored = bool(rng.integers(2))
    captions = [caption(pairs.labels[index], view, rng) for index in chosen]
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn((len(chosen), *shape), generator=generator).to(DEVICE)
    place = (np.arange(len(chosen)) + rng.random()) / len(chosen)
    times = (place * scheduler.config["num_train_timesteps"]).astype(np.int64)
    return Batch(chosen, mirrored, captions, noise, torch.from_numpy(times).to(DEVICE))


def guide(pictures: NDArray[np.uint8], condition: Condition, *, mirrored: bool) -> torch.Tensor:
    """Condition pictures as a ControlNet takes them.

    Args:
        pictures: uint8 (N, H, W, 3).
        condition: what they are.
        mirrored: whether to mirror them: normals that pointed right then point left.

    Returns:
        float32 (N, 3, H, W) in [0, 1].
    """
    shown = (to_tensor(pictures) + 1) / 2
    if mirrored:
        shown = shown.flip(3)
        if condition == "normal":
            shown[:, 0] = 1 - shown[:, 0]
    return shown


def _loss(trainee: Trainee, part: Conditioned, turn: int, rng: np.random.Generator) -> torch.Tensor:
    encoded = part.latents
    batch = draw_batch(
        encoded.pairs, encoded.view, turn, rng,
        scheduler=trainee.scheduler, shape=encoded.targets.shape[2:],
    )  # fmt: skip
    # In a mirror a skeleton's left arm would have the colours of a right one.
    mirrored = batch.mirrored and part.condition != "openpose"
    chosen, times = batch.chosen, batch.times
    target = encoded.targets[chosen, int(mirrored)]
    composite = encoded.composites[chosen, int(mirrored)]
    is_started = torch.from_numpy(rng.random(len(chosen)) < STARTED).to(DEVICE)
    is_started &= times >= STARTED_FROM
    seen = torch.where(is_started.view(-1, 1, 1, 1), composite, target)
    noisy, wanted = noised(trainee.scheduler, seen, target, batch.noise, times)
    shown = guide(part.pictures[chosen], part.condition, mirrored=mirrored)
    with reduced(), sdpa_kernel(SDPBackend.MATH):  # as the denoiser was trained
        made = trainee.velocity(noisy, times, trainee.embed(batch.captions), shown)
    return functional.mse_loss(made.float(), wanted)


def _rows(trainee: Trainee, part: Conditioned, count: int = 10) -> list[NDArray[np.uint8]]:
    """Composites, conditions, what becomes of them as in RefSD and from noise alone, targets."""
    pairs, view = part.latents.pairs, part.latents.view
    rng = np.random.default_rng(1)
    captions = [caption(labels, view, rng) for labels in pairs.labels[:count]]
    shown = guide(part.pictures[:count], part.condition, mirrored=False)
    composites = pairs.composite[:count]
    made = [sample(trainee, captions, shown, composites, strength=some) for some in (0.8, 1.0)]
    return [composites, part.pictures[:count], *made, pairs.target[:count]]

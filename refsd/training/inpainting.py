"""The denoiser of refsd-tiny taught to fill holes, in the layout of Stable Diffusion's inpainting.

The UNet takes nine channels instead of four: the noisy latents, the mask, and the latents of the
picture with its holes in grey (Rombach et al. 2022, appendix D). What is new starts at zero, so
that before the first step it is the UNet that it was made of. The text encoder stays as it is.

Holes are made as ``refsd.diffusion.inpainting`` makes them at inference. Some pictures show an
empty background, described in the words with which RefSD's removal asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from refsd.diffusion.inpainting import CELL, EMPTY
from refsd.rendering.shading import to_srgb
from refsd.training.autoencoder import DOWNSCALE, LATENT_CHANNELS
from refsd.training.batches import HELD_OUT, Pairs, to_images, to_tensor
from refsd.training.captions import caption
from refsd.training.controls import TURNS, VIEWS, draw_batch, follow, learn, training_shards
from refsd.training.data import load_shard
from refsd.training.hardware import DEVICE, reduced
from refsd.training.loop import Loop
from refsd.training.scenes import sample_background

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from refsd.prompts import View
    from refsd.training.diffusion import Trainee

NOBODY = 0.15
"""Share of the pictures that show nobody."""

_KINDS = (0.5, 0.8)
"""Up to the first share of holes are people, up to the second boxes, the rest half pictures."""


class Holed:
    """A part of the data, and where its people are.

    Args:
        shards: of the pairs.
        view: what of a person the part shows.
    """

    def __init__(self, shards: Sequence[Path], view: View) -> None:
        self.pairs = Pairs(shards)
        self.people: NDArray[np.bool_] = np.concatenate([load_shard(path).mask for path in shards])
        self.view: View = view


def make_inpainting_unet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same UNet with nine input channels, of which it does not heed the new ones yet."""
    # Diffusers' pipeline for inpainting reads the size as one number.
    size = max(unet.config["sample_size"])
    wide: UNet2DConditionModel = UNet2DConditionModel.from_config(
        unet.config, in_channels=9, sample_size=size
    )
    weights = unet.state_dict()
    narrow = weights["conv_in.weight"]
    weights["conv_in.weight"] = functional.pad(narrow, (0, 0, 0, 0, 0, 9 - narrow.shape[1]))
    wide.load_state_dict(weights)
    return wide.to(DEVICE, memory_format=torch.channels_last)


def sample_hole(rng: np.random.Generator, person: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Draw what is to be filled: the person, boxes, or half of the picture.

    Args:
        rng: all chance.
        person: bool (H, W), where somebody is; H and W are multiples of ``CELL``.

    Returns:
        bool (H, W), whole cells of ``refsd.diffusion.inpainting.CELL`` pixels, never empty.
    """
    height, width = person.shape
    hole = np.zeros((height, width), dtype=np.bool_)
    kind = rng.random()
    if kind < _KINDS[0]:
        size = 2 * round(rng.uniform(0.01, 0.06) * height) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        hole[cv2.dilate(person.astype(np.uint8), kernel) > 0] = True
    elif kind < _KINDS[1]:
        for _ in range(int(rng.integers(1, 4))):
            tall, wide = rng.uniform(0.15, 0.7, 2) * (height, width)
            top, left = rng.uniform(0, 1, 2) * (height - tall, width - wide)
            hole[int(top) : int(top + tall), int(left) : int(left + wide)] = True
    else:
        axis = int(rng.integers(2))
        middle = int(rng.uniform(0.35, 0.65) * person.shape[axis])
        np.moveaxis(hole, axis, 0)[:middle] = True
        if rng.random() < 0.5:
            np.logical_not(hole, out=hole)
    if not hole.any():  # There is nobody.
        hole[:] = True
    cells = hole.reshape(height // CELL, CELL, width // CELL, CELL).any(axis=(1, 3))
    return np.repeat(np.repeat(cells, CELL, axis=0), CELL, axis=1)


def train(
    parts: Mapping[str, Sequence[Path]], trainee: Trainee, folder: Path, steps: int
) -> UNet2DConditionModel:
    """Train a UNet that fills holes, or go on training it.

    Args:
        parts: crop → shards of the pairs; only their targets are looked at.
        trainee: a finished denoiser, see ``export.load_trained``.
        folder: of the run.
        steps: of 16 pictures each.

    Returns:
        The averaged UNet, of nine input channels.
    """
    torch.manual_seed(0)
    trainee.text_encoder.requires_grad_(False)
    model = make_inpainting_unet(trainee.unet)
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=0.01)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    loop = Loop(folder, steps)
    if (state := loop.resume()) is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average = state["average"]
    data = {crop: Holed(training_shards(some), VIEWS[crop]) for crop, some in parts.items()}
    held_out = {crop: Holed(some[-HELD_OUT:], VIEWS[crop]) for crop, some in parts.items()}
    turns = [crop for crop in TURNS if crop in parts]
    for step in loop.numbers():
        part = data[turns[step % len(turns)]]
        loss = _loss(model, trainee, part, step // len(turns), np.random.default_rng([step, 9]))
        learn(loss, model, optimizer, step)
        follow(average, model, step)
        loop.add(inpainting=float(loss.detach()))
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
                loop.sheet(_rows(model, trainee, some), crop)
            model.load_state_dict(trained)
    model.load_state_dict(average)
    return model


def _loss(
    model: UNet2DConditionModel,
    trainee: Trainee,
    part: Holed,
    turn: int,
    rng: np.random.Generator,
) -> torch.Tensor:
    height, width = part.people.shape[1:]
    shape = (LATENT_CHANNELS, height // DOWNSCALE, width // DOWNSCALE)
    batch = draw_batch(part.pairs, part.view, turn, rng, scheduler=trainee.scheduler, shape=shape)
    pictures, people = part.pairs.target[batch.chosen], part.people[batch.chosen]
    if batch.mirrored:
        pictures, people = pictures[:, :, ::-1].copy(), people[:, :, ::-1].copy()
    captions = list(batch.captions)
    for place in np.flatnonzero(rng.random(len(pictures)) < NOBODY):
        pictures[place] = _empty_picture(rng, height, width)
        captions[place] = EMPTY.positive
    holes = np.stack([sample_hole(rng, person) for person in people])
    target, told = _encode(trainee, pictures, holes)
    noisy = trainee.scheduler.add_noise(target, batch.noise, batch.times)
    wanted = trainee.scheduler.get_velocity(target, batch.noise, batch.times)
    with reduced(), sdpa_kernel(SDPBackend.MATH):  # as the denoiser was trained
        words = trainee.embed(captions)
        made = model(torch.cat([noisy, told], dim=1), batch.times, words).sample
    return functional.mse_loss(made.float(), wanted)


def _empty_picture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    picture = to_srgb(sample_background(rng, height, width)) * 255
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)


@torch.no_grad()
def _encode(
    trainee: Trainee, pictures: NDArray[np.uint8], holes: NDArray[np.bool_]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents (N, 4, h, w) of pictures, and what the UNet is told of them: (N, 5, h, w).

    The mask is 1 in holes. In a picture in [-1, 1] grey is 0.
    """
    scale = float(trainee.vae.config["scaling_factor"])
    mask = torch.from_numpy(holes).to(DEVICE, torch.float32)[:, None]
    images = to_tensor(pictures)
    with reduced():
        encoded = trainee.vae.encode(torch.cat([images, images * (1 - mask)])).latents
    target, masked = (encoded.float() * scale).chunk(2)
    return target, torch.cat([mask[:, :, ::DOWNSCALE, ::DOWNSCALE], masked], dim=1)


@torch.no_grad()
def _rows(
    model: UNet2DConditionModel, trainee: Trainee, part: Holed, count: int = 10
) -> list[NDArray[np.uint8]]:
    """Pictures with holes, what they are filled with under a caption and as empty, and targets."""
    rng = np.random.default_rng(1)
    pictures = part.pairs.target[:count]
    captions = [caption(labels, part.view, rng) for labels in part.pairs.labels[:count]]
    holes = np.stack([sample_hole(rng, person) for person in part.people[:count]])
    grey = np.where(holes[..., None], np.uint8(128), pictures)
    nobody = [EMPTY.positive] * len(pictures)
    filled = [fill(model, trainee, pictures, holes, words) for words in (captions, nobody)]
    return [grey, *filled, pictures]


@torch.no_grad()
def fill(
    model: UNet2DConditionModel, trainee: Trainee, pictures: NDArray[np.uint8],
    holes: NDArray[np.bool_], captions: Sequence[str], *, steps: int = 15, guidance: float = 3.0,
) -> NDArray[np.uint8]:  # fmt: skip
    """Fill holes from noise alone; for looking at while training.

    Args:
        model: of nine input channels.
        trainee: the rest of the checkpoint.
        pictures: uint8 (N, H, W, 3); what is in the holes is not looked at.
        holes: bool (N, H, W), whole cells.
        captions: N.
        steps: of the schedule.
        guidance: classifier-free guidance scale.

    Returns:
        uint8 (N, H, W, 3), as the autoencoder gives them back outside the holes.
    """
    scheduler = trainee.scheduler
    scheduler.set_timesteps(steps)
    target, told = _encode(trainee, pictures, holes)
    latents = torch.randn(target.shape, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    words = torch.cat([trainee.embed([""] * len(captions)), trainee.embed(captions)])
    with reduced():
        for time in scheduler.timesteps:
            both = torch.cat([latents, told], dim=1).repeat(2, 1, 1, 1)
            plain, asked = model(both, time, words).sample.float().chunk(2)
            guided = plain + guidance * (asked - plain)
            latents = scheduler.step(guided, time, latents).prev_sample
        scale = float(trainee.vae.config["scaling_factor"])
        return to_images(trainee.vae.decode(latents / scale).sample.float())

"""The autoencoder of refsd-tiny: pictures to latents a quarter as high and wide, and back.

AutoencoderTiny (TAESD's architecture, Bohan 2023) because it is the only one that is quick on a
processor. No perceptual loss: networks that measure perception were trained on photographs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch.nn import functional

from refsd.training.batches import HELD_OUT, Pairs, to_images, to_tensor
from refsd.training.hardware import DEVICE, reduced
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LATENT_CHANNELS = 8
"""Stable Diffusion has 4. With 4 the eyes and mouths of small heads were gone: what an expression
is, is two pixels high."""

DOWNSCALE = 4
"""Stable Diffusion's is 8, for pictures of 512 pixels."""

_COARSE_CHANNELS = 3
_FINE = 0.6
"""Deviation of the channels that tell what is fine, where those of the coarse picture have 1: so
noise hides fine things before it hides colours and shapes, as it does in pictures, and a denoiser
learns what decides most first."""

_BATCH = 16
_RATE = 1e-3
_LATENT_NOISE = 0.03
"""Noise on latents while training, so that a denoiser's small errors do no harm."""

_COLOUR = 1.5
_WINDOW = 64
"""Pixels: pictures are seen through windows of this size, which is enough for what is local."""


def make_autoencoder() -> AutoencoderTiny:
    """A new one, with random weights."""
    channels = (64,) * 3
    return AutoencoderTiny(
        encoder_block_out_channels=channels,
        decoder_block_out_channels=channels,
        num_encoder_blocks=(1, 1, 2),
        num_decoder_blocks=(2, 1, 1),
        latent_channels=LATENT_CHANNELS,
    )


def reconstruction_loss(made: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Mean absolute error of brightness and colour, and of neighbours' differences at three scales.

    Brightness and colour are those of ITU-R BT.601's Y'CbCr. Colours count :data:`_COLOUR` times:
    otherwise a small autoencoder spends all its latents on edges of brightness and paints every
    green shirt brown.

    Args:
        made: float32 (N, 3, H, W) in about [-1, 1], sRGB.
        real: the same shape.
    """
    made, real = _seen(made), _seen(real)
    loss = functional.l1_loss(made, real)
    for _ in range(3):
        for axis in (2, 3):
            loss = loss + functional.l1_loss(made.diff(dim=axis), real.diff(dim=axis))
        made, real = functional.avg_pool2d(made, 2), functional.avg_pool2d(real, 2)
    return loss


def _seen(images: torch.Tensor) -> torch.Tensor:
    """Brightness and two colours, float32 (N, 3, H, W)."""
    red, green, blue = images.unbind(dim=1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([luma, _COLOUR * (blue - luma), _COLOUR * (red - luma)], dim=1)


def save_autoencoder(model: AutoencoderTiny, out: Path) -> None:
    """Write it as ``AutoencoderTiny.from_pretrained`` reads it.

    Without a key that diffusers derives from the others, and warns of whenever it reads it; and
    without the folder that the model was loaded from, which is nobody's business.
    """
    model.save_pretrained(out)
    file = out / "config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    del config["block_out_channels"]
    config.pop("_name_or_path", None)
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def train(parts: Sequence[Sequence[Path]], folder: Path, steps: int) -> Path:
    """Train, or go on training, and write the autoencoder.

    Args:
        parts: the shards of each part of the data; steps alternate between parts.
        folder: of the run.
        steps: of 16 pictures each.

    Returns:
        The folder that ``AutoencoderTiny.from_pretrained`` reads.
    """
    torch.manual_seed(0)
    model = make_autoencoder().to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=0.0)
    loop = Loop(folder, steps)
    if (state := loop.resume()) is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    data = [Pairs(shards[: max(1, len(shards) - HELD_OUT)]) for shards in parts]
    held_out = [Pairs(shards[-HELD_OUT:]) for shards in parts]
    generator = torch.Generator().manual_seed(loop.step)
    for step in loop.numbers():
        pairs = data[step % len(data)]
        chosen = pairs.draw(step // len(data), _BATCH)
        # Every picture is target or composite; both must come through.
        some = pairs.target if step // len(data) % 3 else pairs.composite
        real = to_tensor(_windows(some[chosen], step)).to(memory_format=torch.channels_last)
        if step % 2:
            real = real.flip(3)
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, steps)
        with reduced():
            latents = model.encode(real).latents
            noise = torch.randn(latents.shape, generator=generator).to(DEVICE)
            made = model.decode(latents + _LATENT_NOISE * noise).sample
        loss = reconstruction_loss(made.float(), real)
        # Latents as large as they shall be, around zero.
        size = latents.float()
        spread = (size.mean(dim=(0, 2, 3)) ** 2).mean() + (
            (size.std(dim=(0, 2, 3)) - _deviations()) ** 2
        ).mean()
        start = functional.mse_loss(size[:, :_COARSE_CHANNELS], _coarse(real))
        (loss + 0.05 * spread + _led(step / steps) * start).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loop.add(reconstruction=float(loss.detach()), spread=float(spread.detach()))
        if loop.is_due():
            loop.save_after({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
            for number, pairs in enumerate(held_out):
                loop.sheet(_rows(model, pairs), f"part{number}")
    model.register_to_config(scaling_factor=1 / _deviation(model, data))
    save_autoencoder(model, folder / "vae")
    return folder / "vae"


def _deviations() -> torch.Tensor:
    """float32 (channels,), how large latents shall be."""
    fine = LATENT_CHANNELS - _COARSE_CHANNELS
    return torch.tensor([1.0] * _COARSE_CHANNELS + [_FINE] * fine, device=DEVICE)


def _coarse(images: torch.Tensor) -> torch.Tensor:
    """Brightness and two colours in latent resolution, each about as large as a normal deviate."""
    small = functional.avg_pool2d(_seen(images), DOWNSCALE)
    return small * small.new_tensor([2.0, 3.0, 3.0]).view(1, 3, 1, 1)


def _led(share: float) -> float:
    """How much latents are led to be a coarse picture: at first all, soon hardly.

    Left alone, an autoencoder of this size starts with edges and stays without colours for
    thousands of steps; and a denoiser finds latents easier that look like pictures.
    """
    return max(0.0, 1 - share / 0.15)


def _windows(images: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng([step, 5])
    height, width = images.shape[1:3]
    rows = rng.integers(0, height - _WINDOW + 1, len(images))
    columns = rng.integers(0, width - _WINDOW + 1, len(images))
    return np.stack(
        [
            image[row : row + _WINDOW, column : column + _WINDOW]
            for image, row, column in zip(images, rows, columns, strict=True)
        ]
    )


def _rate(step: int, steps: int) -> float:
    """Up within 100 steps, then down along a cosine to a twentieth."""
    import math

    share = step / max(1, steps)
    return (
        _RATE * min(1.0, (step + 1) / 100) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))
    )


@torch.no_grad()
def _rows(model: AutoencoderTiny, pairs: Pairs) -> list:  # type: ignore[type-arg]
    real = to_tensor(pairs.target[:12])
    return [pairs.target[:12], to_images(model.decode(model.encode(real).latents).sample)]


@torch.no_grad()
def _deviation(model: AutoencoderTiny, data: Sequence[Pairs]) -> float:
    """Of the coarse channels."""
    latents = [
        model.encode(to_tensor(pairs.target[:256])).latents[:, :_COARSE_CHANNELS].flatten()
        for pairs in data
    ]
    return float(torch.cat(latents).std())

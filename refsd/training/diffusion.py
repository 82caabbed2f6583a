"""The denoiser of refsd-tiny: UNet and Canny ControlNet, trained together.

The text encoder has learnt to read before (:mod:`refsd.training.reading`) and stays as it is.
Stable Diffusion's ControlNets were trained after the UNet was frozen (Zhang et al. 2023, section
3.3). Here both start from nothing and learn in the same steps; edges are withheld as often as
``EDGES_WITHHELD`` says, so that the UNet alone still paints people. The result is the ordinary
folder of diffusers: ``unet``, ``text_encoder``, ``tokenizer``, ``vae``, ``scheduler``,
``controlnet``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import (
    AutoencoderTiny,
    ControlNetModel,
    DDIMScheduler,
    DDPMScheduler,
    UNet2DConditionModel,
)
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from refsd.refinement import canny
from refsd.training.autoencoder import LATENT_CHANNELS
from refsd.training.batches import HELD_OUT, Pairs, to_images, to_tensor
from refsd.training.captions import caption
from refsd.training.convolutions import quicken
from refsd.training.hardware import DEVICE, reduced
from refsd.training.loop import Loop
from refsd.training.text import WIDTH, kept_tokenizer, make_text_encoder, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from transformers import CLIPTextModel, CLIPTokenizer

    from refsd.prompts import View

EDGES_WITHHELD = 0.5
"""In this share of the steps there are no edges, and no ControlNet: the UNet alone paints."""

_STARTED = 0.85
"""So often the noisy picture is the composite's instead of the target's, as it is when RefSD starts
image-to-image; the denoiser learns to take the place from it and the person from the words."""

_STARTED_FROM = 100
"""Steps of the schedule below which that is never done: nothing of the composite is left there."""

_WHOLE = 0.7
"""In this share of those the composite is all that is seen; in the others it is mixed with the
target, as it is after the first steps of sampling."""

_LARGEST = 2.0
"""How much the error of the clean picture counts at most where a composite was seen: that of the
velocity grows beyond all bounds where there is little noise, and what captions leave open would
outweigh all else."""

_MOST = (0.95, 450)
"""This share of the samples has less noise than this step of the schedule's: where refinement
starts, and goes on. The rest is only seen at strengths above 0.5."""

_PERSON = 3.0
"""By how much more it counts what happens where target and composite differ: there is the person,
whom words change; elsewhere edges and composite say all."""

_BATCH = {"full": 24, "half": 24, "face": 28}
"""By view; bodies have more pixels than heads."""

_COARSE = 0.4
"""In this share of the steps pictures are half as high and wide, and batches two and a half times
as large: words are learnt faster there, and details are for later."""

_RATE = 4e-4
_SHEET_EVERY = 500
_AVERAGE = 0.999
"""Decay of the average of weights that is kept (Karras et al. 2024 discuss why)."""


def make_unet() -> UNet2DConditionModel:
    """A UNet for latents of 32 x 16 and 20 x 20, with random weights.

    Its first level is narrow and has no attention: that many places, so little to know of each.
    What the caption says as a whole comes in beside the step, too (``addition_embed_type``, as
    DeepFloyd's IF has it): every level then knows it from the start, where attention has to learn
    first which place shall ask for which word.
    """
    return UNet2DConditionModel(
        sample_size=(32, 16),
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        layers_per_block=1,
        block_out_channels=(64, 128, 256),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=16,
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        addition_embed_type="text",
    )


def make_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet beside that UNet; its edges are four times as large as latents."""
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32, 64))


def make_scheduler() -> DDIMScheduler:
    """The cosine schedule (Nichol and Dhariwal 2021), with v-prediction (Salimans and Ho 2022).

    Stable Diffusion's schedule is for latents of 64 x 64, where many places tell the same. In
    latents a third as high it hides everything halfway: a strength of 0.5 left nothing of a face.
    """
    return DDIMScheduler(
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


class Trainee:
    """All that is trained, and what it is trained with.

    Args:
        vae: the autoencoder's folder.
        tokenizer: where the run keeps its tokenizer.
    """

    def __init__(self, vae: Path, tokenizer: Path) -> None:
        self.vae = AutoencoderTiny.from_pretrained(vae).to(DEVICE).eval().requires_grad_(False)
        self.tokenizer: CLIPTokenizer = kept_tokenizer(tokenizer)
        self.text_encoder: CLIPTextModel = make_text_encoder(self.tokenizer, WIDTH)
        self.unet = make_unet()
        self.controlnet = make_controlnet(self.unet)
        for model in self.models().values():
            model.to(DEVICE)
        # How processors and tensor cores like pictures.
        for model in (self.unet, self.controlnet, self.vae):
            model.to(memory_format=torch.channels_last)
        self.scheduler = make_scheduler()

    def models(self) -> dict[str, torch.nn.Module]:
        """What is trained, by the names of its folders."""
        return {
            "unet": self.unet, "controlnet": self.controlnet, "text_encoder": self.text_encoder,
        }  # fmt: skip

    def embed(self, captions: Sequence[str]) -> torch.Tensor:
        """float32 (N, 77, WIDTH)."""
        read = tokens(self.tokenizer, captions)
        embedded: torch.Tensor = self.text_encoder(read)[0]
        return embedded

    def velocity(
        self, noisy: torch.Tensor, times: torch.Tensor, embedded: torch.Tensor,
        edges: torch.Tensor | None,
    ) -> torch.Tensor:  # fmt: skip
        """What the denoiser says: float32 like ``noisy``.

        Args:
            noisy: float32 (N, C, h, w), latents.
            times: int64 (N,), steps of the schedule.
            embedded: of :meth:`embed`.
            edges: float32 (N, 3, 4 h, 4 w) in [0, 1]; None: the UNet alone.
        """
        down, middle = None, None
        if edges is not None:
            down, middle = self.controlnet(
                noisy, times, embedded, controlnet_cond=edges, return_dict=False
            )
        made: torch.Tensor = self.unet(
            noisy, times, embedded, down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample  # fmt: skip
        return made


class Encoded:
    """A part of the data, as the denoiser sees it.

    Args:
        pairs: the pictures.
        view: how much of the person they show.
        vae: the trained autoencoder.
        shrink: by how much pictures are made smaller.
        mirrors: whether mirror images are seen too.

    Attributes:
        pairs: labels, and which samples a step sees.
        view: how much of the person is seen.
        batch: samples of a step.
        targets, composites: float32 (N, M, C, h, w), scaled latents of the pictures and, if
            wanted, of their mirror images (M is 1 or 2).
        weights: float32 (N, M, 1, h, w), how much each place counts.
    """

    def __init__(
        self, pairs: Pairs, view: View, vae: AutoencoderTiny, shrink: int = 1, *,
        mirrors: bool = True,
    ) -> None:  # fmt: skip
        self.pairs = pairs
        self.view: View = view
        self.batch = _BATCH[view] * (5 if shrink > 1 else 2) // 2
        self._drawn = shrunk(pairs.composite, shrink)
        self.targets = encode(vae, shrunk(pairs.target, shrink), mirrors=mirrors)
        self.composites = encode(vae, self._drawn, mirrors=mirrors)
        self.weights = weights(self.targets, self.composites)

    def edges(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> torch.Tensor:
        """float32 (N, 3, H, W) in [0, 1]: Canny of the composites, at varying thresholds."""
        low = rng.integers(60, 140, len(chosen))
        found = [canny(self._drawn[i], int(at), int(2 * at)) for i, at in
                 zip(chosen, low, strict=True)]  # fmt: skip
        return (to_tensor(np.stack(found)) + 1) / 2


def weights(targets: torch.Tensor, composites: torch.Tensor) -> torch.Tensor:
    """How much each place counts: more where the person is.

    Args:
        targets: float32 (N, M, C, h, w), scaled latents.
        composites: the same of the composites.

    Returns:
        float32 (N, M, 1, h, w); the mean of each picture is 1.
    """
    differ = ((targets - composites).abs().mean(2) > _DIFFERENT).float()
    near = functional.max_pool2d(differ, 3, stride=1, padding=1)
    counted = (1 + _PERSON * near).unsqueeze(2)
    return counted / counted.mean((3, 4), keepdim=True)


_DIFFERENT = 0.3
"""Mean difference of latents, whose standard deviation is 1, that light alone does not make."""


def shrunk(pictures: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3), averaged over squares of ``by`` pixels."""
    if by == 1:
        return pictures
    count, height, width, _ = pictures.shape
    squares = pictures.reshape(count, height // by, by, width // by, by, 3)
    return np.asarray(np.rint(squares.mean(axis=(2, 4), dtype=np.float32)), dtype=np.uint8)


@torch.no_grad()
def encode(
    vae: AutoencoderTiny, pictures: NDArray[np.uint8], *, mirrors: bool = True
) -> torch.Tensor:
    """Scaled latents of pictures uint8 (N, H, W, 3).

    Returns:
        (N, M, C, h, w): of the pictures and, if ``mirrors``, of their mirror images.
    """
    scale = float(vae.config["scaling_factor"])
    encoded = []
    with reduced():
        for start in range(0, len(pictures), 64):
            images = to_tensor(pictures[start : start + 64])
            images = images.contiguous(memory_format=torch.channels_last)
            views = (images, images.flip(3)) if mirrors else (images,)
            both = [vae.encode(some).latents.float() * scale for some in views]
            encoded.append(torch.stack(both, dim=1))
    return torch.cat(encoded)


def train(
    parts: Mapping[str, Sequence[Path]], vae: Path, reader: Path, folder: Path, steps: int
) -> None:
    """Train, or go on training.

    Args:
        parts: ``body`` and ``head`` → their shards, in turn.
        vae: the autoencoder's folder.
        reader: the text encoder's weights, of :func:`refsd.training.reading.train`.
        folder: of the run; the averaged weights are in ``average.pt`` there.
        steps: of 24 bodies or 28 heads each, of more while pictures are small.
    """
    torch.manual_seed(0)
    trainee = Trainee(vae, folder / "tokenizer")
    trainee.text_encoder.load_state_dict(torch.load(reader, map_location=DEVICE, weights_only=True))
    trainee.text_encoder.requires_grad_(False)
    if DEVICE.type == "cpu":
        quicken(trainee.unet)
        quicken(trainee.controlnet)
    models = trainee.models()
    parameters = [p for model in models.values() for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, _RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    loop = Loop(folder, steps)
    warm_from = 0
    average = {
        name: {k: v.clone() for k, v in m.state_dict().items()} for name, m in models.items()
    }
    if (state := loop.resume()) is not None:
        for name, model in models.items():
            model.load_state_dict(state[name])
        if "optimizer" in state:
            optimizer.load_state_dict(state["optimizer"])
        else:  # unpacked from a checkpoint
            warm_from = loop.step
        average = state["average"]
    # The same tensors, as lists: the average is updated in one call.
    pairs_of_weights = [
        (average[name][key], value) for name, model in models.items() if name != "text_encoder"
        for key, value in model.state_dict().items() if value.is_floating_point()
    ]  # fmt: skip
    averaged, current = (list(some) for some in zip(*pairs_of_weights, strict=True))
    views: dict[str, View] = {"body": "full", "head": "face"}
    pairs = {
        crop: Pairs(shards[: max(1, len(shards) - HELD_OUT)]) for crop, shards in parts.items()
    }
    data: dict[str, Encoded] = {}
    shrink = 0
    held_out = {crop: Pairs(shards[-HELD_OUT:]) for crop, shards in parts.items()}
    turns = [crop for crop in ("body", "head") if crop in pairs]
    for step in loop.numbers():
        rng = np.random.default_rng([step, 4])
        wanted = 2 if step < _COARSE * steps else 1
        if wanted != shrink:
            shrink = wanted
            data = {
                # To encode mirror images of large pictures would take minutes.
                crop: Encoded(some, views[crop], trainee.vae, shrink, mirrors=shrink > 1)
                for crop, some in pairs.items()
            }
        part = data[turns[step % len(turns)]]
        loss = _loss(trainee, part, step // len(turns), rng)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1 - warm_from) / 300) * _cooled(step / steps)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        # Early on the average follows quickly.
        decay = min(_AVERAGE, (step + 1) / (step + 10))
        torch._foreach_lerp_(averaged, current, 1 - decay)
        loop.add(denoising=float(loss.detach()))
        if loop.is_due():
            loop.save_after({name: model.state_dict() for name, model in models.items()} | {
                "optimizer": optimizer.state_dict(), "average": average})  # fmt: skip
        if (step + 1) % _SHEET_EVERY == 0 or step + 1 == steps:
            for crop, some in held_out.items():
                _sheet(
                    trainee,
                    average,
                    some,
                    views[crop],
                    folder / f"sheet-{crop}-{step + 1:06d}.png",
                )


def _loss(trainee: Trainee, part: Encoded, turn: int, rng: np.random.Generator) -> torch.Tensor:
    chosen = part.pairs.draw(turn, part.batch)
    count = len(chosen)
    mirrored = int(rng.integers(part.targets.shape[1]))
    latents = part.targets[chosen, mirrored]
    edges = None
    if rng.random() >= EDGES_WITHHELD:
        edges = part.edges(chosen, rng)
        edges = edges.flip(3) if mirrored else edges
    captions = [caption(part.pairs.labels[i], part.view, rng) for i in chosen]
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(latents.shape, generator=generator).to(DEVICE)
    # Evenly within the batch, for less noise in the loss.
    place = (np.arange(count) + rng.random()) / count
    last = trainee.scheduler.config["num_train_timesteps"]
    steps = np.interp(place, [0, _MOST[0], 1], [0, _MOST[1], last]).astype(np.int64)
    times = torch.from_numpy(steps).to(DEVICE)
    composites = part.composites[chosen, mirrored]
    seen, bounded = start(trainee.scheduler, latents, composites, times, rng)
    noisy, wanted = noised(trainee.scheduler, seen, latents, noise, times)
    with reduced():
        words = trainee.embed(captions)
        # Plain attention: with so few tokens the fused one takes longer on its way back.
        with sdpa_kernel(SDPBackend.MATH):
            made = trainee.velocity(noisy, times, words, edges)
    counted = part.weights[chosen, mirrored] * bounded
    return functional.mse_loss(made.float(), wanted, weight=counted.expand_as(wanted))


def start(
    scheduler: DDIMScheduler,
    target: torch.Tensor,
    composite: torch.Tensor,
    times: torch.Tensor,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the noise is added to: targets, composites, or mixtures of both.

    Args:
        scheduler: of the noise.
        target: float32 (N, C, h, w), what shall come out.
        composite: the same of the composites.
        times: int64 (N,), steps of the schedule.
        rng: all chance.

    Returns:
        float32 (N, C, h, w), and float32 (N, 1, 1, 1), how much an error of the velocity counts.
    """
    count = len(target)
    started = (rng.random(count) < _STARTED) & (times.cpu().numpy() >= _STARTED_FROM)
    share = torch.from_numpy(started * np.maximum(rng.random(count), rng.random(count) < _WHOLE))
    share = share.to(target.device, torch.float32).view(-1, 1, 1, 1)
    return torch.lerp(target, composite, share), _bounded(scheduler, times, share)


def _bounded(
    scheduler: DDIMScheduler, times: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:  # fmt: skip
    """How much samples count: 1, and less where a composite was seen through little noise.

    An error of the velocity is one of the clean picture divided by √(1 − ᾱ).
    """
    noise = 1 - scheduler.alphas_cumprod.to(times.device)[times].view(-1, 1, 1, 1)
    return torch.where(share > 0, (_LARGEST * noise).clamp(max=1.0), torch.ones_like(noise))


def noised(
    scheduler: DDIMScheduler,
    seen: torch.Tensor,
    target: torch.Tensor,
    noise: torch.Tensor,
    times: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A noisy picture, and the velocity that leads from it to the target.

    Args:
        scheduler: of the noise.
        seen: float32 (N, C, h, w), what the noise is added to: the target, or a composite.
        target: float32 (N, C, h, w), what shall come out.
        noise: float32 (N, C, h, w).
        times: int64 (N,), steps of the schedule.

    Returns:
        The noisy latents, and v = √ᾱ ε − √(1 − ᾱ) x₀ (Salimans and Ho 2022, appendix D) with the
        noise ε that would have made them of the target.
    """
    noisy = scheduler.add_noise(seen, noise, times)
    kept = scheduler.alphas_cumprod.to(times.device)[times].view(-1, 1, 1, 1)
    implied = (noisy - kept.sqrt() * target) / (1 - kept).sqrt()
    return noisy, scheduler.get_velocity(target, implied, times)


def _cooled(share: float) -> float:
    """Level for two thirds, then down along a cosine to a twentieth."""
    late = max(0.0, (share - 2 / 3) * 3)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * late))


@torch.no_grad()
def _sheet(
    trainee: Trainee, average: dict[str, dict[str, torch.Tensor]], pairs: Pairs, view: View,
    path: Path,
) -> None:  # fmt: skip
    """Composites, edges, what becomes of them as in RefSD and from noise alone, and targets."""
    from refsd.images import save_png

    models = trainee.models()
    kept = {name: {k: v.clone() for k, v in m.state_dict().items()} for name, m in models.items()}
    for name, model in models.items():
        model.load_state_dict(average[name])
    rng = np.random.default_rng(1)
    count = 10
    captions = [caption(pairs.labels[i], view, rng) for i in range(count)]
    composites = pairs.composite[:count]
    edges = np.stack([canny(picture) for picture in composites])
    shown = (to_tensor(edges) + 1) / 2
    made = [sample(trainee, captions, shown, composites, strength=some) for some in (0.4, 0.6)]
    rows = [composites, edges, *made, pairs.target[:count]]
    save_png(path, np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))
    for name, model in models.items():
        model.load_state_dict(kept[name])


@torch.no_grad()
def sample(
    trainee: Trainee, captions: Sequence[str], edges: torch.Tensor, composites: NDArray[np.uint8],
    *, strength: float, steps: int = 10, guidance: float = 2.0,
) -> NDArray[np.uint8]:  # fmt: skip
    """Refine composites under captions; for looking at while training.

    By ancestral sampling (Ho et al. 2020, algorithm 2): what is left of the composite in the noise
    fades by half and more in every step. DDIM would keep it, and show it at the end; the sampler of
    consistency models drops it at once, but with it the noise that details are made of, which
    leaves pictures of a plain denoiser soft.

    Args:
        trainee: what has been learnt so far.
        captions: N.
        edges: float32 (N, 3, H, W) in [0, 1].
        composites: uint8 (N, H, W, 3).
        strength: share of the steps that run, as in diffusers' image-to-image.
        steps: of the schedule.
        guidance: classifier-free guidance scale.

    Returns:
        uint8 (N, H, W, 3).
    """
    scheduler = DDPMScheduler.from_config(trainee.scheduler.config)
    scheduler.set_timesteps(steps)
    times = scheduler.timesteps[steps - round(steps * strength) :]
    start = encode(trainee.vae, composites, mirrors=False)[:, 0]
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(start.shape, generator=generator).to(DEVICE)
    latents = scheduler.add_noise(start, noise, times[:1])
    words = torch.cat([trainee.embed([""] * len(captions)), trainee.embed(captions)])
    with reduced():
        for time in times:
            both = torch.cat([latents, latents])
            now = torch.full((len(both),), int(time), device=DEVICE)
            said = trainee.velocity(both, now, words, torch.cat([edges, edges])).float()
            plain, asked = said.chunk(2)
            guided = plain + guidance * (asked - plain)
            latents = scheduler.step(guided, time, latents, generator=generator).prev_sample
        scale = float(trainee.vae.config["scaling_factor"])
        return to_images(trainee.vae.decode(latents / scale).sample.float())

"""What ControlNets learn from, step by step: condition pictures of the pairs, or holes in them.

Most condition pictures lie beside the pairs. Those with holes are made here: the picture that shall
come out, -1 where it is to be filled, as ``refsd.diffusion.inpainting`` shows it at inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from refsd.diffusion.inpainting import EMPTY
from refsd.diffusion.running import with_holes
from refsd.errors import SetupError
from refsd.training.batches import Pairs, to_tensor
from refsd.training.captions import caption
from refsd.training.conditions import Condition, condition_shard, load_conditions
from refsd.training.data import load_shard
from refsd.training.diffusion import Encoded, encode, noised, sample, start
from refsd.training.hardware import DEVICE
from refsd.training.inpainting import NOBODY, sample_empty, sample_hole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from diffusers import DDIMScheduler
    from numpy.typing import NDArray

    from refsd.prompts import View
    from refsd.training.diffusion import Trainee

Control = Literal[Condition, "inpaint"]
"""What a ControlNet can read: a condition drawn beside the pairs, or pictures with holes."""

_BATCH = 16


def make_part(
    shards: Sequence[Path], control: Control, view: View, trainee: Trainee
) -> Conditioned | Holed:
    """A part of the data as a ControlNet learns from it.

    Raises:
        SetupError: a shard has no condition pictures.
    """
    if control == "inpaint":
        return Holed(shards, view, trainee)
    return Conditioned(shards, control, view, trainee)


@dataclass(frozen=True, eq=False)
class Lesson:
    """A step's pictures and words.

    Attributes:
        noisy: float32 (N, C, h, w), latents.
        times: int64 (N,), how noisy, in steps of the schedule.
        wanted: float32 (N, C, h, w), the velocity that leads to what shall come out.
        counted: float32 (N, 1, 1, 1), how much an error of the velocity counts.
        captions: N.
        shown: float32 (N, 3, H, W), condition pictures, in [0, 1]; -1 in holes.
    """

    noisy: torch.Tensor
    times: torch.Tensor
    wanted: torch.Tensor
    counted: torch.Tensor
    captions: Sequence[str]
    shown: torch.Tensor


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

    def draw(self, scheduler: DDIMScheduler, turn: int, rng: np.random.Generator) -> Lesson:
        """The lesson of a step.

        Args:
            scheduler: of the noise.
            turn: how many steps this part has had.
            rng: all chance.
        """
        encoded = self.latents
        batch = draw_batch(
            encoded.pairs, encoded.view, turn, rng,
            scheduler=scheduler, shape=encoded.targets.shape[2:],
        )  # fmt: skip
        # In a mirror a skeleton's left arm would have the colours of a right one.
        mirrored = batch.mirrored and self.condition != "openpose"
        chosen, times = batch.chosen, batch.times
        target = encoded.targets[chosen, int(mirrored)]
        composite = encoded.composites[chosen, int(mirrored)]
        seen, counted = start(scheduler, target, composite, times, rng)
        noisy, wanted = noised(scheduler, seen, target, batch.noise, times)
        shown = guide(self.pictures[chosen], self.condition, mirrored=mirrored)
        return Lesson(noisy, times, wanted, counted, batch.captions, shown)

    def rows(self, trainee: Trainee, count: int = 10) -> list[NDArray[np.uint8]]:
        """Composites, conditions, what becomes of them as in RefSD and from noise, targets."""
        pairs, view = self.latents.pairs, self.latents.view
        rng = np.random.default_rng(1)
        captions = [caption(labels, view, rng) for labels in pairs.labels[:count]]
        shown = guide(self.pictures[:count], self.condition, mirrored=False)
        composites = pairs.composite[:count]
        made = [sample(trainee, captions, shown, composites, strength=some) for some in (0.8, 1.0)]
        return [composites, self.pictures[:count], *made, pairs.target[:count]]


class Holed:
    """A part of the data whose pictures get holes; only the targets are looked at.

    Args:
        shards: of the pairs.
        view: what of a person the part shows.
        trainee: whose autoencoder makes latents.
    """

    def __init__(self, shards: Sequence[Path], view: View, trainee: Trainee) -> None:
        self.pairs = Pairs(shards)
        self.people: NDArray[np.bool_] = np.concatenate([load_shard(path).mask for path in shards])
        self.view: View = view
        self._vae = trainee.vae
        self._targets = encode(trainee.vae, self.pairs.target)

    def draw(self, scheduler: DDIMScheduler, turn: int, rng: np.random.Generator) -> Lesson:
        """The lesson of a step, as :meth:`Conditioned.draw` makes it; some of it shows nobody."""
        batch = draw_batch(
            self.pairs, self.view, turn, rng, scheduler=scheduler, shape=self._targets.shape[2:]
        )
        chosen, mirrored = batch.chosen, int(batch.mirrored)
        pictures, captions = self.pairs.target[chosen], list(batch.captions)
        target = self._targets[chosen, mirrored]
        empty = np.flatnonzero(rng.random(len(chosen)) < NOBODY)
        for place in empty:
            pictures[place] = sample_empty(rng, *pictures.shape[1:3])
            captions[place] = EMPTY.positive
        if len(empty):
            target[empty] = encode(self._vae, pictures[empty])[:, mirrored]
        holes = np.stack([sample_hole(rng, person) for person in self.people[chosen]])
        shown = show_holes(pictures, holes)
        noisy, wanted = noised(scheduler, target, target, batch.noise, batch.times)
        counted = torch.ones(len(chosen), 1, 1, 1, device=DEVICE)
        shown = shown.flip(3) if mirrored else shown
        return Lesson(noisy, batch.times, wanted, counted, captions, shown)

    def rows(self, trainee: Trainee, count: int = 10) -> list[NDArray[np.uint8]]:
        """Pictures with holes, what they become under a caption and as empty, targets."""
        rng = np.random.default_rng(1)
        pictures = self.pairs.target[:count]
        captions = [caption(labels, self.view, rng) for labels in self.pairs.labels[:count]]
        holes = np.stack([sample_hole(rng, person) for person in self.people[:count]])
        shown = show_holes(pictures, holes)
        grey = np.where(holes[..., None], np.uint8(128), pictures)
        nobody = [EMPTY.positive] * len(pictures)
        made = [sample(trainee, words, shown, grey, strength=1.0) for words in (captions, nobody)]
        return [grey, *made, pictures]


def show_holes(pictures: NDArray[np.uint8], holes: NDArray[np.bool_]) -> torch.Tensor:
    """Pictures with holes as the ControlNet takes them.

    Args:
        pictures: uint8 (N, H, W, 3).
        holes: bool (N, H, W).

    Returns:
        float32 (N, 3, H, W) in [0, 1]; -1 in holes.
    """
    return with_holes((to_tensor(pictures) + 1) / 2, torch.from_numpy(holes).to(DEVICE)[:, None])


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


@dataclass(frozen=True, eq=False)
class Batch:
    """What chance decides of a step.

    Attributes:
        chosen: int64 (N,), places of the pairs in their part.
        mirrored: whether all are seen in a mirror.
        captions: N.
        noise: float32 (N, C, h, w).
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

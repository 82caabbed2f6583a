"""Trains classifiers: the same few lines for all of them.

Whatever is drawn by lot comes from the seed and the number of the update, so that a training that
was killed goes on from its last state to the same weights as if nothing had happened (on a CPU
with as many threads).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from humangenai.config import digest
from humangenai.store import atomic
from humangenai.updates import batch, schedule
from humangenai.utility.classification.network import Classifier, predict
from humangenai.utility.classification.scores import UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from humangenai.utility.classification.pictures import Examples
    from humangenai.utility.classification.recipes import Recipe

STATE_EVERY = 25
"""Updates between two states on the disk."""


@dataclass(frozen=True, eq=False)
class Job:
    """One training: all that its weights depend on.

    Attributes:
        recipe: which model, and how.
        classes: how many each task has.
        examples: what it learns from.
        content: hash of them (``Examples.content_hash``).
        seed: of weights, batches and augmentation.
        start: the training whose weights it starts from; None: its own.
    """

    recipe: Recipe
    classes: tuple[int, ...]
    examples: Examples
    content: str
    seed: int
    start: Job | None = None

    def key(self) -> str:
        """Changes with anything the weights depend on."""
        return digest(
            [
                self.recipe.settings(),
                self.classes,
                self.content,
                self.seed,
                None if self.start is None else self.start.key(),
            ]
        )


def predictions(
    job: Job, test: Examples, folder: Path, advance: Callable[[int], None] = lambda _: None
) -> NDArray[np.int64]:
    """What a trained model says of the test pictures; trained only if nobody did that before.

    Args:
        job: what to train.
        test: the pictures to be told; their labels are not looked at.
        folder: for weights, states and predictions; made if missing.
        advance: told of every update that is done, also of those that were done before.

    Returns:
        int64 (tasks, N).
    """
    if (before := said_before(job, test, folder)) is not None:
        advance(job.recipe.updates)
        return before
    weights = train(job, folder, advance)
    network = _build(job)
    network.load_state_dict(torch.load(weights, map_location=_device(), weights_only=True))
    found = predict(network, test.pictures)
    with atomic(_said(job, test, folder)) as draft, draft.open("wb") as file:
        np.save(file, found)
    return found


def said_before(job: Job, test: Examples, folder: Path) -> NDArray[np.int64] | None:
    """What :func:`predictions` found before; None: nobody asked yet."""
    said = _said(job, test, folder)
    return np.asarray(np.load(said, allow_pickle=False), dtype=np.int64) if said.is_file() else None


def _said(job: Job, test: Examples, folder: Path) -> Path:
    return folder / f"{digest([job.key(), test.content_hash()])}.said.npy"


def train(job: Job, folder: Path, advance: Callable[[int], None] = lambda _: None) -> Path:
    """Train, or find the weights that were trained before.

    Args:
        job: what to train.
        folder: for weights and states, by the job's key; made if missing.
        advance: told of every update.

    Returns:
        The file with the weights.

    Raises:
        ValueError: there is nothing to learn from.
    """
    if not len(job.examples):
        raise ValueError("there is no picture to learn from")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, updates = job.key(), job.recipe.updates
    done, state = folder / f"{key}.weights", folder / f"{key}.state"
    if done.is_file():
        advance(updates)
        return done
    start = None if job.start is None else train(job.start, folder)
    run = _Run(job, start)
    first = run.resume(state)
    advance(first)
    for update in range(first, updates):
        run.update(update)
        if (update + 1) % STATE_EVERY == 0 and update + 1 < updates:
            run.save(state, update + 1)
        advance(1)
    with atomic(done) as draft:
        torch.save(run.network.state_dict(), draft)
    state.unlink(missing_ok=True)
    return done


def forget_weights(job: Job, folder: Path) -> None:
    """Delete the weights of a job; what its model said is kept."""
    (folder / f"{job.key()}.weights").unlink(missing_ok=True)


class _Run:
    """A training under way."""

    def __init__(self, job: Job, start: Path | None) -> None:
        self._job, self._device = job, _device()
        self.network = _build(job)
        if start is not None:
            loaded = torch.load(start, map_location=self._device, weights_only=True)
            self.network.load_state_dict(loaded)
        self._optimiser = torch.optim.AdamW(
            self.network.parameters(),
            lr=job.recipe.learning_rate,
            weight_decay=job.recipe.weight_decay,
            fused=True,
        )

    def update(self, number: int) -> None:
        """Learn from one batch."""
        job, recipe = self._job, self._job.recipe
        for group in self._optimiser.param_groups:
            share = schedule(number / recipe.updates, recipe.warm_up, least=0.02)
            group["lr"] = recipe.learning_rate * share
        chosen = batch(len(job.examples), recipe.batch, job.seed, number)
        pictures = torch.from_numpy(job.examples.pictures[chosen]).to(self._device)
        chance = torch.Generator().manual_seed(int(np.random.default_rng(
            [job.seed, number, 1]).integers(2**62)))  # fmt: skip
        images = augment(pictures.permute(0, 3, 1, 2).float() / 255, chance)
        labels = torch.from_numpy(job.examples.labels[chosen]).to(self._device)
        self.network.train()
        with torch.autocast("cuda", torch.bfloat16, enabled=self._device == "cuda"):
            said = self.network(images)
        losses = [
            functional.cross_entropy(logits.float(), wanted, ignore_index=UNLABELLED)
            for logits, wanted in zip(said, labels.unbind(dim=1), strict=True)
            if (wanted != UNLABELLED).any()
        ]
        if not losses:
            return
        self._optimiser.zero_grad()
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()

    def save(self, path: Path, updates: int) -> None:
        """Write down all that the rest of the training depends on, whole or not at all."""
        state = {
            "updates": updates,
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        with atomic(path) as draft:
            torch.save(state, draft)

    def resume(self, path: Path) -> int:
        """Go on from a state, if there is one; how many updates are done."""
        if not path.is_file():
            return 0
        state: dict[str, Any] = torch.load(path, map_location=self._device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        return int(state["updates"])


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _build(job: Job) -> Classifier:
    """The network with its first weights, which come from the seed and from nothing else."""
    with torch.random.fork_rng():
        torch.manual_seed(job.seed)
        return Classifier(job.recipe, job.classes).to(_device())


def augment(images: Tensor, chance: torch.Generator) -> Tensor:
    """Pictures as another camera might have taken them.

    Half of them mirrored; moved by up to 8 %, scaled and turned a little; brightness, contrast and
    colour cast changed a little, since skin and hair are judged by colour too.

    Args:
        images: float (N, 3, H, W) in [0, 1].
        chance: all of it, on the CPU.
    """
    number, device = len(images), images.device

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=chance) - 1

    angle, scale = 0.17 * drawn(number), 1 + 0.12 * drawn(number)
    flip = torch.where(drawn(number) < 0, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    moved = 0.16 * drawn(number, 2)
    rows = [
        torch.stack([flip * cos, -sin, moved[:, 0]], dim=1),
        torch.stack([flip * sin, cos, moved[:, 1]], dim=1),
    ]
    grid = functional.affine_grid(
        torch.stack(rows, dim=1).to(device), list(images.shape), align_corners=False
    )
    turned = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    gain = (1 + 0.2 * drawn(number, 1, 1, 1)) * (1 + 0.06 * drawn(number, 3, 1, 1))
    middle = turned.mean(dim=(1, 2, 3), keepdim=True)
    contrast = (1 + 0.2 * drawn(number, 1, 1, 1)).to(device)
    return ((turned - middle) * contrast + middle).mul(gain.to(device)).clamp(0, 1)

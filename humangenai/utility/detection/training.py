"""Trains detectors: the same few lines for all of them.

Whatever is drawn by lot comes from the seed and the number of the update, so that a training that
was killed goes on from its last checkpoint to the same weights as if nothing had happened (on a
CPU with as many threads). Precision and several GPUs are accelerate's business.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from humangenai.config import digest
from humangenai.store import atomic
from humangenai.updates import batch, schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from humangenai.utility.detection.detector import Detector
    from humangenai.utility.detection.pictures import Pictures
    from humangenai.utility.detection.scores import Detections

CHECKPOINT_EVERY = 50
"""Updates between two checkpoints."""

AT_ONCE = 16
"""Pictures that are searched together."""

_VERSION = 1
"""Counts up when trainings give other weights than before."""


@dataclass(frozen=True, eq=False)
class Job:
    """One training: what a cached result must have been made from.

    Attributes:
        detector: what is trained.
        pictures: what it learns from.
        content: hash of them (``Pictures.content_hash``).
        categories: how many there are.
        seed: of weights, batches and augmentation.
        start: the job whose weights it starts from; None: from scratch.
    """

    detector: Detector
    pictures: Pictures
    content: str
    categories: int
    seed: int
    start: Job | None = None

    def key(self) -> str:
        """Changes with anything the weights depend on."""
        return digest(
            [
                _VERSION,
                self.detector.name,
                dict(self.detector.settings()),
                self.content,
                self.categories,
                self.seed,
                None if self.start is None else self.start.key(),
            ]
        )


def train(job: Job, folder: Path, advance: Callable[[int], None] = lambda _: None) -> Path:
    """Train, or find the weights that were trained before.

    Args:
        job: what to train.
        folder: for weights and checkpoints, by the job's key; made if missing.
        advance: told of every update that is done, also of those found in a checkpoint.

    Returns:
        The file with the weights.

    Raises:
        ValueError: there is no picture to learn from.
    """
    recipe, key = job.detector.recipe, job.key()
    done, checkpoint = folder / f"{key}.weights", folder / f"{key}.checkpoint"
    if done.is_file():
        advance(recipe.updates)
        return done
    if not len(job.pictures):
        raise ValueError("there is no picture to learn from")
    folder.mkdir(parents=True, exist_ok=True)
    start = None if job.start is None else train(job.start, folder)
    run = _Run(job, start)
    first = run.resume(checkpoint)
    advance(first)
    for update in range(first, recipe.updates):
        run.update(update)
        if (update + 1) % CHECKPOINT_EVERY == 0 and update + 1 < recipe.updates:
            run.save(checkpoint, update + 1)
        advance(1)
    run.finish(done, checkpoint)
    return done


def detect(job: Job, weights: Path, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
    """What a trained detector finds, in the pixels of each picture.

    Args:
        job: what was trained.
        weights: of :func:`train`.
        images: uint8 (H, W, 3) each.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = _build(job)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.to(device).eval()
    found: list[Detections] = []
    for first in range(0, len(images), AT_ONCE):
        found += job.detector.detect(network, images[first : first + AT_ONCE], device)
    return found


def _build(job: Job) -> nn.Module:
    # The caller's own stream of random numbers stays as it is.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        return job.detector.build(job.categories)


class _Run:
    """Network and optimizer of one training."""

    def __init__(self, job: Job, start: Path | None) -> None:
        from accelerate import Accelerator

        recipe = job.detector.recipe
        self._job = job
        self._recipe = recipe
        self._accelerator = Accelerator(mixed_precision=recipe.precision)
        network = _build(job)
        if start is not None:
            network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True))
        network.train()
        optimizer = torch.optim.AdamW(
            [one for one in network.parameters() if one.requires_grad],
            recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self._network, self._optimizer = self._accelerator.prepare(network, optimizer)

    def update(self, number: int) -> None:
        """One step of the optimizer."""
        recipe, job = self._recipe, self._job
        for group in self._optimizer.param_groups:
            share = schedule(number / recipe.updates, recipe.warm_up, least=0.01)
            group["lr"] = recipe.learning_rate * share
        mine = batch(len(job.pictures), recipe.batch, job.seed, number).tolist()
        mine = mine[self._accelerator.process_index :: self._accelerator.num_processes]
        images = [job.pictures.images[at] for at in mine]
        truth = [job.pictures.truth[at] for at in mine]
        with torch.random.fork_rng():
            torch.manual_seed(_lot(job.seed, number, self._accelerator.process_index))
            with self._accelerator.autocast():
                loss: Tensor = job.detector.loss(
                    self._network, images, truth, str(self._accelerator.device)
                )
            self._optimizer.zero_grad(set_to_none=True)
            self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._network.parameters(), recipe.clip)
        self._optimizer.step()

    def resume(self, checkpoint: Path) -> int:
        """Take up a checkpoint; returns how many updates are done."""
        if not checkpoint.is_file():
            return 0
        state: Mapping[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        self._accelerator.unwrap_model(self._network).load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        return int(state["updates"])

    def save(self, checkpoint: Path, updates: int) -> None:
        """Write a checkpoint, whole or not at all."""
        self._write(
            checkpoint,
            {
                "network": self._state(),
                "optimizer": self._optimizer.state_dict(),
                "updates": updates,
            },
        )

    def finish(self, path: Path, checkpoint: Path) -> None:
        """Write the weights, and take away the checkpoint."""
        self._write(path, self._state())
        if self._accelerator.is_main_process:
            checkpoint.unlink(missing_ok=True)
        self._accelerator.wait_for_everyone()
        self._accelerator.free_memory()

    def _state(self) -> dict[str, Tensor]:
        network = self._accelerator.unwrap_model(self._network)
        return {name: value.cpu() for name, value in network.state_dict().items()}

    def _write(self, path: Path, state: Mapping[str, Any]) -> None:
        if self._accelerator.is_main_process:
            with atomic(path) as temporary:
                torch.save(state, temporary)


def _lot(seed: int, update: int, process: int) -> int:
    """63 bits of one update."""
    said = hashlib.sha256(f"{seed} {update} {process}".encode()).digest()
    return int.from_bytes(said[:8], "big") >> 1

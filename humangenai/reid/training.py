"""Trains the re-identification attacker: ``python -m humangenai.reid.training``.

OSNet learns crowd's training identities from scratch: softmax with label smoothing (Szegedy et al.,
CVPR 2016) plus the batch-hard triplet loss (Hermans et al., "In Defense of the Triplet Loss", 2017)
on features of unit length, batches of P people with K pictures each, AdamW with a short warm-up and
a cosine to zero. The pictures of some identities are held out: how well their people are found
again is logged and recorded.

Test identities, their cameras' placement of them and their clothes are never seen in training.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save as to_safetensors
from torch.nn import functional

from humangenai.reid.osnet import Preprocessing, build_osnet, embed, resize, to_input
from humangenai.reid.ranking import rank
from humangenai.store import atomic_write
from refsd.cache import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Labelled pictures.

    Attributes:
        name: e.g. ``crowd``; the weights are called after it.
        pictures: uint8 (N, H, W, 3), sRGB.
        pids: int (N,), person ids, any numbers.
        camids: int (N,).
    """

    name: str
    pictures: NDArray[np.uint8]
    pids: NDArray[np.int64]
    camids: NDArray[np.int64]

    @classmethod
    def collect(
        cls,
        name: str,
        pictures: Sequence[NDArray[np.uint8]],
        pids: NDArray[np.int64],
        camids: NDArray[np.int64],
        preprocessing: Preprocessing,
    ) -> TrainingData:
        """Resize pictures of any sizes to the network's and put them into one array."""
        size = (preprocessing.height, preprocessing.width)
        stacked = np.stack([resize(picture, *size) for picture in pictures])
        return cls(name, stacked, pids, camids)

    def content_hash(self) -> str:
        """sha256 over pictures and labels."""
        digest = hashlib.sha256(repr((self.name, self.pictures.shape)).encode())
        for array in (self.pictures, self.pids, self.camids):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Settings:
    """What the result depends on, beside the data.

    Attributes:
        architecture: see :func:`humangenai.reid.osnet.build_osnet`.
        preprocessing: input size; embeddings are compared at unit length.
        seed: of the weights, the batches and the augmentation.
        minutes: wall-clock budget; the learning rate follows the share of it that is used up.
        epochs: if given, train exactly so many instead (repeatable on any machine).
        people: people in a batch.
        shots: pictures of each.
        learning_rate: at its highest.
        weight_decay: of AdamW.
        warm_up: share of the training in which the learning rate rises.
        held_out: share of the identities that is held out.
        validate_every: epochs between two looks at the held-out identities.
    """

    architecture: str = "osnet_x0_5"
    preprocessing: Preprocessing = field(
        default_factory=lambda: Preprocessing(height=160, width=80, normalise=True)
    )
    seed: int = 0
    minutes: float = 60.0
    epochs: int | None = None
    people: int = 16
    shots: int = 4
    learning_rate: float = 1.5e-3
    weight_decay: float = 5e-4
    warm_up: float = 0.04
    held_out: float = 0.1
    validate_every: int = 5


def train(
    data: TrainingData,
    settings: Settings,
    folder: Path,
    log: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train, and write ``osnet_<data.name>.safetensors`` and its ``.json`` record.

    A checkpoint is written after every epoch. Called again with the same data and settings, an
    interrupted training goes on from there.

    Args:
        data: the pictures, of the size that ``settings.preprocessing`` names.
        settings: see :class:`Settings`.
        folder: for checkpoint and result; made if missing.
        log: gets one line per epoch.

    Returns:
        The weights' path.

    Raises:
        ValueError: fewer identities than a batch needs, one camera only, or pictures of another
            size.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    learn, held_out = _split(data, settings)
    run = _Run(learn, settings)
    checkpoint = folder / f"osnet_{data.name}.checkpoint"
    identity = hashlib.sha256((data.content_hash() + repr(asdict(settings))).encode()).hexdigest()
    epoch, before = run.resume(checkpoint, identity)
    precision = run.choose_precision()
    log(
        f"{settings.architecture} {learn.pictures.shape[1]} x {learn.pictures.shape[2]}, "
        f"{len(learn.pids)} pictures of {run.classes} people, {precision}, "
        f"{torch.get_num_threads()} threads" + (f", resumed after epoch {epoch}" if epoch else "")
    )

    def progress(step: int) -> float:
        if settings.epochs is not None:
            return (epoch + step / run.steps) / settings.epochs
        return (before + time.monotonic() - started) / (60 * settings.minutes)

    while progress(0) < 1:
        losses = run.epoch(epoch, progress)
        epoch += 1
        seconds = before + time.monotonic() - started
        run.save(checkpoint, identity, epoch, seconds)
        line = f"epoch {epoch}: loss {losses.mean():.3f}, {seconds / 60:.1f} min"
        if epoch % settings.validate_every == 0 and progress(0) < 1:
            line += ", held out: " + _in_words(validate(run.network, held_out, settings))
        log(line)

    scores = validate(run.network, held_out, settings)
    log(f"held out: {_in_words(scores)}")
    state = {
        name: value.contiguous()
        for name, value in run.network.state_dict().items()
        if not name.startswith("classifier.")
    }
    weights = to_safetensors(state)
    record = {
        "name": data.name,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "trained_on": f"{data.name} train split, {run.classes} identities",
        "preprocessing": asdict(settings.preprocessing),
        "settings": {
            name: value for name, value in asdict(settings).items() if name != "preprocessing"
        },
        "data": {
            "sha256": data.content_hash(),
            "pictures": len(learn.pids),
            "identities": run.classes,
            "cameras": int(np.unique(data.camids).size),
            "held_out_pictures": len(held_out.pids),
            "held_out_identities": int(np.unique(held_out.pids).size),
        },
        "held_out": scores,
        "epochs": epoch,
        "minutes": round((before + time.monotonic() - started) / 60, 1),
        "precision": precision,
        "hardware": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "torch", "torchreid")},
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = folder / f"osnet_{data.name}.safetensors"
    atomic_write(path, weights)
    atomic_write(path.with_suffix(".json"), (json.dumps(record, indent=2) + "\n").encode())
    checkpoint.unlink(missing_ok=True)
    return path


def validate(network: nn.Module, data: TrainingData, settings: Settings) -> dict[str, float]:
    """R@1, R@5, R@10 and mAP of every picture against all those of other cameras or people."""
    was_training = network.training
    network.eval()
    rows = embed(network, data.pictures, settings.preprocessing)
    network.train(was_training)
    ranking = rank(
        rows,
        rows,
        query_pids=data.pids,
        gallery_pids=data.pids,
        query_camids=data.camids,
        gallery_camids=data.camids,
    )
    return {
        metric: round(float(np.nanmean(values)), 4) for metric, values in ranking.values.items()
    }


def augment(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Vary a batch as other cameras, lights and detectors would.

    Mirrored (half of them), shifted, scaled and rotated a little; colour cast, brightness,
    contrast, saturation and gamma changed a little; a random rectangle erased in three of ten
    (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020). The training pictures themselves
    show everybody in the light of every camera, so little more is needed; three times as much of
    it slowed learning down severalfold.

    Args:
        pictures: uint8 (N, 3, H, W).
        generator: of all randomness.

    Returns:
        float32 (N, 3, H, W) in [0, 1].
    """
    n, _, height, width = pictures.shape

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    affine = torch.zeros(n, 2, 3)
    angle = uniform(-0.05, 0.05)  # radians
    aspect = width / height
    flip = 1 - 2 * (torch.rand(n, generator=generator) < 0.5).float()
    affine[:, 0, 0] = flip * uniform(0.9, 1.08) * angle.cos()
    affine[:, 0, 1] = -angle.sin() / aspect
    affine[:, 1, 0] = angle.sin() * aspect
    affine[:, 1, 1] = uniform(0.9, 1.08) * angle.cos()
    affine[:, :, 2] = uniform(-0.07, 0.07, 2)
    grid = functional.affine_grid(affine, [n, 3, height, width], align_corners=False)
    image = functional.grid_sample(
        pictures.float() / 255, grid, padding_mode="border", align_corners=False
    )

    image = image * uniform(0.92, 1.09, 3, 1, 1)  # colour cast
    image = image * uniform(0.85, 1.18, 1, 1, 1)  # brightness
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    image = mean + (image - mean) * uniform(0.85, 1.15, 1, 1, 1)  # contrast
    grey = image.mean(dim=1, keepdim=True)
    image = grey + (image - grey) * uniform(0.8, 1.2, 1, 1, 1)  # saturation
    image = image.clamp(1e-4, 1)
    image = image ** uniform(0.87, 1.15, 1, 1, 1)  # gamma

    rows, columns = torch.arange(height).view(1, 1, -1, 1), torch.arange(width).view(1, 1, 1, -1)
    tall, wide = uniform(0.1, 0.35, 1, 1, 1) * height, uniform(0.15, 0.5, 1, 1, 1) * width
    top = uniform(0, 1, 1, 1, 1) * (height - tall)
    left = uniform(0, 1, 1, 1, 1) * (width - wide)
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return torch.where(
        inside & (torch.rand(n, 1, 1, 1, generator=generator) < 0.3), uniform(0, 1, 3, 1, 1), image
    )


def batch_hard_triplet_loss(features: Tensor, labels: Tensor, margin: float = 0.3) -> Tensor:
    """The mean over a batch of max(0, margin + farthest positive - nearest negative).

    Args:
        features: float (N, D); compared at unit length by Euclidean distance.
        labels: int (N,).
        margin: in units of that distance (at most 2).
    """
    unit = functional.normalize(features)
    distances = (2 - 2 * unit @ unit.T).clamp(min=1e-6).sqrt()
    same = labels[:, None] == labels[None, :]
    farthest = distances.masked_fill(~same, 0).amax(dim=1)
    nearest = distances.masked_fill(same, 2).amin(dim=1)
    return functional.relu(margin + farthest - nearest).mean()


def batches(
    labels: NDArray[np.int64], people: int, shots: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """One epoch of batches: as many pictures as there are, ``people`` x ``shots`` at a time.

    Every person comes up equally often (as nearly as batches allow); a person with fewer pictures
    than ``shots`` is shown some of them twice.

    Args:
        labels: int (N,), 0 … number of people - 1.
        people: different people in a batch.
        shots: pictures of each.
        rng: of the order.

    Yields:
        int64 (people * shots,) places in ``labels``.
    """
    order = np.argsort(labels, kind="stable")
    places = np.split(order, np.cumsum(np.bincount(labels))[:-1])
    queue: list[int] = []
    for _ in range(max(1, len(labels) // (people * shots))):
        if len(queue) < people:
            waiting = set(queue)
            queue += [int(i) for i in rng.permutation(len(places)) if int(i) not in waiting]
        chosen, queue = queue[:people], queue[people:]
        yield np.concatenate(
            [rng.choice(places[i], shots, replace=len(places[i]) < shots) for i in chosen]
        )


class _Run:
    """Network, optimizer and data of one training."""

    def __init__(self, data: TrainingData, settings: Settings) -> None:
        self._settings = settings
        self._pictures = torch.from_numpy(data.pictures).permute(0, 3, 1, 2)
        names, labels = np.unique(data.pids, return_inverse=True)
        self.classes = int(names.size)
        self._labels = labels.reshape(-1).astype(np.int64)
        self.steps = max(1, len(labels) // (settings.people * settings.shots))
        torch.manual_seed(settings.seed)
        self.network = build_osnet(settings.architecture, self.classes)
        self.network.to(memory_format=torch.channels_last).train()
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._bfloat16 = False

    def epoch(self, number: int, progress: Callable[[int], float]) -> NDArray[np.float64]:
        """One epoch, or what is left of the time: the loss of each step."""
        settings = self._settings
        # Randomness comes from the epoch's number, so that a resumed training is the same one.
        rng = np.random.default_rng([settings.seed, number])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        losses: list[float] = []
        for step, chosen in enumerate(batches(self._labels, settings.people, settings.shots, rng)):
            done = progress(step)
            if done >= 1 and losses:
                break
            for group in self._optimizer.param_groups:
                group["lr"] = settings.learning_rate * schedule(done, settings.warm_up)
            losses.append(self._step(chosen, generator))
        return np.array(losses)

    def choose_precision(self) -> str:
        """Time a step in float32 and in bfloat16 on this machine, and take the faster."""
        state = {name: value.clone() for name, value in self.network.state_dict().items()}
        seconds = {}
        pictures = to_input(
            self._pictures[: self._settings.people * self._settings.shots].float() / 255,
            self._settings.preprocessing,
        )
        for self._bfloat16 in (False, True):
            times = []
            for _ in range(3):
                start = time.monotonic()
                self._forward(pictures)[0].sum().backward()  # type: ignore[no-untyped-call]
                times.append(time.monotonic() - start)
            seconds[self._bfloat16] = min(times)
        self.network.zero_grad()
        self.network.load_state_dict(state)  # the running means of batch normalisation moved
        self._bfloat16 = seconds[True] < seconds[False]
        return "bfloat16" if self._bfloat16 else "float32"

    def save(self, path: Path, identity: str, epoch: int, seconds: float) -> None:
        """Write a checkpoint, whole or not at all."""
        buffer = io.BytesIO()
        state = {
            "identity": identity,
            "epoch": epoch,
            "seconds": seconds,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        torch.save(state, buffer)
        atomic_write(path, buffer.getvalue())

    def resume(self, path: Path, identity: str) -> tuple[int, float]:
        """Load a checkpoint of the same data and settings: epochs done and seconds used."""
        if not path.exists():
            return 0, 0.0
        state: dict[str, Any] = torch.load(path, weights_only=True)
        if state["identity"] != identity:
            return 0, 0.0
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        return int(state["epoch"]), float(state["seconds"])

    def _step(self, chosen: NDArray[np.int64], generator: torch.Generator) -> float:
        pictures = augment(self._pictures[chosen], generator)
        labels = torch.from_numpy(self._labels[chosen])
        logits, features = self._forward(to_input(pictures, self._settings.preprocessing))
        loss = functional.cross_entropy(logits, labels, label_smoothing=0.1)
        loss = loss + batch_hard_triplet_loss(features, labels)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return float(loss.detach())

    def _forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            logits, features = self.network(pictures)
        return logits.float(), features.float()


def schedule(progress: float, warm_up: float) -> float:
    """The learning rate's factor: linear from 0 to 1, then a half cosine to 0.

    >>> [round(schedule(p, 0.1), 3) for p in (0.05, 0.1, 0.55, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if progress < warm_up:
        return progress / warm_up
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - warm_up) / (1 - warm_up))))


def _split(data: TrainingData, settings: Settings) -> tuple[TrainingData, TrainingData]:
    """Pictures to learn from, and those of the held-out identities."""
    size = (settings.preprocessing.height, settings.preprocessing.width)
    if data.pictures.shape[1:3] != size:
        raise ValueError(f"pictures are {data.pictures.shape[1:3]} pixels, the settings say {size}")
    if np.unique(data.camids).size < 2:
        raise ValueError("pictures of one camera only: nobody can be found again in another")
    names = np.unique(data.pids)
    count = max(2, round(settings.held_out * names.size))
    if names.size - count < settings.people:
        raise ValueError(
            f"{names.size} identities are too few: {count} are held out, a batch has "
            f"{settings.people}"
        )
    chosen = np.random.default_rng(settings.seed).choice(names, count, replace=False)
    out = np.isin(data.pids, chosen)
    parts = [
        TrainingData(data.name, data.pictures[part], data.pids[part], data.camids[part])
        for part in (~out, out)
    ]
    return parts[0], parts[1]


def _in_words(scores: dict[str, float]) -> str:
    return ", ".join(f"{metric} {100 * value:.1f}" for metric, value in scores.items())


def train_on_crowd(
    folder: Path,
    settings: Settings | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Path:
    """Train on crowd's training split (rendered first, if the cache does not hold it).

    Args:
        folder: for checkpoint and result.
        settings: default: :class:`Settings`' own.
        log: gets one line per epoch.

    Returns:
        The weights' path, to be given to ``OSNetEmbedder.load``.
    """
    from humangenai.datasets import crowd

    chosen = settings or Settings()
    dataset = crowd.load(crowd.Options(preset="full"))
    items = dataset.train_items()
    data = TrainingData.collect(
        "crowd",
        [dataset.image(item) for item in items],
        np.array([item.pid for item in items], np.int64),
        np.array([item.camid for item in items], np.int64),
        chosen.preprocessing,
    )
    return train(data, chosen, folder, log)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of ``python -m humangenai.reid.training``."""
    parser = argparse.ArgumentParser(
        prog="python -m humangenai.reid.training",
        description="Train the re-identification attacker on crowd's training identities.",
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="time budget (default: 60)")
    parser.add_argument("--epochs", type=int, help="train exactly so many epochs instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: torch's own choice")
    parser.add_argument(
        "--out", type=Path, help="folder for checkpoint and weights (default: in the cache)"
    )
    chosen = parser.parse_args(arguments)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    settings = Settings(seed=chosen.seed, minutes=chosen.minutes, epochs=chosen.epochs)

    def log(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    path = train_on_crowd(chosen.out or cache_dir() / "reid-training", settings, log)
    log(f"wrote {path.name} and its record")


if __name__ == "__main__":
    main()

"""Trains the attribute probe: ``python -m humangenai.attribute_fidelity.training``.

    python -m humangenai.attribute_fidelity.training data --folder DIR --crop body
    python -m humangenai.attribute_fidelity.training fit --folder DIR --crop body --out DIR

Cross-entropy over every group that a render shows, rare values weighing as much as frequent ones;
AdamW with a short warm-up and a cosine to zero. Pictures are softened, shrunk, compressed and made
noisy at random, since what a diffusion model paints is softer than a render. Afterwards each
group's confidence is calibrated by one temperature (Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017) on one half of the held-out renders, and accuracy is measured on the other
half, and on renders of the family that refsd-tiny learned from: its ceiling.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from safetensors.torch import save as to_safetensors
from torch.nn import functional

from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.data import DATA_VERSION, SIZES, Renders, load, render
from humangenai.attribute_fidelity.labels import GROUPS, judged
from humangenai.attribute_fidelity.probe import ProbeNetwork, logits
from humangenai.provenance import hardware
from humangenai.store import atomic_write
from humangenai.updates import schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from humangenai.attribute_fidelity.data import Crop, Labelled
    from refsd.wardrobe import Family

MISSING = -100
"""Label number of a group that a picture does not show; cross-entropy skips it."""


@dataclass(frozen=True)
class Settings:
    """What the result depends on, beside the data.

    Attributes:
        seed: of the weights, the order and the augmentation.
        epochs: so often every picture is seen.
        batch: pictures in a step.
        learning_rate: at its highest.
        weight_decay: of AdamW.
        warm_up: share of the steps in which the learning rate rises.
    """

    seed: int = 0
    epochs: int = 40
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.05


def parts(crop: Crop, pictures: int) -> dict[str, Renders]:
    """The renders of a crop: to learn from, held out, and of the family of the training data."""
    return {
        "held out": Renders("probe", crop, 512, seed=1),
        "ceiling": Renders("training", crop, 512, seed=7),
        "learned": Renders("probe", crop, pictures, seed=0),
    }


def numbers(
    labels: Sequence[Mapping[str, str]], family: Family, crop: Crop
) -> dict[str, NDArray[np.int64]]:
    """Group → int64 (N,), the place of each picture's value, or ``MISSING``."""
    rows = [judged(row, family, crop) for row in labels]
    return {
        group: np.array([values.index(row[group]) if group in row else MISSING for row in rows])
        for group, values in GROUPS[crop].items()
    }


def augment(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A picture as another camera, a codec or a diffusion model might have made it.

    Mirrored, moved, and scaled by up to a tenth; at random shrunk and enlarged, blurred, made
    noisy, compressed as JPEG; exposure and colour cast hardly change, for colours are judged.

    Args:
        picture: uint8 (H, W, 3), sRGB.
        rng: all chance.
    """
    height, width = picture.shape[:2]
    scale, flip = rng.uniform(0.9, 1.1), 1 if rng.random() < 0.5 else -1
    across = width / 2 * (1 - scale * flip) + rng.uniform(-0.06, 0.06) * width
    down = height / 2 * (1 - scale) + rng.uniform(-0.04, 0.04) * height
    matrix = np.array([[scale * flip, 0, across], [0, scale, down]])
    changed = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.3:
        share = rng.uniform(0.6, 0.95)
        small = (max(8, round(width * share)), max(8, round(height * share)))
        shrunk = cv2.resize(changed, small, interpolation=cv2.INTER_AREA)
        changed = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        changed = cv2.GaussianBlur(changed, (0, 0), rng.uniform(0.2, 1.0))
    light = changed * (rng.uniform(0.92, 1.08) * (1 + rng.normal(0, 0.015, 3)))
    if rng.random() < 0.4:
        light = light + rng.normal(0, rng.uniform(1, 8), picture.shape)
    changed = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))]
        _, coded = cv2.imencode(".jpg", np.ascontiguousarray(changed[..., ::-1]), quality)
        decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if decoded is not None:
            changed = np.asarray(decoded[..., ::-1], dtype=np.uint8)
    return np.asarray(changed, dtype=np.uint8)


def weights_of(targets: NDArray[np.int64], values: int) -> Tensor:
    """Weights (values,) under which every value of a group counts the same; their mean is 1."""
    counts = np.bincount(targets[targets != MISSING], minlength=values).astype(np.float64)
    inverse = np.where(counts > 0, 1 / np.maximum(counts, 1), 0)
    return torch.tensor(inverse / inverse[counts > 0].mean(), dtype=torch.float32)


def fit(data: Labelled, crop: Crop, settings: Settings) -> ProbeNetwork:
    """Train a network.

    Args:
        data: renders of the family ``probe``, of the crop's size.
        crop: which crop they are.
        settings: see :class:`Settings`.
    """
    torch.manual_seed(settings.seed)
    network = ProbeNetwork(GROUPS[crop], SIZES[crop][0]).to(memory_format=torch.channels_last)
    targets = numbers(data.labels, "probe", crop)
    weights = {group: weights_of(targets[group], len(GROUPS[crop][group])) for group in targets}
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    per_epoch = len(data.pictures) // settings.batch
    started = time.monotonic()
    for epoch in range(settings.epochs):
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(data.pictures))
        total = 0.0
        for step in range(per_epoch):
            progress = (epoch + step / per_epoch) / settings.epochs
            rate = settings.learning_rate * schedule(progress, settings.warm_up, least=0.0)
            for group in optimiser.param_groups:
                group["lr"] = rate
            chosen = order[step * settings.batch : (step + 1) * settings.batch]
            pictures = np.stack(
                [
                    augment(data.pictures[at], np.random.default_rng([settings.seed, epoch, at]))
                    for at in chosen
                ]
            )
            images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(images.contiguous(memory_format=torch.channels_last))
            loss = torch.zeros(())
            for name, rows in scores.items():
                wanted = torch.from_numpy(targets[name][chosen])
                if bool((wanted != MISSING).any()):
                    loss = loss + functional.cross_entropy(
                        rows.float(), wanted, weights[name], ignore_index=MISSING,
                        label_smoothing=0.05,
                    )  # fmt: skip
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += float(loss.detach())
        sys.stdout.write(
            f"{crop}: epoch {epoch + 1} of {settings.epochs}, loss {total / per_epoch:.3f}, "
            f"{(time.monotonic() - started) / 60:.1f} minutes\n"
        )
        sys.stdout.flush()
    return network.eval()


def temperature(scores: NDArray[np.float32], wanted: NDArray[np.int64]) -> float:
    """What logits are divided by so that their probabilities come true.

    The one, of a fine grid in [0.2, 5], under which the values that are wanted are most probable;
    every value counts the same.

    Args:
        scores: float32 (N, values), logits.
        wanted: int64 (N,), places of the true values, or ``MISSING``.
    """
    rows, places = torch.from_numpy(scores), torch.from_numpy(wanted)
    weights = weights_of(wanted, scores.shape[1])
    grid = np.geomspace(0.2, 5, 161)
    losses = [
        float(functional.cross_entropy(rows / float(t), places, weights, ignore_index=MISSING))
        for t in grid
    ]
    return round(float(grid[int(np.argmin(losses))]), 4)


def accuracies(
    network: ProbeNetwork, data: Labelled, family: Family, crop: Crop
) -> dict[str, dict[str, float]]:
    """Group → its accuracy on renders, as a record holds it."""
    scores, targets = logits(network, data.pictures), numbers(data.labels, family, crop)
    found = {}
    for group, rows in scores.items():
        shown = targets[group] != MISSING
        result = accuracy(targets[group][shown], rows[shown].argmax(axis=1))
        found[group] = {name: round(value, 4) for name, value in asdict(result).items()}
    return found


def train(crop: Crop, folder: Path, out: Path, settings: Settings) -> Path:
    """Train, calibrate, measure, and write ``probe_<crop>.safetensors`` and its record.

    Args:
        crop: which crop.
        folder: holds the renders (``data`` made them); all learned shards that are there are used.
        out: folder for weights and record.
        settings: see :class:`Settings`.

    Returns:
        The weights' path.
    """
    wanted = parts(crop, 10**5)
    learned = load([path for path in wanted["learned"].shards(folder) if path.exists()])
    held_out = load(wanted["held out"].shards(folder))
    ceiling = load(wanted["ceiling"].shards(folder))
    started = time.monotonic()
    network = fit(learned, crop, settings)
    minutes = (time.monotonic() - started) / 60
    state = {name: value.half() if value.is_floating_point() else value
             for name, value in network.state_dict().items()}  # fmt: skip
    # What is measured is what is shipped: half-precision weights.
    network.load_state_dict(state)
    half = len(held_out.pictures) // 2
    targets = numbers(held_out.labels, "probe", crop)
    scores = logits(network, held_out.pictures)
    first = type(held_out)(held_out.pictures[half:], held_out.labels[half:])
    data = to_safetensors({name: value.contiguous() for name, value in state.items()})
    record: dict[str, Any] = {
        "name": f"probe_{crop}",
        "sha256": hashlib.sha256(data).hexdigest(),
        "trained_on": f"{len(learned.pictures)} renders of the family 'probe', {crop} crop",
        "size": SIZES[crop],
        "values": GROUPS[crop],
        "temperatures": {
            group: temperature(rows[:half], targets[group][:half]) for group, rows in scores.items()
        },
        "accuracy": {
            "probe family, held out": accuracies(network, first, "probe", crop),
            "training family": accuracies(network, ceiling, "training", crop),
        },
        "settings": asdict(settings),
        "data": {
            "version": DATA_VERSION,
            "sha256": _content_hash(learned),
            "pictures": len(learned.pictures),
        },
        "minutes": round(minutes, 1),
        "precision": "bfloat16",
        "hardware": hardware(),
        "versions": {name: version(name) for name in ("numpy", "torch", "timm")},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"probe_{crop}.safetensors"
    atomic_write(path, data)
    atomic_write(path.with_suffix(".json"), (json.dumps(record, indent=1) + "\n").encode())
    return path


def _content_hash(data: Labelled) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(data.pictures).tobytes())
    digest.update(json.dumps(data.labels, sort_keys=True).encode())
    return digest.hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of ``python -m humangenai.attribute_fidelity.training``."""
    parser = argparse.ArgumentParser(
        prog="python -m humangenai.attribute_fidelity.training",
        description="Render the probe's data, or train the probe on it.",
    )
    parser.add_argument("part", choices=["data", "fit"])
    parser.add_argument("--folder", type=Path, required=True, help="for the renders")
    parser.add_argument("--crop", choices=list(GROUPS), required=True)
    parser.add_argument("--pictures", type=int, default=3072, help="to learn from (data)")
    parser.add_argument("--workers", type=int, default=1, help="processes (data)")
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="default: torch's own choice")
    parser.add_argument("--out", type=Path, help="folder for the weights (fit)")
    given = parser.parse_args(arguments)
    if given.part == "data":
        for renders in parts(given.crop, given.pictures).values():
            for path in render(renders, given.folder, given.workers):
                sys.stdout.write(f"{path.name}\n")
        return
    if given.out is None:
        parser.error("fit needs --out")
    if given.threads:
        torch.set_num_threads(given.threads)
    settings = Settings(seed=given.seed, epochs=given.epochs)
    path = train(given.crop, given.folder, given.out, settings)
    sys.stdout.write(f"wrote {path.name} and its record\n")


if __name__ == "__main__":
    main()

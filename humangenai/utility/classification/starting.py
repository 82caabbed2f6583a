"""Weights that ViT-Tiny starts from: ``python -m humangenai.utility.classification.starting``.

    python -m humangenai.utility.classification.starting data --folder DIR
    python -m humangenai.utility.classification.starting fit --folder DIR --out FILE.safetensors

From nothing a vision transformer learns nothing from a few hundred faces (Dosovitskiy et al. 2021,
section 4.3, for larger numbers). Here it first learns to tell the attributes of rendered heads of
the family ``probe``, which shares no garment, pattern, hair or colour value with crowd's heads, nor
with what refsd-tiny learned from. What it starts from is then the same for S, R and S+R.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from safetensors.torch import save as to_safetensors
from torch.nn import functional

from humangenai.attribute_fidelity.accuracy import accuracy
from humangenai.attribute_fidelity.data import DATA_VERSION, Renders, load, render
from humangenai.attribute_fidelity.labels import GROUPS
from humangenai.attribute_fidelity.training import MISSING, numbers
from humangenai.provenance import hardware
from humangenai.store import atomic_write
from humangenai.updates import batch, schedule
from humangenai.utility.classification.network import Classifier, predict
from humangenai.utility.classification.recipes import SMALL_VIT
from humangenai.utility.classification.training import augment
from refsd.training.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.data import Labelled

PICTURES, HELD_OUT = 8192, 512

BATCH = 128
LEARNING_RATE, WEIGHT_DECAY, WARM_UP = 1e-3, 0.05, 0.05


def parts(pictures: int) -> tuple[Renders, Renders]:
    """What is learned from, and what is held out."""
    return (
        Renders("probe", "head", pictures, seed=0),
        Renders("probe", "head", HELD_OUT, seed=1),
    )


def examples(data: Labelled, size: int) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]]]:
    """Pictures uint8 (N, size, size, 3), and group → int64 (N,), -100 where it is not shown."""
    pictures = np.stack(
        [cv2.resize(one, (size, size), interpolation=cv2.INTER_AREA) for one in data.pictures]
    )
    return np.asarray(pictures, dtype=np.uint8), numbers(data.labels, "probe", "head")


def fit(data: Labelled, folder: Path, updates: int, seed: int = 0) -> Classifier:
    """Train, or go on training.

    Args:
        data: rendered heads of the family ``probe``.
        folder: for the state, the log and the curve; a run found there goes on.
        updates: of ``BATCH`` pictures.
        seed: of weights, batches and augmentation.
    """
    torch.manual_seed(seed)
    pictures, targets = examples(data, SMALL_VIT.size)
    network = Classifier(SMALL_VIT.from_scratch(), [len(GROUPS["head"][g]) for g in targets])
    optimiser = torch.optim.AdamW(
        network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
    )
    loop = Loop(folder, updates)
    if (state := loop.resume()) is not None:
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
    wanted = torch.from_numpy(np.stack(list(targets.values()), axis=1))
    network.train()
    for number in loop.numbers():
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * schedule(number / updates, WARM_UP, least=0.01)
        chosen = batch(len(pictures), BATCH, seed, number)
        images = torch.from_numpy(pictures[chosen]).permute(0, 3, 1, 2).float() / 255
        chance = torch.Generator().manual_seed(number)
        with torch.autocast("cpu", torch.bfloat16):
            said = network(augment(images, chance))
        loss = torch.zeros(())
        for logits, places in zip(said, wanted[chosen].unbind(dim=1), strict=True):
            if bool((places != MISSING).any()):
                loss = loss + functional.cross_entropy(
                    logits.float(), places, ignore_index=MISSING, label_smoothing=0.05
                )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        loop.add(loss=float(loss.detach()))
        if loop.is_due():
            loop.save_after({"network": network.state_dict(), "optimiser": optimiser.state_dict()})
    return network.eval()


def accuracies(network: Classifier, data: Labelled) -> dict[str, float]:
    """Group → mean recall over its values (chance: 1 / their number) on held-out renders."""
    pictures, targets = examples(data, SMALL_VIT.size)
    said = predict(network, pictures)
    found = {}
    for row, (group, places) in zip(said, targets.items(), strict=True):
        shown = places != MISSING
        result = accuracy(places[shown], row[shown])
        found[group] = round(result.value, 4)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of ``python -m humangenai.utility.classification.starting``."""
    parser = argparse.ArgumentParser(
        prog="python -m humangenai.utility.classification.starting",
        description="Render heads, or train the weights on them that ViT-Tiny starts from.",
    )
    parser.add_argument("part", choices=["data", "fit"])
    parser.add_argument("--folder", type=Path, required=True, help="for the renders")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="to learn from")
    parser.add_argument("--workers", type=int, default=1, help="processes (data)")
    parser.add_argument("--updates", type=int, default=800, help=f"of {BATCH} pictures (fit)")
    parser.add_argument("--out", type=Path, help="the file of weights (fit)")
    given = parser.parse_args(arguments)
    learned, held_out = parts(given.pictures)
    if given.part == "data":
        for renders in (held_out, learned):
            for path in render(renders, given.folder, given.workers):
                sys.stdout.write(f"{path.name}\n")
        return
    if given.out is None:
        parser.error("fit needs --out")
    data = load(learned.shards(given.folder))
    network = fit(data, given.folder / "fit", given.updates)
    state = {name: value.half() for name, value in network.trunk.state_dict().items()}
    # What is measured is what is shipped: half-precision weights.
    network.trunk.load_state_dict(state)
    content = to_safetensors({name: value.contiguous() for name, value in state.items()})
    record = {
        "architecture": SMALL_VIT.architecture,
        "options": dict(SMALL_VIT.options),
        "sha256": hashlib.sha256(content).hexdigest(),
        "trained_on": f"{len(data.pictures)} rendered heads of the family 'probe'",
        "data_version": DATA_VERSION,
        "updates": given.updates,
        "batch": BATCH,
        "mean_recall_on_held_out_renders": accuracies(network, load(held_out.shards(given.folder))),
        "hardware": hardware(),
        "versions": {name: version(name) for name in ("numpy", "torch", "timm")},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(given.out, content)
    atomic_write(given.out.with_suffix(".json"), (json.dumps(record, indent=1) + "\n").encode())
    sys.stdout.write(f"wrote {given.out.name} and its record\n")


if __name__ == "__main__":
    main()

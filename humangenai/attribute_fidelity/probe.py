"""The attribute probe: a small network that says what a picture of a person shows.

One network per crop, trained from scratch on renders of the family ``probe``, which shares no
garment, pattern, hair or colour value with what refsd-tiny learned from
(:mod:`humangenai.attribute_fidelity.training`). How often it is right is measured on renders and
shipped in the record beside its weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import nn

from humangenai.attribute_fidelity.data import SIZES
from humangenai.attribute_fidelity.labels import GROUPS
from humangenai.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.data import Crop

SHIPPED = Path(__file__).parent / "weights"
"""Where the weights that come with the package lie."""

BATCH = 64
"""Pictures that are looked at together; part of the arithmetic, so it never changes."""

STRIDE = 16
"""Rows of a picture for each row of the network's last map."""

_CHANNELS = (32, 64, 128, 256)


class ProbeNetwork(nn.Module):
    """A residual network of four blocks that keeps apart what is seen at which height.

    timm's ResNet without its pooling after the stem: at 64 pixels half of the picture would be
    gone before the first block. At the end it averages over columns but not over rows, since a
    colour is the shirt's or the shoes' by where it is.

    Args:
        groups: group → its values.
        height: of the pictures in pixels, a multiple of ``STRIDE``.
    """

    def __init__(self, groups: Mapping[str, tuple[str, ...]], height: int) -> None:
        import timm

        super().__init__()
        self.groups = dict(groups)
        self.trunk: nn.Module = timm.create_model(
            "resnet10t", num_classes=0, global_pool="", channels=_CHANNELS,
            stem_width=_CHANNELS[0] // 2,
        )  # fmt: skip
        self.trunk.maxpool = nn.Identity()
        self.head = nn.Sequential(
            nn.Linear(_CHANNELS[-1] * height // STRIDE, _CHANNELS[-1]), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(_CHANNELS[-1], sum(len(values) for values in groups.values())),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits of every group.

        Args:
            images: float (N, 3, H, W), sRGB in [0, 1].
        """
        features = self.trunk((images - 0.5) / 0.25)
        parts = self.head(features.mean(dim=3).flatten(1)).split(
            [len(values) for values in self.groups.values()], dim=1
        )
        return dict(zip(self.groups, parts, strict=True))


class Probe:
    """A judge of attributes.

    Attributes:
        values: crop → group → the values it tells apart, in the order of its probabilities.
        records: crop → what is written beside the weights: data, settings, accuracy.

    Args:
        networks: crop → network with its weights.
        records: crop → its record.
    """

    def __init__(
        self, networks: Mapping[Crop, ProbeNetwork], records: Mapping[Crop, Mapping[str, Any]]
    ) -> None:
        self._networks = {crop: network.eval() for crop, network in networks.items()}
        self.records = dict(records)
        self.values = {crop: network.groups for crop, network in self._networks.items()}

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Probe:
        """Load the shipped weights, or those in a folder that training wrote.

        Raises:
            UserError: a file is missing, or is not what its record says.
        """
        networks: dict[Crop, ProbeNetwork] = {}
        records: dict[Crop, Mapping[str, Any]] = {}
        for crop in GROUPS:
            file = folder / f"probe_{crop}.safetensors"
            networks[crop], records[crop] = _read(file)
        return cls(networks, records)

    def judge(self, images: NDArray[np.uint8], crop: Crop) -> Mapping[str, NDArray[np.float32]]:
        """Say what pictures show.

        Args:
            images: uint8 (N, H, W, 3), sRGB; resized to the size that the network knows.
            crop: what they show: ``body`` or ``head``, framed as the renders are.

        Returns:
            Group → float32 (N, values), probabilities; every row sums to 1.

        Raises:
            ValueError: there is no such crop, or these are not pictures.
        """
        if crop not in self._networks:
            raise ValueError(f"unknown crop {crop!r}; known: {', '.join(self._networks)}")
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(
                f"pictures must be uint8 (N, H, W, 3), not {images.dtype} {images.shape}"
            )
        temperatures = self.records[crop]["temperatures"]
        scores = logits(self._networks[crop], fitted(images, crop))
        return {group: _softmax(rows / temperatures[group]) for group, rows in scores.items()}


def fitted(images: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """Pictures in the size in which the probe looks at a crop: uint8 (N, *SIZES[crop], 3)."""
    import cv2

    height, width = SIZES[crop]
    if images.shape[1:3] == (height, width):
        return images
    way = cv2.INTER_AREA if images.shape[1] > height else cv2.INTER_LINEAR
    resized = np.empty((len(images), height, width, 3), dtype=np.uint8)
    for place, image in enumerate(images):
        resized[place] = cv2.resize(image, (width, height), interpolation=way)
    return resized


@torch.inference_mode()
def logits(network: ProbeNetwork, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Group → float32 (N, values) of pictures that have the network's size already.

    Batches are filled up, so that what is said of a picture does not depend on the others.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {group: [] for group in network.groups}
    for start in range(0, len(images), BATCH):
        chunk = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH]))
        batch = torch.zeros(BATCH, *images.shape[1:], dtype=torch.uint8)
        batch[: len(chunk)] = chunk
        scores = network(batch.permute(0, 3, 1, 2).float() / 255)
        for group, rows in scores.items():
            parts[group].append(rows[: len(chunk)].numpy())
    empty = {group: np.empty((0, len(v)), np.float32) for group, v in network.groups.items()}
    return {group: np.concatenate([empty[group], *rows]) for group, rows in parts.items()}


def _softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def _read(file: Path) -> tuple[ProbeNetwork, Mapping[str, Any]]:
    """A network and its record, checked against each other."""
    advice = "train it with 'python -m humangenai.attribute_fidelity.training'"
    try:
        data = file.read_bytes()
        record = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot read the probe {file} and its record: {error}; {advice}"
        ) from error
    digest = hashlib.sha256(data).hexdigest()
    if not isinstance(record, dict) or record.get("sha256") != digest:
        raise UserError(
            f"{file} is not the file that its record names (its sha256 is {digest}); {advice}"
        )
    groups = {group: tuple(values) for group, values in record["values"].items()}
    network = ProbeNetwork(groups, record["size"][0])
    try:
        network.load_state_dict(load_safetensors(data))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} does not hold this probe's weights: {reason}; {advice}") from error
    return network, record

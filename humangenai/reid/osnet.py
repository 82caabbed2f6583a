"""The re-identification network: torchreid's OSNet, and embedding pictures with it.

Zhou et al., "Omni-Scale Feature Learning for Person Re-Identification", ICCV 2019.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import pickle
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors

from humangenai.errors import UserError
from humangenai.records import AttackerRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray
    from torch import Tensor, nn

SHIPPED = Path(__file__).parent / "weights" / "osnet_crowd.safetensors"
"""Weights trained on crowd's training identities, with their record beside them (.json)."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

BATCH = 32
"""Every batch has this size (the last one is filled up), so that a picture always passes through
the same kernels and its embedding does not depend on how many others there are."""

FIRST_CHANNELS = {64: "osnet_x1_0", 48: "osnet_x0_75", 32: "osnet_x0_5", 16: "osnet_x0_25"}
"""Channels of the first convolution → torchreid's name of the architecture."""


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the network's input, and the output an embedding.

    Attributes:
        height: of the input in pixels; pictures are resized without keeping their aspect
            (Pillow's bilinear filter, which averages when it shrinks), as torchreid does.
        width: likewise.
        mean: subtracted from each of R, G, B in [0, 1].
        std: what they are then divided by.
        normalise: whether embeddings are scaled to unit length; torchreid's published weights are
            compared without.
    """

    height: int = 256
    width: int = 128
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD
    normalise: bool = False


class OSNetEmbedder:
    """An OSNet that embeds pictures (an :class:`humangenai.reid.Attacker`).

    Args:
        name: what tables say, e.g. ``OSNet[crowd]``.
        network: torchreid's OSNet with weights loaded.
        preprocessing: how it was trained.
        trained_on: what the record says.
        weights_sha256: of the file the weights came from.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        preprocessing: Preprocessing,
        *,
        trained_on: str,
        weights_sha256: str,
    ) -> None:
        self.name = name
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._preprocessing = preprocessing
        self._record = AttackerRecord(
            name=name, trained_on=trained_on, weights_sha256=weights_sha256
        )

    @classmethod
    def load(cls, path: Path | None = None) -> OSNetEmbedder:
        """Load the shipped weights, or those in a file.

        A ``.safetensors`` file has its record beside it (``.json``, see
        :mod:`humangenai.reid.training`), and must have the sha256 that the record names. Other
        files are PyTorch checkpoints of torchreid, used as torchreid uses them: 256 x 128 pixels,
        ImageNet normalisation, embeddings as they are.

        Raises:
            UserError: the file is missing, is not OSNet weights, or is not what its record says.
        """
        file = path or SHIPPED
        try:
            data = file.read_bytes()
        except OSError as error:
            advice = (
                "train them with 'python -m humangenai.reid.training'"
                if path is None
                else "give a file of OSNet weights"
            )
            raise UserError(
                f"cannot read OSNet weights {file}: {error.strerror}; {advice}"
            ) from error
        digest = hashlib.sha256(data).hexdigest()
        if file.suffix == ".safetensors":
            record = read_record(file, digest)
            try:
                state: Mapping[str, Tensor] = load_safetensors(data)
            except SafetensorError as error:
                raise UserError(f"{file} is not a safetensors file: {error}") from error
            preprocessing = Preprocessing(**record["preprocessing"])
            name, trained_on = f"OSNet[{record['name']}]", record["trained_on"]
        else:
            state = _read_checkpoint(file)
            preprocessing = Preprocessing()
            name, trained_on = f"OSNet[{file.name.split('.')[0]}]", f"unknown (file {file.name})"
        network = network_of(state, file)
        return cls(name, network, preprocessing, trained_on=trained_on, weights_sha256=digest)

    def record(self) -> AttackerRecord:
        """Name, training data and sha256 of the weights."""
        return self._record

    def fingerprint(self) -> str:
        """sha256 over weights and preprocessing."""
        parts = (self._record.weights_sha256, BATCH, asdict(self._preprocessing))
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed pictures.

        Args:
            images: uint8 (H, W, 3), sRGB, of any sizes.

        Returns:
            float32 (len(images), 512).
        """
        size = (self._preprocessing.height, self._preprocessing.width)
        resized = np.empty((len(images), *size, 3), dtype=np.uint8)
        for place, image in enumerate(images):
            resized[place] = resize(image, *size)
        return embed(self._network, resized, self._preprocessing)


def resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Resize a picture as torchreid does (Pillow, bilinear): uint8 (height, width, 3)."""
    if image.shape[:2] == (height, width):
        return image
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)


def to_input(pictures: Tensor, preprocessing: Preprocessing) -> Tensor:
    """The network's input.

    Args:
        pictures: float (N, 3, H, W) in [0, 1].
        preprocessing: mean and std.

    Returns:
        float32 (N, 3, H, W), laid out channels last.
    """
    mean = torch.tensor(preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing.std).view(1, 3, 1, 1)
    return ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def embed(
    network: nn.Module, pictures: NDArray[np.uint8], preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Embed pictures that have the network's size already.

    Args:
        network: an OSNet in evaluation mode.
        pictures: uint8 (N, height, width, 3).
        preprocessing: of the network.

    Returns:
        float32 (N, 512), of unit length if ``preprocessing.normalise``.
    """
    parts = []
    for start in range(0, len(pictures), BATCH):
        batch = torch.zeros(BATCH, *pictures.shape[1:], dtype=torch.uint8)
        chunk = torch.from_numpy(pictures[start : start + BATCH])
        batch[: len(chunk)] = chunk
        rows = network(to_input(batch.permute(0, 3, 1, 2).float() / 255, preprocessing))
        if preprocessing.normalise:
            rows = torch.nn.functional.normalize(rows)
        parts.append(rows[: len(chunk)].float().numpy())
    return np.concatenate(parts) if parts else np.empty((0, 512), dtype=np.float32)


def build_osnet(architecture: str, classes: int) -> nn.Module:
    """An OSNet of torchreid with fresh weights.

    In training it returns (logits (N, classes), features (N, 512)), in evaluation the features.

    Args:
        architecture: ``osnet_x1_0``, ``osnet_x0_75``, ``osnet_x0_5``, ``osnet_x0_25`` or
            ``osnet_ibn_x1_0``.
        classes: identities to tell apart in training.
    """
    make = getattr(_torchreid_osnet(), architecture)
    network: nn.Module = make(num_classes=classes, pretrained=False, loss="triplet")
    return network


def network_of(state: Mapping[str, Tensor], file: Path) -> nn.Module:
    """The OSNet that weights belong to, without its identity classifier.

    Args:
        state: names as in torchreid; the classifier's are ignored.
        file: where they came from, for messages.

    Raises:
        UserError: these are not the weights of an OSNet.
    """
    state = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    first = state.get("conv1.conv.weight")
    if first is None or first.shape[0] not in FIRST_CHANNELS:
        raise UserError(f"{file} does not hold the weights of one of torchreid's OSNets")
    architecture = FIRST_CHANNELS[first.shape[0]]
    if "conv1.bn.running_mean" not in state:  # instance normalisation keeps no statistics
        architecture = architecture.replace("osnet_", "osnet_ibn_")
    try:
        network = build_osnet(architecture, classes=1)
        expected = {k for k in network.state_dict() if not k.startswith("classifier.")}
        if missing := sorted(expected - state.keys()):
            raise UserError(f"{file} lacks {len(missing)} weights of {architecture}: {missing[0]}")
        network.load_state_dict(dict(state), strict=False)
    except (RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise UserError(f"{file} does not fit {architecture}: {reason}") from error
    return network


def read_record(file: Path, digest: str) -> dict[str, Any]:
    """The record of trained weights, checked against them.

    Args:
        file: the weights; the record has the same name and ends in ``.json``.
        digest: sha256 of the weights.

    Raises:
        UserError: the record is missing, unreadable, or of other weights.
    """
    path = file.with_suffix(".json")
    try:
        record: dict[str, Any] = json.loads(path.read_text())
        missing = {"name", "sha256", "trained_on", "preprocessing"} - record.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(f"cannot read {path}, the record of {file.name}: {error}") from error
    if missing:
        raise UserError(f"{path} lacks {', '.join(sorted(missing))}; train the weights again")
    if record["sha256"] != digest:
        raise UserError(
            f"{file} is not the file that {path.name} records: its sha256 is {digest}, "
            f"not {record['sha256']}; restore it or train again"
        )
    return record


def _read_checkpoint(file: Path) -> dict[str, Tensor]:
    """Weights of a PyTorch checkpoint, names as in torchreid; no code in the file is run."""
    try:
        loaded: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError) as error:
        raise UserError(
            f"{file} holds more than weights, or is no PyTorch file; save the model's state_dict "
            "alone (torch.save(model.state_dict(), ...))"
        ) from error
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict):
        raise UserError(f"{file} does not hold the weights of one of torchreid's OSNets")
    return {
        str(name).removeprefix("module."): value
        for name, value in loaded.items()
        if isinstance(value, torch.Tensor)
    }


@cache
def _torchreid_osnet() -> ModuleType:
    """The one module ``torchreid.reid.models.osnet``.

    Importing it by name would run torchreid's own ``__init__`` first, which loads every model,
    TensorBoard, gdown and OpenCV (five seconds) and warns about a missing extension. The file needs
    nothing but torch.
    """
    package = importlib.util.find_spec("torchreid")
    if package is None or not package.submodule_search_locations:
        raise UserError(
            "torchreid is not installed; install it with 'pip install torchreid==0.2.5'"
        )
    file = Path(package.submodule_search_locations[0]) / "reid" / "models" / "osnet.py"
    spec = importlib.util.spec_from_file_location("humangenai.reid._torchreid_osnet", file)
    if spec is None or spec.loader is None:
        raise UserError("this torchreid has no reid/models/osnet.py; install torchreid==0.2.5")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

"""One network for all tasks: a timm trunk, and a linear head that is split among the tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from humangenai.errors import UserError
from humangenai.utility.classification.recipes import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from humangenai.utility.classification.recipes import Recipe

AT_ONCE = 64
"""Pictures that are looked at together when models are tested."""

LEAST_FITTING = 0.9
"""Share of a trunk's tensors that must be in a file of weights to start from."""


class Classifier(nn.Module):
    """Tells several things of a picture.

    Args:
        recipe: which trunk, starting from which weights.
        classes: how many each task has.

    Raises:
        UserError: the weights to start from are not this trunk's.
    """

    def __init__(self, recipe: Recipe, classes: Sequence[int]) -> None:
        super().__init__()
        self.classes = tuple(classes)
        self.trunk = _trunk(recipe)
        self.head = nn.Linear(int(self.trunk.num_features), sum(classes))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Logits (N, classes) of every task.

        Args:
            images: float (N, 3, H, W), sRGB in [0, 1].
        """
        logits = self.head(self.trunk((images - 0.5) / 0.25))
        return tuple(logits.split(list(self.classes), dim=1))


@torch.inference_mode()
def predict(network: Classifier, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The likeliest class of every picture in every task: int64 (tasks, N).

    Args:
        network: on any device; is left in evaluation mode.
        pictures: uint8 (N, H, W, 3) of its size.
    """
    network.eval()
    device = next(network.parameters()).device
    said = np.empty((len(network.classes), len(pictures)), dtype=np.int64)
    for start in range(0, len(pictures), AT_ONCE):
        chunk = np.ascontiguousarray(pictures[start : start + AT_ONCE])
        images = torch.from_numpy(chunk).to(device).permute(0, 3, 1, 2).float() / 255
        for task, logits in enumerate(network(images)):
            said[task, start : start + len(chunk)] = logits.argmax(dim=1).cpu().numpy()
    return said


def _trunk(recipe: Recipe) -> Any:
    import timm

    trunk = timm.create_model(
        recipe.architecture, pretrained=recipe.weights == HUB, num_classes=0, **recipe.options
    )
    if recipe.weights not in ("", HUB):
        _load(trunk, Path(recipe.weights).expanduser())
    return trunk


def _load(trunk: nn.Module, path: Path) -> None:
    """Take all that fits from a file of weights; a head of other classes is left out."""
    own = trunk.state_dict()
    there = {name.removeprefix("trunk."): value for name, value in _tensors(path).items()}
    fitting = {
        name: value
        for name, value in there.items()
        if name in own and own[name].shape == value.shape
    }
    if len(fitting) < LEAST_FITTING * len(own):
        raise UserError(f"{path}: holds {len(fitting)} of the {len(own)} tensors of this model")
    trunk.load_state_dict(fitting, strict=False)


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, and all the user's to mend
        raise UserError(f"{path}: holds no weights: {str(error).splitlines()[0]}") from error
    return {name: value for name, value in loaded.items() if isinstance(value, torch.Tensor)}

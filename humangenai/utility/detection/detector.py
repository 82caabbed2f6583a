"""What a detector offers to the training, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from humangenai.utility.detection.scores import Detections, Truth


@dataclass(frozen=True)
class Recipe:
    """The one way in which all models of a table are trained.

    Attributes:
        updates: of the weights; S→R takes as many twice, first on S, then on R.
        batch: pictures per update.
        learning_rate: at its highest; it rises first and falls to 0 along a cosine.
        weight_decay: of AdamW.
        warm_up: share of the updates in which the learning rate rises.
        clip: largest norm of the gradient.
        precision: ``no`` (float32), ``bf16`` or ``fp16``, as accelerate names them.
    """

    updates: int
    batch: int
    learning_rate: float
    weight_decay: float = 1e-2
    warm_up: float = 0.06
    clip: float = 10.0
    precision: str = "no"


class Detector(Protocol):
    """A network that finds boxes, and how it learns to.

    Attributes:
        name: what tables say.
        recipe: how it is trained.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def recipe(self) -> Recipe: ...  # noqa: D102

    def settings(self) -> Mapping[str, object]:
        """All that its result depends on beside pictures, seed and recipe; JSON-able."""
        ...

    def build(self, categories: int) -> nn.Module:
        """A network that finds so many categories; its weights come from torch's global generator.

        Raises:
            humangenai.errors.UserError: its weights cannot be had.
        """
        ...

    def loss(
        self,
        network: nn.Module,
        images: Sequence[NDArray[np.uint8]],
        truth: Sequence[Truth],
        device: str,
    ) -> Tensor:
        """What is to become small on a batch; chance comes from torch's global generator.

        Args:
            network: of :meth:`build`, in training mode, perhaps wrapped.
            images: uint8 (H, W, 3) each.
            truth: one per picture.
            device: where the network is.
        """
        ...

    def detect(
        self, network: nn.Module, images: Sequence[NDArray[np.uint8]], device: str
    ) -> list[Detections]:
        """What the network, in evaluation mode, finds in pictures, in their pixels."""
        ...

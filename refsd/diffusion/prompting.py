"""Prompts to embeddings, each text once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from refsd.diffusion.loading import quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

KEPT = 512
"""Embeddings that are remembered: 0.25 MB each for SD 1.5, 0.6 MB for SDXL, in half precision."""


class Embeddings:
    """Remembers what a pipeline's text encoders say.

    Args:
        pipeline: of diffusers, for SD 1.5 or SDXL.
        guided: classifier-free guidance is used, so negative prompts count.
    """

    def __init__(self, pipeline: Any, *, guided: bool) -> None:
        self._pipeline = pipeline
        self._guided = guided
        self._known: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def __call__(self, positive: Sequence[str], negative: Sequence[str]) -> dict[str, Any]:
        """The arguments of the pipeline's call that stand for prompts, for a batch."""
        import torch

        each = [self._one(pair) for pair in zip(positive, negative, strict=True)]
        return {name: torch.cat([one[name] for one in each]) for name in each[0]}

    def _one(self, pair: tuple[str, str]) -> dict[str, Any]:
        if pair not in self._known:
            self._known[pair] = self._encode(*pair)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(pair)
        return self._known[pair]

    def _encode(self, positive: str, negative: str) -> dict[str, Any]:
        import torch

        with torch.no_grad(), quiet():
            encoded = self._pipeline.encode_prompt(
                prompt=positive,
                device=self._pipeline._execution_device,
                num_images_per_prompt=1,
                do_classifier_free_guidance=self._guided,
                negative_prompt=negative,
            )
        names = (
            "prompt_embeds", "negative_prompt_embeds",
            "pooled_prompt_embeds", "negative_pooled_prompt_embeds",
        )  # fmt: skip
        return {
            name: tensor for name, tensor in zip(names, encoded, strict=False) if tensor is not None
        }

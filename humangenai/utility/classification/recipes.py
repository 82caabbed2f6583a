"""What is trained, and how: one recipe per model, the same for S, R, S+R and S→R.

Budgets are fixed in updates, not in epochs: S+R sees twice the pictures and learns no longer than
R. S→R has the updates of S and then those of R.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from humangenai.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERSION = 2
"""Counts up when trainings give other weights than before."""

HUB = "pretrained"
"""``NAME:pretrained`` starts from timm's own weights, which need a model hub."""


@dataclass(frozen=True)
class Recipe:
    """One model and its training.

    Attributes:
        name: as tables call it.
        architecture: timm's name of it.
        size: pixels of the square pictures it looks at.
        updates: of its weights, in each training.
        batch: pictures in an update.
        learning_rate: at its highest; of AdamW.
        weight_decay: of AdamW.
        warm_up: share of the updates in which the learning rate rises.
        options: of ``timm.create_model``.
        weights: what it starts from: a file, ``pretrained``, or nothing: from scratch.
        missing: why it is not trained, in one line; None: it is.
    """

    name: str
    architecture: str
    size: int
    updates: int
    batch: int
    learning_rate: float
    weight_decay: float = 0.05
    warm_up: float = 0.1
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    missing: str | None = None

    def from_scratch(self) -> Recipe:
        """The same without weights to start from."""
        return replace(self, weights="")

    def settings(self) -> dict[str, object]:
        """All that a training depends on beside pictures and seed, without anybody's paths."""
        plain = {"version": VERSION, **asdict(self)}
        del plain["missing"]
        if self.weights not in ("", HUB):
            plain["weights"] = f"sha256 {_sha256(self.weights)}"
        return plain


_TINY = Recipe("ViT-Tiny", "vit_tiny_patch16_224", 224, 4000, 64, 5e-4)
_BASE = Recipe("ViT-Base", "vit_base_patch16_224", 224, 4000, 64, 1e-4)

# A small ResNet with a quarter of the usual channels: faces of 64 pixels need no more.
_RESNET = Recipe(
    "ResNet10t", "resnet10t", 64, 240, 32, 3e-3,
    options={"channels": (32, 64, 128, 256), "stem_width": 16},
)  # fmt: skip

STARTING = Path(__file__).parent / "weights" / "vit_tiny.safetensors"
"""What ViT-Tiny starts from in the small preset: trained by this project on renders alone."""

# Patches as large as the original's, of a smaller picture: 16 of them.
SMALL_VIT = Recipe(
    "ViT-Tiny", "vit_tiny_patch16_224", 64, 80, 32, 3e-4,
    options={"img_size": 64}, weights=str(STARTING),
)  # fmt: skip

RECIPES: Mapping[Literal["small", "full"], Mapping[str, Recipe]] = {
    "small": {
        "resnet10t": _RESNET,
        "vit_tiny": SMALL_VIT,
        "vit_base": replace(_BASE, missing="too large for the small preset; take --preset full"),
    },
    "full": {"vit_tiny": _TINY, "vit_base": _BASE},
}  # fmt: skip
"""Preset → name → recipe; names in the order of tables."""


def choose_recipes(
    preset: Literal["small", "full"], models: Sequence[str] | None = None
) -> list[Recipe]:
    """The recipes of a preset, or those that are named.

    Args:
        preset: ``small`` or ``full``.
        models: ``NAME`` or ``NAME:WEIGHTS``; None: all of the preset.

    Raises:
        UserError: there is no such model, or its weights are no file.

    >>> [recipe.name for recipe in choose_recipes("small")]
    ['ResNet10t', 'ViT-Tiny', 'ViT-Base']
    >>> choose_recipes("small", ["resnet10t"])[0].missing is None
    True
    """
    known = RECIPES[preset]
    chosen = []
    for model in list(known) if models is None else models:
        name, _, weights = model.partition(":")
        if name not in known:
            raise UserError(unknown("model", name, known))
        recipe = known[name]
        if weights:
            if weights != HUB and not Path(weights).expanduser().is_file():
                raise UserError(f"model '{name}': {weights}: there is no such file")
            recipe = replace(recipe, weights=weights)
        chosen.append(recipe)
    return chosen


@lru_cache(maxsize=8)
def _sha256(path: str) -> str:
    with Path(path).expanduser().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""What every re-identification attacker offers, and the table of those that the suite has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from humangenai.errors import UserError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.records import AttackerRecord

ATTACKERS = ("osnet", "stripes", "stripes-balanced")
"""All that :func:`load_attacker` knows."""

DEFAULT_ATTACKERS = ("osnet", "stripes")
"""A network that learned from crowd's training identities, and a fixed colour descriptor."""


class Attacker(Protocol):
    """Turns pictures of people into vectors; the nearer two vectors, the likelier one person.

    Attributes:
        name: what tables and records say, e.g. ``OSNet[crowd]``.
    """

    name: str

    def record(self) -> AttackerRecord:
        """What the record of a run says about this attacker."""
        ...

    def fingerprint(self) -> str:
        """sha256 over all that influences an embedding (weights, preprocessing); keys caches."""
        ...

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed pictures.

        Args:
            images: uint8 (H, W, 3), sRGB, of any sizes.

        Returns:
            float32 (len(images), D), to be compared by Euclidean distance. A picture's embedding
            does not depend on the others.
        """
        ...


def load_attacker(name: str, weights: Path | None = None) -> Attacker:
    """Load an attacker by name.

    Args:
        name: one of ``ATTACKERS``.
        weights: for ``osnet``, a file of torchreid OSNet weights (``.safetensors``, ``.pth``,
            ``.pt`` or ``.tar``) to use instead of those trained on crowd.

    Raises:
        UserError: there is no such attacker, it takes no weights, or the weights are not there or
            not usable.
    """
    if name == "osnet":
        from humangenai.reid.osnet import OSNetEmbedder

        return OSNetEmbedder.load(weights)
    if name in ("stripes", "stripes-balanced"):
        from humangenai.reid.stripes import StripeHistogram

        if weights is not None:
            raise UserError(f"the attacker '{name}' is a fixed descriptor and takes no weights")
        return StripeHistogram(balanced=name == "stripes-balanced")
    raise UserError(unknown("attacker", name, ATTACKERS))

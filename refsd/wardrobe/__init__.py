"""The wardrobe: skins, hair and garments, drawn procedurally on a body; and the avatar bank.

``dress`` and the bank are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from refsd.wardrobe.avatar import Avatar, Family, Garment, Look

if TYPE_CHECKING:
    from refsd.wardrobe.bank import bank_avatar, sample_avatar
    from refsd.wardrobe.dressing import dress
    from refsd.wardrobe.plain import dress_plainly

__all__ = [
    "Avatar",
    "Family",
    "Garment",
    "Look",
    "bank_avatar",
    "dress",
    "dress_plainly",
    "sample_avatar",
]

_LAZY = {
    "bank_avatar": "refsd.wardrobe.bank",
    "dress": "refsd.wardrobe.dressing",
    "dress_plainly": "refsd.wardrobe.plain",
    "sample_avatar": "refsd.wardrobe.bank",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)

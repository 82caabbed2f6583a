"""One hash that says what exactly was measured on."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from humangenai.datasets.dataset import Item


def manifest_hash(items: Sequence[Item], content: Callable[[Item], bytes]) -> str:
    """sha256, in hex, over the ordered list of items and the content of their pictures.

    Args:
        items: in the dataset's order.
        content: an item's sha256, or anything else that changes with its picture.
    """
    digest = hashlib.sha256()
    for item in items:
        told: list[object] = [item.key, item.split, item.pid, item.camid]
        if item.labels:
            told.append(dict(item.labels))
        line = json.dumps(told, sort_keys=True)
        digest.update(f"{line} {content(item).hex()}\n".encode())
    return digest.hexdigest()


def file_hash(path: Path) -> bytes:
    """sha256 of a file, 32 bytes; a file that cannot be read has the hash of ``unreadable``."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        # The picture is recorded as failed where it is asked for; the list stays as it is.
        return hashlib.sha256(b"unreadable").digest()

"""Where files live that can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """The suite's cache folder, made on first use and readable by its owner only (mode 0700).

    ``$HUMANGENAI_CACHE`` where that is set, otherwise ``humangenai`` in ``$XDG_CACHE_HOME``
    (by default ``~/.cache``). Everything in it can be deleted; it is made or fetched again.

    Returns:
        The folder, absolute.

    Raises:
        NotADirectoryError: something that is not a folder stands at that place.
        PermissionError: the folder cannot be made there; set ``HUMANGENAI_CACHE`` to one that can.
    """
    chosen = os.environ.get("HUMANGENAI_CACHE")
    if chosen:
        folder = Path(chosen).expanduser()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "humangenai"
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder; set HUMANGENAI_CACHE to one")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except PermissionError as error:
        raise PermissionError(
            f"cannot make the cache folder {folder}; set HUMANGENAI_CACHE to one that you may write"
        ) from error
    return folder

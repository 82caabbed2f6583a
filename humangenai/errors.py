"""Mistakes that the user can put right."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can put right: shown as one line, exit code 2, no traceback.

    The message names the file, key or value at fault and says what to do about it.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line about a name that does not exist, with the nearest ones that do.

    Args:
        kind: what was looked for, e.g. ``method``.
        name: what the user wrote.
        known: all names that exist.

    >>> unknown("method", "maskuot", ["maskout", "refsd"])
    "unknown method 'maskuot'; did you mean 'maskout'?"
    >>> unknown("method", "xyz", ["maskout", "refsd"])
    "unknown method 'xyz'; known: maskout, refsd"
    """
    names = sorted(known)
    lowered = {known_name.lower(): known_name for known_name in names}
    near = difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.6)
    if near:
        quoted = " or ".join(f"'{lowered[match]}'" for match in near)
        return f"unknown {kind} '{name}'; did you mean {quoted}?"
    return f"unknown {kind} '{name}'; known: {', '.join(names) if names else 'none'}"

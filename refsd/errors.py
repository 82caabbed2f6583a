"""Errors that no picture is at fault for."""

from __future__ import annotations


class SetupError(Exception):
    """Something must be installed, fetched or set otherwise first; the message says what.

    A run stops at such an error instead of counting pictures as failed.
    """

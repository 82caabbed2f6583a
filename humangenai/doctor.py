"""What is installed, what is missing, and where it can be had."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from humangenai.provenance import gpu, packages

if TYPE_CHECKING:
    from collections.abc import Iterator


def examine() -> Iterator[str]:
    """Yield lines for the terminal."""
    versions = packages()
    yield f"Python {versions.pop('python')} on {platform.system()} {platform.machine()}"
    yield "packages:"
    for name, version in versions.items():
        yield f"  {name:<24} {version}"
    yield f"GPU: {gpu() or 'none (not needed)'}"

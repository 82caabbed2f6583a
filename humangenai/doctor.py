"""What is installed, what is missing, and where it can be had. Fetches nothing."""

from __future__ import annotations

import platform
import shutil
from typing import TYPE_CHECKING

from humangenai.provenance import PACKAGES, gpu, packages

if TYPE_CHECKING:
    from collections.abc import Iterator


def examine() -> Iterator[str]:
    """What there is on this machine, line by line."""
    yield from _installed()
    yield from _machine()
    yield from _weights()
    yield from _attacker()


def _installed() -> Iterator[str]:
    versions = packages()
    missing = [name for name in PACKAGES if name not in versions]
    yield f"Python {versions.pop('python')} on {platform.system()} {platform.machine()}"
    yield "packages"
    for name, version in versions.items():
        yield f"  {name:<40} {version}"
    for name in missing:
        yield f"  {name:<40} missing: pip install {name}"


def _machine() -> Iterator[str]:
    from refsd.cache import cache_dir
    from refsd.rendering import egl_status

    cache = cache_dir()
    yield "machine"
    yield f"  {'GPU':<40} {gpu() or 'none (nothing here needs one)'}"
    yield f"  {'EGL (without it NumPy renders)':<40} {egl_status()}"
    yield f"  {'cache':<40} {cache}, {shutil.disk_usage(cache).free / 2**30:.1f} GiB free"


def _weights() -> Iterator[str]:
    from refsd.weights import status

    yield "people models (fetched on first use, or put there by you)"
    for found in status():
        yield f"  {found.weight.name:<40} {found.state}: {found.path}"
        if found.state != "present":
            yield f"  {'':<40} to be had from {found.source}"


def _attacker() -> Iterator[str]:
    from humangenai.reid.osnet import SHIPPED

    yield "re-identification attacker (shipped)"
    state = "present" if SHIPPED.is_file() else "missing: train it by `eval --retrain`"
    yield f"  {SHIPPED.name:<40} {state}"

"""RefSD: people out, identity-free avatars in, refined by diffusion.

The package stands alone: it knows nothing of the benchmark that measures it. ::

    from refsd import RefSD

    result = RefSD.from_config("none")("photo.jpg")
    result.image, result.people
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refsd.pipeline import Picture, RefSD, RefSDConfig, Result

__all__ = ["Picture", "RefSD", "RefSDConfig", "Result"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from refsd import pipeline

    return getattr(pipeline, name)

"""Judges by name, and why those that are missing are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.judges.judge import Unavailable
from humangenai.errors import UserError
from humangenai.registry import JUDGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from humangenai.attribute_fidelity.judges.human import Human
    from humangenai.attribute_fidelity.judges.judge import Judge


@dataclass(frozen=True)
class Judges:
    """Who judges.

    Attributes:
        available: judges that are ready.
        missing: name → why it is not; what it would have scored is NaN and counted.
    """

    available: tuple[Judge | Human, ...]
    missing: Mapping[str, str]


def load_judges(names: Sequence[str] | None = None) -> Judges:
    """Load judges.

    Args:
        names: ``NAME`` or ``NAME:WEIGHTS``, e.g. ``probe``, ``clip:ViT-B-32/laion2b_s34b_b79k``,
            ``clip:FOLDER`` or ``human:EXPORT``; None: all that are registered, each with what it
            has without being told.

    Raises:
        UserError: a name is unknown or given twice, or the weights it names cannot be read.
    """
    asked = [name.partition(":")[::2] for name in (JUDGES.entries() if names is None else names)]
    twice = [name for number, (name, _) in enumerate(asked) if name in dict(asked[:number])]
    if twice:
        raise UserError(f"judge '{twice[0]}' is named twice; name each once")
    available: list[Judge | Human] = []
    missing: dict[str, str] = {}
    for name, weights in asked:
        try:
            available.append(JUDGES.load(name).load(weights))
        except Unavailable as reason:
            missing[name] = str(reason)
    return Judges(tuple(available), missing)

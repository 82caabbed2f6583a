"""The judges of ϕ: what does a picture of a person show?

All behind one protocol (:class:`Judge`), each with its own accuracy (:class:`Ceiling`). They are
found by name (:func:`load_judges`), look at pictures once (:func:`judge_pictures`), and what they
say is read through :mod:`humangenai.attribute_fidelity.judges.mapping`.
"""

from humangenai.attribute_fidelity.judges.judge import Ceiling, Judge, Unavailable, unmeasured
from humangenai.attribute_fidelity.judges.loading import Judges, load_judges
from humangenai.attribute_fidelity.judges.looking import judge_pictures, read_judged
from humangenai.attribute_fidelity.judges.mapping import (
    judgeable,
    locate,
    locate_all,
    tells_apart,
)

__all__ = [
    "Ceiling",
    "Judge",
    "Judges",
    "Unavailable",
    "judge_pictures",
    "judgeable",
    "load_judges",
    "locate",
    "locate_all",
    "read_judged",
    "tells_apart",
    "unmeasured",
]

"""The judges of ϕ: what does a picture of a person show?

All behind one protocol (:class:`Judge`), each with its own accuracy (:class:`Ceiling`).
"""

from humangenai.attribute_fidelity.judges.judge import Ceiling, Judge, unmeasured

__all__ = ["Ceiling", "Judge", "unmeasured"]

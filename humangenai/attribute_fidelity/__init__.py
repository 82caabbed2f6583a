"""ϕ: does a picture show the attributes that its prompt asked for?

Importing this package loads neither torch nor OpenCV; :mod:`humangenai.attribute_fidelity.probe`
and :mod:`humangenai.attribute_fidelity.training` load torch.
"""

from humangenai.attribute_fidelity.accuracy import Accuracy, accuracy
from humangenai.attribute_fidelity.labels import GROUPS, judged

__all__ = ["GROUPS", "Accuracy", "accuracy", "judged"]

"""Can an attacker still find the person? Embedders, ranking, scores and coverage.

Importing this package loads neither torch nor OpenCV; :mod:`humangenai.reid.training` and
``OSNetEmbedder`` load torch when they are used.
"""

from humangenai.reid.attackers import Attacker, load_attacker
from humangenai.reid.coverage import coverage
from humangenai.reid.scoring import Query, score_queries, summarise

__all__ = ["Attacker", "Query", "coverage", "load_attacker", "score_queries", "summarise"]

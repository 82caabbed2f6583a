"""The leaderboard: records of finished runs, rows reported by papers, and the pages built of them.

``results/`` holds measured records, ``reported/`` rows copied from papers. The two never stand in
one table, and only measured methods are ranked.
"""

from leaderboards.papers import Reported, load_reported
from leaderboards.results import Board, boards, result_path, validate
from leaderboards.site import build

__all__ = [
    "Board",
    "Reported",
    "boards",
    "build",
    "load_reported",
    "result_path",
    "validate",
]

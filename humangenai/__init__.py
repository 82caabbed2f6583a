"""HumanGenAI: a benchmark suite for the pseudonymization of pictures of people.

Importing this package loads neither torch nor OpenCV; the rooms that need them import them when
they are entered.
"""

__version__ = "0.1.0"

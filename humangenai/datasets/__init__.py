"""Pictures of people to pseudonymize and to measure on."""

from humangenai.datasets.dataset import Dataset, Item, Split, TruePerson

__all__ = ["Dataset", "Item", "Split", "TruePerson"]

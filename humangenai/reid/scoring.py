"""From pseudonymized queries to the re-identification table.

The attack of the paper's table: pseudonymized query against original gallery, Market-1501 rules.
:func:`score_queries` writes one line per query; :func:`summarise` computes the table from the
lines alone, so that it can be computed again from a run folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.datasets import Item
    from humangenai.records import Difference, QueryRecord, Score
    from humangenai.reid.attackers import Attacker


@dataclass(frozen=True, eq=False)
class Query:
    """One query picture under one method.

    Attributes:
        item: its place in the dataset; pid and camid must be known.
        processed: False where a true person of the picture was missed, or the item failed.
        image: loads the pseudonymized picture, uint8 (H, W, 3); None where the item failed, and
            the query is then unscored (NaN).
    """

    item: Item
    processed: bool
    image: Callable[[], NDArray[np.uint8]] | None


def score_queries(
    attackers: Sequence[Attacker],
    gallery: Sequence[Item],
    gallery_image: Callable[[Item], NDArray[np.uint8]],
    methods: Mapping[str, Sequence[Query]],
    cache: Path,
    advance: Callable[[int], None] | None = None,
) -> Iterator[QueryRecord]:
    """Let every attacker look for every method's queries in the original gallery.

    The gallery is embedded once per attacker; embeddings are kept in ``cache``.

    Args:
        attackers: see :func:`humangenai.reid.load_attacker`.
        gallery: the original gallery's items; pid (-1 for distractors) and camid known.
        gallery_image: loads an original picture, uint8 (H, W, 3).
        methods: method name → its queries.
        cache: folder for embeddings (inside ``private/``); made if missing.
        advance: called with the number of pictures done, for a progress bar; in total
            ``len(attackers) * (len(gallery) + number of queries of all methods)``.

    Yields:
        One record per attacker, method and query, in that order.

    Raises:
        ValueError: a pid or camid is unknown, or the gallery is empty.
    """
    raise NotImplementedError


def summarise(
    records: Iterable[QueryRecord],
    *,
    against: Sequence[str] = ("MaskOut", "Original"),
    seed: int = 0,
) -> tuple[dict[str, tuple[Score, ...]], tuple[Difference, ...]]:
    """Compute the table from the lines.

    Args:
        records: what :func:`score_queries` yielded, in any order.
        against: methods that every other method is compared with, where they are among the records.
        seed: of the bootstrap.

    Returns:
        Method name → its scores (attacker × metric × subset), and the paired differences.
    """
    raise NotImplementedError

"""From pictures to the table: caching, failures, subsets, and figures known beforehand."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from humangenai.datasets import Item
from humangenai.records import AttackerRecord, ItemRecord, PersonRecord, QueryRecord
from humangenai.reid import Query, coverage, score_queries, summarise
from humangenai.reid import scoring as scoring_module
from humangenai.reid.ranking import METRICS
from humangenai.reid.scoring import embed_cached

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class MeanColour:
    """An attacker that looks at mean colours, and counts what it embeds."""

    name = "MeanColour"

    def __init__(self) -> None:
        self.embedded = 0

    def record(self) -> AttackerRecord:
        return AttackerRecord(name=self.name, trained_on="nothing")

    def fingerprint(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def embed(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self.embedded += len(images)
        return np.stack([image.mean(axis=(0, 1)) for image in images]).astype(np.float32)


def picture(item: Item) -> NDArray[np.uint8]:
    """Every person has a colour of their own; cameras differ a little in brightness."""
    assert item.pid is not None and item.camid is not None
    colour = np.array([20 * item.pid, 255 - 20 * item.pid, 3 * item.camid])
    return np.broadcast_to(colour, (6, 4, 3)).astype(np.uint8)


def grey(_: Item) -> NDArray[np.uint8]:
    return np.full((6, 4, 3), 128, dtype=np.uint8)


PEOPLE, CAMERAS = 8, 3
GALLERY = [Item(f"gallery/{p}_{c}", "gallery", p, c) for p in range(PEOPLE) for c in range(CAMERAS)]
QUERIES = [Item(f"query/{p}_{c}", "query", p, c) for p in range(PEOPLE) for c in range(2)]


def run(cache: Path, attacker: MeanColour, failed: str = "") -> list[QueryRecord]:
    methods = {
        name: [
            Query(
                item,
                processed=item.pid != 3 and item.key != failed,
                image=None if item.key == failed else (lambda item=item, make=make: make(item)),
            )
            for item in QUERIES
        ]
        for name, make in {"Original": picture, "MaskOut": grey}.items()
    }
    return list(score_queries([attacker], GALLERY, picture, methods, cache=cache))


def test_original_is_found_and_maskout_is_at_chance(tmp_path: Path) -> None:
    scores, differences = summarise(run(tmp_path, MeanColour()))
    original = {(s.metric, s.subset): s for s in scores["Original"]}
    assert original["R@1", "all"].value == original["mAP", "all"].value == 1
    assert original["R@1", "all"].n == len(QUERIES)
    assert original["R@1", "all"].clusters == PEOPLE
    assert original["R@1", "processed"].n == len(QUERIES) - 2
    # A uniform ranking of 23 valid pictures, 2 of them of the person.
    assert original["R@1", "all"].chance == pytest.approx(2 / 23)
    # All queries are the same grey, to which one person at most can be the nearest.
    maskout = {(s.metric, s.subset): s for s in scores["MaskOut"]}
    assert maskout["R@1", "all"].value <= 1 / PEOPLE
    assert {(d.method, d.against) for d in differences} == {
        ("Original", "MaskOut"),
        ("MaskOut", "Original"),
    }
    for difference in differences:
        one, other = scores[difference.method], scores[difference.against]
        pair = [
            next(s for s in rows if (s.metric, s.subset) == (difference.metric, difference.subset))
            for rows in (one, other)
        ]
        assert difference.value == pytest.approx(pair[0].value - pair[1].value)
        assert difference.low <= difference.value <= difference.high


def test_nothing_is_embedded_twice(tmp_path: Path) -> None:
    attacker = MeanColour()
    first = run(tmp_path, attacker)
    # Grey queries are one picture; queries that equal gallery pictures are in another file.
    assert attacker.embedded == len(GALLERY) + len(QUERIES) + 1
    again = run(tmp_path, attacker)
    assert attacker.embedded == len(GALLERY) + len(QUERIES) + 1
    assert again == first


def test_a_damaged_cache_is_made_again(tmp_path: Path) -> None:
    attacker = MeanColour()
    loaders = [lambda item=item: picture(item) for item in GALLERY]
    rows = embed_cached(attacker, loaders, tmp_path)
    (file,) = tmp_path.iterdir()
    for damage in (b"", file.read_bytes()[:-30], b"not an npz"):
        file.write_bytes(damage)
        np.testing.assert_array_equal(embed_cached(attacker, loaders, tmp_path), rows)


def test_chunks_do_not_change_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path / "whole", MeanColour())
    monkeypatch.setattr(scoring_module, "CHUNK", 5)
    assert run(tmp_path / "chunks", MeanColour()) == whole


def test_a_failed_item_is_unscored_and_not_zero(tmp_path: Path) -> None:
    failed = QUERIES[0].key
    records = run(tmp_path, MeanColour(), failed)
    lines = [record for record in records if record.key == failed]
    assert len(lines) == 2
    for line in lines:
        assert not line.processed
        assert all(math.isnan(line.values[metric]) for metric in METRICS)
    scores, _ = summarise(records)
    for score in scores["Original"]:
        assert score.value == 1
        assert score.n == len(QUERIES) - (1 if score.subset == "all" else 3)


def test_progress_reaches_the_announced_total(tmp_path: Path) -> None:
    steps: list[int] = []
    queries = {"Original": [Query(item, True, None) for item in QUERIES]}
    list(
        score_queries(
            [MeanColour()], GALLERY, picture, queries, cache=tmp_path, advance=steps.append
        )
    )
    assert sum(steps) == len(GALLERY) + len(QUERIES)


def test_summaries_survive_json_and_any_order(tmp_path: Path) -> None:
    records = run(tmp_path, MeanColour(), QUERIES[4].key)
    lines = [record.model_dump_json() for record in records]
    np.random.default_rng(0).shuffle(lines)
    parsed = [QueryRecord.model_validate_json(line) for line in lines]
    scores, differences = summarise(records)
    again, differences_again = summarise(parsed)
    for method, rows in scores.items():
        assert {s.model_dump_json() for s in rows} == {s.model_dump_json() for s in again[method]}
    assert {d.model_dump_json() for d in differences} == {
        d.model_dump_json() for d in differences_again
    }


def test_unknown_identities_are_refused(tmp_path: Path) -> None:
    nameless = [Item("gallery/x", "gallery", None, 1)]
    with pytest.raises(ValueError, match="gallery/x"):
        list(score_queries([MeanColour()], nameless, grey, {}, cache=tmp_path))
    with pytest.raises(ValueError, match="gallery is empty"):
        list(score_queries([MeanColour()], [], grey, {}, cache=tmp_path))


def item_record(status: str = "done", **fields: object) -> ItemRecord:
    return ItemRecord.model_validate(
        {"method": "m", "key": "k", "content": "c", "status": status, **fields}
    )


def test_coverage_counts_true_people_where_they_are_known() -> None:
    counted = coverage(
        [
            item_record(fates=("replaced", "missed"), leaks=(0.0, 1.0)),
            item_record(fates=("masked",), leaks=(0.1,)),
            item_record(fates=(), leaks=()),
            item_record("failed", error="broken"),
        ]
    )
    assert (counted.truth, counted.people, counted.items, counted.failed_items) == (True, 3, 4, 1)
    assert (counted.replaced, counted.masked, counted.missed) == (1, 1, 1)
    assert counted.leak_mean == pytest.approx(1.1 / 3)


def test_coverage_without_truth_knows_nobody_to_be_missed() -> None:
    person = PersonRecord(index=0, status="replaced")
    counted = coverage([item_record(people=(person,)), item_record(people=())])
    assert (counted.truth, counted.people, counted.replaced, counted.missed) == (False, 1, 1, None)
    assert math.isnan(counted.leak_mean)
    assert coverage([]).items == 0

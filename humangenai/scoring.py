"""The measuring stages of a run: what ``--track`` chooses from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from humangenai.config import digest
from humangenai.errors import UserError
from humangenai.perception import one_line
from humangenai.records import ItemRecord, QueryRecord
from humangenai.store import atomic_write, read_items, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from humangenai.config import PhiConfig, UtilityConfig
    from humangenai.datasets import Dataset, Item
    from humangenai.methods import Method
    from humangenai.perception import Perception
    from humangenai.progress import Progress
    from humangenai.records import (
        AttackerRecord,
        Difference,
        JudgeRecord,
        PhiRecord,
        Record,
        Score,
        SuiteRecord,
        UtilityRecord,
    )
    from humangenai.reid import Attacker
    from humangenai.store import RunFolder


@dataclass(frozen=True, eq=False)
class Measured:
    """What a track is given: a run whose pictures are made.

    Attributes:
        folder: the run folder.
        dataset: where the originals are.
        queries: the items that were pseudonymized.
        gallery: the items that stay as they are.
        items: method name → item key → what became of it.
        output: loads a method's picture of an item.
        methods: those that made the items.
        perception: who is in the pictures.
        phi: how attribute fidelity is measured.
        utility: how downstream utility is measured.
        train: the items that models learn from, pseudonymized as the queries are; empty where no
            track asks for them.
        attackers: names of who tries to find people again; None: all.
        retrain: train attackers again first.
    """

    folder: RunFolder
    dataset: Dataset
    queries: Sequence[Item]
    gallery: Sequence[Item]
    items: Mapping[str, Mapping[str, ItemRecord]]
    output: Callable[[str, Item], NDArray[np.uint8]]
    methods: Sequence[Method]
    perception: Perception
    phi: PhiConfig
    utility: UtilityConfig
    train: Sequence[Item] = ()
    attackers: tuple[str, ...] | None = None
    retrain: bool = False


@dataclass(frozen=True)
class Scores:
    """What a track found.

    Attributes:
        scores: method name → its numbers.
        differences: paired, between methods.
        attackers: who attacked.
        failures: gallery pictures that cannot be read and were left out.
        phi: method name → its attribute fidelity; methods that take no prompts have none.
        suites: lists of prompts that were asked; judges: who looked.
        utility: method name → what models that learned from its pictures are good for.
        notes: what a reader must know to read these numbers right.
    """

    scores: Mapping[str, tuple[Score, ...]] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    attackers: tuple[AttackerRecord, ...] = ()
    failures: tuple[ItemRecord, ...] = ()
    phi: Mapping[str, PhiRecord] = field(default_factory=dict)
    suites: tuple[SuiteRecord, ...] = ()
    judges: tuple[JudgeRecord, ...] = ()
    utility: Mapping[str, UtilityRecord] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Track(Protocol):
    """One family of measurements."""

    def __call__(self, run: Measured, progress: Progress) -> Scores:
        """Measure all methods of a run."""
        ...


def reid(run: Measured, progress: Progress) -> Scores:
    """Re-identification: pseudonymized queries against the original gallery.

    Lines go to ``private/scores/reid.jsonl``; where they were made from the same attackers,
    pictures and gallery before, they are read instead.

    Raises:
        UserError: the dataset has no queries with person and camera ids.
    """
    from humangenai.reid import load_attacker, summarise
    from humangenai.reid.attackers import DEFAULT_ATTACKERS

    if not can_score_reid(run.queries, run.gallery):
        raise UserError(
            f"the dataset '{run.dataset.name}' has no query and gallery pictures with person and "
            "camera ids; --track reid needs them"
        )
    names = DEFAULT_ATTACKERS if run.attackers is None else run.attackers
    attackers = [load_attacker(name, _retrained(name, run, progress)) for name in names]
    key = digest(
        [
            [(attacker.name, attacker.fingerprint()) for attacker in attackers],
            run.dataset.manifest_hash(),
            {
                name: [_made(records[item.key]) for item in run.queries]
                for name, records in run.items.items()
            },
        ]
    )
    folder = run.folder.private / "scores"
    lines, left_out, key_path = (
        folder / name for name in ("reid.jsonl", "gallery-failures.jsonl", "reid.key")
    )
    if not key_path.exists() or key_path.read_text(encoding="ascii") != key:
        gallery, failures = _readable(run)
        _write_lines(left_out, failures)
        _write_lines(lines, _score(run, gallery, attackers, progress))
        atomic_write(key_path, key.encode())
    scores, differences = summarise(
        QueryRecord.model_validate_json(line) for line in read_lines(lines)
    )
    return Scores(
        scores,
        differences,
        tuple(attacker.record() for attacker in attackers),
        tuple(read_items(left_out).values()),
    )


def _made(record: ItemRecord) -> tuple[str | None, ...]:
    """What an attacker's view of an item depends on."""
    return record.key, record.status, record.content, record.output_sha256


def _readable(run: Measured) -> tuple[list[Item], list[ItemRecord]]:
    """The gallery without the pictures that cannot be read, and these."""
    readable, failures = [], []
    for item in run.gallery:
        try:
            run.dataset.image(item)
        except Exception as error:  # recorded per item; the run goes on
            failures.append(
                ItemRecord(
                    method="gallery",
                    key=item.key,
                    content="",
                    status="failed",
                    error=one_line(error),
                )
            )
        else:
            readable.append(item)
    if not readable:
        raise UserError(f"no gallery picture can be read: {failures[0].error}")
    return readable, failures


def _write_lines(path: Path, records: Iterable[Record]) -> None:
    atomic_write(path, "".join(record.model_dump_json() + "\n" for record in records).encode())


def _retrained(name: str, run: Measured, progress: Progress) -> Path | None:
    """Weights trained just now, in the run folder; None: those that are shipped."""
    if not run.retrain or name != "osnet":
        return None
    from humangenai.reid.training import train_on_crowd

    folder = run.folder.private / "attackers"
    return train_on_crowd(folder, log=progress.say)


def can_score_reid(queries: Sequence[Item], gallery: Sequence[Item]) -> bool:
    """Whether there is somebody to look for and somewhere to look."""
    known = all(item.pid is not None and item.camid is not None for item in (*queries, *gallery))
    return bool(queries) and bool(gallery) and known


def _score(
    run: Measured, gallery: Sequence[Item], attackers: Sequence[Attacker], progress: Progress
) -> list[QueryRecord]:
    from humangenai.reid import Query, score_queries

    def query(method: str, item: Item) -> Query:
        record = run.items[method][item.key]
        if record.status == "failed":
            return Query(item, processed=False, image=None)
        missed = "missed" in record.fates if record.fates is not None else not record.people
        return Query(item, processed=not missed, image=lambda: run.output(method, item))

    methods = {name: [query(name, item) for item in run.queries] for name in run.items}
    total = len(attackers) * (len(gallery) + len(methods) * len(run.queries))
    with progress.stage("re-identification", total) as advance:
        return list(
            score_queries(
                attackers,
                gallery,
                run.dataset.image,
                methods,
                cache=run.folder.private / "embeddings",
                advance=advance,
            )
        )

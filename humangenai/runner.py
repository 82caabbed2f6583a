"""The conductor: perceive → pseudonymize → score → write down.

Everything is written down as it finishes, and every aggregate is computed from what was written
down; a run that was stopped goes on where it stopped, and a finished one does nothing twice.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from humangenai import __version__
from humangenai.config import digest, validate
from humangenai.corrections import correct, mark_applied, read_corrections
from humangenai.errors import UserError
from humangenai.human_ratings.recording import with_ratings
from humangenai.labels import write_labels
from humangenai.perception import perceive
from humangenai.poses import summarise_poses
from humangenai.progress import Silent
from humangenai.provenance import git_state, hardware, packages
from humangenai.pseudonymization import Pseudonymization, settings_hash
from humangenai.records import NAIVE, DatasetRecord, ItemRecord, MethodRecord, RunRecord
from humangenai.registry import DATASETS, METHODS, METRICS
from humangenai.scoring import Measured, Scores, can_score_reid
from humangenai.store import RunFolder, slug
from refsd.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from humangenai.config import RunConfig
    from humangenai.datasets import Dataset, Item
    from humangenai.methods import Method
    from humangenai.perception import Perception
    from humangenai.progress import Progress


@dataclass(frozen=True)
class Finished:
    """A run that is done.

    Attributes:
        record: all of it.
        failures: the items that failed, over all methods and the gallery.
    """

    record: RunRecord
    failures: tuple[ItemRecord, ...]


def run(config: RunConfig, out: Path, progress: Progress | None = None) -> Finished:
    """Run methods on a dataset and measure what the dataset allows to measure.

    Args:
        config: what to run.
        out: the run folder; a folder of the same run is continued.
        progress: told how far it has come.

    Raises:
        UserError: a name, option, file or folder is wrong, or the disk is full.
    """
    progress = progress or Silent()
    dataset = load_dataset(config)
    methods = load_methods(config)
    # Asking for settings finds out what is missing, before any work is done.
    settings = {method.name: settings_hash(method) for method in methods}
    queries, gallery = choose(dataset, config)
    train = choose_training(dataset, config)
    tracks = choose_tracks(config, dataset, queries, gallery)
    to_do = planned_items(config, queries, gallery, train)
    plan = {
        "dataset": config.dataset.model_dump(mode="json", include={"dataset", "options"}),
        "methods": [method.name for method in methods],
    }
    with RunFolder(out, config.seed, plan) as folder:
        with _timed(folder, "finding people"):
            perception = perceive(folder, dataset, to_do, progress)
            corrections = read_corrections(folder.private)
            review = correct(folder.private, dataset, to_do, perception, corrections)
        work = {
            method.name: Pseudonymization(
                folder, dataset, method, perception, settings[method.name]
            )
            for method in methods
        }
        items = {}
        for name, pseudonymization in work.items():
            with _timed(folder, name):
                items[name] = pseudonymization.run(to_do, progress)
        folder.write_mapping(items)
        for name, lines in items.items():
            write_labels(folder, name, lines.values())
        measured = Measured(
            folder=folder,
            dataset=dataset,
            queries=queries,
            gallery=gallery,
            items=items,
            output=lambda name, item: work[name].output(item, items[name][item.key]),
            methods=methods,
            perception=perception,
            phi=config.phi,
            utility=config.utility,
            train=train,
            attackers=config.attackers,
            retrain=config.retrain,
        )
        with _timed(folder, "scoring"):
            scores = [METRICS.load(track)(measured, progress) for track in tracks]
        record = summarise_run(config, measured, methods, scores, weights_used(perception, scores))
        record = record.model_copy(update={"review": review})
        record = with_ratings(record, folder.private, items)
        folder.write_record(record, config.published())
        mark_applied(folder.private, corrections)
    failed = [
        line for lines in items.values() for line in lines.values() if line.status == "failed"
    ]
    left_out = [failure for part in scores for failure in part.failures]
    return Finished(record, (*failed, *left_out))


def load_dataset(config: RunConfig) -> Dataset:
    """Build the dataset of a run; its options are checked first."""
    plugin = DATASETS.load(config.dataset.dataset)
    where = f"dataset '{config.dataset.dataset}'"
    return plugin.load(validate(plugin.Options, config.dataset.options, where))


def load_methods(config: RunConfig) -> list[Method]:
    """Build the methods of a run; their options are checked first.

    Raises:
        UserError: two of them have the same name.
    """
    methods: list[Method] = []
    for entry in config.methods:
        plugin = METHODS.load(entry.method)
        method = plugin.load(validate(plugin.Options, entry.options, f"method '{entry.method}'"))
        if slug(method.name) in {slug(other.name) for other in methods}:
            raise UserError(f"two methods are named '{method.name}'; give one another 'name'")
        methods.append(method)
    return methods


def choose(dataset: Dataset, config: RunConfig) -> tuple[list[Item], list[Item]]:
    """The items to pseudonymize and, where the dataset has queries, the gallery.

    ``limit`` counts queries, and leaves the gallery whole: finding somebody in a smaller gallery
    would be another, easier task. Attribute fidelity alone needs a few of the queries; where
    models are trained and nothing else is measured, no query is pseudonymized.
    """
    from humangenai.attribute_fidelity.sources import candidates

    if config.only_learns:
        return [], []
    items = dataset.items()
    gallery = [item for item in items if item.split == "gallery"]
    queries = [item for item in items if item.split in ("query", "all")]
    if not queries:
        raise UserError(f"the dataset '{dataset.name}' holds no pictures to pseudonymize")
    queries = queries[: config.limit]
    return (candidates(queries, config.phi.people) if config.only_sources else queries), gallery


def choose_training(dataset: Dataset, config: RunConfig) -> list[Item]:
    """The items that models learn from: all, or so many of them, evenly spread in their order.

    Empty where no models are trained.

    Raises:
        UserError: the dataset has no training pictures.
    """
    if not config.learns:
        return []
    source = getattr(dataset, "train_items", None)
    items = list(source()) if source is not None else []
    if not items:
        raise UserError(
            f"the dataset '{dataset.name}' has no pictures to learn from (--track "
            f"{', '.join(config.tracks or ())}); give some of them the split 'train'"
        )
    wanted = config.utility.pictures or len(items)
    if config.only_learns and config.limit is not None:
        wanted = min(wanted, config.limit)
    wanted = min(wanted, len(items))
    return [items[place * len(items) // wanted] for place in range(wanted)]


def planned_items(
    config: RunConfig, queries: Sequence[Item], gallery: Sequence[Item], train: Sequence[Item]
) -> list[Item]:
    """What is pseudonymized: for a release all, for a measurement what it looks at."""
    return [*queries, *(gallery if config.everything else ()), *train]


def choose_tracks(
    config: RunConfig, dataset: Dataset, queries: Sequence[Item], gallery: Sequence[Item]
) -> tuple[str, ...]:
    """What to measure: what was asked for, otherwise all that the dataset allows."""
    possible = can_score_reid(queries, gallery)
    if config.tracks is None:
        return ("reid",) if possible else ()
    for name in config.tracks:
        METRICS.load(name)  # refuses names that nobody registered, before any work is done
    if "reid" in config.tracks and not possible:
        raise UserError(
            f"the dataset '{dataset.name}' has no query and gallery pictures with person and "
            "camera ids; --track reid needs them"
        )
    return config.tracks


def summarise_run(
    config: RunConfig,
    run: Measured,
    methods: Sequence[Method],
    scores: Sequence[Scores],
    weights: Mapping[str, str],
) -> RunRecord:
    """The record of a run, from its lines."""
    from humangenai.reid import coverage

    plain = config.model_dump(mode="json")
    by_key = {item.key: item for item in (*run.queries, *run.gallery, *run.train)}
    shown = (*run.queries, *run.gallery) or tuple(run.train)
    people = [item for item in shown if item.pid not in (None, -1)]
    return RunRecord(
        humangenai_version=__version__,
        created=run.folder.created,
        git=git_state(),
        packages=packages(),
        hardware=hardware(),
        config=plain,
        config_hash=digest(plain),
        seed=config.seed,
        dataset=DatasetRecord(
            name=run.dataset.name,
            rendered=run.dataset.rendered,
            crops=run.dataset.crops,
            items=len(shown),
            queries=len(run.queries),
            gallery=len(run.gallery),
            identities=len({item.pid for item in people}),
            manifest_hash=run.dataset.manifest_hash(),
        ),
        weights=dict(weights),
        attackers=tuple(attacker for part in scores for attacker in part.attackers),
        methods=tuple(
            MethodRecord(
                name=method.name,
                claim=method.claim,
                settings=dict(method.settings()),
                settings_hash=settings_hash(method),
                coverage=coverage(run.items[method.name].values()),
                seconds=_total(line.seconds for line in run.items[method.name].values()),
                scores=tuple(
                    score for part in scores for score in part.scores.get(method.name, ())
                ),
                poses=summarise_poses(by_key, run.items[method.name].values()),
                phi=next(
                    (part.phi[method.name] for part in scores if method.name in part.phi), None
                ),
                utility=tuple(
                    part.utility[method.name] for part in scores if method.name in part.utility
                ),
            )
            for method in methods
        ),
        differences=tuple(difference for part in scores for difference in part.differences),
        suites=tuple(suite for part in scores for suite in part.suites),
        judges=tuple(judge for part in scores for judge in part.judges),
        seconds=run.folder.timings(),
        notes=notes(config, run, scores),
    )


def notes(config: RunConfig, run: Measured, scores: Sequence[Scores]) -> tuple[str, ...]:
    """What a reader must know to read the tables right."""
    lines = []
    attacked = any(part.attackers for part in scores)
    if attacked:
        lines.append(NAIVE)
    if run.dataset.rendered:
        lines.append("originals are rendered, not real")
    if any(line.fates is None for lines_ in run.items.values() for line in lines_.values()):
        lines.append("no ground truth: people are counted as found, so nobody can be missed")
    if any(method.method == "imported" for method in config.methods):
        lines.append(
            "pictures of another tool: a person counts as obscured where at least half of the "
            "mask's pixels changed, as kept otherwise"
        )
    left_out = sum(len(part.failures) for part in scores)
    if left_out:
        lines.append(f"{left_out} gallery pictures cannot be read and were left out")
    if not attacked:
        lines.append("re-identification is unscored: no person and camera ids, or not asked for")
    return (*lines, *(note for part in scores for note in part.notes))


def weights_used(perception: Perception, scores: Sequence[Scores]) -> dict[str, str]:
    """Every model file that was used, by name, with its sha256."""
    people = WEIGHTS.values() if perception.searched else ()
    attackers = {
        attacker.name: attacker.weights_sha256
        for part in scores
        for attacker in part.attackers
        if attacker.weights_sha256 is not None
    }
    return {weight.name: weight.sha256 for weight in people} | attackers


def _total(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for stage, seconds in part.items():
            total[stage] = total.get(stage, 0.0) + seconds
    return {stage: round(seconds, 3) for stage, seconds in total.items()}


@contextmanager
def _timed(folder: RunFolder, stage: str) -> Iterator[None]:
    """Add the time a stage took to the run's timings, even if it is interrupted."""
    began = time.perf_counter()
    try:
        yield
    finally:
        folder.add_timing(stage, time.perf_counter() - began)

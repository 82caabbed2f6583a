"""The track ``detection``: detectors that learn from S, R, both, or one after the other.

Everything is kept in ``private/utility/detection``, by what it was made from: weights and, while a
training runs, its checkpoint; what each detector found in the test pictures. A run that was stopped
goes on where it stopped, and one that is repeated trains nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from humangenai.config import digest
from humangenai.datasets.objects import WithObjects
from humangenai.errors import UserError, unknown
from humangenai.records import (
    UtilityDifference,
    UtilityModel,
    UtilityRecord,
    UtilityScore,
)
from humangenai.scoring import Scores
from humangenai.store import atomic
from humangenai.utility.detection.pictures import Loaded, Pictures, to_truth
from humangenai.utility.detection.quality import picture_quality
from humangenai.utility.detection.scores import (
    METRICS,
    RESAMPLES,
    Detections,
    Truth,
    evaluate,
)
from humangenai.utility.detection.sight import sight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from humangenai.datasets import Item
    from humangenai.progress import Progress
    from humangenai.records import ItemRecord, Training, UtilityMeasure
    from humangenai.scoring import Measured
    from humangenai.statistics import Repeated
    from humangenai.utility.detection.detector import Detector
    from humangenai.utility.detection.scores import Evaluation
    from humangenai.utility.detection.training import Job

PEOPLE = ("person", "man", "woman", "boy", "girl", "pedestrian", "people")
"""Categories, in lower case, that are people: the task ``person`` takes them together."""

PERSON, ALL = "person", "all classes"

NAN = float("nan")


def detection(run: Measured, progress: Progress) -> Scores:
    """Train detectors on every method's pictures and test them on originals of other people.

    Raises:
        UserError: the dataset has no boxes, or a model is unknown.
    """
    dataset = run.dataset
    if not isinstance(dataset, WithObjects):
        raise UserError(
            f"the dataset '{dataset.name}' has no boxes of things to detect; choose crowd-scenes, "
            "coco or openimages"
        )
    detectors = _detectors(run)
    bench = _Bench.prepare(run, dataset, progress)
    records = {
        method.name: bench.measure(method.name, detectors, progress) for method in run.methods
    }
    return Scores(utility=records, notes=_notes(run, records, bench.unreadable))


def _detectors(run: Measured) -> dict[str, Detector | str]:
    """Name → the detector, or why it is not trained; those of the other preset are named too."""
    import torch

    from humangenai.utility.detection.centres import CentreDetector
    from humangenai.utility.detection.faster_rcnn import FasterRcnn

    small, large = CentreDetector(), FasterRcnn()
    known: dict[str, Detector | str] = {small.name: small, large.name: large}
    if run.utility.preset == "small":
        known[large.name] = "large: --preset full, on a graphics card"
    elif not torch.cuda.is_available():
        known[large.name] = "needs a graphics card, and there is none"
    for name in run.utility.models or ():
        if name not in known:
            raise UserError(unknown("detector", name, known))
    wanted = run.utility.models or (
        tuple(known) if run.utility.preset == "small" else (large.name,)
    )
    return {name: detector for name, detector in known.items() if name in wanted}


@dataclass(frozen=True, eq=False)
class _Bench:
    """What all methods of a run have in common.

    Attributes:
        run: whose pictures.
        dataset: the same as the run's.
        originals: R; content: its hash.
        test: originals of other people; test_content: its hash.
        folder: where results are kept.
        unreadable: originals that were left out.
        evaluated: what was found, by task and files.
    """

    run: Measured
    dataset: WithObjects
    originals: Pictures
    content: str
    test: Pictures
    test_content: str
    folder: Path
    unreadable: int
    evaluated: dict[tuple[str, tuple[Path, ...]], Evaluation] = field(default_factory=dict)

    @classmethod
    def prepare(cls, run: Measured, dataset: WithObjects, progress: Progress) -> _Bench:
        """Read originals and test pictures once."""
        test_items = list(run.dataset.items())
        with progress.stage("reading originals", 2) as advance:
            originals = _originals(run, dataset, run.train).readable()
            content = originals.content_hash()
            advance(1)
            test = _originals(run, dataset, test_items).readable()
            test_content = test.content_hash()
            advance(1)
        folder = run.folder.private / "utility" / "detection"
        folder.mkdir(parents=True, exist_ok=True)
        unreadable = len(run.train) + len(test_items) - len(originals) - len(test)
        return cls(run, dataset, originals, content, test, test_content, folder, unreadable)

    def measure(
        self, method: str, detectors: Mapping[str, Detector | str], progress: Progress
    ) -> UtilityRecord:
        """All about one method."""
        made = [item for item in self.run.train if self._line(method, item).status == "done"]
        synthetic = Pictures(
            Loaded([self._output(method, item) for item in made]),
            [to_truth(self.dataset.objects(item)) for item in made],
        )
        content = synthetic.content_hash()
        models: list[UtilityModel] = []
        scores: list[UtilityScore] = []
        differences: list[UtilityDifference] = []
        for name, detector in detectors.items():
            found: dict[Training, tuple[Path, ...]] = {}
            missing = detector if isinstance(detector, str) else None
            if not made and missing is None:
                missing = "there is no synthetic picture to learn from"
            if missing is None:
                assert not isinstance(detector, str)  # noqa: S101
                try:
                    found = self._train(method, detector, (synthetic, content), progress)
                except UserError as error:
                    missing = str(error)
            models.append(_model(name, detector, len(self.dataset.categories), missing))
            for task in self.tasks():
                some = self._score(name, task, found)
                scores += some[0]
                differences += some[1]
        masked = sum(
            person.status == "masked" for item in made for person in self._line(method, item).people
        )
        return UtilityRecord(
            track="detection",
            originals="rendered originals" if self.run.dataset.rendered else "originals",
            preset=self.run.utility.preset,
            tasks=self.tasks(),
            synthetic=len(made),
            learned=len(self.originals),
            tested=len(self.test),
            left_out=len(self.run.train) - len(made),
            masked=masked,
            training_hash=self.content,
            models=tuple(models),
            scores=tuple(scores),
            differences=tuple(differences),
            also=self._also(method, made, progress),
        )

    def tasks(self) -> tuple[str, ...]:
        """People alone, where the dataset knows them, and all categories."""
        return (PERSON, ALL) if self._people() else (ALL,)

    def _people(self) -> list[int]:
        names = self.dataset.categories
        return [number for number, name in enumerate(names) if name.lower() in PEOPLE]

    def _train(
        self,
        method: str,
        detector: Detector,
        synthetic: tuple[Pictures, str],
        progress: Progress,
    ) -> dict[Training, tuple[Path, ...]]:
        """Files with what the detectors find in the test pictures, one per seed."""
        from humangenai.utility.detection.training import train

        found: dict[Training, tuple[Path, ...]] = {}
        both: Pictures | None = None
        for training in self.run.utility.trainings:
            if training == "S+R" and both is None:
                both = synthetic[0] + self.originals
            jobs = [
                self._job(detector, training, seed, synthetic, both)
                for seed in range(self.run.utility.seeds)
            ]
            steps = detector.recipe.updates * len(jobs)
            title = f"{training} · {detector.name}"
            if training != "R":
                title = f"{method}: {title}"
            files = []
            with progress.stage(title, steps) as advance:
                for job in jobs:
                    weights = train(job, self.folder, advance)
                    files.append(self._found(job, weights))
            found[training] = tuple(files)
        return found

    def _job(
        self,
        detector: Detector,
        training: Training,
        seed: int,
        synthetic: tuple[Pictures, str],
        both: Pictures | None,
    ) -> Job:
        from humangenai.utility.detection.training import Job

        count = len(self.dataset.categories)
        s = Job(detector, *synthetic, categories=count, seed=seed)
        if training == "S":
            return s
        if training == "S+R":
            assert both is not None  # noqa: S101
            together = digest([synthetic[1], self.content])
            return Job(detector, both, together, categories=count, seed=seed)
        start = s if training == "S→R" else None
        return Job(detector, self.originals, self.content, count, seed, start)

    def _found(self, job: Job, weights: Path) -> Path:
        """The file with what a detector finds in the test pictures, made where it is missing."""
        from humangenai.utility.detection.training import detect

        path = self.folder / f"{digest([job.key(), self.test_content])}.npz"
        if not path.is_file():
            _save(path, detect(job, weights, self.test.images))
        return path

    def _score(
        self, model: str, task: str, found: Mapping[Training, tuple[Path, ...]]
    ) -> tuple[list[UtilityScore], list[UtilityDifference]]:
        """The cells of one model and task."""
        evaluations = {training: self._evaluate(task, files) for training, files in found.items()}
        scores, differences = [], []
        for training in self.run.utility.trainings:
            for metric in METRICS:
                evaluation = evaluations.get(training)
                one = None if evaluation is None else evaluation.score(metric, resamples=RESAMPLES)
                per_seed = () if evaluation is None else evaluation.precision[metric].tolist()
                scores.append(
                    UtilityScore(
                        training=training,
                        model=model,
                        task=task,
                        metric=metric,
                        value=_ends(one),
                        per_seed=tuple(per_seed),
                        chance=NAN,
                        n=len(self.test),
                        clusters=len(self.test),
                        seeds=self.run.utility.seeds if one is not None else 0,
                    )
                )
                if evaluation is None or training == "R" or "R" not in evaluations:
                    continue
                gap = evaluation.difference(evaluations["R"], metric, resamples=RESAMPLES)
                differences.append(
                    UtilityDifference(
                        training=training,
                        against="R",
                        model=model,
                        task=task,
                        metric=metric,
                        value=_ends(gap),
                        p=gap.p,
                        n=gap.n,
                        clusters=gap.clusters,
                        seeds=gap.seeds,
                    )
                )
        return scores, differences

    def _evaluate(self, task: str, files: tuple[Path, ...]) -> Evaluation:
        """What is right of what was found; R's is the same for all methods, and made once."""
        if (task, files) not in self.evaluated:
            models = [_load(path) for path in files]
            truth: Sequence[Truth] = self.test.truth
            categories: Sequence[str] = self.dataset.categories
            if task == PERSON:
                people = self._people()
                truth = [_only_truth(one, people) for one in truth]
                models = [[_only_found(one, people) for one in model] for model in models]
                categories = [PERSON]
            self.evaluated[task, files] = evaluate(truth, models, categories)
        return self.evaluated[task, files]

    def _also(
        self, method: str, made: Sequence[Item], progress: Progress
    ) -> tuple[UtilityMeasure, ...]:
        run = self.run
        return (
            *sight(run, method, made, progress),
            *picture_quality(run, method, made, progress),
        )

    def _line(self, method: str, item: Item) -> ItemRecord:
        return self.run.items[method][item.key]

    def _output(self, method: str, item: Item) -> Callable[[], NDArray[np.uint8]]:
        return lambda: self.run.output(method, item)


def _originals(run: Measured, dataset: WithObjects, items: Sequence[Item]) -> Pictures:
    def loader(item: Item) -> Callable[[], NDArray[np.uint8]]:
        return lambda: run.dataset.image(item)

    return Pictures(
        Loaded([loader(item) for item in items]),
        [to_truth(dataset.objects(item)) for item in items],
    )


def _model(
    name: str, detector: Detector | str, categories: int, missing: str | None
) -> UtilityModel:
    if missing is not None or isinstance(detector, str):
        return UtilityModel(name=name, missing=missing)
    network = detector.build(categories)
    return UtilityModel(
        name=name,
        settings=dict(detector.settings()),
        parameters=sum(one.numel() for one in network.parameters() if one.requires_grad),
    )


def _only_truth(one: Truth, people: Sequence[int]) -> Truth:
    kept = np.isin(one.categories, people)
    return Truth(one.boxes[kept], np.zeros(int(kept.sum()), np.int64), one.crowd[kept])


def _only_found(one: Detections, people: Sequence[int]) -> Detections:
    kept = np.isin(one.categories, people)
    return Detections(one.boxes[kept], np.zeros(int(kept.sum()), np.int64), one.scores[kept])


def _ends(one: Repeated | None) -> tuple[float, float, float]:
    return (NAN, NAN, NAN) if one is None else (one.value, one.low, one.high)


def _notes(run: Measured, records: Mapping[str, UtilityRecord], unreadable: int) -> tuple[str, ...]:
    called = "rendered originals" if run.dataset.rendered else "originals"
    tested = (
        f"detection: R is trained on {called}; all detectors are tested on originals of other "
        "pictures; labels of S are those of the originals, so avatars of another outline are "
        "taught with the boxes of whom they replace"
    )
    budget = (
        "detection: S→R takes as many updates on S as S, and then as many on originals as R; S+R "
        "as many as R in all"
    )
    notes = [tested, budget]
    if unreadable:
        notes.append(f"detection: {unreadable} originals cannot be read and were left out")
    models = {model.name: model for record in records.values() for model in record.models}
    notes += [
        f"detection: {name} is unscored: {model.missing}"
        for name, model in models.items()
        if model.missing is not None
    ]
    return tuple(notes)


def _save(path: Path, found: Sequence[Detections]) -> None:
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            counts=np.array([len(one.boxes) for one in found], dtype=np.int64),
            boxes=np.concatenate([one.boxes for one in found]),
            categories=np.concatenate([one.categories for one in found]),
            scores=np.concatenate([one.scores for one in found]),
        )


def _load(path: Path) -> list[Detections]:
    with np.load(path, allow_pickle=False) as file:
        ends = np.cumsum(file["counts"])[:-1]
        parts = [np.split(file[name], ends) for name in ("boxes", "categories", "scores")]
    return [Detections(*one) for one in zip(*parts, strict=True)]

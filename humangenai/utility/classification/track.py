"""The track ``classification``: train on S, R, S+R and S→R, test on originals of other people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from humangenai.perception import one_line
from humangenai.records import UtilityModel, UtilityRecord
from humangenai.scoring import Scores
from humangenai.utility.classification import agreement, summary
from humangenai.utility.classification.pictures import Framed, collect
from humangenai.utility.classification.recipes import choose_recipes
from humangenai.utility.classification.training import Job, forget_weights
from humangenai.utility.classification.workers import Workers
from humangenai.utility.labels import check_disjoint, labels_of_items, people_in, tasks_of
from humangenai.utility.published import TRAININGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from humangenai.attribute_fidelity.judges import Judge
    from humangenai.datasets import Item
    from humangenai.datasets.tasks import Task
    from humangenai.methods import Method
    from humangenai.progress import Advance, Progress
    from humangenai.records import ItemRecord, Training, UtilityAgreement
    from humangenai.scoring import Measured
    from humangenai.utility.classification.pictures import Examples, Window
    from humangenai.utility.classification.recipes import Recipe

NOTES = (
    "utility: every training has the same number of updates; S→R has those of S and of R",
    "utility: tables of many differences hold some that look sure by chance",
)


def classification(run: Measured, progress: Progress) -> Scores:
    """What classifiers that learn from each method's pictures are good for.

    States, weights and predictions go to ``private/utility/classification``; what was trained from
    the same pictures before is read instead.

    Raises:
        UserError: the dataset has no labels, somebody is in its training and its test pictures, or
            a model is unknown.
    """
    bench = _Bench(run)
    check_disjoint(run.train, bench.test_items)
    trained = [recipe for recipe in bench.recipes if recipe.missing is None]
    wanted = [one for one in run.utility.trainings if one != "R"]
    per_method = run.utility.seeds * sum(recipe.updates for recipe in trained) * len(wanted)
    shared = run.utility.seeds * sum(recipe.updates for recipe in trained)
    total = per_method * len(run.methods) + shared * ("R" in run.utility.trainings)
    with progress.stage("training classifiers", total) as advance, Workers() as workers:
        records = {method.name: bench.measure(method, workers, advance) for method in run.methods}
    started = (
        f"utility: {recipe.name} starts from trained weights, the same for S, R and S+R"
        for recipe in trained
        if recipe.weights
    )
    return Scores(utility=records, notes=(*NOTES, *started))


@dataclass(frozen=True, eq=False)
class _Bench:
    """Everything that all methods of a run share."""

    run: Measured

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        return tasks_of(self.run.dataset)

    @cached_property
    def recipes(self) -> list[Recipe]:
        return choose_recipes(self.run.utility.preset, self.run.utility.models)

    @cached_property
    def test_items(self) -> list[Item]:
        return list(self.run.dataset.items())

    @cached_property
    def labels(self) -> dict[str, Mapping[str, str]]:
        """Of the training pictures, by key."""
        said = labels_of_items(self.run.dataset, self.run.train)
        return {item.key: one for item, one in zip(self.run.train, said, strict=True)}

    @cached_property
    def _originals(self) -> dict[int, tuple[Examples, Examples]]:
        return {}

    def originals(self, size: int) -> tuple[Examples, Examples]:
        """R, and the test pictures, in one size."""
        if size not in self._originals:
            dataset = self.run.dataset
            self._originals[size] = (
                collect(dataset, self.learnable, dataset.image, self.tasks, size),
                collect(dataset, self.test_items, dataset.image, self.tasks, size),
            )
        return self._originals[size]

    @cached_property
    def learnable(self) -> list[Item]:
        """The training pictures that can be read."""
        return [item for item in self.run.train if item.key not in self.run.perception.errors]

    @cached_property
    def _judge(self) -> Judge | None:
        """Who is asked whether S shows its labels: the probe that comes with the suite."""
        from humangenai.attribute_fidelity.judges import load_judges
        from humangenai.attribute_fidelity.judges.human import Human

        for judge in load_judges(["probe"]).available:
            if not isinstance(judge, Human):
                return judge
        return None

    @cached_property
    def _judged_originals(self) -> dict[str, agreement.Said]:
        if self._judge is None:
            return {}
        dataset = self.run.dataset
        return agreement.ask(
            self._judge, agreement.spread(self.learnable), dataset.image, self._face
        )

    @property
    def _face(self) -> Callable[[Item], Window] | None:
        """Where faces are, if the dataset knows."""
        dataset = self.run.dataset
        return dataset.face if isinstance(dataset, Framed) else None

    def measure(self, method: Method, workers: Workers, advance: Advance) -> UtilityRecord:
        """Train on one method's pictures, and on R, and sum up."""
        usable = [item for item in self.run.train if _in_s(self.run.items[method.name][item.key])]
        tested: list[summary.Tested] = []
        models: list[UtilityModel] = []
        for recipe in self.recipes:
            said: dict[Training, NDArray[np.int64]] = {}
            parameters = 0
            if recipe.missing is None:
                said = self._train(method, usable, recipe, workers, advance)
                parameters = _parameters(recipe, self._classes)
            models.append(
                UtilityModel(
                    name=recipe.name,
                    settings=recipe.settings(),
                    parameters=parameters,
                    missing=recipe.missing,
                )
            )
            tested.append(self._tested(recipe, said))
        trainings = self.run.utility.trainings
        differences = [one for part in tested for one in summary.differences(part, trainings)]
        agreements, remarks = self._agreements(method, usable)
        lines = [self.run.items[method.name][item.key] for item in usable]
        return UtilityRecord(
            track="classification",
            originals="rendered originals" if self.run.dataset.rendered else "originals",
            preset=self.run.utility.preset,
            tasks=tuple(task.name for task in self.tasks),
            synthetic=len(usable),
            learned=len(self.learnable),
            tested=len(self.test_items),
            left_out=len(self.run.train) - len(usable),
            masked=sum(one.status == "masked" for line in lines for one in line.people),
            training_hash=self._size_of_record[0].content_hash(),
            models=tuple(models),
            scores=tuple(one for part in tested for one in summary.scores(part, trainings)),
            differences=tuple(differences),
            confusions=tuple(one for part in tested for one in summary.confusions(part, trainings)),
            gaps=tuple(one for part in tested for one in summary.gaps(part, trainings)),
            agreement=agreements,
            notes=(*summary.verdicts(differences), *remarks),
        )

    @property
    def _classes(self) -> tuple[int, ...]:
        return tuple(len(task.classes) for task in self.tasks)

    @property
    def _size_of_record(self) -> tuple[Examples, Examples]:
        """The originals in the size of the first model that is trained."""
        sizes = [recipe.size for recipe in self.recipes if recipe.missing is None]
        return self.originals(sizes[0] if sizes else 64)

    def _tested(self, recipe: Recipe, said: Mapping[Training, NDArray[np.int64]]) -> summary.Tested:
        learned, test = self.originals(recipe.size) if said else self._size_of_record
        return summary.Tested(
            model=recipe.name,
            tasks=self.tasks,
            labels=test.labels,
            people=people_in(self.test_items),
            usual=summary.usual_classes(learned.labels),
            said=said,
        )

    def _train(
        self, method: Method, usable: Sequence[Item], recipe: Recipe, workers: Workers,
        advance: Advance,
    ) -> dict[Training, NDArray[np.int64]]:  # fmt: skip
        """What the models say of the test pictures: training → int64 (seeds, tasks, N)."""
        run, folder = self.run, self.run.folder.private / "utility" / "classification"
        learned, test = self.originals(recipe.size)

        def output(item: Item) -> NDArray[np.uint8]:
            return run.output(method.name, item)

        synthetic = collect(run.dataset, usable, output, self.tasks, recipe.size)
        jobs = {
            training: some
            for training, some in self._jobs(recipe, synthetic, learned).items()
            if training in run.utility.trainings
        }
        # R is the same for all methods, and trained once.
        again = "R" in jobs and method.name != run.methods[0].name
        known = workers.predictions(jobs.pop("R"), test, folder) if again else None
        flat = [job for some in jobs.values() for job in some]
        found = iter(workers.predictions(flat, test, folder, advance))
        said = {training: np.stack([next(found) for _ in some]) for training, some in jobs.items()}
        if known is not None:
            said["R"] = np.stack(known)
        for job in flat:
            forget_weights(job, folder)
            if job.start is not None:
                forget_weights(job.start, folder)
        return {training: said[training] for training in TRAININGS if training in said}

    def _jobs(
        self, recipe: Recipe, synthetic: Examples, learned: Examples
    ) -> dict[Training, list[Job]]:
        """What is trained, one job per seed; nothing that would learn from an empty S."""
        seeds = range(self.run.utility.seeds)
        r_hash, s_hash = learned.content_hash(), synthetic.content_hash()
        jobs: dict[Training, list[Job]] = {
            "R": [Job(recipe, self._classes, learned, r_hash, seed) for seed in seeds]
        }
        if not len(synthetic):
            return jobs
        both = synthetic.joined(learned)
        both_hash = both.content_hash()
        jobs["S"] = [Job(recipe, self._classes, synthetic, s_hash, seed) for seed in seeds]
        jobs["S+R"] = [Job(recipe, self._classes, both, both_hash, seed) for seed in seeds]
        jobs["S→R"] = [
            Job(recipe, self._classes, learned, r_hash, before.seed, start=before)
            for before in jobs["S"]
        ]
        return jobs

    def _agreements(
        self, method: Method, usable: Sequence[Item]
    ) -> tuple[tuple[UtilityAgreement, ...], tuple[str, ...]]:
        """What the judge says of S, and why it says nothing."""
        if self._judge is None:
            return (), ("does S show its labels: unscored, there is no judge",)
        if not self.run.dataset.crops or not usable:
            return (), ("does S show its labels: unscored, S has no pictures of one person",)

        def output(item: Item) -> NDArray[np.uint8]:
            return self.run.output(method.name, item)

        try:
            originals = self._judged_originals
            seen = agreement.ask(self._judge, agreement.spread(usable), output, self._face)
        except RuntimeError as error:  # weights of another size: recorded, the run goes on
            return (), (f"does S show its labels: unscored, the judge failed: {one_line(error)}",)
        found = agreement.agreements(self._judge, self.tasks, self.labels, seen, originals)
        return tuple(found), ()


def _in_s(line: ItemRecord) -> bool:
    """Whether the picture is pseudonymized: made, and nobody in it missed."""
    if line.status != "done" or not line.people:
        return False
    return line.fates is None or "missed" not in line.fates


def _parameters(recipe: Recipe, classes: Sequence[int]) -> int:
    from humangenai.utility.classification.network import Classifier

    return sum(weight.numel() for weight in Classifier(recipe, classes).parameters())

"""The track ``phi``: make pictures of every prompt, have them judged, count who was right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.answers import Verdicts
from humangenai.attribute_fidelity.generation import CROPS, Design, asked, generate
from humangenai.attribute_fidelity.judges import judge_pictures, load_judges
from humangenai.attribute_fidelity.judges.human import Human
from humangenai.attribute_fidelity.judges.measuring import labelled
from humangenai.attribute_fidelity.method_differences import method_differences
from humangenai.attribute_fidelity.sources import candidates, choose_sources
from humangenai.attribute_fidelity.suites import load_suite
from humangenai.attribute_fidelity.summary import (
    judge_record,
    missing_judge,
    suite_record,
    summarise,
)
from humangenai.attributes import follows_prompts, scope_of
from humangenai.errors import UserError
from humangenai.scoring import Scores
from humangenai.store import slug

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Said
    from humangenai.attribute_fidelity.judges import Judge, Judges
    from humangenai.attribute_fidelity.lines import Crop, Generated
    from humangenai.attribute_fidelity.sources import Source
    from humangenai.methods import Method
    from humangenai.progress import Progress
    from humangenai.records import PhiRecord
    from humangenai.scoring import Measured

    Labelled = Mapping[Crop, Sequence[tuple[Mapping[str, str], Said]]]


def phi(run: Measured, progress: Progress) -> Scores:
    """Attribute fidelity of every method that paints what it is asked to.

    Lines go to ``private/phi``; what was made or judged before is read instead.

    Raises:
        UserError: a judge is unknown or cannot be read, or nobody in the pictures is suited.
    """
    judges = load_judges(run.phi.judges)
    prompted = [method for method in run.methods if follows_prompts(method)]
    records: dict[str, PhiRecord] = {}
    remarks: list[str] = []
    if prompted:
        sources, remarks = _sources(run)
        bench = _Bench(run, judges, _asked_before(judges, sources, progress), progress)
        for method in prompted:
            asks = asked(scope_of(method), run.phi.suites)
            design = Design(sources, asks, run.phi.draws)
            lines = generate(run.folder, method, design, progress)
            records[method.name] = bench.judge(method, lines)
        records = bench.compare(records)
    silent = [method.name for method in run.methods if method not in prompted]
    if silent:
        remarks.append(f"ϕ is unscored for {', '.join(silent)}: no prompts are taken")
    return Scores(
        phi=records,
        suites=tuple(suite_record(name) for name in run.phi.suites),
        judges=(
            *(judge_record(judge) for judge in judges.available),
            *(missing_judge(name, reason) for name, reason in judges.missing.items()),
        ),
        notes=tuple(remarks),
    )


def _sources(run: Measured) -> tuple[dict[Crop, list[Source]], list[str]]:
    """Whose places new people take, and what is to be said of that."""
    wanted = run.phi.people
    items = candidates(run.queries, wanted)
    crops = dict.fromkeys(CROPS[load_suite(name).view] for name in run.phi.suites)
    found = {
        crop: choose_sources(run.dataset, run.perception, items, crop, wanted) for crop in crops
    }
    if not any(found.values()):
        raise UserError(
            f"--track phi: nobody in {len(items)} pictures of '{run.dataset.name}' faces the "
            "camera or is seen from head to foot, large enough and alone; take another dataset"
        )
    return found, [
        f"ϕ: {len(sources)} of {wanted} source people for {crop} crops; nobody else is suited"
        for crop, sources in found.items()
        if len(sources) < wanted
    ]


def _asked_before(
    judges: Judges, sources: Mapping[Crop, Sequence[Source]], progress: Progress
) -> dict[str, Labelled]:
    """What every judge says of renders whose truth is known: its ceilings, and those of ϕ_C."""
    tried: dict[str, Labelled] = {}
    seeing = [judge for judge in judges.available if not isinstance(judge, Human)]
    with progress.stage("trying the judges", len(seeing)) as advance:
        for judge in seeing:
            crops = [crop for crop in sources if crop == "head" or _is_untried(judge, crop)]
            tried[judge.name] = {crop: labelled(judge, crop) for crop in crops}
            advance(1)
    return tried


def _is_untried(judge: Judge, crop: Crop) -> bool:
    return any(not ceiling.measured for ceiling in judge.ceilings(crop).values())


@dataclass(frozen=True, eq=False)
class _Bench:
    """The judges of a run."""

    run: Measured
    judges: Judges
    tried: Mapping[str, Labelled]
    progress: Progress
    judged: dict[str, tuple[Sequence[Generated], Sequence[Verdicts]]] = field(default_factory=dict)

    def compare(self, records: Mapping[str, PhiRecord]) -> dict[str, PhiRecord]:
        """The records with the differences between the methods that were judged."""
        gaps = method_differences(self.judged)
        return {
            name: record.model_copy(update={"differences": gaps[name]})
            for name, record in records.items()
        }

    def judge(self, method: Method, lines: Sequence[Generated]) -> PhiRecord:
        """What all judges say of one method's pictures, summarised."""
        verdicts = []
        ratings = study = None
        folder = self.run.folder.private / "phi" / "judged"
        with self.progress.stage(f"{method.name}: judges", len(self.judges.available)) as advance:
            for judge in self.judges.available:
                path = folder / f"{slug(method.name)}-{slug(judge.name)}.jsonl"
                said = judge_pictures(judge, lines, self.run.folder.root, path)
                verdicts.append(Verdicts.of(judge, said, self.tried.get(judge.name)))
                if isinstance(judge, Human):
                    ratings, study = judge.ratings, judge.version
                advance(1)
        verdicts += [Verdicts.missing(name) for name in self.judges.missing]
        self.judged[method.name] = lines, verdicts
        scope = scope_of(method)
        covered = {name: load_suite(name).covered(scope) for name in self.run.phi.suites}
        return summarise(lines, verdicts, covered, ratings or (), study or "")

"""ϕ of one method: all of its lines in, one record out. Reads as the table of contents of ϕ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.attribute_fidelity.fairness import group_coverage, group_fidelity
from humangenai.attribute_fidelity.judge_agreement import judge_agreement
from humangenai.attribute_fidelity.leakage import leakage
from humangenai.attribute_fidelity.pairs import pair_scores
from humangenai.attribute_fidelity.ratings import phi_ratings
from humangenai.attribute_fidelity.scores import coverage, level_differences, phi_scores
from humangenai.attribute_fidelity.suites import load_suite
from humangenai.records import CeilingRecord, JudgeRecord, PhiRecord, SuiteRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.judges import Judge
    from humangenai.attribute_fidelity.judges.human import Human, Rating
    from humangenai.attribute_fidelity.lines import Crop, Generated
    from humangenai.attribute_fidelity.suites import SuiteName


def summarise(
    generated: Sequence[Generated],
    judges: Sequence[Verdicts],
    covered: Mapping[SuiteName, Collection[str]],
    ratings: Sequence[Rating] = (),
    study: str = "",
) -> PhiRecord:
    """Everything that is told about one method.

    Args:
        generated: all of its pictures, made or not.
        judges: what each judge says; a judge that is missing takes part as
            ``Verdicts.missing(name)``, so that its scores are NaN and counted.
        covered: the suites that were asked → names of the entries that the checkpoint can be scored
            on (``Suite.covered``).
        ratings: people's answers, where there are some.
        study: version of the export that they are from.
    """
    return PhiRecord(
        suites={name: load_suite(name).version for name in covered},
        judges={judge.judge: judge.version for judge in judges},
        coverage=tuple(
            row
            for name, names in covered.items()
            for row in coverage(load_suite(name), names, generated)
        ),
        scores=tuple(row for judge in judges for row in phi_scores(generated, judge)),
        levels=tuple(row for judge in judges for row in level_differences(generated, judge)),
        pairs=tuple(row for judge in judges for row in pair_scores(generated, judge)),
        fairness=(
            *group_coverage(generated),
            *(row for judge in judges for row in group_fidelity(generated, judge)),
        ),
        leakage=tuple(row for judge in judges for row in leakage(generated, judge)),
        agreement=judge_agreement(generated, judges),
        ratings=phi_ratings(generated, ratings, study),
    )


def judge_record(judge: Judge | Human) -> JudgeRecord:
    """A judge with its version and its own accuracy."""
    crops: tuple[Crop, ...] = ("head", "body")
    return JudgeRecord(
        name=judge.name,
        version=judge.version,
        licence=judge.licence,
        ceilings=tuple(
            CeilingRecord(
                crop=crop,
                attribute=attribute,
                value=(ceiling.value, ceiling.low, ceiling.high),
                chance=ceiling.chance,
                n=ceiling.n,
                measured_on=ceiling.measured_on,
            )
            for crop in crops
            for attribute, ceiling in judge.ceilings(crop).items()
        ),
    )


def missing_judge(name: str, reason: str) -> JudgeRecord:
    """A judge that could not judge, and why."""
    return JudgeRecord(name=name, version="", licence="", missing=reason)


def suite_record(name: SuiteName) -> SuiteRecord:
    """Which list of prompts was asked."""
    suite = load_suite(name)
    return SuiteRecord(suite=suite.suite, version=suite.version, prompts=len(suite.entries()))

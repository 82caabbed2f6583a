"""Which of two methods shows better what was asked for, on the same prompts, people and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from humangenai.attribute_fidelity.answers import answers, person
from humangenai.attribute_fidelity.pairs import choices
from humangenai.attribute_fidelity.scores import ends, paired_shares
from humangenai.records import PhiDifference

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Generated

    Judged = tuple[Sequence[Generated], Sequence[Verdicts]]
    Hits = Mapping[tuple[str, str], Mapping[Hashable, tuple[float, str]]]


def method_differences(methods: Mapping[str, Judged]) -> dict[str, tuple[PhiDifference, ...]]:
    """Every method minus every method before it, suite by suite and judge by judge.

    Only what both were asked for and what the judge answered of both is compared: questions of
    ϕ_A, ϕ_B and ϕ_D, and pairs of one person and seed of ϕ_C.

    Args:
        methods: name → its pictures, and what each judge says of them.

    Returns:
        Name → its differences to those before it.
    """
    hits = {name: _hits(*judged) for name, judged in methods.items()}
    names = list(methods)
    return {
        name: tuple(
            difference
            for against in names[:at]
            for difference in _differences(hits[name], hits[against], against)
        )
        for at, name in enumerate(names)
    }


def _hits(generated: Sequence[Generated], judges: Sequence[Verdicts]) -> Hits:
    """Suite and judge → question or pair → how right it was, and the source person."""
    found: dict[tuple[str, str], dict[Hashable, tuple[float, str]]] = {}
    for verdicts in judges:
        for answer in answers(generated, verdicts).given:
            line = answer.line
            question = (line.prompt, person(line), line.draw, answer.key, answer.value)
            of_suite = found.setdefault((line.suite, verdicts.judge), {})
            of_suite[question] = answer.right, person(line)
        for pair, choice in choices(generated, verdicts).items():
            _, whom, _ = pair
            found.setdefault(("phi_C", verdicts.judge), {})[pair] = choice, whom
    return found


def _differences(ours: Hits, theirs: Hits, against: str) -> Iterator[PhiDifference]:
    for (suite, judge), hits in sorted(ours.items()):
        others = theirs.get((suite, judge), {})
        shared = [question for question in hits if question in others]
        if not shared:
            continue
        gap = paired_shares(
            [hits[question][0] for question in shared],
            [others[question][0] for question in shared],
            [hits[question][1] for question in shared],
        )
        fields: dict[str, Any] = {"suite": suite}
        yield PhiDifference(
            **fields,
            judge=judge,
            against=against,
            value=ends(gap),
            n=gap.n,
            people=gap.clusters,
        )

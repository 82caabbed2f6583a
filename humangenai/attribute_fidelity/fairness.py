"""Fairness: is anybody served worse, by what the prompt asks for or by who was replaced?

Two questions. Demographics of the *prompt*: does the generator show what it is asked for as well of
one group as of another? Demographics of the *original*, where the dataset knows them: is a person
replaced, and as prompted, whoever stood there? The second compares like with like, since every
source person gets the same prompts; under the first, groups are asked for together with different
other attributes.

Each group is compared with all others together. The best against the worst would look unfair by
chance alone: of many groups, some always come out lowest.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Literal

from humangenai.attribute_fidelity.answers import answers, person
from humangenai.attribute_fidelity.scores import ends
from humangenai.records import GroupScore
from humangenai.statistics import clustered_share, share_difference
from refsd.prompts import age_group

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from humangenai.attribute_fidelity.answers import Verdicts
    from humangenai.attribute_fidelity.lines import Generated
    from humangenai.statistics import Estimate

    Whose = Literal["prompted", "original"]
    Observed = tuple[Generated, float]

DEMOGRAPHICS = ("gender", "age group", "ethnicity", "skin tone")
"""What groups people."""


def group_coverage(generated: Sequence[Generated]) -> tuple[GroupScore, ...]:
    """Whether people are replaced: the share of each group's pictures that were made.

    Args:
        generated: one method's pictures; pairs (``phi_C``) are left out.
    """
    lines = [line for line in generated if line.suite != "phi_C"]
    made = [(line, float(line.status == "replaced")) for line in lines]
    return (*_groups("prompted", "", made), *_groups("original", "", made))


def group_fidelity(generated: Sequence[Generated], verdicts: Verdicts) -> tuple[GroupScore, ...]:
    """Whether pictures show what was asked for: top-1 of each group's questions.

    Args:
        generated: one method's pictures; pairs (``phi_C``) are left out.
        verdicts: what the judge says.
    """
    given = [(answer.line, answer.right) for answer in answers(generated, verdicts).given]
    judge = verdicts.judge
    return (*_groups("prompted", judge, given), *_groups("original", judge, given))


def demographics(attributes: Mapping[str, str]) -> dict[str, str]:
    """The demographics among attributes; an age in years counts as its group.

    >>> demographics({"gender": "female", "age": "70", "emotion": "sad"})
    {'gender': 'female', 'age group': 'elderly'}
    """
    known = dict(attributes)
    if "age" in known:
        known.setdefault("age group", age_group(int(known["age"])))
    return {key: known[key] for key in DEMOGRAPHICS if key in known}


def _groups(whose: Whose, judge: str, observed: Iterable[Observed]) -> list[GroupScore]:
    by_group: dict[str, dict[str, list[Observed]]] = defaultdict(lambda: defaultdict(list))
    for line, value in observed:
        described = line.attributes if whose == "prompted" else line.original
        for key, group in demographics(described).items():
            by_group[key][group].append((line, value))
    rows = []
    for key in DEMOGRAPHICS:
        for group, members in sorted(by_group[key].items()):
            others = [one for other, found in by_group[key].items() if other != group
                      for one in found]  # fmt: skip
            rows.append(_row(whose, judge, key, group, members, others))
    return rows


def _row(  # noqa: PLR0917 (a row has these parts)
    whose: Whose,
    judge: str,
    attribute: str,
    value: str,
    members: Sequence[Observed],
    others: Sequence[Observed],
) -> GroupScore:
    share, rest = _share(members), _share(others)
    return GroupScore(
        whose=whose,
        attribute=attribute,
        value=value,
        measure="fidelity" if judge else "coverage",
        judge=judge,
        score=ends(share),
        gap=ends(share_difference(share, rest)),
        n=share.n,
        people=share.clusters,
    )


def _share(observed: Sequence[Observed]) -> Estimate:
    return clustered_share([v for _, v in observed], [person(line) for line, _ in observed])

"""A run's tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from humangenai.records import Difference, MethodRecord, RunRecord, Score


def render(record: RunRecord) -> RenderableType:
    """Coverage, then one table per attacker, then what a reader must know."""
    parts: list[RenderableType] = [Text(), _coverage(record)]
    attackers = dict.fromkeys(
        score.attacker for method in record.methods for score in method.scores
    )
    parts.extend(_reid(record, attacker) for attacker in attackers)
    parts.extend(Text(f"note: {note}") for note in record.notes)
    return Group(*parts)


def share(value: float) -> str:
    """A share in percent; a dash where it is unscored.

    >>> share(0.1234), share(float("nan"))
    ('12.3', '–')
    """
    return "–" if math.isnan(value) else f"{100 * value:.1f}"


def _coverage(record: RunRecord) -> Table:
    data = record.dataset
    truth = all(method.coverage.truth for method in record.methods)
    table = Table(
        title=f"{data.name}: what became of "
        + ("the true people" if truth else "the people who were found"),
        title_justify="left",
    )
    table.add_column("method")
    columns = (
        "pictures",
        "failed",
        "people",
        "replaced",
        "masked",
        "obscured",
        "kept",
        "missed",
        "leak %",
        "s / picture",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for method in record.methods:
        cover = method.coverage
        done = cover.items - cover.failed_items
        seconds = sum(method.seconds.values()) / done if done else math.nan
        table.add_row(
            Text(method.name),
            str(cover.items),
            str(cover.failed_items),
            str(cover.people),
            str(cover.replaced),
            str(cover.masked),
            str(cover.obscured),
            str(cover.kept),
            "–" if cover.missed is None else str(cover.missed),
            "–" if math.isnan(cover.leak_mean) else f"{100 * cover.leak_mean:.2f}",
            "–" if math.isnan(seconds) else f"{seconds:.2f}",
        )
    return table


def _reid(record: RunRecord, attacker: str) -> Table:
    table = Table(
        title=f"{record.dataset.name}: re-identification by {attacker}, % with 95 % intervals "
        "(lower is more private)",
        title_justify="left",
    )
    table.add_column("method")
    table.add_column("queries")
    for metric in ("R@1", "R@5", "R@10", "mAP"):
        table.add_column(metric, justify="right")
    for method in record.methods:
        for subset in ("all", "processed"):
            scores = _scores(method, attacker, subset)
            if scores:
                count = max(score.n for score in scores.values())
                table.add_row(
                    Text(method.name if subset == "all" else ""),
                    f"{count} {subset}",
                    *(_with_interval(scores.get(metric)) for metric in _METRICS),
                )
    chance = next(
        (found for method in record.methods if (found := _scores(method, attacker, "all"))),
        {},
    )
    table.add_section()
    table.add_row("chance", "", *(share(_chance(chance.get(metric))) for metric in _METRICS))
    differences = _against_maskout(record, attacker)
    if differences:
        table.caption = "\n".join(differences)
        table.caption_justify = "left"
    return table


_METRICS = ("R@1", "R@5", "R@10", "mAP")


def _scores(method: MethodRecord, attacker: str, subset: str) -> dict[str, Score]:
    return {
        score.metric: score
        for score in method.scores
        if score.attacker == attacker and score.subset == subset
    }


def _chance(score: Score | None) -> float:
    return math.nan if score is None else score.chance


def _with_interval(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "–"
    return f"{share(score.value)} ({share(score.low)}–{share(score.high)})"


def _against_maskout(record: RunRecord, attacker: str) -> list[str]:
    """Paired differences of R@1 over all queries, one line each."""
    return [
        f"{difference.method} − {difference.against}: R@1 {_points(difference)}"
        for difference in record.differences
        if difference.attacker == attacker
        and difference.metric == "R@1"
        and difference.subset == "all"
        and difference.against == "MaskOut"
    ]


def _points(difference: Difference) -> str:
    return (
        f"{100 * difference.value:+.1f} points "
        f"({100 * difference.low:+.1f} to {100 * difference.high:+.1f})"
    )

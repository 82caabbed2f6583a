"""R@1 of every method as dots with intervals: SVG that scales to any width and follows the page.

Positions across are percentages of the picture's width, so text keeps its size on a phone; colours
come from the page's style sheet.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from humangenai.report.tables import chance_of, percent, scores_of

if TYPE_CHECKING:
    from humangenai.records import MethodRecord, RunRecord, Score

_ROW = 46
_TOP = 8
_AXIS = 30


def rank1_plot(record: RunRecord, attacker: str) -> str:
    """Dots (all queries: filled, processed queries: hollow), 95 % intervals and the chance line.

    Args:
        record: the run.
        attacker: whose R@1.

    Returns:
        An ``<svg>`` element; all text in it is escaped.
    """
    bottom = _TOP + _ROW * len(record.methods)
    chance = chance_of(record, attacker, "R@1")
    parts = [
        f'<svg class="plot" role="img" width="100%" height="{bottom + _AXIS}">',
        f"<title>{escape(_description(record, attacker, chance))}</title>",
    ]
    for tick in range(0, 101, 20):
        parts.append(svg_line("grid", tick, _TOP, tick, bottom))
        parts.append(svg_text("tick", tick, bottom + 18, f"{tick} %", _anchor(tick)))
    if not math.isnan(chance):
        parts.append(svg_line("chance", 100 * chance, _TOP, 100 * chance, bottom))
    for number, method in enumerate(record.methods):
        parts.extend(_row(method, attacker, _TOP + number * _ROW))
    parts.append("</svg>")
    return "".join(parts)


def _row(method: MethodRecord, attacker: str, top: int) -> list[str]:
    """One method: its name, its number, and beneath them dots and intervals."""
    everyone = scores_of(method, attacker, "all").get("R@1")
    processed = scores_of(method, attacker, "processed").get("R@1")
    parts = [
        svg_text("name", 0, top + 14, method.name, "start"),
        svg_text("value", 100, top + 14, _value(everyone), "end"),
    ]
    for score, kind, height in ((everyone, "all", 26), (processed, "processed", 36)):
        if score is None or math.isnan(score.value):
            continue
        y = top + height
        if not (math.isnan(score.low) or math.isnan(score.high)):
            parts.append(svg_line(f"interval {kind}", 100 * score.low, y, 100 * score.high, y))
        parts.append(
            f'<circle class="dot {kind}" cx="{100 * score.value:.2f}%" cy="{y}" r="4.5"></circle>'
        )
    return parts


def _value(score: Score | None) -> str:
    if score is None or math.isnan(score.value):
        return "unscored"
    return f"{percent(score.value)} ({percent(score.low)}–{percent(score.high)})"


def _description(record: RunRecord, attacker: str, chance: float) -> str:
    """The same in words, for those who cannot see the plot."""
    found = (
        f"{method.name} {_value(scores_of(method, attacker, 'all').get('R@1'))}"
        for method in record.methods
    )
    return f"R@1 in percent by {attacker}: {'; '.join(found)}; chance {percent(chance)}"


def _anchor(tick: int) -> str:
    return {0: "start", 100: "end"}.get(tick, "middle")


def svg_line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """A line of a class; x in percent of the width, y in pixels."""
    return f'<line class="{kind}" x1="{x1:.2f}%" y1="{y1}" x2="{x2:.2f}%" y2="{y2}"></line>'


def svg_text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    """Escaped text of a class; x in percent of the width, y in pixels."""
    return f'<text class="{kind}" x="{x:.2f}%" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'

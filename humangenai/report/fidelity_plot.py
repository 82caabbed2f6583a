"""ϕ as dots with intervals: SVG in the manner of :mod:`humangenai.report.plot`.

Shares and people's answers are on different scales and never in one plot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from humangenai.report.plot import svg_line, svg_text
from humangenai.report.tables import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from humangenai.records import Ends, PhiRating, PhiScore

_ROW = 38
_TOP = 8
_AXIS = 30


@dataclass(frozen=True)
class Row:
    """One line of a plot.

    Attributes:
        name: above it, on the left; value: on the right.
        ends: of the dot and its interval; NaN: no dot.
        marks: class of a mark → where it stands; NaN: nowhere.
        other: a second, hollow dot with its interval, of another source.
    """

    name: str
    value: str
    ends: Ends
    marks: Mapping[str, float]
    other: Ends | None = None


def fidelity_plot(scores: Iterable[PhiScore]) -> str:
    """Top-1 of groups or prompts: dots with intervals, floors and ceilings.

    Args:
        scores: of one suite, method and judge; those without an answer say so.

    Returns:
        An ``<svg>`` element; all text in it is escaped.
    """
    rows = [
        Row(
            name=one.name,
            value=_share(one),
            ends=one.top1,
            marks={"floor": one.floor, "ceiling": one.ceiling[0]},
        )
        for one in scores
    ]
    return _plot(rows, (0.0, 1.0), [(tick / 5, f"{20 * tick} %") for tick in range(6)])


def _share(one: PhiScore) -> str:
    value, low, high = one.top1
    if math.isnan(value):
        return "unscored"
    interval = "" if math.isnan(low) else f" ({percent(low, 0)}–{percent(high, 0)})"
    return f"{percent(value, 0)}{interval}"


def likert_plot(ratings: Sequence[PhiRating], published: Mapping[str, float], error: float) -> str:
    """People's answers (filled) beside the paper's (hollow), on the scale of both.

    Args:
        ratings: of prompts of one method.
        published: prompt → the paper's mean.
        error: how far a published mean may be from the true one.

    Returns:
        An ``<svg>`` element; all text in it is escaped.
    """
    rows = []
    for one in ratings:
        mean = published.get(one.name, math.nan)
        value = f"{one.mean[0]:.2f}"
        if not math.isnan(mean):
            value += f", paper {mean:.2f}"
        other = (mean, mean - error, mean + error)
        rows.append(Row(name=one.name, value=value, ends=one.mean, marks={}, other=other))
    return _plot(rows, (1.0, 5.0), [(float(tick), str(tick)) for tick in range(1, 6)])


def _plot(
    rows: Sequence[Row], scale: tuple[float, float], ticks: Sequence[tuple[float, str]]
) -> str:
    bottom = _TOP + _ROW * len(rows)
    said = "; ".join(f"{row.name} {row.value}" for row in rows)
    parts = [
        f'<svg class="plot" role="img" width="100%" height="{bottom + _AXIS}">',
        f"<title>{escape(said)}</title>",
    ]

    def place(value: float) -> float:
        return 100 * (value - scale[0]) / (scale[1] - scale[0])

    for at, label in ticks:
        x = place(at)
        parts.append(svg_line("grid", x, _TOP, x, bottom))
        anchor = {0: "start", 100: "end"}.get(round(x), "middle")
        parts.append(svg_text("tick", x, bottom + 18, label, anchor))
    for number, row in enumerate(rows):
        top = _TOP + number * _ROW
        y = top + 26
        parts.append(svg_text("name", 0, top + 14, row.name, "start"))
        parts.append(svg_text("value", 100, top + 14, row.value, "end"))
        for kind, value in row.marks.items():
            if not math.isnan(value):
                parts.append(svg_line(kind, place(value), y - 8, place(value), y + 8))
        for kind, ends in (("processed", row.other), ("all", row.ends)):
            if ends is not None and not math.isnan(ends[0]):
                parts += _dot(kind, [place(end) for end in ends], y)
    parts.append("</svg>")
    return "".join(parts)


def _dot(kind: str, ends: Sequence[float], y: int) -> list[str]:
    value, low, high = ends
    circle = f'<circle class="dot {kind}" cx="{value:.2f}%" cy="{y}" r="4.5"></circle>'
    if math.isnan(low) or math.isnan(high):
        return [circle]
    return [svg_line(f"interval {kind}", low, y, high, y), circle]

"""What is shown of a verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humangenai.verification.records import PROVES

if TYPE_CHECKING:
    from rich.console import RenderableType

    from humangenai.verification.records import CheckRecord, Verification

SHOWN = 3
"""So many findings of a check are shown; all are in ``private/verification.json``."""

COLOURS = {
    "passed": "green",
    "failed": "bold red",
    "not checked": "yellow",
    "not applicable": "dim",
}


def render(verification: Verification) -> RenderableType:
    """The verdict as a table, with what every check proves and what it does not."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, title_justify="left")
    for column in ("check", "of", "verdict", "pictures", "in particular"):
        table.add_column(column, overflow="fold")
    for check in verification.checks:
        verdict = Text(check.verdict, style=COLOURS[check.verdict])
        # As Text, for Rich would take the brackets of refsd[none] for markup.
        cells = (check.method or "release/", verdict, _counts(check), _particular(check))
        table.add_row(check.check, *(Text.assemble(cell) for cell in cells))
    shown = dict.fromkeys(check.check for check in verification.checks)
    parts: list[RenderableType] = [table, Text()]
    parts += [Text(f"{check}: {PROVES[check]}") for check in shown]
    parts += [Text(f"note: {line}") for line in verification.notes]
    parts.append(Text(f"\n{verification.verdict}", style=COLOURS[verification.verdict]))
    return Group(*parts)


def _counts(check: CheckRecord) -> str:
    if check.verdict == "not applicable":
        return ""
    sampled = ", sampled" if check.sampled else ""
    return f"{check.checked} of {check.total}{sampled}"


def _particular(check: CheckRecord) -> str:
    """The first findings, the reason, and the figures."""
    lines = [f"{finding.where}: {finding.what}" for finding in check.findings[:SHOWN]]
    if len(check.findings) > SHOWN:
        lines.append(f"… and {len(check.findings) - SHOWN} more")
    if check.reason:
        lines.append(check.reason)
    lines += _figures(check)
    return "\n".join(lines)


def _figures(check: CheckRecord) -> list[str]:
    figures = check.figures
    if check.check == "completeness" and figures.get("failed_items"):
        return [f"{figures['failed_items']:.0f} items failed, nothing of them is published"]
    if check.check == "leak" and "mean" in figures:
        shares = f"mean {figures['mean']:.2%}, p95 {figures['p95']:.2%}, max {figures['max']:.2%}"
        missed = f"missed: {figures['missed']:.0f} of {figures['people']:.0f} people"
        return [f"of a person's pixels outside: {shares}; {missed}"]
    return []

"""How far a run has come: one bar per stage, with the time that is left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

Advance: TypeAlias = Callable[[int], None]
"""Called with the number of pictures that were finished since the last call."""


class Progress(Protocol):
    """Told about the stages of a run."""

    def stage(self, name: str, total: int) -> AbstractContextManager[Advance]:
        """Begin a stage of ``total`` steps; what it yields is called as steps are done."""
        ...

    def say(self, line: str) -> None:
        """Tell the user one line."""
        ...


class Silent:
    """Says nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """Begin a stage."""
        yield lambda steps: None


class Bars:
    """Bars on the terminal (standard error); one line per finished stage where there is none."""

    def say(self, line: str) -> None:
        """Print the line."""
        sys.stderr.write(f"{line}\n")

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Advance]:
        """Show a bar with the count, the time so far and the time left."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        bars = Progress(
            # Names of methods have brackets, which are no markup.
            TextColumn("{task.description:<24}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
        )
        with bars:
            task = bars.add_task(name, total=total)
            yield lambda steps: bars.advance(task, steps)

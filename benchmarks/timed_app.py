"""The annotators' app as it is, timing what it asks of the database: for benchmarks/annotator.py.

Usage: python benchmarks/timed_app.py OUT.json, with the environment that annotator_ui.serving sets.
Interrupted, it ends and writes the seconds of every call, by its name.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator_ui.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = {"answer": "store answer", "next_item": "next item", "progress": "progress"}


def timed(call: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    """The same call; what each took goes to the end of a list."""

    @wraps(call)
    def wrapped(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*arguments)
        finally:
            seconds.append(time.perf_counter() - began)

    return wrapped


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in CALLS.values()}
    for method, name in CALLS.items():
        setattr(Desk, method, timed(getattr(Desk, method), taken[name]))
    with suppress(KeyboardInterrupt):
        runpy.run_module("annotator_ui.web", run_name="__main__")
    Path(sys.argv[1]).write_text(json.dumps(taken), encoding="utf-8")


if __name__ == "__main__":
    main()

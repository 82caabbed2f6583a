"""Starts the review page as a process of its own, for this machine only."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import TYPE_CHECKING

from annotator_ui.serving import LOOPBACK
from humangenai.review import run_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUN = "HUMANGENAI_REVIEW_RUN"
TOKEN = "HUMANGENAI_REVIEW_TOKEN"  # noqa: S105  (the name of a variable)
PORT = "HUMANGENAI_REVIEW_PORT"
"""Environment variables that tell the page's process what to serve, to whom, and where."""


def serve(run: Path, port: int, say: Callable[[str], object]) -> int:
    """Show the review page of a run until it is stopped.

    Args:
        run: the run's folder.
        port: to listen on, on this machine only.
        say: told the link that opens the page; nobody without it sees anything.

    Returns:
        The exit status of the process.

    Raises:
        UserError: the folder holds no finished run.
    """
    run_config(run)
    token = secrets.token_urlsafe(32)
    process = start(run, port, token)
    say(f"open http://{LOOPBACK}:{port}/?token={token}")
    try:
        return process.wait()
    except KeyboardInterrupt:  # the process got it too, and ends
        return process.wait()


def start(run: Path, port: int, token: str) -> subprocess.Popen[bytes]:
    """Start the page and return at once; see :func:`serve`."""
    environment = {**os.environ, RUN: str(run), TOKEN: token, PORT: str(port)}
    return subprocess.Popen([sys.executable, "-m", "annotator_ui.review.web"], env=environment)


def apply(run: Path) -> str | None:
    """Make the corrected pictures again, in a process of its own; its output goes to a log.

    Args:
        run: the run's folder.

    Returns:
        What went wrong, in one line; None where all went well.
    """
    command = [sys.executable, "-m", "humangenai", "review", str(run), "--apply"]
    with (run / "private" / "review" / "apply.log").open("wb") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return None
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with {done.returncode}"

"""The annotators' app as a real server, and a browser to look at it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ANNOTATE = "from humangenai.cli import main; main()"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Server:
    """``humangenai annotate``, as somebody starts it in a shell.

    Args:
        url: of the database.
        study: its name.
        folder: the working directory; settings of Streamlit are looked for there.
    """

    def __init__(self, url: str, study: str, folder: Path | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._command = ["annotate", "--study", study, "--database", url, "--port", str(self.port)]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ANNOTATE, *self._command],
            cwd=self._folder,
            start_new_session=True,
        )
        while not self.answers():
            assert self._process.poll() is None, "the app does not start"
            time.sleep(0.05)

    def answers(self) -> bool:
        with suppress(OSError):
            urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5)  # noqa: S310
            return True
        return False

    def kill(self) -> None:
        """End it and its app without warning."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def terminate(self) -> int:
        """End it as a service manager does."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

"""Starts the annotators' app as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

LOOPBACK = "127.0.0.1"
PORT = 8501


def settings(host: str, port: int) -> dict[str, object]:
    """Streamlit's settings for both apps; see :func:`serve`."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 1,  # MB; nothing is uploaded
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        # The same for everybody: the ground changes how a picture looks.
        "theme.base": "light",
        "theme.primaryColor": "#1f5fa8",
    }


def serve(study: str, url: str, port: int = PORT, host: str = LOOPBACK) -> int:
    """Run the app until it is stopped.

    No usage statistics are sent, nothing is loaded from elsewhere, and browsers see no details of
    errors. Only this machine can reach it unless ``host`` says otherwise; put a proxy with TLS in
    front of it then.

    Args:
        study: name of the study.
        url: of its database.
        port: to listen on.
        host: address to listen on.

    Returns:
        The exit status of the process; 128 and the signal's number where a signal ended it.
    """
    process = start(study, url, port, host)
    # Whoever ends this process (a service manager, say) means the app.
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        status = process.wait()
    except KeyboardInterrupt:  # the process got it too, and ends
        status = process.wait()
    return status if status >= 0 else 128 - status


def start(study: str, url: str, port: int = PORT, host: str = LOOPBACK) -> subprocess.Popen[bytes]:
    """Start the app and return at once; see :func:`serve`."""
    command = [sys.executable, "-m", "annotator_ui.web"]
    return subprocess.Popen(command, env=environment(study, url, port, host))


def environment(study: str, url: str, port: int, host: str = LOOPBACK) -> dict[str, str]:
    """What tells the app's process what to serve and where; see :func:`serve`."""
    return {
        **os.environ,
        "HUMANGENAI_STUDY": study,
        "HUMANGENAI_DATABASE": url,
        "HUMANGENAI_HOST": host,
        "HUMANGENAI_PORT": str(port),
    }

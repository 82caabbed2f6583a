"""A real PostgreSQL server of our own, for tests and benchmarks: a temporary folder, one port."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def programs() -> Path | None:
    """Where initdb and pg_ctl are: on the PATH, or where Debian has them; None where nowhere."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def server() -> Iterator[str]:
    """A running server.

    Yields:
        The URL of its database ``postgres``; the user may make others.
    """
    where = programs()
    if where is None:
        raise FileNotFoundError("there is no PostgreSQL here")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    # PostgreSQL refuses to run as root.
    as_user: list[str] = []
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user = [
            "setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups",
        ]  # fmt: skip

    def call(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_user, str(where / program), "-D", str(folder / "data"), *arguments],
            capture_output=True, text=True, check=False, cwd=folder,
        )  # fmt: skip
        # pg_ctl's own server keeps no pipe of ours open: its log goes to a file.
        assert done.returncode == 0, f"{program}: {done.stderr}"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    password = secrets.token_hex(8)
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    try:
        call("initdb", "-U", "study", "-A", "scram-sha-256", "--pwfile", str(folder / "password"))
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://study:{password}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """An empty database of its own on a server: yields its URL."""
    from sqlalchemy import create_engine, make_url, text

    url = make_url(server_url).set(drivername="postgresql+psycopg")
    name = f"test_{secrets.token_hex(6)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(drivername="postgresql", database=name).render_as_string(False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()

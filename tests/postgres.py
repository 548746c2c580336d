"""A real PostgreSQL server for tests, where its binaries are installed (Debian: `apt install postgresql`)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; Debian keeps them off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """A server of its own on a free port, while the block lasts; gives `user:password@host:port/database`."""
    folder = binaries()
    if folder is None:
        raise FileNotFoundError("initdb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sluice-pg-", ignore_cleanup_errors=True) as home:
        as_user: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(home, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        data, password = f"{home}/data", f"{home}/password"
        Path(password).write_text("s3cret")
        os.chmod(password, 0o644)

        def run(name: str, *arguments: str) -> None:
            subprocess.run(
                [*as_user, str(folder / name), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=home, timeout=60
            )

        auth = ("--auth=scram-sha-256", f"--pwfile={password}")
        run("initdb", "-D", data, "--username=reader", "--no-sync", "--encoding=UTF8", "--locale=C", *auth)
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield f"reader:s3cret@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")

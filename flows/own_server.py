"""A Prefect server of our own, for as long as schedules are served and none is configured.

It must be up, and its address set, before Prefect is imported: Prefect reads its settings once, and without an address it
would start a temporary server of its own beside this one, on the same database.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline import prefect_environment
from sluice.errors import StoreUnavailable

START_TIMEOUT_S = 90.0


@contextmanager
def running(state_dir: Path) -> Iterator[str]:
    """The configured Prefect server, or one of our own that stops with the block; gives its API's address."""
    if (configured := prefect_environment.server()) is not None:
        yield configured[0]
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    log_path = state_dir / "prefect" / "server.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        # In a session of its own: Ctrl-C in the terminal must reach us alone, who still need the server to say goodbye.
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"PREFECT_API_URL": url}, start_new_session=True
        )
    try:
        _wait(url, process, str(log_path))
        os.environ["PREFECT_API_URL"] = url
        yield url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise StoreUnavailable(f"the Prefect server did not come up at {url}", hint=f"its log is {log}")

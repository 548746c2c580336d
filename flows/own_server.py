"""A Prefect server of our own, where none is configured: for as long as schedules are served, or a command has work for a flow.

Not Prefect's temporary one: that is no process's child that would end with it, so a command that is killed leaves it behind
for ever (190 MB each). For a server of `sluice serve` the address must be set before Prefect is imported: Prefect reads its
settings once.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows import fresh_database
from pipeline import prefect_environment
from sluice.errors import StoreUnavailable

START_TIMEOUT_S = 180.0
"""It takes 5 to 7 s, and on a busy machine many times that."""

STOP_S = 15.0


class Server:
    """A Prefect server as a child of this process; constructed, it is starting; it ends with `stop`, and with this process."""

    def __init__(self, state_dir: Path, *, schedules: bool) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/api"
        self._log = state_dir / "prefect" / "server.log"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        command += [] if schedules else ["--no-services", "--no-ui"]
        self._database = fresh_database.of(state_dir / "prefect")
        with self._log.open("ab") as log:
            # In a session of its own: Ctrl-C in the terminal must reach us alone, who still need the server to say goodbye.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.tethered", str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PREFECT_API_URL": self.url},
                start_new_session=True,
            )

    def ready(self) -> str:
        """The address of its API, once it answers; raises StoreUnavailable when it does not within START_TIMEOUT_S."""
        import urllib.error
        import urllib.request

        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                    if self._database is not None:
                        self._database.keep()
                    return self.url
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise StoreUnavailable(f"the Prefect server did not come up at {self.url}", hint=f"its log is {self._log}")

    def stop(self) -> None:
        """End it. Safe to call again."""
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(state_dir: Path) -> Iterator[str]:
    """The configured Prefect server, or one of our own that stops with the block; gives its API's address."""
    if (configured := prefect_environment.server()) is not None:
        yield configured[0]
        return
    server = Server(state_dir, schedules=True)
    try:
        os.environ["PREFECT_API_URL"] = server.ready()
        yield server.url
    finally:
        os.environ.pop("PREFECT_API_URL", None)
        server.stop()


_mine: list[Server] = []


def is_begun() -> bool:
    """Whether this process has begun a server already."""
    return bool(_mine)


def of_this_process(state_dir: Path) -> Server | None:
    """The one server that the flows of this process report to, starting or started; None where one is configured."""
    if prefect_environment.server() is not None:
        return None
    if not _mine:
        _mine.append(Server(state_dir, schedules=False))
        atexit.register(_mine[0].stop)
    return _mine[0]

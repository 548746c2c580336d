"""The schedules of one configuration, run on this machine by Prefect, with its own server unless one is configured."""

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

from prefect import serve as prefect_serve
from prefect.schedules import Cron

from flows import pipeline
from sluice.errors import StoreUnavailable
from sluice.settings import Settings

START_TIMEOUT_S = 90.0


def serve(settings: Settings) -> None:
    """Serve `nightly-reindex` and `access-sync` (on their crons) and `backfill` (on demand) until interrupted."""
    with server(settings):
        config = str(settings.path)
        nightly = pipeline.run.to_deployment(
            name=f"nightly-reindex-{settings.index}",
            parameters={"config": config},
            schedule=Cron(settings.schedule.cron, timezone=settings.schedule.timezone),
        )
        access = pipeline.access_sync.to_deployment(
            name=f"access-sync-{settings.index}",
            parameters={"config": config},
            schedule=Cron(settings.schedule.access_cron, timezone=settings.schedule.timezone),
        )
        backfill = pipeline.backfill.to_deployment(name=f"backfill-{settings.index}", parameters={"config": config})
        prefect_serve(nightly, access, backfill)  # type: ignore[arg-type]  # sync here, though typed as a union with a coroutine


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """The configured Prefect server, or one of our own for as long as we serve; gives its API's address."""
    configured = os.environ.get("PREFECT_API_URL")
    if configured:
        yield configured
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    log_path = settings.state_dir / "prefect" / "server.log"
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

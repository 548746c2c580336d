"""The schedules of one configuration, run on this machine by Prefect, with its own server unless one is configured."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from prefect.runner import Runner
from prefect.schedules import Cron
from rich.console import Console

from flows import pipeline
from sluice.errors import StoreUnavailable
from sluice.settings import Settings

START_TIMEOUT_S = 90.0


def serve(settings: Settings) -> None:
    """Serve `nightly-reindex` and `access-sync` (on their crons) and `backfill` (on demand) until interrupted."""
    with server(settings), suppress(KeyboardInterrupt):
        asyncio.run(_until_interrupted(settings))


async def _until_interrupted(settings: Settings) -> None:
    """Register and poll. SIGINT or SIGTERM, whenever it comes, ends this in good order; a second SIGINT does at once.

    Prefect's own handlers begin only when it polls, and a signal that comes while it registers is lost to them.
    """
    loop, serving = asyncio.get_running_loop(), asyncio.create_task(_register_and_poll(settings))

    def stop() -> None:
        if not serving.cancelling():
            loop.remove_signal_handler(signal.SIGINT)
            serving.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await serving


async def _register_and_poll(settings: Settings) -> None:
    config, schedule = str(settings.path), settings.schedule
    runner = _Runner(name=f"sluice serve {settings.index}", pause_on_shutdown=True)
    for flow, name, cron in (
        (pipeline.run, "nightly-reindex", schedule.cron),
        (pipeline.access_sync, "access-sync", schedule.access_cron),
        (pipeline.backfill, "backfill", None),
    ):
        deployment: Any = await flow.ato_deployment(
            name=f"{name}-{settings.index}",
            parameters={"config": config},
            schedule=Cron(cron, timezone=schedule.timezone) if cron else None,
        )
        await runner.aadd_deployment(deployment)
        Console(stderr=True).print(f"serving {deployment.full_name}: {f'{cron} ({schedule.timezone})' if cron else 'on demand'}")
    await runner.start()


class _Runner(Runner):
    """Prefect's runner, which leaves SIGTERM to `_until_interrupted`: the loop hears of a signal whatever its handler does."""

    def handle_sigterm(self, *args: Any, **kwargs: Any) -> None:
        pass


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

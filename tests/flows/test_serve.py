"""`sluice serve`: a server of its own, the deployments registered, and all gone when interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow


def test_serve_registers_the_schedule_and_stops_with_everything_it_started(index: Index, tmp_path: Path) -> None:
    """The nightly schedule and the backfill are deployed on a server of its own; an interrupt ends both."""
    index.configure(schedule={"access_cron": "0 0 1 1 *"})  # no flow is to start just when this is interrupted
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    sluice = Path(sys.executable).with_name("sluice")
    log = tmp_path / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(sluice), "--config", str(index.config), "serve"],
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            names = _deployments(index.folder / "state" / "prefect" / "server.log", process)
            assert names == {"nightly-reindex-small", "access-sync-small", "backfill-small"}
        finally:
            _interrupted(process)
    left = subprocess.run(["pgrep", "-f", str(index.folder / "state")], capture_output=True, text=True, check=False)
    assert left.stdout == "", left.stdout


def _interrupted(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C, and again when nothing happens: Prefect can lose one that comes while it is still registering."""
    for _ in range(8):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return
    process.kill()
    process.wait(timeout=10)
    raise AssertionError("serve did not end on eight interrupts")


def _deployments(server_log: Path, process: subprocess.Popen[bytes]) -> set[str]:
    """The names that the server knows, once all are there."""
    deadline = time.monotonic() + 120
    names: set[str] = set()
    while len(names) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.5)
        found = re.search(r"http://127\.0\.0\.1:\d+", server_log.read_text()) if server_log.exists() else None
        if found is None:
            continue
        request = urllib.request.Request(
            f"{found.group(0)}/api/deployments/filter", data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                names = {deployment["name"] for deployment in json.load(answer)}
        except OSError:
            continue
    return names

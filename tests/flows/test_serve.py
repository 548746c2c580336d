"""`sluice serve`: a server of its own, the deployments registered, and all gone when interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.schedules import meet
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

SERVED = ("nightly-reindex", "access-sync", "backfill", "gc", "golden-check", "compare")


@pytest.mark.parametrize(
    ("number", "registered"),
    [(signal.SIGINT, 6), (signal.SIGTERM, 1)],
    ids=["ctrl-c", "terminated while it registers"],
)
def test_serve_registers_the_schedules_and_stops_with_everything_it_started(
    index: Index, tmp_path: Path, number: signal.Signals, registered: int
) -> None:
    """The schedules and the backfill are deployed on a server of its own; one signal ends both, whenever it comes."""
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
            names = _deployments(index.folder / "state" / "prefect" / "server.log", process, registered)
            assert len(names) >= registered
            assert names <= {f"{name}-small" for name in SERVED}
            if registered == 6:
                children = psutil.Process(process.pid).children(recursive=True)
                alive = [p for p in children if p.status() != psutil.STATUS_ZOMBIE]
                servers = [p for p in alive if "prefect" in " ".join(p.cmdline())]
                assert len(servers) == 1, "Prefect started a server of its own beside ours"
                assert _scheduled(index.folder / "state" / "prefect" / "server.log"), "nothing would ever run"
            os.killpg(process.pid, number)
            status = process.wait(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert status == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    left = subprocess.run(["pgrep", "-f", str(index.folder / "state")], capture_output=True, text=True, check=False)
    assert left.stdout == "", left.stdout


def test_two_schedules_on_one_second_lose_nothing(tmp_path: Path) -> None:
    """The nightly run and access-sync, a tick with changes and one after it; `python -m benchmarks.schedules` takes ten
    minutes of it."""
    met = meet(tmp_path / "meeting", ticks=1, seconds=10)
    assert met.lost == []
    assert {run.name for run in met.runs} == {"nightly-reindex", "access-sync"}


def _deployments(server_log: Path, process: subprocess.Popen[bytes], count: int) -> set[str]:
    """The names that the server knows, once there are `count`."""
    deadline = time.monotonic() + 120
    names: set[str] = set()
    while len(names) < count and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
        names = {deployment["name"] for deployment in _asked(server_log, "deployments/filter")}
    return names


def _scheduled(server_log: Path) -> bool:
    """Whether the server's scheduler has put runs on its calendar, waited for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(run["state_type"] == "SCHEDULED" for run in _asked(server_log, "flow_runs/filter")):
            return True
        time.sleep(0.2)
    return False


def _asked(server_log: Path, what: str) -> list[dict[str, Any]]:
    found = re.search(r"http://127\.0\.0\.1:\d+", server_log.read_text()) if server_log.exists() else None
    if found is None:
        return []
    request = urllib.request.Request(
        f"{found.group(0)}/api/{what}", data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            listed: list[dict[str, Any]] = json.load(answer)
            return listed
    except OSError:
        return []

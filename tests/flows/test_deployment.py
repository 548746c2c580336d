"""A deployment made from deployments/prefect.yaml, run by a real worker of a real Prefect server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
PREFECT = [sys.executable, "-m", "prefect"]


@pytest.fixture
def server(tmp_path: Path, index: Index) -> Iterator[dict[str, str]]:
    """A real `prefect server start`; gives the environment that its clients need."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    environment = inherited | {
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "SLUICE_HOME": str(REPOSITORY),
        "SLUICE_CONFIG": str(index.config),
    }
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 120
            while True:
                try:
                    with urllib.request.urlopen(f"{url}/health", timeout=2):
                        break
                except (urllib.error.URLError, OSError):
                    if time.monotonic() > deadline or process.poll() is not None:
                        pytest.fail(f"the Prefect server did not come up: {log.read_text()[-800:]}")
                    time.sleep(0.5)
            yield environment
        finally:
            process.terminate()
            process.wait(timeout=30)


def _prefect(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*PREFECT, *arguments], env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_deployed_nightly_reindex_is_run_to_its_end_by_a_worker(index: Index, server: dict[str, str]) -> None:
    """`prefect deploy --all`, a process worker and `deployment run --watch` publish a release of this index."""
    _prefect(server, "work-pool", "create", "sluice", "--type", "process")
    deployed = _prefect(server, "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    assert "run/nightly-reindex" in deployed
    assert "backfill/backfill" in deployed
    worker = subprocess.Popen(
        [*PREFECT, "worker", "start", "--pool", "sluice", "--limit", "1"],
        env=server,
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        watched = _prefect(server, "deployment", "run", "run/nightly-reindex", "--watch", "--watch-interval", "1")
        assert "Completed" in watched or "finished" in watched.lower(), watched
    finally:
        # Not asked politely: it would first finish what its other schedule may have begun.
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(timeout=60)
    listed = index("releases").out["releases"]
    assert [r["state"] for r in listed] == ["promoted"]
    request = urllib.request.Request(
        f"{server['PREFECT_API_URL']}/artifacts/filter", data=b"{}", headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        artifacts = json.load(answer)
    assert any(listed[0]["id"] in (artifact["data"] or "") for artifact in artifacts)

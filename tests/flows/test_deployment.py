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
from typing import Any

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


def _asked(environment: dict[str, str], what: str) -> list[dict[str, Any]]:
    url, headers = f"{environment['PREFECT_API_URL']}/{what}", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data=b"{}", headers=headers, method="POST"), timeout=10) as answer:
        listed: list[dict[str, Any]] = json.load(answer)
        return listed


def test_a_deployed_nightly_reindex_is_run_to_its_end_by_a_worker(index: Index, server: dict[str, str]) -> None:
    """`prefect deploy --all`, a process worker and `deployment run --watch` publish a release of this index."""
    _prefect(server, "work-pool", "create", "sluice", "--type", "process")
    deployed = _prefect(server, "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    assert "run/nightly-reindex" in deployed
    for name in ("access-sync/access-sync", "backfill/backfill", "compare/compare", "gc/gc", "golden-check/golden-check"):
        assert name in deployed
    for _ in range(2):  # again, they take the place of the first
        automations = [sys.executable, "deployments/automations.py", "--webhook", "http://127.0.0.1:9/"]
        subprocess.run(automations, env=server, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    made = _asked(server, "automations/filter")
    assert len(made) == 6
    assert "sluice: a release was rejected" in {automation["name"] for automation in made}
    form = next(d for d in _asked(server, "deployments/filter") if d["name"] == "backfill")["parameter_openapi_schema"][
        "properties"
    ]
    assert form["stage"]["enum"] == ["fetch", "parse", "chunk"]
    assert form["since"]["format"] == "date"
    assert all(field["description"] for field in form.values())
    worker = subprocess.Popen(
        [*PREFECT, "worker", "start", "--pool", "sluice", "--limit", "1"],
        env=server,
        cwd=index.folder,  # flows are named by module: it is nothing to a worker where it is
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
    artifacts = _asked(server, "artifacts/filter")
    assert any(listed[0]["id"] in (artifact["data"] or "") for artifact in artifacts)

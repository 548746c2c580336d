"""A deployment made from deployments/prefect.yaml, run by a real worker of a real Prefect server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from flows import fresh_database
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
PREFECT = [sys.executable, "-m", "prefect"]
ONE_BY_ONE = """
import json, runpy, sys
for run, name, *arguments in json.loads(sys.argv[1]):
    sys.argv = [name, *arguments]
    try:
        getattr(runpy, run)(name, run_name="__main__")
    except SystemExit as left:
        if left.code:
            raise
"""
"""Commands of Python's as they are typed, in one process: each would import Prefect, for 2 s."""


@pytest.fixture
def server(tmp_path: Path, index: Index) -> Iterator[dict[str, str]]:
    """A real `prefect server start`; gives the environment that its clients need."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url, home = f"http://127.0.0.1:{port}/api", tmp_path / "prefect"
    home.mkdir()
    with pytest.MonkeyPatch.context() as given:
        given.setenv("PREFECT_HOME", str(home))
        fresh_database.of(home)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    environment = inherited | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "SLUICE_CONFIG": str(index.config),
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
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


def _one_by_one(environment: dict[str, str], *commands: list[str]) -> str:
    command = [sys.executable, "-c", ONE_BY_ONE, json.dumps(commands)]
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _asked(environment: dict[str, str], what: str, body: Any = None) -> Any:
    """POST to the server's API, as its own interface does; again while it says that its database is held (503, of SQLite)."""
    url, headers = f"{environment['PREFECT_API_URL']}/{what}", {"Content-Type": "application/json"}
    data = json.dumps({} if body is None else body).encode()
    deadline = time.monotonic() + 60
    while True:
        try:
            asking = urllib.request.Request(url, data=data, headers=headers, method="POST")
            with urllib.request.urlopen(asking, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(1)


def _until(what: str, seen: Callable[[], Any], limit_s: float = 120) -> Any:
    deadline = time.monotonic() + limit_s
    while not (found := seen()):
        assert time.monotonic() < deadline, f"not within {limit_s:.0f} s: {what}"
        time.sleep(0.5)
    return found


def _ended(environment: dict[str, str], deployment: str) -> dict[str, Any] | None:
    """The newest run of a deployment that is over."""
    asked = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_DESC"}
    over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return next((run for run in _asked(environment, "flow_runs/filter", asked) if run["state_type"] in over), None)


class Hooked(BaseHTTPRequestHandler):
    """A webhook on loopback, which keeps what is posted to it."""

    posted: ClassVar[list[dict[str, Any]]] = []
    url: ClassVar[str]

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hooked() -> Iterator[type[Hooked]]:
    Hooked.posted.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Hooked) as listening:
        Hooked.url = f"http://127.0.0.1:{listening.server_address[1]}/"
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield Hooked
        listening.shutdown()


def test_what_is_deployed_runs_on_schedule_by_hand_tells_of_a_rejection_and_can_be_cancelled(
    index: Index, server: dict[str, str], hooked: type[Hooked]
) -> None:
    """`prefect deploy --all` and a process worker: a scheduled run leaves its evidence, a backfill takes its parameters
    from the API, a rejected release reaches the webhook of the automation with a link to the run that has the evidence, and a
    run that is cancelled lets go of the index and leaves what is live alone."""
    prefect, pool = ["run_module", "prefect"], ["run_module", "prefect", "work-pool", "create"]
    templates = {kind: f"deployments/pools/{kind}.json" for kind in ("docker", "kubernetes")}
    automations = ["run_path", "deployments/automations.py", "--webhook", hooked.url]
    deployed = _one_by_one(
        server,
        [*pool, "sluice", "--type", "process"],
        *([*pool, f"sluice-{kind}", "--type", kind, "--base-job-template", file] for kind, file in templates.items()),
        [*prefect, "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml"],
        *([automations] * 2),  # again, they take the place of the first
    )
    assert "run/nightly-reindex" in deployed
    for name in ("access-sync/access-sync", "backfill/backfill", "compare/compare", "gc/gc", "golden-check/golden-check"):
        assert name in deployed
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
        ids = {deployment["name"]: deployment["id"] for deployment in _asked(server, "deployments/filter")}
        nightly, soon = ids["nightly-reindex"], datetime.now(UTC) + timedelta(seconds=3)
        schedule = {"active": True, "schedule": {"interval": 86400, "anchor_date": soon.isoformat()}}
        _asked(server, f"deployments/{nightly}/schedules", [schedule])
        scheduled = _until("the scheduled run", lambda: _ended(server, nightly))
        listed = index("releases").out["releases"]
        assert [r["state"] for r in listed] == ["promoted"]
        assert (scheduled["auto_scheduled"], scheduled["state_type"]) == (True, "COMPLETED")
        assert scheduled["state"]["message"] == f"promoted {listed[0]['id']}: 12 parsed, 12 embedded, 3 of 3 gates passed"
        evidence = [a for a in _asked(server, "artifacts/filter") if a["flow_run_id"] == scheduled["id"]]
        assert [listed[0]["id"] in artifact["data"] for artifact in evidence] == [True]
        asked = {"logs": {"flow_run_id": {"any_": [scheduled["id"]]}}}
        told = "fetch and parse: 12 of 12 documents in"  # Prefect sends a run's lines in batches, some after its end
        _until("its lines", lambda: any(told in entry["message"] for entry in _asked(server, "logs/filter", asked)), 30)

        slice_ = {"config": str(index.config), "match": "security/**", "stage": "parse"}
        _asked(server, f"deployments/{ids['backfill']}/create_flow_run", {"parameters": slice_})
        redone = _until("the backfill", lambda: _ended(server, ids["backfill"]))
        assert redone["state"]["message"] == f"unchanged {listed[0]['id']}: 4 parsed"
        assert index("runs").out["runs"][0]["parameters"]["match"] == "security/**"

        kept = {n: (index.corpus / f"people/{n}.md").read_text(encoding="utf-8") for n in range(4)}
        for n in kept:
            index.write(f"people/{n}.md", "# People\n\nNothing of this is known any more.\n")
        worse = _asked(server, f"deployments/{nightly}/create_flow_run", {})["id"]
        rejected = _until("the rejection", lambda: (run := _ended(server, nightly)) and run["id"] == worse and run)
        assert (rejected["state_type"], rejected["state"]["name"]) == ("FAILED", "Rejected")
        [told] = _until("the webhook", lambda: hooked.posted)
        assert (told["what"], told["flow"], told["state"]) == ("a release was rejected", "run", "Rejected")
        assert told["message"] == rejected["state"]["message"]
        assert "was rejected: retrieval: " in told["message"]
        assert told["link"].endswith(f"/runs/flow-run/{worse}")
        assert any(a["flow_run_id"] == worse for a in _asked(server, "artifacts/filter")), "the evidence is where the link leads"
        for n, text in kept.items():
            index.write(f"people/{n}.md", text)

        for number in range(250):
            index.write(f"people/more-{number}.md", f"# Note {number}\n\n" + f"Τον αριθμό {number} τον θυμόμαστε εδώ. " * 40)
        begun = _asked(server, f"deployments/{nightly}/create_flow_run", {})
        _until("a run under way", lambda: index("runs").out["runs"][0]["outcome"] == "running")
        _asked(server, f"flow_runs/{begun['id']}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
        cancelled = _until("its end", lambda: (run := _ended(server, nightly)) and run["id"] == begun["id"] and run)
        assert cancelled["state_type"] == "CANCELLED"
        assert index("gc").code == 0, "the lease is free at once"
        assert index("runs").out["runs"][1]["outcome"] == "failed"
        assert "ended from outside" in index("runs").out["runs"][1]["error"]
        assert [r["id"] for r in index("releases").out["releases"] if r["state"] == "promoted"] == [listed[0]["id"]]
        assert index.find("badges expire after ninety days", "security")[0] == "security/1.md"
    finally:
        # Not asked politely: it would first finish what its other schedule may have begun.
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(timeout=60)

"""A flow run that Prefect's worker ends (SIGTERM) in the middle of its work, in a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

PROGRAM = """
import sys
from pathlib import Path
from pipeline import prefect_environment
prefect_environment.prepare(Path(sys.argv[2]))
from flows import own_server, reporting
server = own_server.of_this_process(Path(sys.argv[2]))
reporting.in_process("run", sys.argv[1], {}, server.ready())
"""


def test_a_cancelled_run_lets_go_of_the_lease_and_leaves_nothing_half_done(index: Index) -> None:
    """SIGTERM while it builds: it ends in seconds, its row says so, nothing is live, and the next run begins at once."""
    for number in range(500):
        index.write(
            f"people/more-{number}.md", f"# Note {number}\n\n" + f"Τον αριθμό {number} τον θυμόμαστε εδώ. " * 40
        )  # soon parsed
    collections = index.folder / "state" / "qdrant" / "collections"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    command = [sys.executable, "-c", PROGRAM, str(index.config), str(index.folder / "state")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (collections.is_dir() and any(collections.iterdir())) and time.monotonic() < deadline:
            assert process.poll() is None, "it ended before it built anything"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        process.wait(timeout=60)
        took = time.monotonic() - asked
    finally:
        process.kill()
        process.wait()
    assert took < 25, "Prefect would have killed it"
    rows = index("runs").out["runs"]
    assert [row["outcome"] for row in rows] == ["failed"]
    assert index("releases").out["releases"][0]["state"] == "building"
    first = index("gc")  # takes the lease
    assert first.code == 0, first
    assert index.run()["release"] == index("releases").out["releases"][0]["id"]

"""The crash matrix: killed at moments at which a process leaves something behind (benchmarks/crashes.py, hashed words).

On servers where SLUICE_TEST_MONGODB_URI and SLUICE_TEST_QDRANT_URL name them: requests to Qdrant are moments, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.crash_scenarios import SCENARIOS
from benchmarks.under_test import QDRANT_URL

SERVED = QDRANT_URL in os.environ
PARTS = {
    "a first run": "0/12" if SERVED else "0/32",
    "a run over changes": "3/12" if SERVED else "3/32",
    "a rollback": "1/3",
    "a promotion": "1/3",
    "an access sync": "0/4" if SERVED else "0/5",
    "gc": "0/3" if SERVED else "0/32",
}
"""Which share of each scenario's moments: the store's engine writes so many files that all of them take half an hour.
`python -m benchmarks.crashes` kills at every one."""
STAGES = {
    "a first run": (
        "mongo insert blobs",
        "mongo insert versions",
        "mongo insert cuts",
        "mongo insert embeddings",
        "os.rename state.json",
        "mongo insert releases",
    ),
    "a run over changes": ("mongo update access_audit", "mongo update events", "os.rename aliases.json", "mongo update runs"),
    "a rollback": ("mongo update events", "os.rename aliases.json", "mongo findAndModify releases"),
    "a promotion": ("mongo update events", "os.rename aliases.json", "mongo findAndModify releases"),
    "an access sync": ("mongo update access_audit", "mongo update documents", "os.rename state.json"),
    "gc": (
        "mongo delete versions",
        "mongo delete cuts",
        "mongo delete blobs",
        "os.remove state.json",
        "mongo findAndModify releases",
    ),
}
"""What must be among a scenario's moments, so that a stage which is not watched any more is noticed."""


def stages(scenario: str) -> set[str]:
    """Those of the vector store are files of the embedded one, and requests to a server."""
    names = set(STAGES[scenario])
    if not SERVED:
        return names
    asked = {"qdrant POST /collections/aliases"} if "os.rename aliases.json" in names else set[str]()
    return {name for name in names if not name.startswith("os.")} | asked


def test_every_scenario_has_its_part() -> None:
    """A new scenario joins the parts or fails this."""
    assert PARTS.keys() == SCENARIOS.keys() == STAGES.keys()


@pytest.mark.slow
def test_whenever_it_is_killed_readers_see_a_complete_release_and_the_next_one_ends_where_it_would_have() -> None:
    """At each moment: a complete release is live, at most one builds; done again and `gc`, all is as if undisturbed.

    In one process, which loads once (3 s) what every process that is killed begins with.
    """
    command = [sys.executable, "-m", "benchmarks.crashes", "--json"]
    command += [word for name, part in PARTS.items() for word in ("--only", name, part)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.stdout, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert {name: found["wrong"] for name, found in report.items()} == {name: {} for name in PARTS}
    for name, found in report.items():
        number, of = map(int, PARTS[name].split("/"))
        assert found["died"] == len(range(number, found["moments"], of)) >= 5, name
        assert stages(name) <= set(found["names"]), name

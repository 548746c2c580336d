"""The crash matrix: killed at every moment at which a process leaves something behind (benchmarks/crashes.py, hashed words)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PARTS = [
    ("a first run", "0/2"),
    ("a first run", "1/2"),
    ("a run over changes", "0/2"),
    ("a run over changes", "1/2"),
    ("a rollback", "0/1"),
    ("a promotion", "0/1"),
    ("an access sync", "0/1"),
    ("gc", "0/1"),
]
STAGES = {
    "a first run": (
        "mongo update blobs",
        "mongo update versions",
        "mongo update embeddings",
        "sqlite COMMIT",
        "mongo insert releases",
    ),
    "a run over changes": ("mongo update access_audit", "mongo update events", "os.rename meta.json", "mongo update runs"),
    "a rollback": ("mongo update events", "os.rename meta.json", "mongo findAndModify releases"),
    "a promotion": ("mongo update events", "os.rename meta.json", "mongo findAndModify releases"),
    "an access sync": ("mongo update access_audit", "mongo update documents", "sqlite COMMIT"),
    "gc": ("mongo delete versions", "mongo delete blobs", "os.remove storage.sqlite", "mongo findAndModify releases"),
}
"""What must be among a scenario's moments, so that a stage which is not watched any more is noticed."""


@pytest.mark.parametrize(("scenario", "part"), PARTS, ids=lambda value: value.replace(" ", "-").replace("/", "-of-"))
def test_whenever_it_is_killed_readers_see_a_complete_release_and_the_next_one_ends_where_it_would_have(
    scenario: str, part: str
) -> None:
    """At each moment: a complete release is live, at most one builds; done again and `gc`, all is as if undisturbed."""
    command = [sys.executable, "-m", "benchmarks.crashes", "--only", scenario, "--part", part, "--json"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.stdout, done.stderr[-3000:]
    found = json.loads(done.stdout)[scenario]
    number, of = map(int, part.split("/"))
    assert found["wrong"] == {}
    assert found["died"] == len(range(number, found["moments"], of)) > 5
    assert set(STAGES[scenario]) <= set(found["names"])

"""kill -9 at any moment: readers keep a complete release, the next run starts at once and ends where it would have."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.resources import Resources
from sluice.settings import load
from tests.e2e.conftest import SETTINGS, Shell

pytestmark = pytest.mark.slow

KILLS = 2
"""With Prefect, workers and servers in their places; every moment there is, without them: tests/flows/test_crash_matrix.py."""
LONGEST_S = 8.0
"""About how long an undisturbed run of this corpus takes here, Prefect's start included."""


def _live_is_complete(config: Path) -> str | None:
    """The live release's id, after checking that the alias names a collection that holds all its manifest says."""
    with Resources(load(config)) as w:
        live = w.releases.live()
        if live is None:
            assert w.settings.index not in w.stores.qdrant.read()
            return None
        stored = sum(1 for _ in w.stores.qdrant.scan(live.collection))
        assert stored == live.chunks > 0
        building = [r for r in w.releases.all() if r.state == "building"]
        assert len(building) <= 1
        return live.id


def test_killed_at_random_moments_it_converges_to_what_an_undisturbed_run_gives(shell: Shell) -> None:
    """After each kill the alias is complete or absent; the run after them all ends with the undisturbed fingerprint."""
    moments = random.Random(20261121)
    for attempt in range(KILLS):
        note = shell.folder / "corpus" / "team-0" / "0.md"
        note.write_text(f"# Note 0\n\nEdition {attempt}.\n")
        process = shell.start("run")
        time.sleep(moments.uniform(0.5, LONGEST_S))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        _live_is_complete(shell.config)
    code, result, err = shell("run")
    assert code == 0, err
    assert result["outcome"] in ("promoted", "unchanged")
    assert _live_is_complete(shell.config) == result["release"]
    _, manifest, _ = shell("releases", "show", result["release"])

    undisturbed = shell.folder / "undisturbed"
    undisturbed.mkdir()
    shutil.copytree(shell.folder / "corpus", undisturbed / "corpus")
    shell.configure(SETTINGS, undisturbed)
    code, other, err = shell("run", config=undisturbed / "sluice.yaml")
    assert code == 0, err
    _, expected, _ = shell("releases", "show", other["release"], config=undisturbed / "sluice.yaml")
    assert (manifest["fingerprint"], manifest["access_root"]) == (expected["fingerprint"], expected["access_root"])
    assert (manifest["documents"], manifest["chunks"]) == (expected["documents"], expected["chunks"])


def test_two_runs_at_once_the_second_says_who_holds_the_index_and_exits_4(shell: Shell) -> None:
    """One writer: the second run changes nothing and names the holder; the first ends well."""
    first = shell.start("run")
    deadline = time.monotonic() + 60
    begun = shell.folder / "state" / ("mongodb" if shell.servers.mongodb_uri is None else "")
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    code, answer = 0, dict[str, Any]()
    while code != 4 and first.poll() is None:
        code, answer, _ = shell("run")
    assert code == 4, "the second run never met the first"
    assert answer["error"]["type"] == "IndexBusy"
    assert f"process {first.pid}" in answer["error"]["message"]
    out, err = first.communicate(timeout=120)
    assert first.returncode == 0, err
    assert '"promoted"' in out


def test_nothing_is_left_behind(shell: Shell) -> None:
    """After a run, and after a killed one, no server process of this index goes on."""
    shell("doctor")
    process = shell.start("run")
    time.sleep(3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        left = [line for line in listed.splitlines() if str(shell.folder) in line and "pytest" not in line]
        if not left:
            return
        time.sleep(0.5)
    raise AssertionError(f"still running: {left}")

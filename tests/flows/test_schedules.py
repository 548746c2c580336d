"""Scheduled runs: they wait for each other, and what becomes of one is said in words."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.errors import IndexBusy
from sluice.settings import load
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
with Resources(load(sys.argv[1])) as r, holding(r, "access sync"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def held_elsewhere(index: Index, seconds: float) -> Iterator[None]:
    """Another process holds the index for so long."""
    command = [sys.executable, "-c", HOLD, str(index.config), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.kill()


def test_a_run_that_meets_another_waits_for_it_and_loses_nothing(index: Index) -> None:
    """The nightly flow begins while access-sync holds the index: it begins its work when that has ended, and publishes."""
    from flows import deployed

    with held_elsewhere(index, 2):
        found: Any = deployed.run(str(index.config))
    assert found.outcome == "promoted"


def test_access_sync_yields_to_whoever_holds_the_index(index: Index) -> None:
    """It does not wait: the holder applies the rules itself, before it builds and before it promotes."""
    from flows import deployed

    with held_elsewhere(index, 60):
        began = time.monotonic()
        state: Any = deployed.access_sync(str(index.config), return_state=True)
        assert time.monotonic() - began < 30
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert "access sync" in state.message


def test_a_run_waits_no_longer_than_its_schedule_says_and_ends_busy(index: Index, capsys: pytest.CaptureFixture[str]) -> None:
    """The state has a name of its own and says who holds the index; nothing prints a traceback."""
    from flows import deployed

    index.configure(schedule={"wait_s": 0.5})
    with held_elsewhere(index, 60):
        state: Any = deployed.run(str(index.config), return_state=True)
        with Resources(load(index.config)) as r, pytest.raises(IndexBusy), holding(r, "run", wait_s=0):
            pass
    assert (state.type.value, state.name) == ("FAILED", "Busy")
    assert "(access sync), since" in state.message
    assert "Traceback" not in capsys.readouterr().err


def test_a_rejection_is_no_green_tick(index: Index) -> None:
    """A failed state named Rejected, which says the gate and where the evidence lies; the live release stays."""
    from flows import deployed

    live = index.run()["release"]
    for i in range(4):
        index.write(f"people/{i}.md", "# People\n\nNothing of this is known any more.\n")
    state: Any = deployed.run(str(index.config), return_state=True)
    assert (state.type.value, state.name) == ("FAILED", "Rejected")
    assert "retrieval: " in state.message
    assert ".html" in state.message
    assert next(r["id"] for r in index("releases").out["releases"] if r["live"]) == live

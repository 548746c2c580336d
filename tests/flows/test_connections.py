"""Connections to served stores are cut while commands run: a share of what `python -m benchmarks.connections` does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.proxy import HOWS

ROOT = Path(__file__).resolve().parents[2]
CUTS = 6


@pytest.mark.slow
def test_a_cut_connection_costs_a_run_at_most_and_the_next_one_makes_it_good() -> None:
    """Six strikes at random moments of three commands: each does its work or fails in one line, and no reader sees a part."""
    command = [sys.executable, "-m", "benchmarks.connections", "--cuts", str(CUTS), "--seed", "6", "--json"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.stdout, done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["wrong"] == {}
    assert report["cuts"] == CUTS
    assert sum(report["ended"].values()) == CUTS
    assert min(report["pieces"].values()) > 50
    assert {key.split()[0] for key in report["struck"]} <= set(HOWS)

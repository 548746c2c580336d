"""An index that an older program parsed: parsed once more by the next run, published through its gates, then left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingest.parse import VERSION
from sluice.settings import load
from stores import open_stores
from tests.flows.conftest import Index

ROOT = Path(__file__).parents[2]
OLDER = f"import sys, ingest.parse; ingest.parse.VERSION = {VERSION - 1}; from cli.main import main; main(sys.argv[1:])"
"""A program of the version before, in a process of its own: what it stores carries the fingerprint of its parser."""


def older(index: Index, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-c", OLDER, "--config", str(index.config), *arguments, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def parsed_by(index: Index) -> set[str]:
    """The fingerprints of the parsers in documents that are in a release."""
    with open_stores(load(index.config)) as stores:
        return {state.parse_fingerprint for state in stores.documents.read() if state.in_release}


@pytest.mark.slow
def test_an_index_of_an_older_parser_is_parsed_once_and_published_through_its_gates(index: Index) -> None:
    """Every document again, nothing fetched or embedded again; a better text is live; the run after has nothing to do."""
    before = older(index, "run")
    assert before["outcome"] == "promoted"
    (old,) = parsed_by(index)
    assert older(index, "run")["outcome"] == "unchanged"
    done = index.run("promoted")
    (new,) = parsed_by(index)
    assert new != old
    assert done["release"] != before["release"]
    assert done["counts"]["parse"]["kept"] == 12
    assert done["counts"]["crawl"]["unchanged"] == 12
    assert (done["embedded"], done["cached"]) == (0, before["embedded"])
    assert {v["gate"]: v["passed"] for v in done["verdicts"]} == {"reconciliation": True, "retrieval": True, "leaks": True}
    assert index.find("parental leave lasts sixteen weeks", "people", k=1) == ["people/0.md"]
    again = index.run("unchanged")
    assert again["counts"].get("parse", {}).get("kept", 0) == 0
    assert index("rollback").out["release"] == before["release"]

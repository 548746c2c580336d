"""Connections to served stores are cut while commands run: a share of what `python -m benchmarks.connections` does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from benchmarks.proxy import HOWS
from ingest.protocols import Blobs
from pipeline.evidence.labelled import CorpusDocuments, Held
from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.errors import StoreUnavailable
from sluice.releases import Release
from sluice.settings import load
from tests.flows.conftest import Index

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


class Away(Resources):
    """The store does not answer when the live release is to be measured."""

    live = ""

    def corpus(self, release: Release | None = None, versions: Held | None = None) -> CorpusDocuments:
        if release is not None and release.id == self.live:
            raise StoreUnavailable("nobody answers", hint="wait")
        return super().corpus(release, versions)


def test_a_store_that_is_away_while_the_gates_measure_rejects_nothing(index: Index) -> None:
    """The run fails and can be done again; a release that nobody measured is neither rejected nor held. Seen with a cut."""
    live = index.run()["release"]
    index.write("people/9.md", "# People note 9\n\nRemember the zeppelin allowance.\n")
    with Away(load(index.config)) as r:
        r.live = live
        with holding(r, "run") as run, pytest.raises(StoreUnavailable):
            nightly.reindex(r, run)
    states = {release["id"]: (release["state"], release["held"]) for release in index("releases").out["releases"]}
    assert states.pop(live) == ("promoted", "")
    assert [state for state, _ in states.values()] == ["staged"]
    again = index.run()
    assert (again["release"] in states, again["embedded"]) == (True, 0)


class NoBytes:
    """Blobs that cannot be reached."""

    def get(self, _content_hash: str) -> bytes:
        raise StoreUnavailable("nobody answers", hint="wait")


def test_a_label_is_not_judged_by_bytes_that_could_not_be_asked_for(index: Index) -> None:
    """Bytes that nobody can read prove nothing; a store that does not answer is an error of the run."""
    index.run()
    with Resources(load(index.config)) as r:
        states = r.stores.documents.read()
        assert r.corpus().raw_text(states[0])
        documents = CorpusDocuments(states, r.stores.versions, cast(Blobs, NoBytes()))
        with pytest.raises(StoreUnavailable):
            documents.raw_text(states[0])

"""Every gate on a real index, and the page that a release leaves; the steps of the flow, without Prefect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import plain
from flows import operations
from flows.wiring import Wiring
from sluice.settings import load
from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


def published(index: Index) -> dict[str, Any]:
    with Wiring(load(index.config)) as w, w.lease("run"):
        result = operations.run(w, plain.engine())
    assert result["outcome"] == "promoted", result["verdicts"]
    return result


def test_every_gate_judges_the_next_release_and_its_evidence_is_one_page(index: Index) -> None:
    """What readers asked is logged without a text, replayed against the candidate, and shown with all the rest."""
    more = [
        {"type": "data_quality", "data_docs": True},
        {"type": "drift"},
        {"type": "latency", "golden": "golden.jsonl", "repeats": 1},
        {"type": "replay", "log": "searches.jsonl"},
    ]
    index.configure(gates=[*index.settings["gates"], *more], search={"mode": "dense", "log": "searches.jsonl"})
    first = published(index)
    assert {v["gate"]: v["evidence"].get("comparison") for v in first["verdicts"]}["drift"] == "not_applicable"
    index.find(TOPICS["people"][1], "people")
    logged = (index.folder / "searches.jsonl").read_text(encoding="utf-8")
    assert json.loads(logged)["tags"] == ["people"]
    assert "Remember" not in logged
    index.write("people/0.md", "# People note 0\n\nRemember that we say parental leave lasts sixteen weeks.\n")
    second = published(index)
    verdicts = {v["gate"]: v for v in second["verdicts"]}
    assert list(verdicts) == ["reconciliation", "retrieval", "leaks", "data_quality", "drift", "latency", "replay"]
    assert all(v["passed"] for v in verdicts.values())
    assert verdicts["reconciliation"]["evidence"]["vectors_compared"] == second["chunks"]
    assert verdicts["replay"]["evidence"]["searches"] == 1
    assert verdicts["drift"]["evidence"]["similarity"]["mean"] == 1.0
    assert Path(verdicts["data_quality"]["evidence"]["data_docs"]).is_file()
    page = Path(second["report"])
    assert page == index.folder / "state" / "releases" / f"{second['release']}.html"
    assert f"held against {first['release']}" in page.read_text(encoding="utf-8")

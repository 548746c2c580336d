"""What others see of a run: spans, metrics, lineage; and that nobody who watches can stop one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pipeline.account import Account
from pipeline.observability import telemetry
from sluice.counts import StageCounts
from sluice.settings import load
from tests.flows.conftest import Index

BEGAN = datetime(2026, 11, 26, 2, tzinfo=UTC)


def test_a_run_is_a_span_with_its_stages_below_it_and_its_counts_are_metrics(index: Index) -> None:
    """Times are those of the stages; each document is counted once a stage; a failure is the span's error."""
    settings, account = load(index.config), Account()
    account.moments += [
        ("plan", BEGAN.timestamp(), BEGAN.timestamp() + 2),
        ("index", BEGAN.timestamp() + 2, BEGAN.timestamp() + 9),
    ]
    account.count("parse", StageCounts(5, 3, 1, failed={"broken": 1}))
    account.seconds["plan"] = 2.0
    ended = BEGAN + timedelta(seconds=10)
    told = telemetry.Told("r1", "run", BEGAN, ended, account.report("promoted", "rel"))
    spans, tracers, reader = InMemorySpanExporter(), TracerProvider(), InMemoryMetricReader()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    telemetry.trace(settings, told, account, tracers)
    telemetry.trace(settings, telemetry.Told("r2", "run", BEGAN, ended, error="StoreUnavailable: gone"), Account(), tracers)
    plan, built, root, failed = spans.get_finished_spans()
    assert (root.name, plan.name, built.name) == ("sluice run", "plan", "index")
    assert root.context is not None
    assert plan.parent is not None
    assert plan.parent.span_id == root.context.span_id
    assert built.start_time is not None
    assert built.end_time is not None
    assert built.end_time - built.start_time == 7_000_000_000
    assert root.attributes is not None
    assert (root.attributes["sluice.release"], root.attributes["sluice.outcome"]) == ("rel", "promoted")
    assert failed.status.description == "StoreUnavailable: gone"
    telemetry.measure(settings, told, MeterProvider([reader]))
    data = json.loads(reader.get_metrics_data().to_json())  # type: ignore[union-attr]
    metrics = {m["name"]: m["data"]["data_points"] for m in data["resource_metrics"][0]["scope_metrics"][0]["metrics"]}
    became = {p["attributes"]["became"]: p["value"] for p in metrics["sluice.documents"]}
    assert became == {"kept": 3, "unchanged": 1, "dropped": 0, "failed": 1}
    assert metrics["sluice.runs"][0]["attributes"] == {"index": "small", "command": "run", "outcome": "promoted"}


def test_lineage_says_what_a_release_was_made_of_and_how_it_was_judged(index: Index) -> None:
    """START and COMPLETE of a run, the release as the index's version, gates as assertions; a failure is FAIL in its words."""
    index.configure(events={"lineage": "lineage.jsonl"})
    release = index.run()["release"]
    (index.corpus).rename(index.folder / "away")
    assert index("run").code == 2
    events = [json.loads(line) for line in (index.folder / "lineage.jsonl").read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE", "START", "FAIL"]
    start, done, _, failed = events
    assert start["run"]["runId"] == done["run"]["runId"] != failed["run"]["runId"]
    assert done["inputs"][0] == {"namespace": "sluice-source:files", "name": "notes"}
    assert done["outputs"][0]["facets"]["version"]["datasetVersion"] == release
    assertions = done["inputs"][1]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {a["assertion"]: a["success"] for a in assertions} == {"reconciliation": True, "retrieval": True, "leaks": True}
    assert "does not exist" in failed["run"]["facets"]["errorMessage"]["message"]


def test_who_cannot_be_told_is_a_warning(index: Index) -> None:
    """A lineage server that is not there does not stop a promotion."""
    index.configure(events={"lineage": "http://127.0.0.1:9", "timeout_s": 2})
    report = index.run()
    assert any("could not be told" in warning for warning in report["warnings"])

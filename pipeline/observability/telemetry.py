"""A run as others watch it: OpenTelemetry traces and metrics, and OpenLineage events. Neither ever fails a run.

Traces and metrics go out where OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `telemetry` is installed; lineage where
`events.lineage` names a file or a server.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from pipeline.account import Account
from pipeline.outcomes import Outcome, Report
from sluice.plain import plain
from sluice.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PRODUCER = "https://pypi.org/project/sluice"
SPEC = "https://openlineage.io/spec"


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a run: its record so far, and how it ended (an outcome, or the words of its failure)."""

    run: str
    command: str
    began: datetime
    ended: datetime | None = None
    outcome: Outcome | None = None
    error: str = ""


# ── OpenTelemetry ────────────────────────────────────────────────────────────────────────────────────────────────────


def export(settings: Settings, told: Told, account: Account) -> None:
    """One trace and the metrics of a run that ended, to the configured endpoint; nothing where there is none."""
    wanted = os.environ.get(ENDPOINT) and importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    if not wanted:
        return
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "sluice")})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=resource)
    try:
        trace(settings, told, account, tracers)
        measure(settings, told, meters)
    finally:  # a run is short: what is not flushed now is lost
        tracers.shutdown()
        meters.shutdown()


def trace(settings: Settings, told: Told, account: Account, tracers: TracerProvider) -> None:
    """A span of the run, with one below it for each time that a stage took; a failure is the span's error."""
    from opentelemetry.trace import Status, StatusCode, set_span_in_context

    tracer = tracers.get_tracer("sluice")
    release = told.outcome.release if told.outcome is not None else None
    attributes = {"sluice.index": settings.index, "sluice.run": told.run, "sluice.release": release or ""}
    root = tracer.start_span(f"sluice {told.command}", start_time=_ns(told.began), attributes=attributes)
    for stage, start_s, end_s in account.moments:
        below = tracer.start_span(
            stage, set_span_in_context(root), start_time=int(start_s * 1e9), attributes={**attributes, "sluice.stage": stage}
        )
        below.end(int(end_s * 1e9))
    if told.error:
        root.set_status(Status(StatusCode.ERROR, told.error))
    elif told.outcome is not None:
        root.set_attribute("sluice.outcome", told.outcome.outcome)
    root.end(_ns(told.ended) if told.ended is not None else None)


def measure(settings: Settings, told: Told, meters: MeterProvider) -> None:
    """Documents by stage and what became of them, seconds by stage, texts, tokens, money; and one run by its outcome."""
    meter = meters.get_meter("sluice")
    of = {"index": settings.index, "command": told.command}
    outcome = told.outcome.outcome if told.outcome is not None else "failed"
    meter.create_counter("sluice.runs").add(1, {**of, "outcome": outcome})
    if not isinstance(told.outcome, Report):
        return
    documents, seconds = meter.create_counter("sluice.documents"), meter.create_histogram("sluice.stage.seconds", "s")
    for stage, counts in told.outcome.counts.items():
        became = {"kept": counts.kept, "unchanged": counts.unchanged}
        became |= {"dropped": sum(counts.dropped.values()), "failed": sum(counts.failed.values())}
        for name, count in became.items():
            documents.add(count, {**of, "stage": stage, "became": name})
    for stage, took in told.outcome.seconds.items():
        seconds.record(took, {**of, "stage": stage})
    texts = meter.create_counter("sluice.texts")
    texts.add(told.outcome.embedded, {**of, "vector": "embedded"})
    texts.add(told.outcome.cached, {**of, "vector": "cached"})
    meter.create_counter("sluice.tokens").add(told.outcome.tokens, of)
    meter.create_counter("sluice.cost").add(told.outcome.cost, of)


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)


# ── OpenLineage ──────────────────────────────────────────────────────────────────────────────────────────────────────


def lineage(settings: Settings, told: Told) -> None:
    """START, or COMPLETE or FAIL, of a run: sources in, the index out, the release as its version, verdicts as assertions.

    Raises OSError where it cannot be told.
    """
    where = settings.events.lineage
    if where is None:
        return
    event = json.dumps(lineage_event(settings, told), ensure_ascii=False)
    if where.startswith(("http://", "https://")):
        url, headers = f"{where.rstrip('/')}/api/v1/lineage", {"Content-Type": "application/json"}
        import httpx  # only where events go over HTTP

        try:
            httpx.post(url, content=event, headers=headers, timeout=settings.events.timeout_s).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ConnectionError(f"{where} did not take the event") from error
        return
    file = settings.base / where
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as out:
        out.write(event + "\n")


def lineage_event(settings: Settings, told: Told) -> dict[str, Any]:
    """An OpenLineage RunEvent (2-0-2)."""
    namespace = f"sluice://{settings.stores.qdrant.url.rpartition('@')[2].partition('?')[0]}"
    kind = "START" if told.ended is None else "FAIL" if told.error else "COMPLETE"
    report = told.outcome if isinstance(told.outcome, Report) else None
    index: dict[str, Any] = {"namespace": namespace, "name": settings.index}
    inputs: list[dict[str, Any]] = [{"namespace": f"sluice-source:{s.type}", "name": s.name} for s in settings.sources]
    if report is not None and report.release is not None:
        index["facets"] = {"version": _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=report.release)}
        index["outputFacets"] = {"outputStatistics": _facet("1-0-2/OutputStatisticsOutputDatasetFacet", rowCount=report.chunks)}
        if report.verdicts:
            told_by = _facet("1-0-1/DataQualityAssertionsDatasetFacet", assertions=_assertions(report))
            inputs.append({"namespace": namespace, "name": settings.index, "inputFacets": {"dataQualityAssertions": told_by}})
    facets = {"errorMessage": _facet("1-0-1/ErrorMessageRunFacet", message=told.error, programmingLanguage="PYTHON")}
    return {
        "eventType": kind,
        "eventTime": plain(told.ended or told.began),
        "producer": PRODUCER,
        "schemaURL": f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(uuid5(NAMESPACE_URL, f"{settings.index}/{told.run}")), "facets": facets if told.error else {}},
        "job": {"namespace": namespace, "name": f"{settings.index}.{told.command.replace(' ', '-')}"},
        "inputs": inputs,
        "outputs": [index],
    }


def _assertions(report: Report) -> Sequence[Mapping[str, Any]]:
    return [{"assertion": verdict.gate, "success": verdict.passed} for verdict in report.verdicts]


def _facet(schema: str, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{SPEC}/facets/{schema}.json", **values}

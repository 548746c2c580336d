"""Where a document has left traces: found, taken out of, and looked for afterwards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.erasure.texts import embedded_texts, ways
from pipeline.erasure.unnaming import unnamed
from pipeline.observability import prefect_records
from pipeline.resources import Resources
from pipeline.steps.judgement import write_report
from sluice.access import AccessTags
from sluice.ids import digest, text_hash
from sluice.points import Filters, StoredPoint, Vector, VectorQuery
from sluice.records import Document, DocumentState
from sluice.releases import ReleaseEvent
from sluice.spelling import forms

PROBES = 5
"""Of a document's own vectors, how many are searched for in each collection afterwards."""


@dataclass(slots=True)
class Traces:
    """Where a document is found in the vector store."""

    points: dict[str, list[StoredPoint]] = field(default_factory=dict)
    """By collection, those of this document."""
    texts: set[str] = field(default_factory=set)
    """Hashes of its texts, and then of those that no other document has."""
    versions: set[str] = field(default_factory=set)


# ── what there is of it ──────────────────────────────────────────────────────────────────────────────────────────────


def find_traces(r: Resources, collections: Sequence[str], key: str, documents: Sequence[Document]) -> Traces:
    traces, others = Traces(), set[str]()
    for collection in collections:
        own = traces.points[collection] = []
        for point in r.stores.qdrant.scan(collection, ["document_key", "text_hash", "version", "tokens"]):
            if point.payload["document_key"] == key:
                own.append(point)
                traces.texts.add(point.payload["text_hash"])
                traces.versions.add(point.payload["version"])
            else:
                others.add(point.payload["text_hash"])
    traces.texts |= {text_hash(text) for text in embedded_texts(r, documents, ways(r))}
    traces.texts -= others
    return traces


def probes_of(r: Resources, collection: str, points: Sequence[StoredPoint]) -> list[Vector]:
    """Some of the document's own vectors, to search with when they are gone."""
    wanted = {point.id for point in points[:PROBES]}
    if not wanted:
        return []
    return [p.dense for p in r.stores.qdrant.scan(collection, vectors=True) if p.id in wanted and p.dense is not None]


# ── where it is taken out of ─────────────────────────────────────────────────────────────────────────────────────────


def out_of_manifests(r: Resources, state: DocumentState, traces: Traces) -> None:
    """Counts without it, evidence without it; the release is not that of its fingerprint any more."""
    for release in r.releases.all():
        if state.key in release.erased:
            continue
        points = traces.points.get(release.collection, [])
        changes: dict[str, Any] = {"erased": (*release.erased, state.key)}
        if points and release.state != "building":
            changes["documents"] = release.documents - 1
            changes["chunks"] = release.chunks - len(points)
            changes["tokens"] = release.tokens - sum(int(p.payload["tokens"]) for p in points)
        if points:
            changes["fingerprint"] = digest("erased", release.fingerprint, state.key)
        verdicts = tuple(_without(verdict, state) for verdict in release.verdicts)
        if points or verdicts != release.verdicts:
            r.stores.ledger.update(release.id, changes | {"verdicts": verdicts})


def _without(value: Any, state: DocumentState) -> Any:
    """Evidence without the hits on a document and without its name."""
    if isinstance(value, Mapping):
        return {key: _without(entry, state) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        named = (e for e in value if not (isinstance(e, Mapping) and e.get("document_key") == state.key))
        return [_without(entry, state) for entry in named]
    return unnamed(value, state.uri)


def out_of_records(r: Resources, uri: str) -> int:
    """Runs (what was asked for, and errors) and events, without its name; how many changed. The document's key stays."""
    runs: dict[str, dict[str, Any]] = {}
    for run in r.stores.runs.read():
        values: dict[str, Any] = {key: unnamed(run[key], uri) for key in ("parameters", "error") if key in run}
        if any(values[key] != run[key] for key in values):
            runs[run["run"]] = values
    r.stores.runs.rewrite(runs)
    events: list[ReleaseEvent] = []
    for event in r.stores.outbox.read():
        lists = (event.added, event.changed, event.removed)
        added, altered, removed = (tuple(unnamed(named, uri)) for named in lists)
        if (added, altered, removed) != lists:
            events.append(replace(event, added=added, changed=altered, removed=removed))
    r.stores.outbox.put_all(events)
    return len(runs) + len(events)


def _named_in_records(r: Resources, uri: str) -> int:
    asked = [[run.get("parameters"), run.get("error")] for run in r.stores.runs.read()]
    told = [[*event.added, *event.changed, *event.removed] for event in r.stores.outbox.read()]
    return sum(1 for entry in (*asked, *told) if unnamed(entry, uri) != entry)


def out_of_files(r: Resources, state: DocumentState) -> int:
    """Files of the state folder that hold it: a source's cache, gates' data docs, reports, runs' logs; how many changed."""
    cache = r.settings.state_dir / "sources" / state.source
    changed = sum(1 for file in cache.rglob("*") if file.is_file())
    shutil.rmtree(cache, ignore_errors=True)
    for file in _mentioning(r.settings.state_dir / "gates", state):
        file.unlink()
        changed += 1
    releases = {release.id: release for release in r.releases.all()}
    for report in _mentioning(r.settings.state_dir / "releases", state):
        if report.stem in releases:
            write_report(r, releases[report.stem], [*releases.values()])
        elif _of_another(report, r.settings.index):
            continue
        else:  # of a release that the ledger lost (a backup that was restored): nobody can make it again
            report.unlink()
        changed += 1
    for log in _mentioning(r.settings.state_dir / "runs", state):
        log.write_text(str(unnamed(log.read_text(encoding="utf-8"), state.uri)), encoding="utf-8")
        changed += 1
    return changed


def _of_another(report: Path, index: str) -> bool:
    """Whether a page is of a release of another index, which keeps its reports in the same state folder."""
    said = re.search(r"<title>Release \S+ of (\S+)</title>", report.read_text(encoding="utf-8"))
    return said is not None and said[1] != index


def _mentioning(folder: Path, state: DocumentState) -> list[Path]:
    marks = (*(form.encode("utf-8", "surrogatepass") for form in forms(state.uri)), state.key.encode())
    files = (file for file in folder.rglob("*") if file.is_file())
    return [file for file in files if any(mark in file.read_bytes() for mark in marks)]


# ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────────────


def what_is_left(
    r: Resources,
    key: str,
    uri: str,
    collections: Sequence[str],
    probes: Mapping[str, Sequence[Vector]],
    everyone: AccessTags,
    contents: set[str],
    texts: set[str],
) -> dict[str, int]:
    """What scans, searches and look-ups still find of it: zeros."""
    stores, model = r.stores, r.model.encoder.fingerprint
    hits = [
        hit
        for collection, vectors in probes.items()
        for vector in vectors
        for hit in stores.qdrant.nearest(collection, VectorQuery(vector), everyone, 10, Filters())
    ]
    scanned = (point for name in collections for point in stores.qdrant.scan(name, ["document_key"]))
    return {
        "points": sum(1 for point in scanned if point.payload["document_key"] == key),
        "hits": sum(1 for hit in hits if hit.payload["document_key"] == key),
        "versions": len(stores.versions.ids([key])) + stores.cuts.count(key),
        "bytes": len(contents & stores.blobs.hashes()),
        "vectors": len(stores.vectors.get(model, sorted(texts))),
        "rows": len(stores.documents.read([key])),
        "quarantine": sum(1 for entry in stores.quarantine.entries() if entry.document_key == key),
        "records": _named_in_records(r, uri),
        "prefect": prefect_records.left(r.settings.state_dir, uri),
    }

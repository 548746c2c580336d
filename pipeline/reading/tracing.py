"""`sluice trace`: from a chunk or a document back to the bytes it came from, and how it came to be served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.naming import named
from pipeline.reading.inventory import Listed, documents
from pipeline.resources import Resources
from sluice.errors import ConfigurationError
from sluice.ids import version_id
from sluice.points import StoredPoint
from sluice.records import DocumentState
from sluice.releases import Release

FIELDS = ("document_key", "uri", "source", "version", "start", "end", "page", "heading_path", "text", "access_tags")


@dataclass(frozen=True, slots=True)
class ChunkTrace:
    """A chunk as a release holds it; `offsets_hold` says whether its text is what stands there in its version now."""

    chunk: str
    start: int
    end: int
    page: int | None
    heading_path: tuple[str, ...]
    text: str
    offsets_hold: bool | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One document, through all stages. `line` is all of it in one line; times are UTC.

    `release`, and what is said of how it was made, are of the release that holds the document: none where the one that was
    looked at does not.
    """

    line: str
    uri: str
    source: str
    document_key: str
    chunk: ChunkTrace | None
    status: Listed
    version: str
    served_version: str | None
    parse_fingerprint: str
    content_hash: str
    bytes_kept: int | None
    fetched: datetime | None
    quarantine: tuple[Mapping[str, Any], ...]
    release: str | None
    collection: str | None
    went_live: datetime | None
    run: str | None
    recipe: Mapping[str, Any]
    chunks: int
    access_tags: tuple[str, ...]


def trace(r: Resources, asked: str, *, release_id: str | None = None, source: str | None = None) -> Trace:
    """The chain of a chunk id, or of a document's uri, in a release (the live one). ConfigurationError where nobody knows it."""
    release = named(r, release_id).there() if release_id is not None else r.releases.live()
    chunk = next((p for p in _points(r, release) if p.id == asked), None)
    if chunk is not None:
        key = str(chunk.payload["document_key"])
        states = r.stores.documents.read([key])
    else:
        states = [s for s in r.stores.documents.read(source=source) if s.uri == asked]
        if not states:
            listed = documents(r, asked, sources=[source] if source else [])  # raises where nobody knows it
            raise ConfigurationError(f"'{asked}' has no trace: {listed[0].status}", hint=listed[0].why)
        if len(states) > 1:
            names = ", ".join(state.source for state in states)
            raise ConfigurationError(f"'{asked}' is a document of several sources: {names}", hint="say which: --source NAME")
        key = states[0].key
    state = states[0]
    own = [p for p in _points(r, release) if p.payload["document_key"] == key]
    return _traced(r, state, release, own, chunk)


def _points(r: Resources, release: Release | None) -> Iterator[StoredPoint]:
    return r.stores.qdrant.scan(release.collection, FIELDS) if release is not None else iter(())


def _traced(
    r: Resources, state: DocumentState, release: Release | None, own: list[StoredPoint], chunk: StoredPoint | None
) -> Trace:
    [listed, *_] = documents(r, state.uri, sources=[state.source])
    entries = [e for e in r.stores.quarantine.entries() if e.document_key == state.key]
    served = str(own[0].payload["version"]) if own else None
    within = release if own else None
    kept = _size(r, state.content_hash) if state.raw and state.content_hash else None
    return Trace(
        line=_line(state, listed, release, len(own), served, [e.stage for e in entries]),
        uri=state.uri,
        source=state.source,
        document_key=state.key,
        chunk=_chunk(r, state, chunk) if chunk is not None else None,
        status=listed,
        version=state.version,
        served_version=served,
        parse_fingerprint=state.parse_fingerprint,
        content_hash=state.content_hash,
        bytes_kept=kept,
        fetched=state.fetched,
        quarantine=tuple(
            {"stage": e.stage, "reason": e.reason, "error": e.error, "attempts": e.attempts, "run": e.run} for e in entries
        ),
        release=within.id if within is not None else None,
        collection=within.collection if within is not None else None,
        went_live=within.last_live if within is not None else None,
        run=_run_of(r, within),
        recipe=within.recipe if within is not None else {},
        chunks=len(own),
        access_tags=tuple(sorted(state.tags)),
    )


def _line(
    state: DocumentState, listed: Listed, release: Release | None, chunks: int, served: str | None, failed: list[str]
) -> str:
    """fetch ✓ abc123 · parse ✓ · chunk 12 · live ✓ release · read by a, b: the first thing that is wrong is named."""
    fetched = f"fetch {'FAILED' if 'fetch' in failed else state.content_hash[:8] or '–'}"
    good = state.version == state.content_hash and bool(state.version)
    parsed = "parse " + ("FAILED" if "parse" in failed else "ok" if good else "older version" if state.version else "–")
    cut = "chunk " + ("FAILED" if "chunk" in failed else str(chunks))
    serves = "no release is live" if release is None else f"in {release.id}" if chunks else f"not in {release.id}"
    stale = " (an older version)" if served not in (None, state.version) else ""
    tags = ", ".join(sorted(state.tags)) or "nobody"
    return f"{state.uri}: {listed.status} · {fetched} · {parsed} · {cut} · {serves}{stale} · read by {tags}"


def _chunk(r: Resources, state: DocumentState, chunk: StoredPoint) -> ChunkTrace:
    payload = chunk.payload
    identity = version_id(state.key, str(payload["version"]), state.parse_fingerprint)
    document = r.stores.versions.get([identity]).get(identity)
    start, end, text = int(payload["start"]), int(payload["end"]), str(payload["text"])
    holds = document.text[start:end] == text if document is not None else None
    page, path = payload.get("page"), payload.get("heading_path") or ()
    return ChunkTrace(chunk.id, start, end, page, tuple(path), text, holds)


def _size(r: Resources, content_hash: str) -> int:
    """Of the bytes as fetched; reading them proves their hash."""
    return len(r.stores.blobs.get(content_hash))


def _run_of(r: Resources, release: Release | None) -> str | None:
    """The run that brought a release about, or was the last to act on it."""
    if release is None:
        return None
    mine = [run for run in r.stores.runs.read() if run.get("release") == release.id]
    made = [run["run"] for run in mine if run.get("outcome") in ("promoted", "rejected", "staged", "canary")]
    return made[-1] if made else mine[-1]["run"] if mine else None

"""A document erased on demand: everywhere Sluice keeps it, in an order that a crash cannot turn into a leak, with proof.

    mark (it stays away) ─▶ nobody may read it ─▶ vectors ─▶ manifests, points ─▶ versions, bytes ─▶ records ─▶ its row

Done again after a crash it goes on: the row, which names everything else, is the last to go. What remains is the
document's key, a hash, so that no run takes the document in again while its source still lists it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import chunking
from evaluation.experiments.record import erase
from flows import prefect_records, steps
from flows.unnaming import unnamed
from flows.wiring import Wiring, utc_now
from sluice.access import NOBODY, AccessTags, TagChange
from sluice.errors import ConfigurationError, IntegrityError, SluiceError
from sluice.ids import digest, document_key, text_hash
from sluice.points import Filters, StoredPoint, Vector, VectorQuery
from sluice.records import Document, DocumentState
from sluice.settings import ChunkingSettings, EmbeddingSettings
from sluice.spelling import find, forms

PROBES = 5
"""Of a document's own vectors, how many are searched for in each collection afterwards."""


def known(w: Wiring, uri: str, source: str | None) -> DocumentState:
    """The one document of this uri; ConfigurationError when there is none, or when two sources have one."""
    found = find(uri, (s for s in w.stores.documents.read() if source in (None, s.source)), lambda state: state.uri)
    if not found:
        where = f" in source '{source}'" if source else ""
        raise ConfigurationError(f"no document '{uri}' is known{where}", hint="uris are relative to their source's root")
    return _only(found, uri)


def forgotten_key(w: Wiring, uri: str, source: str | None) -> str:
    """The key of the one forgotten document of this uri; ConfigurationError as above."""
    erased = w.stores.forgotten.keys()
    names = [s.name for s in w.settings.sources if source in (None, s.name)]
    spelled = [(name, form) for name in names for form in forms(uri)]
    found = [DocumentState(key, name, form) for name, form in spelled if (key := document_key(name, form)) in erased]
    if not found:
        raise ConfigurationError(f"no document '{uri}' was forgotten", hint="write the uri and --source as when it was")
    return _only(found, uri).key


def _only(found: Sequence[DocumentState], uri: str) -> DocumentState:
    if len(found) > 1:
        names = ", ".join(sorted(s.source for s in found))
        raise ConfigurationError(f"'{uri}' is a document of several sources: {names}", hint="say which: --source NAME")
    return found[0]


@dataclass(slots=True)
class _Traces:
    """Where a document is found in the vector store."""

    points: dict[str, list[StoredPoint]] = field(default_factory=dict)
    """By collection, those of this document."""
    texts: set[str] = field(default_factory=set)
    """Hashes of its texts, and then of those that no other document has."""
    versions: set[str] = field(default_factory=set)


def forget(w: Wiring, state: DocumentState) -> dict[str, Any]:
    """Erase, then look for what may be left; IntegrityError names it. The caller holds the lease."""
    stores, key = w.stores, state.key
    stores.forgotten.add(key, utc_now(), w.actor)
    stores.audit.record([TagChange(key, state.tags, NOBODY)], utc_now(), w.actor)
    collections = [name for name in stores.qdrant.names() if name.startswith(f"{w.settings.index}__")]
    for collection in collections:
        stores.qdrant.set_tags(collection, NOBODY, [key])
    versions = stores.versions.ids([key])
    documents = list(stores.versions.get(list(versions)).values())
    everyone = w.known_tags(stores.documents.read())
    traces = _traces(w, collections, key, documents)
    probes = {name: _probes(w, name, points) for name, points in traces.points.items()}
    stores.vectors.delete(traces.texts)
    _out_of_manifests(w, state, traces)
    for collection in collections:
        stores.qdrant.delete(collection, [key])
    stores.versions.delete(list(versions))
    contents = {state.content_hash, state.version, *traces.versions, *(d.version for d in documents)} - {""}
    stores.documents.write([DocumentState(key, state.source, state.uri, "deleted", validator=state.validator)])
    shared = contents & stores.blobs.references()
    for content in sorted(contents - shared):
        stores.blobs.delete(content)
    entries = [entry for entry in stores.quarantine.entries() if entry.document_key == key]
    for entry in entries:
        stores.quarantine.clear(key, entry.stage)
    erased = {
        "points": {name: len(points) for name, points in traces.points.items() if points},
        "versions": len(versions),
        "bytes": len(contents - shared),
        "vectors": len(traces.texts),
        "quarantine": len(entries),
        "experiments": erase(w.settings.state_dir / "experiments", key),
        "files": _files(w, state),
        "records": _out_of_records(w, state.uri),
        "prefect": prefect_records.erase(w.settings.state_dir, state.uri),
    }
    stores.documents.delete([key])
    left = _left(w, key, state.uri, collections, probes, everyone, contents - shared, traces.texts)
    if any(left.values()):
        raise IntegrityError(
            f"{state.uri} (source '{state.source}') is not erased: " + ", ".join(f"{n} {what}" for what, n in left.items() if n),
            hint="run 'sluice forget' again; it stays away from new releases meanwhile",
        )
    proof = {"collections": len(collections), "searches": sum(len(found) for found in probes.values()), "left": left}
    return {
        "document_key": key,
        "uri": state.uri,
        "source": state.source,
        "erased": erased,
        "shared": len(shared),
        "elsewhere": prefect_records.elsewhere(w),
        "proof": proof,
    }


# ── what there is of it ──────────────────────────────────────────────────────────────────────────────────────────────


def _traces(w: Wiring, collections: Sequence[str], key: str, documents: Sequence[Document]) -> _Traces:
    traces, others = _Traces(), set[str]()
    for collection in collections:
        own = traces.points[collection] = []
        for point in w.stores.qdrant.scan(collection, ["document_key", "text_hash", "version", "tokens"]):
            if point.payload["document_key"] == key:
                own.append(point)
                traces.texts.add(point.payload["text_hash"])
                traces.versions.add(point.payload["version"])
            else:
                others.add(point.payload["text_hash"])
    traces.texts |= {text_hash(text) for text in _embedded(w, documents)}
    traces.texts -= others
    return traces


def _embedded(w: Wiring, documents: Sequence[Document]) -> Iterator[str]:
    """Every text of these documents that was or may have been embedded: by this index, and by its experiments."""
    if not documents:
        return
    sections = [(w.settings.chunking, w.settings.embedding), *_experiments(w)]
    for chosen, embedding in {repr(pair): pair for pair in sections}.values():
        try:
            model = w.model if embedding == w.settings.embedding else w.model_of(embedding)
            heard = _Heard(model.encoder)
            whole = w.settings.model_copy(update={"chunking": chosen})
            chunker = chunking.build(chosen, model.tokenizer, whole=whole, encoder=heard)
            for document in documents:
                yield from (chunk.embedded_text for chunk in chunker.chunk(document))
            yield from heard.texts
        except SluiceError as error:
            w.progress.note(f"texts of an experiment cannot be cut again ({error.message}); its vectors stay")


def _experiments(w: Wiring) -> Iterator[tuple[ChunkingSettings, EmbeddingSettings]]:
    """How the variants of recorded experiments cut and embedded."""
    for file in sorted((w.settings.state_dir / "experiments").glob("*/experiment.json")):
        for variant in json.loads(file.read_text(encoding="utf-8")).get("variants", {}).values():
            section = ChunkingSettings.model_validate(variant["chunking"], context={"base": w.settings.base})
            yield section, EmbeddingSettings.model_validate(variant["embedding"])


class _Heard:
    """An encoder that notes what it is asked: semantic chunking embeds sentences."""

    def __init__(self, encoder: Any) -> None:
        self._encoder, self.texts = encoder, list[str]()
        self.fingerprint, self.dimension = encoder.fingerprint, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        self.texts += texts
        found: Vector = self._encoder.encode(texts)
        return found

    def encode_query(self, text: str) -> Vector:
        found: Vector = self._encoder.encode_query(text)
        return found


def _probes(w: Wiring, collection: str, points: Sequence[StoredPoint]) -> list[Vector]:
    """Some of the document's own vectors, to search with when they are gone."""
    wanted = {point.id for point in points[:PROBES]}
    if not wanted:
        return []
    return [p.dense for p in w.stores.qdrant.scan(collection, vectors=True) if p.id in wanted and p.dense is not None]


# ── where it is taken out of ─────────────────────────────────────────────────────────────────────────────────────────


def _out_of_manifests(w: Wiring, state: DocumentState, traces: _Traces) -> None:
    """Counts without it, evidence without it; the release is not that of its fingerprint any more."""
    for release in w.releases.all():
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
            w.stores.ledger.update(release.id, changes | {"verdicts": verdicts})


def _without(value: Any, state: DocumentState) -> Any:
    """Evidence without the hits on a document and without its name."""
    if isinstance(value, Mapping):
        return {key: _without(entry, state) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        named = (e for e in value if not (isinstance(e, Mapping) and e.get("document_key") == state.key))
        return [_without(entry, state) for entry in named]
    return unnamed(value, state.uri)


def _out_of_records(w: Wiring, uri: str) -> int:
    """Runs (what was asked for, and errors) and events, without its name; how many changed. The document's key stays."""
    changed = 0
    for run in w.stores.runs.read():
        values: dict[str, Any] = {key: unnamed(run[key], uri) for key in ("parameters", "error") if key in run}
        if any(values[key] != run[key] for key in values):
            w.stores.runs.record(run["run"], values)
            changed += 1
    for event in w.stores.outbox.read():
        lists = (event.added, event.changed, event.removed)
        added, altered, removed = (tuple(unnamed(named, uri)) for named in lists)
        if (added, altered, removed) != lists:
            w.stores.outbox.put(replace(event, added=added, changed=altered, removed=removed))
            changed += 1
    return changed


def _named_in_records(w: Wiring, uri: str) -> int:
    asked = [[run.get("parameters"), run.get("error")] for run in w.stores.runs.read()]
    told = [[*event.added, *event.changed, *event.removed] for event in w.stores.outbox.read()]
    return sum(1 for entry in (*asked, *told) if unnamed(entry, uri) != entry)


def _files(w: Wiring, state: DocumentState) -> int:
    """Files of the state folder that hold it: a source's cache, data docs of gates, reports; how many went or changed."""
    cache = w.settings.state_dir / "sources" / state.source
    changed = sum(1 for file in cache.rglob("*") if file.is_file())
    shutil.rmtree(cache, ignore_errors=True)
    for file in _mentioning(w.settings.state_dir / "gates", state):
        file.unlink()
        changed += 1
    for report in _mentioning(w.settings.state_dir / "releases", state):
        steps.write_report(w, w.releases.get(report.stem))
        changed += 1
    return changed


def _mentioning(folder: Path, state: DocumentState) -> list[Path]:
    marks = (*(form.encode("utf-8", "surrogatepass") for form in forms(state.uri)), state.key.encode())
    files = (file for file in folder.rglob("*") if file.is_file())
    return [file for file in files if any(mark in file.read_bytes() for mark in marks)]


# ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _left(
    w: Wiring,
    key: str,
    uri: str,
    collections: Sequence[str],
    probes: Mapping[str, Sequence[Vector]],
    everyone: AccessTags,
    contents: set[str],
    texts: set[str],
) -> dict[str, int]:
    """What scans, searches and look-ups still find of it: zeros."""
    stores, model = w.stores, w.model.encoder.fingerprint
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
        "versions": len(stores.versions.ids([key])),
        "bytes": len(contents & stores.blobs.hashes()),
        "vectors": len(stores.vectors.get(model, sorted(texts))),
        "rows": len(stores.documents.read([key])),
        "quarantine": sum(1 for entry in stores.quarantine.entries() if entry.document_key == key),
        "records": _named_in_records(w, uri),
        "prefect": prefect_records.left(w.settings.state_dir, uri),
    }

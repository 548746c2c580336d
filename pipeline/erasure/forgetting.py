"""`sluice forget`: a document erased on demand, everywhere Sluice keeps it, in an order that a crash cannot turn into a leak.

    mark (it stays away) ─▶ nobody may read it ─▶ vectors ─▶ manifests, points ─▶ versions, bytes ─▶ records ─▶ its row

Done again after a crash it goes on: the row, which names everything else, is the last to go. What remains is the
document's key, a hash, so that no run takes the document in again while its source still lists it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from evaluation.experiments.record import erase
from evaluation.judged import without
from pipeline.erasure.erased import Gone, erased
from pipeline.erasure.traces import find_traces, out_of_files, out_of_manifests, out_of_records, probes_of, what_is_left
from pipeline.golden.checking import golden_sets
from pipeline.observability import prefect_records
from pipeline.operations.parts import live_id
from pipeline.outcomes import Allowed, Erasure, Proof, Report
from pipeline.reading.searching import known_sources
from pipeline.resources import Resources, utc_now
from pipeline.runs import Run, recorded
from pipeline.spelled import spelled
from sluice.access import NOBODY, TagChange
from sluice.display import counted
from sluice.errors import ConfigurationError, IntegrityError, SluiceError
from sluice.ids import document_key
from sluice.records import DocumentState
from sluice.spelling import forms, lookalike, same


def forget(r: Resources, run: Run, uri: str, source: str | None = None) -> Erasure:
    """Erase a document everywhere, prove it, and keep it away; ConfigurationError when it is not known.

    With it goes what its source deleted under the same name in another Unicode form: older releases hold that.
    """
    state = known(r, uri, source)

    def work() -> Erasure:
        run.still_mine()
        with run.account.timed("forget"):
            for left in _left_behind(r, state):
                _erase(r, run, left)
            done = _erase(r, run, state)
        return Erasure(
            **_values(run.account.report("forgotten", live_id(r))),
            document_key=state.key,
            uri=state.uri,
            source=state.source,
            erased=done.erased,
            shared=done.shared,
            elsewhere=[*prefect_records.elsewhere(r), *_quoted(r, state)],
            proof=done.proof,
        )

    return recorded(r, run, {"document_key": state.key}, work)


def _quoted(r: Resources, state: DocumentState) -> list[str]:
    """The golden sets of this configuration with labels of the document: they are their owner's, and may hold its words."""
    try:
        sets = golden_sets(r)
    except SluiceError:  # a broken one is said by whoever reads it, and keeps nothing from being erased
        return []
    said = []
    for golden in sets:
        mine = [
            query.id
            for query in golden.queries
            if any(same(label.uri, state.uri) and label.source in (None, state.source) for label in query.relevant)
        ]
        if mine:
            named = ", ".join(mine[:5]) + (", …" if len(mine) > 5 else "")
            said.append(f"{golden.path}: {counted(len(mine), 'question')} with labels of it, which may quote it ({named})")
    return said


def _left_behind(r: Resources, state: DocumentState) -> list[DocumentState]:
    """What this document was before its name changed its form."""
    alike = (s for s in r.stores.documents.read(source=state.source) if s.key != state.key and same(s.uri, state.uri))
    return [other for other in alike if other.status == "deleted"]


def allow_again(r: Resources, run: Run, uri: str, source: str | None = None) -> Allowed:
    """Let a forgotten document come back with the next run, if its source still lists it."""
    key, *others = forgotten_keys(r, uri, source)

    def work() -> Allowed:
        for each in (key, *others):
            r.stores.forgotten.remove(each)
        return Allowed(**_values(run.account.report("allowed", live_id(r))), document_key=key)

    return recorded(r, run, {"document_key": key, "undo": True}, work)


def _values(report: Report) -> dict[str, Any]:
    return {field.name: getattr(report, field.name) for field in fields(report)}


@dataclass(frozen=True, slots=True)
class _Erased:
    erased: Mapping[str, int | Mapping[str, int]]
    shared: int
    proof: Proof


def _erase(r: Resources, run: Run, state: DocumentState) -> _Erased:
    """Erase, then look for what may be left; IntegrityError names it."""
    stores, key = r.stores, state.key
    stores.forgotten.add(key, utc_now(), run.actor)
    stores.audit.record([TagChange(key, state.tags, NOBODY)], utc_now(), run.actor)
    releases = r.releases_by(run.actor)
    live = releases.live()
    told = releases.events.intend_forgotten(live, key) if live is not None else None
    collections = [name for name in stores.qdrant.names() if name.startswith(f"{r.settings.index}__")]
    for collection in collections:
        stores.qdrant.set_tags(collection, NOBODY, [key])
    if told is not None:
        releases.events.confirm(told)
    versions = stores.versions.ids([key])
    documents = list(stores.versions.get(list(versions)).values())
    everyone = r.known_tags(stores.documents.read())
    traces = find_traces(r, collections, key, documents)
    probes = {name: probes_of(r, name, points) for name, points in traces.points.items()}
    stores.vectors.delete(traces.texts)
    out_of_manifests(r, state, traces)
    for collection in collections:
        stores.qdrant.delete(collection, [key])
    stores.versions.delete(list(versions))
    stores.cuts.erase([key])  # a context may be words of the document
    contents = {state.content_hash, state.version, *traces.versions, *(d.version for d in documents)} - {""}
    stores.documents.write([DocumentState(key, state.source, state.uri, "deleted", validator=state.validator)])
    used = stores.blobs.references()
    shared = contents & used
    unused = stores.blobs.hashes() - used  # also bytes that others took the place of: nobody knows whose they were
    stores.blobs.delete_all(unused)
    entries = [entry for entry in stores.quarantine.entries() if entry.document_key == key]
    for entry in entries:
        stores.quarantine.clear(key, entry.stage)
    erased: dict[str, int | Mapping[str, int]] = {
        "points": {name: len(points) for name, points in traces.points.items() if points},
        "versions": len(versions),
        "bytes": len(contents - shared),
        "vectors": len(traces.texts),
        "quarantine": len(entries),
        "experiments": erase(r.settings.state_dir / "experiments", key),
        "files": out_of_files(r, state),
        "records": out_of_records(r, state.uri),
        "answers": r.stores.judgements.rewrite(lambda kept: without(kept, state.uri, key)),
        "prefect": prefect_records.erase(r.settings.state_dir, state.uri),
    }
    stores.documents.delete([key])
    stores.write_out()
    left = what_is_left(r, key, state.uri, collections, probes, everyone, contents - shared, traces.texts)
    if any(left.values()):
        raise IntegrityError(
            f"{state.uri} (source '{state.source}') is not erased: " + ", ".join(f"{n} {what}" for what, n in left.items() if n),
            hint="run 'sluice forget' again; it stays away from new releases meanwhile",
        )
    searches = sum(len(found) for found in probes.values())
    return _Erased(erased, len(shared), Proof(collections=len(collections), searches=searches, left=left))


def known(r: Resources, uri: str, source: str | None) -> DocumentState:
    """The one document of this uri; ConfigurationError when there is none, or when two sources have one."""
    found = spelled(uri, (s for s in r.stores.documents.read() if source in (None, s.source)))
    if not found:
        known_sources(r, [source] if source else [])
        if gone := erased(r, uri, source):
            told = ", and of several sources" if len(gone) > 1 else ""
            raise ConfigurationError(
                f"'{uri}' was already {gone[0].said()}{told}: nothing but its key, a hash, is kept, so that it stays away",
                hint="nothing is left to do; to let it come back with the next run: the same with --undo",
            )
        where = f" in source '{source}'" if source else ""
        meant = next((s.uri for s in r.stores.documents.read(source=source) if lookalike(s.uri) == lookalike(uri)), "")
        told = f"; did you mean {meant}?" if meant else ""
        raise ConfigurationError(f"no document '{uri}' is known{where}{told}", hint="uris are relative to their source's root")
    return _only(found, uri)


def forgotten_keys(r: Resources, uri: str, source: str | None) -> list[str]:
    """The keys of the one forgotten document of this uri, in each of its Unicode forms; ConfigurationError as above."""
    found = erased(r, uri, source)
    if not found:
        known_sources(r, [source] if source else [])
        raise ConfigurationError(f"no document '{uri}' was forgotten", hint="write the uri and --source as when it was")
    name, since = _only(found, uri).source, r.stores.forgotten.since()
    return [key for form in forms(uri) if (key := document_key(name, form)) in since]


D = TypeVar("D", DocumentState, Gone)


def _only(found: Sequence[D], uri: str) -> D:
    if len(found) > 1:
        names = ", ".join(sorted(s.source for s in found))
        raise ConfigurationError(f"'{uri}' is a document of several sources: {names}", hint="say which: --source NAME")
    return found[0]

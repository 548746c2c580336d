"""What a backfill would cost, and what nothing needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pipeline.resources import Wiring
from pipeline.steps.release import ExpectedFrom
from sluice.ids import version_id
from sluice.records import DocumentState

TYPICAL_SECONDS = {"fetch": 0.002, "parse": 0.02, "chunk": 0.002, "embed": 0.012, "stage": 0.0012}
"""Per document (fetch, parse, chunk) and per chunk (embed, stage), where no run of this index has been measured yet."""


def estimate(w: Wiring, chosen: Sequence[DocumentState], stage: str) -> dict[str, Any]:
    """What redoing these documents from a stage on would cost: cut again from their present versions, nothing changed."""
    members = [s for s in chosen if s.in_release]
    texts, chunks = [], 0
    for _, cut in ExpectedFrom(w.builder(), members).chunks():
        chunks += len(cut)
        texts += [chunk.embedded_text for chunk in cut]
    fresh = w.embedder.missing(texts)
    tokens = sum(w.model.tokenizer.counts(fresh))
    rates = _rates(w)
    order = ["fetch", "parse", "chunk"]
    seconds = sum(rates[name] for name in order[order.index(stage) :]) * len(chosen) + rates["embed"] * len(fresh)
    release_chunks = (live.chunks if (live := w.releases.live()) else chunks) or chunks
    return {
        "documents": len(chosen),
        "chunks": chunks,
        "tokens": tokens,
        "to_embed": len(fresh),
        "seconds": round(seconds + rates["stage"] * release_chunks, 1),
    }


def _rates(w: Wiring) -> dict[str, float]:
    """Seconds per document and per chunk as the newest measured build of this index had them."""
    rates = dict(TYPICAL_SECONDS)
    for release in w.releases.all():
        for name, units in (("chunk", release.documents), ("embed", release.embedded), ("stage", release.chunks)):
            seconds = release.seconds.get(f"{name} (work)")
            if seconds and units >= 20:
                rates[name] = seconds / units
    return rates


def collect_garbage(w: Wiring, *, dry_run: bool = False) -> dict[str, list[str]]:
    """Remove what no release and no document needs; gives what was (or would be) removed, by kind.

    A database may be shared by several indexes: bytes go only when no index refers to them.
    """
    stores, states = w.stores, w.stores.documents.read()
    needed = {version_id(s.key, s.version, s.parse_fingerprint) for s in states if s.version and s.status != "deleted"}
    for release in w.releases.all():
        if release.searchable:
            needed |= set(w.versions_in(release).values())
    versions = sorted(stores.versions.ids().keys() - needed)
    gone = [s for s in states if s.status == "deleted" and s.content_hash]
    if dry_run:
        kept = {h for s in states if s.status != "deleted" for h in (s.content_hash, s.version)}
        claimed = {h for s in gone for h in (s.content_hash, s.version) if h} - kept
        blobs = stores.blobs.hashes() - (stores.blobs.references() - claimed)
        return {"collections": w.releases.orphans(), "versions": versions, "blobs": sorted(blobs)}
    collections = [*w.releases.drop_orphans(), *w.releases.retain(w.settings.retention.keep)]
    stores.versions.delete(versions)
    stores.documents.write(replace(s, content_hash="", version="") for s in gone)  # a tombstone claims no bytes
    blobs = stores.blobs.hashes() - stores.blobs.references()
    for content in blobs:
        stores.blobs.delete(content)
    return {"collections": collections, "versions": versions, "blobs": sorted(blobs)}

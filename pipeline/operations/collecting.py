"""`sluice gc`: what no release and no document needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import evaluation
from indexing.queries import query_key
from pipeline.erasure.texts import compares, embedded_texts, ways
from pipeline.outcomes import Garbage
from pipeline.resources import Resources
from pipeline.runs import Run, recorded
from pipeline.steps.assessing import assess
from sluice.ids import text_hash, version_id
from sluice.records import DocumentState
from sluice.releases import Release

READ_VERSIONS = 200
"""How many parsed documents are held at once."""


@dataclass(frozen=True, slots=True)
class Waste:
    """What can go: exactly what `gc` removes and what `gc --dry-run` lists."""

    orphans: Sequence[str]
    builds: Sequence[Release]
    """Begun for documents or settings that are others now: the next run would not go on with them."""
    releases: Sequence[Release]
    versions: Sequence[str]
    blobs: Sequence[str]
    vectors: Sequence[str]
    tombstones: Sequence[DocumentState]
    """Deleted documents that claim bytes."""

    def by_kind(self) -> dict[str, Sequence[str]]:
        collections = [*self.orphans, *(release.collection for release in (*self.builds, *self.releases))]
        return {"collections": collections, "versions": self.versions, "blobs": self.blobs, "vectors": self.vectors}


def would_collect(r: Resources) -> Garbage:
    """What nothing needs, of an index that nobody has to hold for that: who asks is in no run's way, and a run in nobody's."""
    holder, found = r.stores.lease.living(), waste(r)
    warnings = (f"the index is being changed by {holder}: what it is about to do may change this",) if holder else ()
    return Garbage(outcome="unchanged", dry_run=True, removed=found.by_kind(), warnings=warnings)


def collect_garbage(r: Resources, run: Run) -> Garbage:
    """Remove what nothing needs."""

    def work() -> Garbage:
        found, stores, releases = waste(r), r.stores, r.releases_by(run.actor)
        run.still_mine()
        stores.qdrant.tidy()
        releases.drop_orphans()
        releases.abandon(found.builds)
        releases.retain(r.settings.retention.keep)
        stores.versions.delete(list(found.versions))
        stores.cuts.delete(stores.cuts.versions() - stores.versions.ids().keys())  # with their versions, also those of a crash
        stores.documents.write(replace(s, content_hash="", version="") for s in found.tombstones)
        stores.blobs.delete_all(found.blobs)
        freed = stores.vectors.evict(stores.vectors.hashes() - set(found.vectors)) if found.vectors else None
        return Garbage(
            outcome="collected", dry_run=False, removed=found.by_kind(), freed_bytes=freed.bytes if freed is not None else 0
        )

    return recorded(r, run, {}, work)


def waste(r: Resources) -> Waste:
    """What no release that is kept and no document needs.

    A database may be shared by several indexes: bytes go only when no index refers to them, and vectors, of which only the
    collections know who uses them, only when there is no other index.
    """
    stores, states = r.stores, r.stores.documents.read()
    doomed = r.releases.beyond(r.settings.retention.keep)
    gone = {release.id for release in doomed}
    kept = [release for release in r.releases.all() if release.searchable and release.id not in gone]
    present = {version_id(s.key, s.version, s.parse_fingerprint) for s in states if s.version and s.status != "deleted"}
    needed = present.union(*(r.versions_in(release).values() for release in kept))
    tombstones = [s for s in states if s.status == "deleted" and s.content_hash]
    versions = sorted(stores.versions.ids().keys() - needed)
    going = {f"{r.settings.index}/{name}" for name in (*versions, *(s.key for s in tombstones))}
    return Waste(
        orphans=r.releases.orphans(),
        builds=assess(r, states).unfinished,
        releases=doomed,
        versions=versions,
        blobs=sorted(stores.blobs.hashes() - stores.blobs.references(without=going)),
        vectors=sorted(unused_vectors(r, kept, [s for s in states if s.version and s.status != "deleted"])),
        tombstones=tombstones,
    )


def unused_vectors(r: Resources, kept: Sequence[Release], present: Sequence[DocumentState]) -> set[str]:
    """Hashes of the cached texts of no release, no document and none of the last experiments on one.

    What a document gives now counts, released or not: an interrupted build goes on from it.
    It is cut only where nobody knows how.
    """
    if others := r.stores.runs.indexes() - {r.settings.index}:
        r.progress.note(f"vectors stay: the database is also that of {', '.join(sorted(others))}")
        return set()
    unused = r.stores.vectors.hashes()
    for release in kept:
        unused -= {point.payload["text_hash"] for point in r.stores.qdrant.scan(release.collection, ["text_hash"])}
    unused -= {query_key(text, as_documents=r.model.queries_as_documents) for text in evaluation.queries_of(r.gates)}
    if not unused:
        return unused
    ours, *others_ways = ways(r, r.settings.retention.experiments)
    known = set[str]()
    if not compares(r, r.settings.chunking):
        for key, cut in r.cutter.known(present):
            unused.difference_update(cut.texts)
            known.add(key)
    for cut_before in (True, False):
        by = others_ways if cut_before else [ours, *others_ways]
        versions = [version_id(s.key, s.version, s.parse_fingerprint) for s in present if (s.key in known) == cut_before]
        for start in range(0, len(versions) if by else 0, READ_VERSIONS):
            documents = list(r.stores.versions.get(versions[start : start + READ_VERSIONS]).values())
            unused.difference_update(text_hash(text) for text in embedded_texts(r, documents, by))
    return unused

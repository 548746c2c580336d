"""What evaluation asks for, over the stores: the points of a collection, and the chunks that it should hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from indexing.build import Builder
from indexing.protocols import Points
from pipeline.resources import Resources
from sluice.access import AccessTags
from sluice.ahead import read_ahead
from sluice.groups import batches
from sluice.points import StoredPoint
from sluice.records import Chunk, DocumentState, Verdict
from sluice.releases import Release

READ_AT_ONCE = 200
"""Documents whose texts are asked for in one request; twice as many are held at once."""


@dataclass(frozen=True, slots=True)
class CollectionPoints:
    """Implements `evaluation.protocols.ReleasePoints` for one collection."""

    points: Points
    collection: str

    def scan(
        self, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: AccessTags | None = None
    ) -> Iterator[StoredPoint]:
        return self.points.scan(self.collection, fields, vectors=vectors, readable_by=readable_by)


@dataclass(frozen=True, slots=True)
class ExpectedFrom:
    """Implements `evaluation.protocols.ExpectedChunks`: cut again from the stored documents."""

    builder: Builder
    states: Sequence[DocumentState]

    def chunks(self) -> Iterator[tuple[DocumentState, Sequence[Chunk]]]:
        parts = (list(self.builder.chunks(part)) for part in batches(self.states, READ_AT_ONCE))
        for part in read_ahead(parts):
            for state, _, chunks in part:
                yield state, chunks


def against_manifest(r: Resources, release: Release) -> Verdict:
    """Whether the store holds as many documents and chunks as the manifest says: 10 ms for 3,000 chunks."""
    keys = [point.payload["document_key"] for point in r.stores.qdrant.scan(release.collection, ["document_key"])]
    stored = {"chunks": len(keys), "documents": len(set(keys))}
    recorded = {"chunks": release.chunks, "documents": release.documents}
    same = stored == recorded
    reason = f"the store holds {stored}, the manifest says {recorded}" if not same else "the store holds what its manifest says"
    return Verdict("reconciliation", same, reason, {"stored": stored, "manifest": recorded})

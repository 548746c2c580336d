"""An index of nothing but what one reader may read, for the gate that asks whether the rest shows through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from indexing.exact import ExactSearch
from indexing.search import Searcher
from pipeline.evidence.views import ExpectedFrom
from pipeline.resources import Resources
from sluice.access import AccessTags
from sluice.points import TEXT_ID, Point, SparseVector, StoredPoint
from sluice.records import DocumentState
from sluice.releases import Release

_FIELDS = (
    "document_key", "source", "uri", "title", "heading_path", "page", "start", "end", "text", "language", "access_tags",
    "metadata", "parent", "parent_text", TEXT_ID,
)  # fmt: skip


def alone(r: Resources, release: Release, states: Sequence[DocumentState]) -> Callable[[AccessTags], Searcher]:
    """Makes the index for a reader's tags: their points of the release in memory, searched exactly as the release is.

    Vectors are read back from the store; term weights are made again, from what was embedded.
    """
    searcher = r.searcher(release, known=())

    def made(tags: AccessTags) -> Searcher:
        stored = [
            p for p in r.stores.qdrant.scan(release.collection, _FIELDS, vectors=True, readable_by=tags) if p.dense is not None
        ]
        weights = _weights(r, searcher, stored, [s for s in states if s.in_release and not s.tags.isdisjoint(tags)])
        points = [
            Point(p.id, p.dense, p.payload, sparse) for p, sparse in zip(stored, weights, strict=True) if p.dense is not None
        ]
        return replace(searcher, vectors=ExactSearch(points), log=None)

    return made


def _weights(
    r: Resources, searcher: Searcher, stored: Sequence[StoredPoint], readable: Sequence[DocumentState]
) -> Sequence[SparseVector | None]:
    if searcher.sparse is None or not stored:
        return [None] * len(stored)
    cut = (chunk for _, chunks in ExpectedFrom(r.builder(), readable).chunks() for chunk in chunks)
    embedded = {chunk.id: chunk.embedded_text for chunk in cut}
    return list(searcher.sparse.documents([embedded.get(p.id, str(p.payload["text"])) for p in stored]))

"""The read side: search that cannot be called without a principal.

The access filter is applied inside the store, in the same request as the search; what a principal may not read never
leaves it. Equal texts are collapsed after filtering, so that a copy someone may read is never hidden by one they may not,
and each hit names the other places of its text that the principal may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from indexing.payload import PLACE, hit, place, shown_text
from indexing.protocols import COPIES, Encoder, QueryLog, Reranker, SparseEncoder, VectorSearch
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.points import TEXT_ID, Filters, ScoredPoint, VectorQuery
from sluice.records import Hit, Place
from sluice.settings import SearchSettings

ANYWHERE = Filters()


class Searching(Protocol):
    """What a Searcher and a LiveSearcher both are."""

    def search(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]: ...

    def search_documents(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]: ...


@dataclass(frozen=True, slots=True)
class Searcher:
    """Search in one collection: dense, sparse or both (reciprocal rank fusion in the store); told to `log` when given.

    `how` is the search section of a release's or a variant's recipe, whole. With a `reranker` the best `rerank_k` are read
    again together with the query, and its scores decide. It sees only what the principal may read.
    `release` is the one that hits name.
    """

    vectors: VectorSearch
    collection: str
    encoder: Encoder
    how: SearchSettings
    sparse: SparseEncoder | None = None
    reranker: Reranker | None = None
    log: QueryLog | None = None
    release: str = ""
    over: Callable[[], frozenset[str]] = frozenset
    """Documents whose time is up by now (`indexing.endings`)."""

    def search(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """The k best chunks with different texts that the principal may read, best first; fewer where there are fewer."""
        asked, enough, filters = self.asked(query, k), self.looked_at(k), self._now(filters)
        found = self.vectors.nearest_texts(self.collection, asked, principal.tags, enough, filters)
        return self._answers(query, principal, filters, self.reranked(query, found)[:k])[0]

    def search_documents(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """The best chunk of each of the k best documents that the principal may read, best first."""
        asked, enough, filters = self.asked(query, k), self.looked_at(k), self._now(filters)
        found = self.vectors.nearest_documents(self.collection, asked, principal.tags, enough, filters)
        return self._answers(query, principal, filters, self.reranked(query, found)[:k])[0]

    def search_both(self, query: str, principal: Principal, documents: int, chunks: int) -> tuple[list[Hit], list[Hit]]:
        """What `search_documents` gives for so many documents, and `search` for so many chunks, asked of the store once."""
        asked, filters = self.asked(query, min(documents, chunks)), self._now(ANYWHERE)
        by_document, by_text = self.vectors.nearest_both(
            self.collection, asked, principal.tags, self.looked_at(documents), self.looked_at(chunks), filters
        )
        best = self.reranked(query, by_document)[:documents], self.reranked(query, by_text)[:chunks]
        found_documents, found_chunks = self._answers(query, principal, filters, *best)
        return found_documents, found_chunks

    def _now(self, filters: Filters) -> Filters:
        over = self.over()
        return replace(filters, over=over) if over else filters

    def looked_at(self, k: int) -> int:
        """How many of the best are looked at for k hits: more, where they are read again."""
        return k if self.reranker is None else max(k, self.how.rerank_k)

    def reranked(self, query: str, points: list[ScoredPoint]) -> list[ScoredPoint]:
        """The points as the reranker orders them; as they are without one."""
        if self.reranker is None:
            return points
        scores = self.reranker.scores(query, [shown_text(point.payload) for point in points])
        scored = [replace(point, score=float(score)) for point, score in zip(points, scores, strict=True)]
        return sorted(scored, key=lambda point: (-point.score, point.id))

    def _answers(self, query: str, principal: Principal, filters: Filters, *found: list[ScoredPoint]) -> list[list[Hit]]:
        """Each as hits, with the other places of their texts."""
        texts = {str(p.payload[TEXT_ID]) for points in found for p in points if TEXT_ID in p.payload}  # none in points of old
        standing: dict[str, set[Place]] = {text: set() for text in texts}
        if texts:
            copies = self.vectors.with_texts(self.collection, sorted(texts), principal.tags, filters, PLACE)
            if len(copies) >= COPIES and len(found) > 1:  # perhaps not all of them, and others than each alone is told of
                return [self._answers(query, principal, filters, points)[0] for points in found]
            for copy in copies:
                standing[str(copy.payload[TEXT_ID])].add(place(copy.payload))
        answers = [[self._hit(point, standing) for point in points] for points in found]
        if self.log is not None:
            for hits in answers:
                self.log.record(query, principal, hits)
        return answers

    def _hit(self, point: ScoredPoint, standing: Mapping[str, set[Place]]) -> Hit:
        others = standing.get(str(point.payload.get(TEXT_ID)), set()) - {place(point.payload)}
        return hit(point, self.release, tuple(sorted(others, key=lambda p: (p.uri, p.source, p.start, p.end))))

    def asked(self, text: str, k: int) -> VectorQuery:
        """A query in the forms that this mode needs; raises ConfigurationError for an empty one."""
        if not text.strip():
            raise ConfigurationError("the query is empty", hint="say what to search for")
        if k < 1:
            raise ConfigurationError(f"k is {k}; at least 1 hit must be asked for", hint="use -k 5")
        dense = self.encoder.encode_query(text) if self.how.mode in ("dense", "hybrid") else None
        sparse = self.sparse.query(text) if self.sparse is not None and self.how.mode in ("sparse", "hybrid") else None
        return VectorQuery(dense, sparse, self.how.dense_weight)


@dataclass(frozen=True, slots=True)
class AsyncSearcher:
    """The same for asynchronous callers: each search runs in a thread, and the event loop goes on meanwhile."""

    searcher: Searching

    async def search(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """As `Searcher.search`."""
        return await asyncio.to_thread(self.searcher.search, query, principal, k, filters)

    async def search_documents(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """As `Searcher.search_documents`."""
        return await asyncio.to_thread(self.searcher.search_documents, query, principal, k, filters)

"""The read side: search that cannot be called without a principal.

The access filter is applied inside the store, in the same request as the search; what a principal may not read never
leaves it. Equal texts are collapsed after filtering, so that a copy someone may read is never hidden by one they may not.
"""

from __future__ import annotations

from dataclasses import dataclass

from indexing.payload import hit, shown_text
from indexing.protocols import Encoder, QueryLog, SparseEncoder, VectorSearch
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.points import Filters, ScoredPoint, VectorQuery
from sluice.records import Hit

ANYWHERE = Filters()


@dataclass(frozen=True, slots=True)
class Searcher:
    """Search in one collection: dense, sparse or both (reciprocal rank fusion in the store); told to `log` when given."""

    vectors: VectorSearch
    collection: str
    encoder: Encoder
    sparse: SparseEncoder | None = None
    mode: str = "dense"
    log: QueryLog | None = None
    dense_weight: float = 0.5

    def search(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """The k best chunks with different texts that the principal may read, best first; fewer where there are fewer."""
        asked = self._query(query, k)
        wanted = k
        while True:
            found = self.vectors.nearest(self.collection, asked, principal.tags, wanted, filters)
            distinct = _distinct(found)
            if len(distinct) >= k or len(found) < wanted:
                return self._logged(query, principal, distinct[:k])
            wanted *= 2

    def search_documents(self, query: str, principal: Principal, k: int, filters: Filters = ANYWHERE) -> list[Hit]:
        """The best chunk of each of the k best documents that the principal may read, best first."""
        found = self.vectors.nearest_documents(self.collection, self._query(query, k), principal.tags, k, filters)
        return self._logged(query, principal, found)

    def _logged(self, query: str, principal: Principal, found: list[ScoredPoint]) -> list[Hit]:
        hits = [hit(point) for point in found]
        if self.log is not None:
            self.log.record(query, principal, hits)
        return hits

    def _query(self, text: str, k: int) -> VectorQuery:
        if not text.strip():
            raise ConfigurationError("the query is empty", hint="say what to search for")
        if k < 1:
            raise ConfigurationError(f"k is {k}; at least 1 hit must be asked for", hint="use -k 5")
        dense = self.encoder.encode_query(text) if self.mode in ("dense", "hybrid") else None
        sparse = self.sparse.query(text) if self.sparse is not None and self.mode in ("sparse", "hybrid") else None
        return VectorQuery(dense, sparse, self.dense_weight)


def _distinct(points: list[ScoredPoint]) -> list[ScoredPoint]:
    seen: set[str] = set()
    kept = []
    for point in points:
        text = shown_text(point.payload)  # children of one parent are one answer, ranked by the best of them
        if text not in seen:
            seen.add(text)
            kept.append(point)
    return kept

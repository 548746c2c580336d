"""What searches of any vector store have in common: the best points, or the best point of each document."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from sluice.access import AccessTags
from sluice.points import DOCUMENT_KEY, Filters, ScoredPoint, VectorQuery


class Ranked(ABC):
    """The read side of `VectorStore` on one ranking that a store gives."""

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, k, filters, lambda point: point.id)

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, k, filters, lambda point: str(point.payload[DOCUMENT_KEY]))

    @abstractmethod
    def _ranked(
        self,
        collection: str,
        query: VectorQuery,
        tags: AccessTags,
        k: int,
        filters: Filters,
        group: Callable[[ScoredPoint], str],
    ) -> list[ScoredPoint]:
        """The best point of each of the k best groups, best first, equal scores by id; empty without tags."""

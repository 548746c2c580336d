"""What searches of any vector store have in common: the best points, or the best point of each document, or both at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sluice.access import AccessTags
from sluice.points import DOCUMENT_KEY, Filters, ScoredPoint, VectorQuery, answer
from stores.ranking import Wanted, points_alone


class Ranked(ABC):
    """The read side of `VectorStore` on one ranking that a store gives."""

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, [points_alone(k)], filters)[0]

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, [_documents(k)], filters)[0]

    def nearest_texts(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The best point of each of the k best texts, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, [_texts(k)], filters)[0]

    def nearest_both(
        self, collection: str, query: VectorQuery, tags: AccessTags, documents: int, texts: int, filters: Filters
    ) -> tuple[list[ScoredPoint], list[ScoredPoint]]:
        """What `nearest_documents` and `nearest_texts` give, of one ranking."""
        by_document, by_text = self._ranked(collection, query, tags, [_documents(documents), _texts(texts)], filters)
        return by_document, by_text

    @abstractmethod
    def _ranked(
        self, collection: str, query: VectorQuery, tags: AccessTags, wanted: Sequence[Wanted], filters: Filters
    ) -> list[list[ScoredPoint]]:
        """The best point of each of the k best groups, best first, equal scores by id, for each way to group that is wanted;
        empty without tags.
        """


def _documents(k: int) -> Wanted:
    return Wanted(k, lambda point: str(point.payload[DOCUMENT_KEY]))


def _texts(k: int) -> Wanted:
    return Wanted(k, lambda point: answer(point.payload), alone=True)

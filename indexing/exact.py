"""A collection held in memory and searched exactly: what the vector store answers, without the store.

For experiments: nothing is written, and a variant costs no more than its vectors. It ranks as `stores.qdrant` does: dot
product; BM25 with Qdrant's IDF modifier, ln((N - n + 0.5) / (n + 0.5) + 1) over the points that the reader may read; both
fused by reciprocal rank, 1 / ((rank + 1) / weight + 1) with ranks from 0, over the best of each kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.compression import Stored
from indexing.protocols import COPIES
from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.points import (
    ACCESS_TAGS,
    DOCUMENT_KEY,
    TEXT_ID,
    Filters,
    Point,
    ScoredPoint,
    SparseVector,
    StoredPoint,
    Vector,
    VectorQuery,
    answer,
)

PREFETCH = 200
"""Candidates of each kind that a hybrid search fuses, at least: as many as the vector store's."""

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Ranking = Callable[[int], list[tuple[int, float]]]


class ExactSearch:
    """Implements `VectorSearch` over points in memory; `collection` is not looked at. Safe to use from several threads.

    Equal scores are ordered by id. Filters beyond access tags raise ConfigurationError: experiments have none.
    """

    def __init__(self, points: Sequence[Point], *, prefetch: int = PREFETCH, stored: Stored | None = None) -> None:
        self._points = sorted(points, key=lambda point: point.id)  # a position is an order of ids
        self._prefetch = prefetch
        self._dense: Vector = np.array([point.dense for point in self._points], dtype=np.float32)
        self._stored = stored
        self._kept = self._dense if stored is None or not len(self._dense) else stored.vectors(self._dense)
        self._postings = _postings([point.sparse for point in self._points])
        self._weighed = np.array([bool(p.sparse is not None and p.sparse.indices) for p in self._points], dtype=bool)
        self._texts = _grouped([str(point.payload.get(TEXT_ID))] for point in self._points)
        self._readers: dict[str, Positions] = {
            tag: np.array(positions, dtype=np.intp)
            for tag, positions in _grouped(point.payload[ACCESS_TAGS] for point in self._points).items()
        }
        self._readable_by: dict[AccessTags, Positions] = {}
        self._last: tuple[object, list[Ranking]] | None = None

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first; empty without tags."""
        return self._best(query, tags, k, filters, lambda position: position)

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first."""
        return self._best(query, tags, k, filters, lambda position: self._points[position].payload[DOCUMENT_KEY])

    def nearest_texts(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The best point of each of the k best texts, best first."""
        return self._best(query, tags, k, filters, lambda position: answer(self._points[position].payload))

    def nearest_both(
        self, collection: str, query: VectorQuery, tags: AccessTags, documents: int, texts: int, filters: Filters
    ) -> tuple[list[ScoredPoint], list[ScoredPoint]]:
        """Both; the rankings of the first are those of the second."""
        found = self.nearest_documents(collection, query, tags, documents, filters)
        return found, self.nearest_texts(collection, query, tags, texts, filters)

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        """Every point with one of these texts that `tags` may read, by id."""
        found = (self._points[position] for position in sorted(p for text in set(texts) for p in self._texts.get(text, ())))
        readable = [point for point in found if not tags.isdisjoint(point.payload[ACCESS_TAGS])]
        return [StoredPoint(p.id, {name: p.payload[name] for name in fields if name in p.payload}) for p in readable[:COPIES]]

    def _best(
        self, query: VectorQuery, tags: AccessTags, k: int, filters: Filters, group: Callable[[int], Any]
    ) -> list[ScoredPoint]:
        if filters != Filters():
            raise ConfigurationError("an experiment searches without filters", hint="narrow its sources instead")
        readable = self._readable(tags)
        if k < 1 or not len(readable):
            return []
        rankings = self._rankings(query, tags, k)
        depth, before = max(4 * k, self._prefetch), -1
        while True:
            parts = [ranking(depth) for ranking in rankings]
            ranked = parts[0] if len(parts) == 1 else _fused([part[:depth] for part in parts], query.dense_weight)
            best: dict[Any, tuple[int, float]] = {}
            for position, score in ranked:
                best.setdefault(group(position), (position, score))
                if len(best) == k:
                    break
            if len(best) == k or len(ranked) == before:
                return [ScoredPoint(self._points[p].id, score, self._points[p].payload) for p, score in best.values()]
            before, depth = len(ranked), depth * 4

    def _readable(self, tags: AccessTags) -> Positions:
        """What a reader may read; kept, for a golden set is asked as few of them."""
        if tags not in self._readable_by:
            mine = [self._readers[tag] for tag in tags if tag in self._readers]
            self._readable_by[tags] = np.unique(np.concatenate(mine)) if mine else np.empty(0, dtype=np.intp)
        return self._readable_by[tags]

    def _rankings(self, query: VectorQuery, tags: AccessTags, k: int) -> list[Ranking]:
        """For each form of the query, positions and scores, best first, as deep as is asked for.

        Those of the last question are kept: a golden set puts each twice, for documents and for chunks.
        """
        asked = (
            tags,
            k if self._stored is not None else 0,
            query.dense.tobytes() if query.dense is not None else b"",
            query.sparse,
        )
        if self._last is not None and self._last[0] == asked:
            return self._last[1]
        readable = self._readable(tags)
        rankings: list[Ranking] = []
        if query.dense is not None:
            rankings.append(self._by_vectors(query.dense, readable, k))
        if query.sparse is not None:
            scores = self._bm25(query.sparse, readable)[readable]
            rankings.append(partial(_ranked, readable[scores > 0], scores[scores > 0]))
        if not rankings:
            raise ValueError("a query needs a dense or a sparse vector")
        self._last = asked, rankings
        return rankings

    def _by_vectors(self, query: Vector, readable: Positions, k: int) -> Ranking:
        """By the vectors as they are kept; the first `rescore * k` of them again by the whole ones."""
        if self._stored is None:
            return partial(_ranked, readable, _products(self._dense, query, readable))
        asked = self._stored.query(query)
        kept = partial(_ranked, readable, _products(self._kept, asked, readable))
        if not (again := self._stored.rescore * k):
            return kept
        found = kept(len(readable))
        first = np.array([position for position, _ in found[:again]], dtype=np.intp)
        whole = _ranked(first, _products(self._dense, query, first), again)
        least = whole[-1][1] if whole else 0.0
        all_ = whole + [(position, least + score - 2.0) for position, score in found[again:]]  # below all of those above
        return lambda _depth: all_

    def _bm25(self, query: SparseVector, readable: Positions) -> Floats:
        """Scores of all points, by the statistics of those that are readable."""
        scores, corpus = np.zeros(len(self._points)), np.zeros(len(self._points), dtype=bool)
        corpus[readable[self._weighed[readable]]] = True
        count = int(corpus.sum())
        for index, weight in zip(query.indices, query.values, strict=True):
            if index in self._postings:
                positions, values = self._postings[index]
                held = int(corpus[positions].sum())
                scores[positions] += weight * math.log((count - held + 0.5) / (held + 0.5) + 1) * values
        return scores


def _products(vectors: Vector, query: Vector, positions: Positions) -> Floats:
    """The scores of these positions; vectors are copied only where that is less than to score them all."""
    few = 4 * len(positions) < len(vectors)
    return (vectors[positions] @ query if few else (vectors @ query)[positions]).astype(np.float64)


def _ranked(positions: Positions, scores: Floats, depth: int) -> list[tuple[int, float]]:
    """The first `depth`, at least where there are so many: best first, equal scores by position.

    Equal to the sixth digit is equal (the last bits depend on the batch).
    """
    rounded = np.round(scores, 6)
    if depth < len(positions):
        first = rounded >= np.partition(rounded, len(rounded) - depth)[len(rounded) - depth]
        positions, scores, rounded = positions[first], scores[first], rounded[first]
    order = np.lexsort((positions, -rounded))
    return list(zip(positions[order].tolist(), scores[order].tolist(), strict=True))


def _fused(rankings: Sequence[Sequence[tuple[int, float]]], dense_weight: float) -> list[tuple[int, float]]:
    """Reciprocal rank fusion: Cormack, Clarke and Büttcher (SIGIR 2009), with Qdrant's constant and weights."""
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, (2 * dense_weight, 2 * (1 - dense_weight)), strict=True):
        for rank, (position, _) in enumerate(ranking):
            scores[position] = scores.get(position, 0.0) + 1 / ((rank + 1) / weight + 1)
    return sorted(scores.items(), key=lambda item: (-round(item[1], 6), item[0]))


def _postings(vectors: Sequence[SparseVector | None]) -> Mapping[int, tuple[Positions, Floats]]:
    """For each term the points that hold it and its weight there."""
    lists: dict[int, tuple[list[int], list[float]]] = {}
    for position, vector in enumerate(vectors):
        if vector is not None:
            for index, value in zip(vector.indices, vector.values, strict=True):
                positions, values = lists.setdefault(index, ([], []))
                positions.append(position)
                values.append(value)
    return {index: (np.array(p, dtype=np.intp), np.array(v)) for index, (p, v) in lists.items()}


def _grouped(tags: Any) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for position, of_point in enumerate(tags):
        for tag in of_point:
            groups.setdefault(tag, []).append(position)
    return groups

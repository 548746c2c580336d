"""Searching and reading one collection of the embedded vector store, as it is at one moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from qdrant_edge import FacetRequest, Filter, QueryRequest, ScrollRequest

from sluice.access import AccessTags
from sluice.ids import IdSum
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, TEXT_ID, Filters, ScoredPoint, StoredPoint, VectorQuery
from stores.edge.queries import DENSE, any_of, narrowed, readable, requests
from stores.edge.reading import View
from stores.edge.shards import ID_PAGE, PAGE
from stores.ranking import Wanted, best_of_each, best_of_groups, fused, points_alone, rounded

COPIES = 1000
"""Points with the texts of one answer that are looked up, at most."""

AHEAD = 256
"""Points that are ranked at least: their ids cost next to nothing."""

MOST_TAGS = 1_000_000
"""More than anybody has: all of them are asked for."""

PointId = int | UUID | str
Payload = dict[str, Any]
Forms = Sequence[Callable[[int, bool], QueryRequest]]


def ranked(
    query: VectorQuery, tags: AccessTags, wanted: Sequence[Wanted], filters: Filters, view: View
) -> list[list[ScoredPoint]]:
    """The best point of each of the best groups of those that these tags may read, best first, equal scores by id."""
    forms = requests(query, readable(tags, view.overlay, filters.over), filters, exact=True)
    search = partial(_fused, view, forms, query.dense_weight) if len(forms) == 2 else _Found(view, forms[0])
    return best_of_each(search, wanted, fused=len(forms) == 2)


class _Found:
    """The best points by the only form of a query.

    Their ids are asked for first, and more of them than are wanted: to rank all points takes the time, and to ask again takes it
    again. Points are read by id then: 5 µs each, where the engine takes 15 to give them with their ranks.
    """

    def __init__(self, view: View, form: Callable[[int, bool], QueryRequest]) -> None:
        self._view, self._form = view, form
        self._asked = 0
        self._ranks: list[tuple[PointId, float]] = []
        self._read: list[ScoredPoint] = []

    def __call__(self, limit: int, _prefetch: int) -> list[ScoredPoint]:
        if limit > self._asked and len(self._ranks) == self._asked:
            self._asked = max(limit, AHEAD)
            self._ranks = [(point.id, point.score) for point in self._view.shard.query(self._form(self._asked, False))]
            self._read = []
        more = self._ranks[len(self._read) : limit]
        if more:
            records = self._view.shard.retrieve([id for id, _ in more], with_payload=True, with_vector=False)
            payloads = {record.id: record.payload or {} for record in records}
            self._read += [ScoredPoint(str(id), score, _shown(payloads[id], self._view)) for id, score in more]
        return self._read[:limit]


def _fused(view: View, forms: Forms, dense_weight: float, limit: int, prefetch: int) -> list[ScoredPoint]:
    """The best points by both forms. Fused here and not by the engine, whose ranks of equal scores are those of a chance:
    where the points lie, which differs between a clone and a full build.
    """
    rankings = []
    for form in forms:

        def ids(wanted: int, _prefetch: int, form: Callable[[int, bool], QueryRequest] = form) -> list[ScoredPoint]:
            return [ScoredPoint(str(p.id), p.score, {}) for p in view.shard.query(form(wanted, False))]

        rankings.append([point.id for point in best_of_groups(ids, points_alone(prefetch), fused=False)])
    scores = fused(rankings, (2 * dense_weight, 2 * (1 - dense_weight)))
    best = sorted(scores, key=lambda point: (-rounded(scores[point]), point))[:limit]
    records = view.shard.retrieve([*best], with_payload=True, with_vector=False)
    payloads = {str(record.id): record.payload or {} for record in records}
    return [ScoredPoint(point, scores[point], _shown(payloads[point], view)) for point in best]


def page(
    start: PointId | None,
    fields: Sequence[str],
    vectors: bool,
    readable_by: AccessTags | None,
    documents: Sequence[str] | None,
    view: View,
) -> tuple[list[StoredPoint], PointId | None]:
    """The points from this id on, and where the next page starts."""
    admitted = None if readable_by is None else readable(readable_by, view.overlay)
    if documents is not None:
        of_these = any_of(DOCUMENT_KEY, documents)
        admitted = Filter(must=[of_these] if admitted is None else [of_these, admitted])
    return _scrolled(view, admitted, fields, start=start, limit=PAGE, vectors=vectors)


def tags_of(view: View) -> set[str]:
    """Every tag that a point carries, or that was given to a document since."""
    found = view.shard.facet(FacetRequest(ACCESS_TAGS, limit=MOST_TAGS, exact=True)).hits
    return {str(hit.value) for hit in found}.union(*view.overlay.values())


def id_sums(view: View, tags: Collection[str]) -> dict[str | None, IdSum]:
    """For each tag the ids that its filter admits, and under None those that none of these admits."""
    found: dict[str | None, IdSum] = {tag: _id_sum(view, readable(AccessTags([tag]), view.overlay)) for tag in tags}
    nobody = Filter(must_not=[readable(AccessTags(tags), view.overlay)]) if tags else None
    return {**found, None: _id_sum(view, nobody)}


def _id_sum(view: View, admitted: Filter | None) -> IdSum:
    """The ids of what is admitted, in a fifth of the time that reading the points takes."""
    count, total, after = 0, 0, None
    while True:
        request = ScrollRequest(limit=ID_PAGE, offset=after, filter=admitted, with_payload=False, with_vector=False)
        records, after = view.shard.scroll(request)
        count += len(records)
        for record in records:
            total ^= record.id.int  # type: ignore[union-attr]  # every id of ours is a UUID
        if after is None:
            return count, total


def with_texts(texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str], view: View) -> list[StoredPoint]:
    """The points with one of these texts that these tags may read, by id, at most `COPIES`."""
    wanted = Filter(must=[any_of(TEXT_ID, texts), narrowed(readable(tags, view.overlay, filters.over), filters)])
    return _scrolled(view, wanted, fields, limit=COPIES)[0]


def _scrolled(
    view: View,
    admitted: Filter | None,
    fields: Sequence[str],
    *,
    limit: int,
    start: PointId | None = None,
    vectors: bool = False,
) -> tuple[list[StoredPoint], PointId | None]:
    shown = list(fields)
    if view.overlay and ACCESS_TAGS in fields and DOCUMENT_KEY not in fields:
        shown.append(DOCUMENT_KEY)  # to know whose tags they are
    records, after = view.shard.scroll(
        ScrollRequest(
            limit=limit,
            offset=start,
            filter=admitted,
            with_payload=shown if shown else False,
            with_vector=[DENSE] if vectors else False,
        )
    )
    if not vectors and not view.overlay:  # what is read most: the payloads are what was asked for, as they come
        return [StoredPoint(str(record.id), record.payload or {}) for record in records], after
    points = []
    for record in records:
        payload = _shown(record.payload or {}, view)
        dense = np.asarray(record.vector[DENSE], dtype=np.float32) if isinstance(record.vector, dict) else None
        points.append(StoredPoint(str(record.id), {name: payload[name] for name in fields if name in payload}, dense))
    return points, after


def _shown(payload: Payload, view: View) -> Payload:
    """A payload with the tags that hold now."""
    now = view.overlay.get(str(payload.get(DOCUMENT_KEY)))
    return payload if now is None or ACCESS_TAGS not in payload else {**payload, ACCESS_TAGS: sorted(now)}

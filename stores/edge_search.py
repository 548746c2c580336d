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
from stores.edge_queries import DENSE, any_of, narrowed, readable, requests
from stores.edge_reading import View
from stores.edge_shards import ID_PAGE, PAGE
from stores.ranking import Wanted, best_of_each, best_of_groups, fused, points_alone, rounded

COPIES = 1000
"""Points with the texts of one answer that are looked up, at most."""

MOST_TAGS = 1_000_000
"""More than anybody has: all of them are asked for."""

PointId = int | UUID | str
Payload = dict[str, Any]
Forms = Sequence[Callable[[int, bool], QueryRequest]]


def ranked(
    query: VectorQuery, tags: AccessTags, wanted: Sequence[Wanted], filters: Filters, view: View
) -> list[list[ScoredPoint]]:
    """The best point of each of the best groups of those that these tags may read, best first, equal scores by id."""
    forms = requests(query, readable(tags, view.overlay), filters, exact=True)
    hybrid = len(forms) == 2
    search = partial(_fused if hybrid else _found, view, forms, query.dense_weight)
    return best_of_each(search, wanted, fused=hybrid)


def _found(view: View, forms: Forms, _weight: float, limit: int, _prefetch: int) -> list[ScoredPoint]:
    """The best points by the only form of a query."""
    return [ScoredPoint(str(p.id), p.score, _shown(p.payload or {}, view)) for p in view.shard.query(forms[0](limit, True))]


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
    wanted = Filter(must=[any_of(TEXT_ID, texts), narrowed(readable(tags, view.overlay), filters)])
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

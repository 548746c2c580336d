"""Sluice's points, filters and queries as Qdrant Edge's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from qdrant_edge import (
    FieldCondition,
    Filter,
    IdfParams,
    MatchAny,
    MatchValue,
    Point,
    Query,
    QueryRequest,
    RangeDateTime,
    SearchParams,
    SparseVector,
)

from sluice import points as ours
from sluice.access import AccessTags
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, LANGUAGE, MODIFIED, SOURCE, Filters, VectorQuery

DENSE, SPARSE = "dense", "sparse"
Overlay = Mapping[str, AccessTags]
"""Document key to the tags that hold now, for documents whose points still carry older ones."""


def as_point(point: ours.Point) -> Point:
    """A point with its named vectors."""
    vector: dict[str, Any] = {DENSE: np.asarray(point.dense, dtype=np.float32).tolist()}
    if point.sparse is not None:
        vector[SPARSE] = SparseVector(indices=list(point.sparse.indices), values=list(point.sparse.values))
    return Point(id=point.id, vector=vector, payload=dict(point.payload))


def any_of(field: str, values: Iterable[str]) -> FieldCondition:
    """The field has at least one of these values; without values it matches nothing. One is found a tenth faster as one."""
    wanted = sorted(values)
    return FieldCondition(key=field, match=MatchValue(wanted[0]) if len(wanted) == 1 else MatchAny(any=wanted))


def readable(tags: AccessTags, overlay: Overlay, over: frozenset[str] = frozenset()) -> Filter:
    """What a reader with these tags may see: by the tags of the overlay where a document has some, else by its points'; nothing
    of documents whose time is over."""
    otherwise = overlay.keys() | over
    by_points = Filter(must=[any_of(ACCESS_TAGS, tags)], must_not=[any_of(DOCUMENT_KEY, otherwise)] if otherwise else None)
    granted = [key for key, now in overlay.items() if key not in over and not now.isdisjoint(tags)]
    return Filter(should=[by_points, any_of(DOCUMENT_KEY, granted)]) if granted else by_points


def narrowed(admitted: Filter, filters: Filters) -> Filter:
    """What a reader may see, narrowed to what they asked for. As it is where they asked for nothing: the engine takes half as
    long again for a condition within a condition.
    """
    if filters == ours.Filters(over=filters.over):
        return admitted
    must: list[Any] = [admitted]
    if filters.sources:
        must.append(any_of(SOURCE, filters.sources))
    if filters.languages:
        must.append(any_of(LANGUAGE, filters.languages))
    if filters.modified_since is not None or filters.modified_until is not None:
        period = RangeDateTime(gte=_time(filters.modified_since), lte=_time(filters.modified_until))
        must.append(FieldCondition(key=MODIFIED, range=period))
    return Filter(must=must)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def requests(query: VectorQuery, admitted: Filter, filters: Filters, *, exact: bool) -> list[Callable[[int, bool], QueryRequest]]:
    """For each form of the query, dense before sparse, what to ask for so many points, with payloads or without.

    The statistics of sparse search are those of what this reader may see (`admitted`), whatever they narrow it to: a
    document that someone may not read changes no score of theirs. Deleted points do not count in them either, as they do
    in the statistics of the whole shard until it is opened again (seen with 0.9.0).
    """
    narrow = narrowed(admitted, filters)
    forms: list[tuple[Query, SearchParams]] = []
    if query.dense is not None:
        dense = np.asarray(query.dense, dtype=np.float32).tolist()
        forms.append((Query.Nearest(dense, using=DENSE), SearchParams(exact=exact)))
    if query.sparse is not None:
        sparse = SparseVector(indices=list(query.sparse.indices), values=list(query.sparse.values))
        forms.append((Query.Nearest(sparse, using=SPARSE), SearchParams(exact=exact, idf=IdfParams(corpus=admitted))))
    if not forms:
        raise ValueError("a query needs a dense or a sparse vector")
    return [partial(_request, form, params, narrow) for form, params in forms]


def _request(form: Query, params: SearchParams, narrow: Filter, limit: int, payload: bool) -> QueryRequest:
    return QueryRequest(limit=limit, query=form, filter=narrow, with_payload=payload, params=params)

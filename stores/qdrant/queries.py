"""Sluice's points, filters and queries as Qdrant's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from qdrant_client.http import models

from sluice.access import AccessTags
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, LANGUAGE, MODIFIED, SOURCE, Filters, Point, VectorQuery

DENSE, SPARSE = "dense", "sparse"


def as_struct(point: Point) -> models.PointStruct:
    """A point with its named vectors."""
    vector: dict[str, Any] = {DENSE: np.asarray(point.dense, dtype=np.float32).tolist()}
    if point.sparse is not None:
        vector[SPARSE] = models.SparseVector(indices=list(point.sparse.indices), values=list(point.sparse.values))
    return models.PointStruct(id=point.id, vector=vector, payload=dict(point.payload))


def any_of(field: str, values: Iterable[str]) -> models.FieldCondition:
    """The field has at least one of these values; without values it matches nothing."""
    return models.FieldCondition(key=field, match=models.MatchAny(any=sorted(values)))


def admission(tags: AccessTags, filters: Filters) -> models.Filter:
    """What a reader with these tags may see, narrowed to what they asked for."""
    must: list[models.Condition] = [any_of(ACCESS_TAGS, tags)]
    if filters.sources:
        must.append(any_of(SOURCE, filters.sources))
    if filters.languages:
        must.append(any_of(LANGUAGE, filters.languages))
    if filters.modified_since is not None or filters.modified_until is not None:
        period = models.DatetimeRange(gte=filters.modified_since, lte=filters.modified_until)
        must.append(models.FieldCondition(key=MODIFIED, range=period))
    return models.Filter(must=must, must_not=[any_of(DOCUMENT_KEY, filters.over)] if filters.over else None)


def forms(
    query: VectorQuery, readable: models.Filter, admitted: models.Filter, dense: models.SearchParams | None = None
) -> list[dict[str, Any]]:
    """For each form of the query, dense before sparse, the arguments of `query_points`, under the filter.

    The statistics of sparse search are those of what this reader may see (`readable`), whatever they narrow it to: a
    document that someone may not read changes no score of theirs. It takes Qdrant 1.19 (`sluice doctor` says so).
    """
    found: list[dict[str, Any]] = []
    if query.dense is not None:
        vector = np.asarray(query.dense, dtype=np.float32).tolist()
        found.append({"using": DENSE, "query": vector, "query_filter": admitted, "search_params": dense})
    if query.sparse is not None:
        sparse = models.SparseVector(indices=list(query.sparse.indices), values=list(query.sparse.values))
        params = models.SearchParams(idf=models.IdfCorpusParams(corpus=readable))
        found.append({"using": SPARSE, "query": sparse, "query_filter": admitted, "search_params": params})
    if not found:
        raise ValueError("a query needs a dense or a sparse vector")
    return found


def these(ids: Iterable[str], admitted: models.Filter) -> models.Filter:
    """Those of the points with these ids that the filter admits: what was revoked since they were found is not among them."""
    return models.Filter(must=[models.HasIdCondition(has_id=list(ids)), admitted])

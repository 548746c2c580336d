"""Sluice's points, filters and queries as Qdrant's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from qdrant_client.http import models

from sluice.access import AccessTags
from sluice.points import ACCESS_TAGS, LANGUAGE, MODIFIED, SOURCE, Filters, Point, VectorQuery

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
    return models.Filter(must=must)


def arguments(
    query: VectorQuery,
    readable: models.Filter,
    admitted: models.Filter,
    prefetch: int,
    dense: models.SearchParams | None = None,
) -> dict[str, Any]:
    """The arguments of `query_points`: one vector, or both fused by weighted reciprocal rank, each under the filter.

    The statistics of sparse search are those of what this reader may see (`readable`), whatever they narrow it to: a
    document that someone may not read changes no score of theirs. It takes Qdrant 1.19 (`sluice doctor` says so).
    """
    forms: list[tuple[str, Any, models.SearchParams | None]] = []
    if query.dense is not None:
        forms.append((DENSE, np.asarray(query.dense, dtype=np.float32).tolist(), dense))
    if query.sparse is not None:
        sparse = models.SparseVector(indices=list(query.sparse.indices), values=list(query.sparse.values))
        forms.append((SPARSE, sparse, models.SearchParams(idf=models.IdfCorpusParams(corpus=readable))))
    if not forms:
        raise ValueError("a query needs a dense or a sparse vector")
    if len(forms) == 1:
        using, vector, params = forms[0]
        return {"using": using, "query": vector, "query_filter": admitted, "search_params": params}
    parts = [
        models.Prefetch(query=vector, using=using, filter=admitted, limit=prefetch, params=params)
        for using, vector, params in forms
    ]
    # The filter again outside: no point that it does not admit leaves the store, whatever the prefetches do.
    return {"prefetch": parts, "query": _fusion(query.dense_weight), "query_filter": admitted}


def _fusion(dense_weight: float) -> models.FusionQuery | models.RrfQuery:
    """Reciprocal rank fusion; weights (Qdrant 1.17 and later) are sent only where they are not equal."""
    if dense_weight == 0.5:
        return models.FusionQuery(fusion=models.Fusion.RRF)
    return models.RrfQuery(rrf=models.Rrf(weights=[2 * dense_weight, 2 * (1 - dense_weight)]))

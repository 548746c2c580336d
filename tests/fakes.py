"""In-memory stand-ins that pass the same conformance suites as the real implementations."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import numpy as np

from sluice.access import AccessTags, TagChange
from sluice.errors import IntegrityError, ReleaseError
from sluice.ids import IdSum, id_sum
from sluice.points import (
    ACCESS_TAGS,
    DOCUMENT_KEY,
    LANGUAGE,
    MODIFIED,
    SOURCE,
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
from sluice.records import Cut
from sluice.releases import Release, ReleaseEvent, State
from stores.mongo.vectors import Evicted


class MemoryVectorCache:
    """Implements `VectorCache`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Vector] = {}

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:
        return {text: self.rows[model, text] for text in hashes if (model, text) in self.rows}

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        self.rows = {(model, text): np.array(vector, dtype=np.float32) for text, vector in vectors.items()} | self.rows

    def delete(self, hashes: Iterable[str]) -> None:
        erased = set(hashes)
        self.rows = {key: vector for key, vector in self.rows.items() if key[1] not in erased}

    def evict(self, used: Iterable[str], *, max_bytes: int = 0) -> Evicted:
        wanted, gone, freed = set(used), 0, 0
        size = sum(vector.nbytes for vector in self.rows.values())
        for key in [key for key in self.rows if key[1] not in wanted]:
            if size - freed > max_bytes:
                freed, gone = freed + self.rows.pop(key).nbytes, gone + 1
        return Evicted(gone, freed, len(self.rows), size - freed)


class MemoryCuts:
    """Implements `Cuts`."""

    def __init__(self) -> None:
        self.rows: dict[str, Cut] = {}

    def get(self, names: Sequence[str], *, whole: bool = False) -> dict[str, Cut]:
        return {name: self.rows[name] if whole else replace(self.rows[name], rest=b"") for name in names if name in self.rows}

    def sums(self, names: Sequence[str]) -> dict[str, IdSum]:
        return {name: id_sum(self.rows[name].ids) for name in names if name in self.rows}

    def put(self, cuts: Mapping[str, Cut]) -> None:
        self.rows |= cuts

    def delete(self, versions: Iterable[str]) -> None:
        gone = set(versions)
        self.rows = {name: cut for name, cut in self.rows.items() if cut.version not in gone}

    def erase(self, document_keys: Iterable[str]) -> None:
        gone = set(document_keys)
        self.rows = {name: cut for name, cut in self.rows.items() if cut.document_key not in gone}

    def count(self, document_key: str) -> int:
        return sum(1 for cut in self.rows.values() if cut.document_key == document_key)

    def versions(self) -> set[str]:
        return {cut.version for cut in self.rows.values()}


class MemoryReleaseLedger:
    """Implements `ReleaseLedger`."""

    def __init__(self) -> None:
        self.rows: dict[str, Release] = {}

    def add(self, release: Release) -> None:
        if release.id in self.rows:
            raise ReleaseError(f"release {release.id} exists already")
        self.rows[release.id] = release

    def read(self) -> list[Release]:
        return sorted(self.rows.values(), key=lambda release: (release.created, release.id))

    def update(self, release_id: str, changes: Mapping[str, Any], *, expect: State | None = None) -> Release:
        known = {f.name for f in fields(Release)} - {"id", "index"}
        if release_id not in self.rows or changes.keys() - known:
            raise ReleaseError(f"there is no release {release_id}, or no such field")
        present = self.rows[release_id]
        if expect is not None and present.state != expect:
            raise ReleaseError(f"release {release_id} is {present.state}, not {expect}")
        self.rows[release_id] = replace(present, **changes)
        return self.rows[release_id]


class MemoryOutbox:
    """Implements `Outbox`."""

    def __init__(self) -> None:
        self.rows: dict[str, ReleaseEvent] = {}

    def put(self, event: ReleaseEvent) -> None:
        self.rows[event.id] = event

    def put_all(self, events: Sequence[ReleaseEvent]) -> None:
        self.rows |= {event.id: event for event in events}

    def open(self) -> list[ReleaseEvent]:
        waiting = (event for event in self.rows.values() if event.state != "delivered")
        return sorted(waiting, key=lambda event: (event.at, event.id))

    def remove(self, event_id: str) -> None:
        self.rows.pop(event_id, None)


class MemoryAccessAudit:
    """Implements `AccessAudit`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[TagChange, datetime], str] = {}

    def record(self, changes: Sequence[TagChange], at: datetime, actor: str) -> None:
        self.rows |= {(change, at): actor for change in changes}

    def read(self, document_key: str | None = None) -> list[dict[str, Any]]:
        found = sorted(self.rows.items(), key=lambda row: (row[0][1], row[0][0].document_key))
        return [
            {"document_key": c.document_key, "before": sorted(c.before), "after": sorted(c.after), "at": at, "actor": actor}
            for (c, at), actor in found
            if document_key in (None, c.document_key)
        ]


class MemoryRuns:
    """Stands in for `MongoRuns`."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def record(self, run_id: str, values: Mapping[str, Any]) -> None:
        self.rows[run_id] = self.rows.get(run_id, {"run": run_id}) | json.loads(json.dumps(dict(values), default=_iso))

    def rewrite(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        for run_id in changes.keys() & self.rows.keys():
            self.record(run_id, changes[run_id])

    def get(self, run_id: str) -> dict[str, Any] | None:
        return deepcopy(self.rows.get(run_id))

    def read(self, limit: int | None = None) -> list[dict[str, Any]]:
        return deepcopy(list(reversed(self.rows.values()))[:limit])


class MemoryDecisions:
    """Stands in for `MongoDecisions`."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    def decide(self, name: str, value: Any) -> Any:
        return self.rows.setdefault(name, value)

    def get(self, name: str) -> Any:
        return self.rows.get(name)


@dataclass
class _Collection:
    dimension: int
    sparse: bool
    points: dict[str, Point] = field(default_factory=dict)


class MemoryVectorStore:
    """Implements `Collections`, `Aliases`, `Points` and `VectorSearch`, by brute force and in the open."""

    def __init__(self) -> None:
        self.collections: dict[str, _Collection] = {}
        self.aliases: dict[str, str] = {}

    def create(self, collection: str, *, dimension: int, sparse: bool) -> None:
        present = self.collections.setdefault(collection, _Collection(dimension, sparse))
        if (present.dimension, present.sparse) != (dimension, sparse):
            raise IntegrityError(f"collection {collection} exists with another shape")

    def clone(self, source: str, target: str) -> None:
        found = self._of(source)
        if target in self.collections:
            raise ReleaseError(f"collection {target} exists already")
        self.collections[target] = deepcopy(found)

    def names(self) -> list[str]:
        return sorted(self.collections)

    def drop(self, collection: str) -> None:
        self.collections.pop(collection, None)
        self.aliases = {alias: name for alias, name in self.aliases.items() if name != collection}

    def read(self) -> dict[str, str]:
        return dict(self.aliases)

    def switch(self, changes: Mapping[str, str | None]) -> None:
        for collection in changes.values():
            if collection is not None and collection not in self.collections:
                raise ReleaseError(f"there is no collection {collection}")
        for alias, collection in changes.items():  # one by one, as a server does
            self._point(alias, collection)

    def _point(self, alias: str, collection: str | None) -> None:
        if collection is None:
            self.aliases.pop(alias, None)
        else:
            self.aliases[alias] = collection

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        self._of(collection).points |= {point.id: deepcopy(point) for point in points}

    def holds(self, collection: str, expected: Mapping[AccessTags, IdSum]) -> bool:
        return False

    def note(self, collection: str, name: str, notes: bytes) -> None:
        """Nothing is kept."""

    def notes(self, collection: str, name: str) -> bytes | None:
        return None

    def count(self, collection: str) -> int:
        return len(self._of(collection).points)

    def scan(
        self,
        collection: str,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        for _, point in sorted(self._of(collection).points.items()):
            if documents is not None and point.payload[DOCUMENT_KEY] not in documents:
                continue
            if readable_by is None or not readable_by.isdisjoint(point.payload.get(ACCESS_TAGS) or ()):
                payload = {name: point.payload[name] for name in fields if name in point.payload}
                yield StoredPoint(point.id, payload, point.dense if vectors else None)

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        points, keys = self._of(collection).points, set(document_keys)
        for point in list(points.values()):
            if point.payload[DOCUMENT_KEY] in keys:
                points[point.id] = replace(point, payload={**point.payload, ACCESS_TAGS: sorted(tags)})

    def retag(self, collection: str, wanted: Mapping[str, AccessTags]) -> None:
        for key, tags in wanted.items():
            self.set_tags(collection, tags, [key])

    def delete(self, collection: str, document_keys: Iterable[str]) -> None:
        points, keys = self._of(collection).points, set(document_keys)
        for point in [p for p in points.values() if p.payload[DOCUMENT_KEY] in keys]:
            del points[point.id]

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        return self._ranked(collection, query, tags, filters)[:k]

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        best: dict[str, ScoredPoint] = {}
        for point in self._ranked(collection, query, tags, filters):
            best.setdefault(str(point.payload[DOCUMENT_KEY]), point)
        return list(best.values())[:k]

    def nearest_texts(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        best: dict[str, ScoredPoint] = {}
        for point in self._ranked(collection, query, tags, filters):
            best.setdefault(answer(point.payload), point)
        return list(best.values())[:k]

    def nearest_both(
        self, collection: str, query: VectorQuery, tags: AccessTags, documents: int, texts: int, filters: Filters
    ) -> tuple[list[ScoredPoint], list[ScoredPoint]]:
        found = self.nearest_documents(collection, query, tags, documents, filters)
        return found, self.nearest_texts(collection, query, tags, texts, filters)

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        found = sorted(self._of(collection).points.items())
        return [
            StoredPoint(id, {name: p.payload[name] for name in fields if name in p.payload})
            for id, p in found
            if p.payload.get(TEXT_ID) in texts and _admits(p.payload, tags, filters)
        ][:1000]

    def _of(self, collection: str) -> _Collection:
        name = self.aliases.get(collection, collection)
        if name not in self.collections:
            raise ReleaseError(f"there is no collection {collection}")
        return self.collections[name]

    def _ranked(self, collection: str, query: VectorQuery, tags: AccessTags, filters: Filters) -> list[ScoredPoint]:
        everything = list(self._of(collection).points.values())
        admitted = [p for p in everything if _admits(p.payload, tags, filters)]
        rankings = []
        if query.dense is not None:
            rankings.append({p.id: float(p.dense @ query.dense) for p in admitted})
        if query.sparse is not None:
            corpus = [p for p in everything if _admits(p.payload, tags, Filters(over=filters.over))]
            rankings.append(_bm25(query.sparse, corpus, admitted))
        if not rankings:
            raise ValueError("a query needs a dense or a sparse vector")
        scores = rankings[0] if len(rankings) == 1 else _fused(rankings, query.dense_weight)
        payloads = {p.id: p.payload for p in admitted}
        order = sorted(scores, key=lambda point: (-round(scores[point], 6), point))
        return [ScoredPoint(point, scores[point], payloads[point]) for point in order]


def _admits(payload: Mapping[str, Any], tags: AccessTags, filters: Filters) -> bool:
    modified = payload.get(MODIFIED)
    at = datetime.fromisoformat(modified) if modified else None
    return (
        not tags.isdisjoint(payload.get(ACCESS_TAGS) or ())
        and payload.get(DOCUMENT_KEY) not in filters.over
        and (not filters.sources or payload.get(SOURCE) in filters.sources)
        and (not filters.languages or payload.get(LANGUAGE) in filters.languages)
        and (filters.modified_since is None or (at is not None and at >= filters.modified_since))
        and (filters.modified_until is None or (at is not None and at <= filters.modified_until))
    )


def _bm25(query: SparseVector, corpus: Sequence[Point], admitted: Sequence[Point]) -> dict[str, float]:
    """Dot products weighted by Qdrant's IDF, ln((N - n + 0.5) / (n + 0.5) + 1), over the points that the reader may read,
    however they narrow their search; points that share no term are no hits.
    """
    sparse = [p for p in corpus if p.sparse is not None]
    containing = Counter(index for p in sparse if p.sparse is not None for index in p.sparse.indices)
    weights = {
        index: value * math.log((len(sparse) - containing[index] + 0.5) / (containing[index] + 0.5) + 1)
        for index, value in zip(query.indices, query.values, strict=True)
    }
    scores = {}
    for p in admitted:
        shared = (
            [] if p.sparse is None else [(i, v) for i, v in zip(p.sparse.indices, p.sparse.values, strict=True) if i in weights]
        )
        if shared:
            scores[p.id] = sum(weights[index] * value for index, value in shared)
    return scores


def _fused(rankings: Sequence[Mapping[str, float]], dense_weight: float) -> dict[str, float]:
    """Weighted reciprocal rank fusion as Qdrant does it: 1 / ((rank + 1) / weight + 1), ranks from 0."""
    scores: Counter[str] = Counter()
    for ranking, weight in zip(rankings, (2 * dense_weight, 2 - 2 * dense_weight), strict=True):
        for rank, point in enumerate(sorted(ranking, key=lambda p: (-round(ranking[p], 6), p))):
            scores[point] += 1 / ((rank + 1) / weight + 1)  # type: ignore[assignment]
    return dict(scores)


def _iso(value: Any) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

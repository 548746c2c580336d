"""The vector store on a Qdrant server. The embedded one is `stores/edge/`, on the same engine in the process.

Dense vectors are compared by dot product: they are unit vectors, so it is the cosine, and unlike with Distance.COSINE the
store keeps them bit for bit, and a vector that is not of unit length can still be found out by a gate.

Over 300 lines: it implements every method of one Protocol; queries, payloads and aliases are in the modules beside it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.access import AccessTags
from sluice.display import counted
from sluice.errors import IntegrityError, ReleaseError
from sluice.groups import batches
from sluice.ids import IdSum
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
    StoredPoint,
    VectorQuery,
)
from sluice.settings import QdrantSettings
from stores.features import Feature
from stores.qdrant import aliases, clone, features, tuning
from stores.qdrant.errors import translated
from stores.qdrant.opening import opened
from stores.qdrant.queries import DENSE, SPARSE, admission, any_of, as_struct, forms, these
from stores.ranked import Ranked
from stores.ranking import Wanted, best_of_each, best_of_groups, fused, points_alone, rounded

UNTUNED = QdrantSettings()
PAGE = 1000
COPIES = 1000
"""Points with the texts of one answer that are looked up, at most."""
TAGS_BATCH = 500
Forms = Sequence[Mapping[str, Any]]
_INDEXES: Mapping[str, models.PayloadSchemaType] = {
    ACCESS_TAGS: models.PayloadSchemaType.KEYWORD,
    DOCUMENT_KEY: models.PayloadSchemaType.KEYWORD,
    SOURCE: models.PayloadSchemaType.KEYWORD,
    LANGUAGE: models.PayloadSchemaType.KEYWORD,
    TEXT_ID: models.PayloadSchemaType.KEYWORD,
    MODIFIED: models.PayloadSchemaType.DATETIME,
}


class QdrantStore(Ranked):
    """Collections, aliases, points and search of a Qdrant server. Nothing is opened before it is used; threads may share it.

    With a `client`, that one is used, one thread at a time: qdrant-client's local mode stands in for a server in tests.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 30,
        client: QdrantClient | None = None,
        tuning: QdrantSettings = UNTUNED,
    ) -> None:
        self._url, self._api_key, self._timeout_s, self._tuning = url, api_key, timeout_s, tuning
        self._lock = threading.RLock()
        self._given, self._opened = client, client

    @property
    def embedded(self) -> bool:
        """Whether the store lives in this process."""
        return False

    def close(self) -> None:
        """Let go of the server; the next use connects again."""
        with self._lock:
            if self._opened is not None and self._opened is not self._given:
                self._opened.close()
                self._opened = None

    # ── collections ──────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, collection: str, *, dimension: int, sparse: bool) -> None:
        """Create with its payload indexes; no error when it exists with this shape, IntegrityError with another."""
        with self._client("creating", collection) as client:
            if client.collection_exists(collection):
                self._same_shape(client, collection, dimension, sparse)
            else:
                client.create_collection(
                    collection, **tuning.creation(self._tuning, dimension, DENSE, SPARSE if sparse else None)
                )
            if self._given is not None:
                return  # local mode has no payload indexes
            for field, kind in _INDEXES.items():
                client.create_payload_index(collection, field, field_schema=kind, wait=True)

    @staticmethod
    def _same_shape(client: QdrantBase, collection: str, dimension: int, sparse: bool) -> None:
        params = client.get_collection(collection).config.params
        dense = params.vectors[DENSE] if isinstance(params.vectors, dict) and DENSE in params.vectors else None
        seen = (dense.size if dense else None, SPARSE in (params.sparse_vectors or {}))
        if seen != (dimension, sparse):
            raise IntegrityError(
                f"collection {collection} exists with another shape: dimension {seen[0]} and sparse {seen[1]}, "
                f"not {dimension} and {sparse}",
                hint="it was not made by this configuration; remove it or choose another index name",
            )

    def clone(self, source: str, target: str) -> None:
        """A collection with the same points, tags and shape; ReleaseError when there is no source, or a target already.

        Whole when it returns; not there when it fails. Who was killed in it drops what is there of the target first.
        """
        self._cloned(source, target)

    def _cloned(self, source: str, target: str) -> str:
        with self._client(f"cloning {source} to", target) as client:
            named = aliases.aliases(client).get(source, source)
            self._require(named)
            if client.collection_exists(target):
                raise ReleaseError(f"collection {target} exists already", hint="drop it, or choose another name")
            return clone.clone(client, named, target, url=self._url, api_key=self._api_key)

    def clone_method(self) -> str:
        """How this server clones, found out by doing it: a scratch collection, which is dropped again."""
        scratch = f"sluice_probe_{os.urandom(6).hex()}"
        try:
            self.create(scratch, dimension=2, sparse=True)
            return self._cloned(scratch, f"{scratch}_clone")
        finally:
            for name in (scratch, f"{scratch}_clone"):
                self.drop(name)

    def describe(self) -> str:
        """What the server is and holds, for `sluice doctor`; what it can do is in `features`."""
        if self._given is not None:
            return f"Qdrant local mode: {counted(len(self.names()), 'collection')}; clones by {self.clone_method()}"
        with self._client("asking for the version") as client:
            version = client.info().version if isinstance(client, QdrantClient) else ""
        return f"Qdrant {version}: {counted(len(self.names()), 'collection')}"

    def features(self) -> list[Feature]:
        """What the server can do, and what is lost where it cannot; none of local mode, which is no server."""
        if self._given is not None:
            return []
        with self._client("asking for its features"):
            return features.features(self._server(), self._url, self._api_key, self.clone_method())

    def settle(self, collection: str) -> None:
        """A loaded collection is indexed, and ready to be judged; StoreUnavailable when it is not in time. Safe to call again."""
        if self._given is None:
            with self._client("indexing", collection) as client:
                tuning.settle(client, collection, self._tuning)

    def names(self) -> list[str]:
        """Every collection of the store, sorted."""
        with self._client("listing collections") as client:
            return sorted(c.name for c in client.get_collections().collections)

    def tidy(self) -> None:
        """Nothing to do: what a server was killed in taking away is its own affair."""

    def drop(self, collection: str) -> None:
        """Remove a collection and its points; no error when there is none."""
        with self._client("removing", collection) as client:
            if client.collection_exists(collection):
                client.delete_collection(collection)

    # ── aliases ──────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self) -> dict[str, str]:
        """Alias to collection, all of them."""
        with self._client("reading the aliases") as client:
            return aliases.aliases(client)

    def switch(self, changes: Mapping[str, str | None]) -> None:
        """Point aliases to collections (None removes the alias), one after the other: see `aliases.switch`."""
        with self._client("switching aliases to", ", ".join(sorted({c for c in changes.values() if c}))) as client:
            aliases.switch(client, changes)

    # ── points ───────────────────────────────────────────────────────────────────────────────────────────────────

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Durable when it returns; idempotent; in batches."""
        size = self._tuning.batch
        for start in range(0, len(points), size):
            batch = [as_struct(point) for point in points[start : start + size]]
            with self._client("writing points to", collection) as client:
                client.upsert(collection, batch, wait=True)

    def scan(
        self,
        collection: str,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        """Every point once, ordered by id, with these payload fields; with `readable_by`, only those its filter admits; with
        `documents`, only theirs, ordered within each 500 of these.
        """
        if readable_by is not None and not readable_by:
            self._require(collection)
            return
        admitted = None if readable_by is None else admission(readable_by, Filters())
        if documents is None:
            yield from self._scrolled(collection, fields, vectors, admitted)
            return
        for part in batches(sorted(set(documents)), TAGS_BATCH):
            of_these = models.Filter(must=[any_of(DOCUMENT_KEY, part), *([] if admitted is None else [admitted])])
            yield from self._scrolled(collection, fields, vectors, of_these)

    def _scrolled(
        self, collection: str, fields: Sequence[str], vectors: bool, admitted: models.Filter | None
    ) -> Iterator[StoredPoint]:
        offset: models.ExtendedPointId | None = None
        while True:
            with self._client("reading", collection) as client:
                records, offset = client.scroll(
                    collection,
                    scroll_filter=admitted,
                    limit=PAGE,
                    offset=offset,
                    with_payload=list(fields) if fields else False,
                    with_vectors=[DENSE] if vectors else False,
                )
            for record in records:
                dense = np.asarray(record.vector[DENSE], dtype=np.float32) if isinstance(record.vector, dict) else None
                yield StoredPoint(str(record.id), record.payload or {}, dense)
            if offset is None:
                return

    def holds(self, collection: str, expected: Mapping[AccessTags, IdSum]) -> bool:
        """Nothing is known of a server's points that was not read."""
        return False

    def note(self, collection: str, name: str, notes: bytes) -> None:
        """Nothing is kept: others may change what a server holds, and it does not say that they did."""

    def notes(self, collection: str, name: str) -> bytes | None:
        """None."""
        return None

    def count(self, collection: str) -> int:
        """How many points there are, counted by the server."""
        with self._client("counting the points of", collection) as client:
            return int(client.count(collection, exact=True).count)

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        """Replace the access tags of every point of these documents; nothing else changes; durable when it returns."""
        self.retag(collection, dict.fromkeys(document_keys, tags))

    def retag(self, collection: str, wanted: Mapping[str, AccessTags]) -> None:
        """The same for documents of different tags; a request for each 500 of them."""
        for part in batches(sorted(wanted), TAGS_BATCH):
            groups: dict[AccessTags, list[str]] = {}
            for key in part:
                groups.setdefault(wanted[key], []).append(key)
            changes: list[models.UpdateOperation] = [
                models.SetPayloadOperation(
                    set_payload=models.SetPayload(
                        payload={ACCESS_TAGS: sorted(tags)}, filter=models.Filter(must=[any_of(DOCUMENT_KEY, keys)])
                    )
                )
                for tags, keys in groups.items()
            ]
            with self._client("changing access tags in", collection) as client:
                client.batch_update_points(collection, update_operations=changes, wait=True)

    def delete(self, collection: str, document_keys: Iterable[str]) -> None:
        """Remove every point of these documents; durable when it returns; no error where there is none."""
        keys = sorted(set(document_keys))
        for start in range(0, len(keys), TAGS_BATCH):
            of_these = models.Filter(must=[any_of(DOCUMENT_KEY, keys[start : start + TAGS_BATCH])])
            with self._client("removing documents from", collection) as client:
                client.delete(collection, points_selector=models.FilterSelector(filter=of_these), wait=True)

    # ── search ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _ranked(
        self, collection: str, query: VectorQuery, tags: AccessTags, wanted: Sequence[Wanted], filters: Filters
    ) -> list[list[ScoredPoint]]:
        if not tags or all(each.k < 1 for each in wanted):
            self._require(collection)
            return [[] for _ in wanted]
        admitted = admission(tags, filters)
        asked = forms(query, admission(tags, Filters(over=filters.over)), admitted, tuning.search_params(self._tuning))
        hybrid = len(asked) == 2
        ranked = partial(self._fused if hybrid else self._found, collection, asked, admitted, query.dense_weight)
        return best_of_each(ranked, wanted, fused=hybrid)

    def _found(
        self, collection: str, asked: Forms, _admitted: models.Filter, _weight: float, limit: int, _prefetch: int
    ) -> list[ScoredPoint]:
        """The best points by the only form of a query."""
        return self._by(collection, asked[0], limit, payload=True)

    def _fused(
        self, collection: str, asked: Forms, admitted: models.Filter, dense_weight: float, limit: int, prefetch: int
    ) -> list[ScoredPoint]:
        """The best points by both forms. Fused here and not by the server, whose ranks of equal scores are those of a chance:
        where the points lie, which differs between a clone and a full build.
        """
        rankings = []
        for form in asked:

            def ids(wanted: int, _prefetch: int, form: Mapping[str, Any] = form) -> list[ScoredPoint]:
                return self._by(collection, form, wanted, payload=False)

            rankings.append([point.id for point in best_of_groups(ids, points_alone(prefetch), fused=False)])
        scores = fused(rankings, (2 * dense_weight, 2 * (1 - dense_weight)))
        best = sorted(scores, key=lambda point: (-rounded(scores[point]), point))[:limit]
        if not best:
            return []
        with self._client("searching", collection) as client:
            wanted = these(best, admitted)
            records, _ = client.scroll(collection, scroll_filter=wanted, limit=len(best), with_payload=True, with_vectors=False)
        payloads = {str(record.id): record.payload or {} for record in records}
        return [ScoredPoint(point, scores[point], payloads[point]) for point in best if point in payloads]

    def _by(self, collection: str, form: Mapping[str, Any], limit: int, *, payload: bool) -> list[ScoredPoint]:
        with self._client("searching", collection) as client:
            answer = client.query_points(collection, **form, limit=limit, with_payload=payload)
        return [ScoredPoint(str(p.id), p.score, p.payload or {}) for p in answer.points]

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        """Every point with one of these texts that `tags` may read, by id, at most `COPIES`; empty without tags or texts."""
        if not tags or not texts:
            return []
        admitted = admission(tags, filters)
        wanted = models.Filter(must=[any_of(TEXT_ID, texts), admitted])
        with self._client("reading", collection) as client:
            records, _ = client.scroll(
                collection, scroll_filter=wanted, limit=COPIES, with_payload=list(fields), with_vectors=False
            )
        return sorted((StoredPoint(str(record.id), record.payload or {}) for record in records), key=lambda point: point.id)

    # ── the client ───────────────────────────────────────────────────────────────────────────────────────────────

    def _require(self, collection: str) -> None:
        with self._client("searching", collection) as client:
            if not client.collection_exists(collection) and collection not in {
                a.alias_name for a in client.get_aliases().aliases
            }:
                raise ReleaseError(f"there is no collection {collection}", hint="sluice releases lists what can be searched")

    @contextmanager
    def _client(self, doing: str, collection: str = "") -> Iterator[QdrantBase]:
        with translated(self._url, doing, collection):
            if self._given is None:
                yield self._server()
            else:
                with self._lock:
                    yield self._given

    def _server(self) -> QdrantClient:
        with self._lock:
            if self._opened is None:
                grpc_port = self._tuning.grpc_port if self._tuning.grpc else None
                self._opened = opened(self._url, self._api_key, self._timeout_s, grpc_port)
            return self._opened

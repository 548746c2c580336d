"""The vector store, on Qdrant: a server, or qdrant-client's local mode embedded in the process.

One code path for both; what differs is who opens the client and how a write becomes durable. Dense vectors are compared
by dot product: they are unit vectors, so it is the cosine, and unlike with Distance.COSINE the store keeps them bit for
bit, and a vector that is not of unit length can still be found out by a gate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from qdrant_client import QdrantClient
from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.access import AccessTags
from sluice.errors import IntegrityError, ReleaseError
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
from stores import qdrant_aliases
from stores.qdrant_errors import translated
from stores.qdrant_local import LocalQdrant
from stores.qdrant_queries import DENSE, SPARSE, admission, any_of, arguments, as_struct

UPSERT_BATCH = 256
COPIES = 1000
"""Points with the texts of one answer that are looked up, at most."""
TAGS_BATCH = 500
PREFETCH = 200
"""Candidates of each kind that a hybrid search fuses, at least."""

_INDEXES: Mapping[str, models.PayloadSchemaType] = {
    ACCESS_TAGS: models.PayloadSchemaType.KEYWORD,
    DOCUMENT_KEY: models.PayloadSchemaType.KEYWORD,
    SOURCE: models.PayloadSchemaType.KEYWORD,
    LANGUAGE: models.PayloadSchemaType.KEYWORD,
    TEXT_ID: models.PayloadSchemaType.KEYWORD,
    MODIFIED: models.PayloadSchemaType.DATETIME,
}


class QdrantStore:
    """Collections, aliases, points and search of a Qdrant server, or of the embedded store at `path`.

    Nothing is opened before it is used. Threads may share it; embedded, they take turns.
    """

    def __init__(
        self, url: str = "embedded", *, path: Path, wait_s: float = 30, api_key: str | None = None, timeout_s: float = 30
    ) -> None:
        self._url, self._path, self._wait_s, self._api_key, self._timeout_s = url, Path(path), wait_s, api_key, timeout_s
        self._lock = threading.RLock()
        self._local: LocalQdrant | None = None
        self._remote: QdrantClient | None = None

    @property
    def embedded(self) -> bool:
        """Whether the store lives in this process."""
        return self._url == "embedded"

    def close(self) -> None:
        """Let go of the server or of the files; the next use opens again."""
        with self._lock:
            if self._local is not None:
                self._local.close()
            if self._remote is not None:
                self._remote.close()
            self._local = self._remote = None

    # ── collections ──────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, collection: str, *, dimension: int, sparse: bool) -> None:
        """Create with its payload indexes; no error when it exists with this shape, IntegrityError with another."""
        with self._client("creating", collection) as client:
            if client.collection_exists(collection):
                self._same_shape(client, collection, dimension, sparse)
            else:
                client.create_collection(
                    collection,
                    vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.DOT)},
                    sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)} if sparse else None,
                )
            if self._local is not None:
                self._local.adopt(collection)
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

    def names(self) -> list[str]:
        """Every collection of the store, sorted."""
        with self._client("listing collections") as client:
            return sorted(c.name for c in client.get_collections().collections)

    def drop(self, collection: str) -> None:
        """Remove a collection and its points; no error when there is none."""
        with self._client("removing", collection) as client:
            if self._local is not None:
                self._local.release(collection)
                client.delete_collection(collection)  # also the folder of one that a killed process had begun to make
            elif client.collection_exists(collection):
                client.delete_collection(collection)

    # ── aliases ──────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self) -> dict[str, str]:
        """Alias to collection, all of them."""
        with self._client("reading the aliases") as client:
            return qdrant_aliases.aliases(client)

    def switch(self, changes: Mapping[str, str | None]) -> None:
        """Point aliases to collections (None removes the alias), one after the other: see `qdrant_aliases.switch`."""
        with self._client("switching aliases to", ", ".join(sorted({c for c in changes.values() if c}))) as client:
            qdrant_aliases.switch(client, changes)

    # ── points ───────────────────────────────────────────────────────────────────────────────────────────────────

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Durable when it returns; idempotent; in batches of 256, each of which is stored whole or (embedded) not at all."""
        for start in range(0, len(points), UPSERT_BATCH):
            batch = [as_struct(point) for point in points[start : start + UPSERT_BATCH]]
            with self._writing("writing points to", collection) as client:
                client.upsert(collection, batch, wait=True)

    def scan(
        self, collection: str, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: AccessTags | None = None
    ) -> Iterator[StoredPoint]:
        """Every point once, ordered by id, with these payload fields; with `readable_by`, only those its filter admits."""
        if readable_by is not None and not readable_by:
            self._require(collection)
            return
        admitted = None if readable_by is None else admission(readable_by, Filters())
        page = 5000 if self.embedded else 1000  # local mode sorts all ids for every page
        offset: models.ExtendedPointId | None = None
        while True:
            with self._client("reading", collection) as client:
                records, offset = client.scroll(
                    collection,
                    scroll_filter=admitted,
                    limit=page,
                    offset=offset,
                    with_payload=list(fields) if fields else False,
                    with_vectors=[DENSE] if vectors else False,
                )
            for record in records:
                dense = np.asarray(record.vector[DENSE], dtype=np.float32) if isinstance(record.vector, dict) else None
                yield StoredPoint(str(record.id), record.payload or {}, dense)
            if offset is None:
                return

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        """Replace the access tags of every point of these documents; nothing else changes; durable when it returns."""
        keys = sorted(set(document_keys))
        for start in range(0, len(keys), TAGS_BATCH):
            of_these = models.Filter(must=[any_of(DOCUMENT_KEY, keys[start : start + TAGS_BATCH])])
            with self._writing("changing access tags in", collection) as client:
                client.set_payload(collection, payload={ACCESS_TAGS: sorted(tags)}, points=of_these, wait=True)

    def delete(self, collection: str, document_keys: Iterable[str]) -> None:
        """Remove every point of these documents; durable when it returns; no error where there is none."""
        keys = sorted(set(document_keys))
        for start in range(0, len(keys), TAGS_BATCH):
            of_these = models.Filter(must=[any_of(DOCUMENT_KEY, keys[start : start + TAGS_BATCH])])
            with self._writing("removing documents from", collection) as client:
                client.delete(collection, points_selector=models.FilterSelector(filter=of_these), wait=True)

    # ── search ───────────────────────────────────────────────────────────────────────────────────────────────────

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, k, filters, lambda point: point.id)

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first, equal scores by id; empty without tags."""
        return self._ranked(collection, query, tags, k, filters, lambda point: str(point.payload[DOCUMENT_KEY]))

    def _ranked(
        self,
        collection: str,
        query: VectorQuery,
        tags: AccessTags,
        k: int,
        filters: Filters,
        group: Callable[[ScoredPoint], str],
    ) -> list[ScoredPoint]:
        """The best point of each of the k best groups.

        Asks for ever more points until k groups are complete and the last of them is not tied with what was cut off: the
        store breaks ties as it likes. Qdrant's grouping query gives the same groups; embedded, it takes 3 times as long,
        for it copies every payload, and on a server it stops after a few rounds, with fewer groups than there are.
        """
        if k < 1:
            return []
        if not tags:
            self._require(collection)
            return []
        admitted = admission(tags, filters)
        limit, prefetch, before = max(4 * k, 32), max(4 * k, PREFETCH), -1
        while True:
            asked = arguments(query, admitted, prefetch)
            with self._client("searching", collection) as client:
                answer = client.query_points(collection, **asked, limit=limit, with_payload=True)
            points = [ScoredPoint(str(p.id), p.score, p.payload or {}) for p in answer.points]
            points.sort(key=lambda point: (-_rounded(point.score), point.id))
            best: dict[str, ScoredPoint] = {}
            for point in points:
                best.setdefault(group(point), point)
            chosen = list(best.values())[:k]
            exhausted = len(points) < limit
            if len(chosen) == k and (exhausted or _rounded(chosen[-1].score) > _rounded(points[-1].score)):
                return chosen
            if exhausted:  # of what was prefetched, or of all there is
                if "prefetch" not in asked or len(points) == before:
                    return chosen
                before, prefetch = len(points), prefetch * 4
            limit *= 4

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        """Every point with one of these texts that `tags` may read, by id, at most `COPIES`; empty without tags or texts."""
        if not tags or not texts:
            return []
        admitted = admission(tags, filters)
        wanted = models.Filter(must=[any_of(TEXT_ID, texts), *(admitted.must or [])])
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
            if not self.embedded:
                yield self._server()
                return
            with self._lock:
                if self._local is None:
                    self._local = LocalQdrant(self._path, self._wait_s)
                yield self._local.client

    @contextmanager
    def _writing(self, doing: str, collection: str) -> Iterator[QdrantBase]:
        with self._client(doing, collection) as client:
            if self._local is None:
                yield client
                return
            try:
                with self._local.writing(collection):
                    yield client
            except BaseException:
                self.close()  # what is in memory may be ahead of what is stored: read it again
                raise

    def _server(self) -> QdrantClient:
        with self._lock:
            if self._remote is None:
                self._remote = QdrantClient(
                    url=self._url, api_key=self._api_key, timeout=max(1, int(self._timeout_s)), check_compatibility=False
                )
            return self._remote


def _rounded(score: float) -> float:
    """Equal vectors may differ in the last bit of their scores, by where they lie in memory."""
    return round(score, 6)

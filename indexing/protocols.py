"""What indexing needs from others: chunks, vectors, a vector store, a ledger, a cache.

A `collection` is always the full name of one Qdrant collection. Implementations live in `stores/`; each passes the
suite of its protocol in `tests/conformance/`. Every method raises StoreUnavailable when the server does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.records import Release, State
from sluice.access import AccessTags
from sluice.records import Chunk, Document, DocumentState

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Indices (ascending, unique) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One chunk as stored. `payload` holds what a reader needs to cite and filter (see `indexing/payload.py`)."""

    id: str
    dense: Vector
    payload: Mapping[str, Any]
    sparse: SparseVector | None = None


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point read back: only the payload fields that were asked for, and the dense vector where asked for."""

    id: str
    payload: Mapping[str, Any]
    dense: Vector | None = None


@dataclass(frozen=True, slots=True)
class ScoredPoint:
    """A point that answers a query."""

    id: str
    score: float
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a reader may narrow a search to, beside what they may read; empty means no narrowing."""

    sources: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    modified_since: datetime | None = None
    modified_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A query in the forms its search mode needs: both means server-side reciprocal rank fusion."""

    dense: Vector | None = None
    sparse: SparseVector | None = None


class Encoder(Protocol):
    """Texts to unit vectors: float32, shape (n, dimension), in the order given."""

    fingerprint: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vector: ...


class SparseEncoder(Protocol):
    """Texts to BM25 term weights; document frequencies are the store's (IDF modifier)."""

    fingerprint: str

    def documents(self, texts: Sequence[str]) -> list[SparseVector]: ...

    def query(self, text: str) -> SparseVector: ...


class Chunker(Protocol):
    """A document's chunks."""

    fingerprint: str

    def chunk(self, document: Document) -> list[Chunk]: ...


class VectorCache(Protocol):
    """Vectors by model fingerprint and text hash, for whatever release or strategy needs them."""

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:
        """Those that are there, float32 of shape (dimension,), bit for bit as they were put."""

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors; durable when it returns; idempotent."""


class DocumentReader(Protocol):
    """The documents that ingestion left behind."""

    def read(self, keys: Sequence[str] | None = None, *, source: str | None = None) -> list[DocumentState]: ...


class VersionReader(Protocol):
    """Parsed versions by `ids.version_id(...)`."""

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]: ...


class Collections(Protocol):
    """Collections come and go."""

    def create(self, collection: str, *, dimension: int, sparse: bool) -> None:
        """Create with its payload indexes; no error when it exists with this shape, IntegrityError with another."""

    def names(self) -> list[str]:
        """Every collection of the store, sorted."""

    def drop(self, collection: str) -> None:
        """Remove a collection and its points; no error when there is none."""


class Aliases(Protocol):
    """Names that readers use."""

    def read(self) -> dict[str, str]:
        """Alias to collection, all of them."""

    def switch(self, changes: Mapping[str, str | None]) -> None:
        """Point aliases to collections (None removes the alias), all in one atomic request."""


class Points(Protocol):
    """Points of a collection, written and read back."""

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Durable when it returns; idempotent."""

    def scan(
        self, collection: str, fields: Sequence[str] = (), *, vectors: bool = False, readable_by: AccessTags | None = None
    ) -> Iterator[StoredPoint]:
        """Every point once, with these payload fields; with `readable_by`, only those the store's own filter admits."""

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        """Replace the access tags of every point of these documents; nothing else changes."""


class VectorSearch(Protocol):
    """Nearest neighbours, among what `tags` may read and nothing else: the filter is applied inside the store."""

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first; empty without tags; ReleaseError when the collection does not exist."""

    def nearest_documents(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first."""


class ReleaseLedger(Protocol):
    """The releases of one index and their history."""

    def add(self, release: Release) -> None:
        """Insert; raises ReleaseError when the id exists."""

    def read(self) -> list[Release]:
        """All of them, oldest first."""

    def update(self, release_id: str, changes: Mapping[str, Any], *, expect: State | None = None) -> Release:
        """Set fields of one release; with `expect`, only if it is in that state (compare-and-set), else ReleaseError."""

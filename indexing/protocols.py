"""What indexing needs from others: chunks, vectors, a vector store, a ledger, a cache.

A `collection` is always the full name of one Qdrant collection. Implementations live in `stores/`; each passes the
suite of its protocol in `tests/conformance/`. Every method raises StoreUnavailable when the server does not answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sluice.access import AccessTags, Principal, TagChange
from sluice.ids import IdSum
from sluice.points import Filters, Point, ScoredPoint, SparseVector, StoredPoint, Vector, VectorQuery
from sluice.records import Chunk, Cut, Document, DocumentState, Hit
from sluice.releases import Release, ReleaseEvent, State

COPIES = 1000
"""Points with the texts of one answer that are looked up: boilerplate may stand in every document."""


class Encoder(Protocol):
    """Texts to unit vectors, float32."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension), in the order given; IntegrityError for a text longer than the window: never cut."""

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); a query longer than the window is cut."""


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


class Cuts(Protocol):
    """How documents were cut, by `cuts.cut_name(...)`."""

    def get(self, names: Sequence[str], *, whole: bool = False) -> dict[str, Cut]:
        """Those that are there; `rest` only when `whole`."""

    def sums(self, names: Sequence[str]) -> dict[str, IdSum]:
        """What stands for the chunk ids of those that are there; nothing else of them is read."""

    def put(self, cuts: Mapping[str, Cut]) -> None:
        """Keep cuts; idempotent."""


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

    def clone(self, source: str, target: str) -> None:
        """A new collection with the same points, tags and shape, changed apart from it from then on; aliases are followed.

        Whole, or not there at all (a process killed on the way may leave a part on a server: drop it first, and clone
        again). ReleaseError when there is no source, or a target already.
        """

    def names(self) -> list[str]:
        """Every collection of the store, sorted."""

    def drop(self, collection: str) -> None:
        """Remove a collection and its points; no error when there is none."""


class Aliases(Protocol):
    """Names that readers use."""

    def read(self) -> dict[str, str]:
        """Alias to collection, all of them."""

    def switch(self, changes: Mapping[str, str | None]) -> None:
        """Point aliases to collections (None removes the alias), one after the other in the order given.

        Each moves at once for every reader and is never missing in between. ReleaseError, and nothing is changed, when a
        collection does not exist; after any other failure those before it have moved, and the others stand where they stood.
        """


class Points(Protocol):
    """Points of a collection, written and read back."""

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Durable when it returns; idempotent."""

    def scan(
        self,
        collection: str,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        """Every point once, with these payload fields; with `readable_by`, only those the store's own filter admits; with
        `documents` (their keys), only those of these, in at most 1 + n/100 requests beside those for the pages.
        """

    def holds(self, collection: str, expected: Mapping[AccessTags, IdSum]) -> bool:
        """Whether there are exactly these points, readable by exactly these tags, as far as that is known without reading them:
        False where something differs, and where the points themselves would have to be read.
        """

    def note(self, collection: str, name: str, notes: bytes) -> None:
        """Keep this beside the points for as long as they are these, whoever may read them; a store that cannot tell keeps
        nothing.
        """

    def notes(self, collection: str, name: str) -> bytes | None:
        """What was kept beside the points that hold now."""

    def count(self, collection: str) -> int:
        """How many points there are; IntegrityError where the collection is damaged, ReleaseError where there is none."""

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        """Replace the access tags of every point of these documents; nothing else changes."""

    def retag(self, collection: str, wanted: Mapping[str, AccessTags]) -> None:
        """The same for documents of different tags (document key → tags), in at most 1 + n/100 requests."""

    def delete(self, collection: str, document_keys: Iterable[str]) -> None:
        """Remove every point of these documents; durable when it returns; no error where there is none."""


class VectorSearch(Protocol):
    """Nearest neighbours, among what `tags` may read and nothing else: the filter is applied inside the store."""

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The k best points, best first; empty without tags; ReleaseError when the collection does not exist."""

    def nearest_documents(
        self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters
    ) -> list[ScoredPoint]:
        """The best point of each of the k best documents, best first."""

    def nearest_texts(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        """The best point of each of the k best texts, by `text_id`, best first: copies are one answer."""

    def nearest_both(
        self, collection: str, query: VectorQuery, tags: AccessTags, documents: int, texts: int, filters: Filters
    ) -> tuple[list[ScoredPoint], list[ScoredPoint]]:
        """What `nearest_documents` gives for so many documents, and `nearest_texts` for so many texts; at the price of one."""

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        """Every point whose `text_id` is one of these and which `tags` may read, by id, with these payload fields.

        At most `COPIES` of them; empty without tags or texts.
        """


class Reranker(Protocol):
    """A second look at what was found."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the query, in the order given; a higher score is a better answer."""


class QueryLog(Protocol):
    """Where searches are written down, for those who want to replay them."""

    def record(self, query: str, principal: Principal, hits: Sequence[Hit]) -> None:
        """Note one search and what it found; never raises, never keeps a text of a hit."""


class AccessAudit(Protocol):
    """The record of who could read what, and since when not."""

    def record(self, changes: Sequence[TagChange], at: datetime, actor: str) -> None:
        """A line for each document; durable when it returns; the same change at the same time is one line."""


class Outbox(Protocol):
    """Events that wait to be delivered."""

    def put(self, event: ReleaseEvent) -> None:
        """Insert or replace by id; durable when it returns; idempotent."""

    def put_all(self, events: Sequence[ReleaseEvent]) -> None:
        """The same for many, in few requests."""

    def open(self) -> list[ReleaseEvent]:
        """Those that are not delivered, oldest first."""

    def remove(self, event_id: str) -> None:
        """Forget an event that did not happen; no error when there is none."""


class ReleaseLedger(Protocol):
    """The releases of one index and their history."""

    def add(self, release: Release) -> None:
        """Insert; raises ReleaseError when the id exists."""

    def read(self) -> list[Release]:
        """All of them, oldest first."""

    def update(self, release_id: str, changes: Mapping[str, Any], *, expect: State | None = None) -> Release:
        """Set fields of one release; with `expect`, only if it is in that state (compare-and-set), else ReleaseError."""

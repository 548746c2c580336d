"""What ingestion needs from others: a source to read, and stores to keep what it made.

Implementations live elsewhere (`ingest/sources/*`, `stores/mongo/connection.py`); each passes the suite of its protocol in
`tests/conformance/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from sluice.records import Document, DocumentState, ItemRef, QuarantineEntry, RawItem


class Source(Protocol):
    """Somewhere documents come from.

    `scan` yields every item there is now, each uri once, in any order, without fetching bodies where the protocol
    allows; `known` maps uri to the validator stored last, for protocols that need it to ask "has it changed?".
    It raises SourceUnavailable when the source did not answer, ConfigurationError when it cannot exist (missing
    root); it never yields a partial listing as if it were whole.
    `fetch` returns the item's bytes with the validator that belongs to exactly these bytes; it raises DocumentError
    for an item that cannot be had (too large, gone, outside the root) and SourceUnavailable for one that may later.
    A source may also have `stored()`: it is called when everything that the last scan led to is stored; and `asks_for(uri)`:
    whether its configuration still selects a uri. What it does not select leaves with the next release, not at once.
    """

    name: str

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]: ...

    def fetch(self, ref: ItemRef) -> RawItem: ...


class Parser(Protocol):
    """Bytes to text and elements. `fingerprint` changes whenever the same bytes might parse differently."""

    fingerprint: str

    def parse(self, item: RawItem, *, source: str) -> Document: ...


class DocumentStates(Protocol):
    """The table of documents: one row per source and uri."""

    def read(self, keys: Sequence[str] | None = None, *, source: str | None = None) -> list[DocumentState]:
        """Rows by key, or of one source, or all; in one bulk read; ordered by key."""

    def holding(self, content_hashes: Collection[str]) -> list[DocumentState]:
        """The documents whose bytes fetched last are these; ordered by key."""

    def write(self, states: Iterable[DocumentState]) -> None:
        """Insert or replace whole rows; idempotent."""


class Blobs(Protocol):
    """Raw bytes, kept once per content hash."""

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their content hash; idempotent."""

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """The same for many, in few requests; their content hashes, in order."""

    def get(self, content_hash: str) -> bytes:
        """The bytes; raises IntegrityError when they are missing or no longer hash to this."""

    def get_all(self, content_hashes: Iterable[str]) -> dict[str, bytes]:
        """What can be had of these in few requests, if it is whole; `get` gives the others, or says what is wrong with them."""

    def delete(self, content_hash: str) -> None:
        """Erase the bytes; no error when there are none."""

    def delete_all(self, content_hashes: Iterable[str]) -> None:
        """Erase all of these, in few requests."""


class Versions(Protocol):
    """Parsed versions, kept once per document, content hash and parse fingerprint."""

    def put(self, version_id: str, document: Document) -> None:
        """Keep a parsed document under `ids.version_id(...)`; idempotent."""

    def put_all(self, documents: Mapping[str, Document]) -> None:
        """The same for many, by their ids, in few requests."""

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]:
        """Those of the ids that exist."""


class Quarantine(Protocol):
    """What failed: one entry per document and stage."""

    def add(self, entry: QuarantineEntry) -> None:
        """Insert, or replace while keeping `first_seen` and counting `attempts` up."""

    def add_all(self, entries: Iterable[QuarantineEntry]) -> None:
        """The same for many, each of another document or stage, in few requests."""

    def entries(self, *, stage: str | None = None, keys: Collection[str] | None = None) -> list[QuarantineEntry]:
        """All of them, of one stage, of these documents; ordered by source, uri and stage."""

    def clear(self, document_key: str, stage: str) -> None:
        """Forget an entry; no error when there is none."""

    def clear_all(self, document_keys: Iterable[str], stage: str) -> None:
        """Forget the entries of these documents in one stage, in few requests."""

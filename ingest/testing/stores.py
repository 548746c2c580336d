"""The stores of `ingest.protocols` in memory; they pass the conformance suites that the real ones pass."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sluice.errors import IntegrityError
from sluice.records import Document, DocumentState, QuarantineEntry


class MemoryDocumentStates:
    """Implements `DocumentStates`."""

    def __init__(self) -> None:
        self.rows: dict[str, DocumentState] = {}

    def read(self, keys: Sequence[str] | None = None, *, source: str | None = None) -> list[DocumentState]:
        wanted = self.rows.keys() if keys is None else set(keys)
        return [s for k, s in sorted(self.rows.items()) if k in wanted and source in (None, s.source)]

    def holding(self, content_hashes: Collection[str]) -> list[DocumentState]:
        return [s for _, s in sorted(self.rows.items()) if s.content_hash in content_hashes]

    def write(self, states: Iterable[DocumentState]) -> None:
        self.rows |= {state.key: state for state in states}

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.rows.pop(key, None)


class MemoryBlobs:
    """Implements `Blobs`."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.contents[name] = content
        return name

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        return [self.put(content) for content in contents]

    def get(self, content_hash: str) -> bytes:
        content = self.contents.get(content_hash)
        if content is None or hashlib.sha256(content).hexdigest() != content_hash:
            raise IntegrityError(f"the stored bytes {content_hash} are missing or damaged")
        return content

    def get_all(self, content_hashes: Iterable[str]) -> dict[str, bytes]:
        held = {name: self.contents[name] for name in content_hashes if name in self.contents}
        return {name: content for name, content in held.items() if hashlib.sha256(content).hexdigest() == name}

    def delete(self, content_hash: str) -> None:
        self.contents.pop(content_hash, None)

    def delete_all(self, content_hashes: Iterable[str]) -> None:
        for name in content_hashes:
            self.delete(name)

    def hashes(self) -> set[str]:
        return set(self.contents)


class MemoryVersions:
    """Implements `Versions` and `VersionReader`."""

    def __init__(self) -> None:
        self.rows: dict[str, Document] = {}

    def put(self, version_id: str, document: Document) -> None:
        self.rows[version_id] = document

    def put_all(self, documents: Mapping[str, Document]) -> None:
        self.rows |= documents

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]:
        return {version: self.rows[version] for version in version_ids if version in self.rows}

    def ids(self, document_keys: Iterable[str] | None = None) -> dict[str, str]:
        wanted = None if document_keys is None else set(document_keys)
        return {v: d.key for v, d in self.rows.items() if wanted is None or d.key in wanted}

    def delete(self, version_ids: Iterable[str]) -> None:
        for version in version_ids:
            self.rows.pop(version, None)


class MemoryQuarantine:
    """Implements `Quarantine`."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], QuarantineEntry] = {}

    def add(self, entry: QuarantineEntry) -> None:
        known = self.rows.get((entry.document_key, entry.stage))
        if known is not None:
            entry = replace(entry, first_seen=known.first_seen, attempts=known.attempts + 1)
        self.rows[entry.document_key, entry.stage] = entry

    def add_all(self, entries: Iterable[QuarantineEntry]) -> None:
        for entry in entries:
            self.add(entry)

    def entries(self, *, stage: str | None = None, keys: Collection[str] | None = None) -> list[QuarantineEntry]:
        mine = (entry for entry in self.rows.values() if keys is None or entry.document_key in keys)
        found = (entry for entry in mine if stage in (None, entry.stage))
        return sorted(found, key=lambda entry: (entry.source, entry.uri, entry.stage))

    def clear(self, document_key: str, stage: str) -> None:
        self.rows.pop((document_key, stage), None)

    def clear_all(self, document_keys: Iterable[str], stage: str) -> None:
        for key in document_keys:
            self.clear(key, stage)

"""What ingestion leaves behind, in MongoDB: document states, parsed versions, quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from bson.binary import Binary
from pymongo import UpdateOne

from sluice.ahead import read_ahead
from sluice.errors import IntegrityError
from sluice.groups import batches, by_size, groups
from sluice.records import Document, DocumentState, QuarantineEntry
from stores.mongo.blobs import REQUEST_BYTES, MongoBlobs
from stores.mongo.codec import Row, encode_text, from_row, to_row
from stores.mongo.connection import MongoDatabase, insert_new, replace_rows, translated
from stores.mongo.versions_codec import pack, unpack

WRITE_BATCH = 1000
READ_BATCH = 5000
VERSIONS_BATCH = 200
INLINE_BYTES = 1_000_000
"""A packed version above this goes to the blobs (a row may have 16 MB)."""


class MongoDocumentStates:
    """The table of documents of one index: `documents`, one row per source and uri."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["documents"], index
        self._remembering, self._known, self._lock = False, dict[str, DocumentState](), Lock()
        """While remembering, all rows, once they were read."""

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """For who alone writes (a holder of the lease): within, all rows are read once, and changed here as they are there."""
        with self._lock:
            self._remembering = True
        try:
            yield
        finally:
            with self._lock:
                self._remembering = False
                self._known.clear()

    def look_again(self) -> None:
        """Forget what is remembered: others, who worked for this one, may have written."""
        with self._lock:
            self._known.clear()

    def read(self, keys: Sequence[str] | None = None, *, source: str | None = None) -> list[DocumentState]:
        """Rows by key, or of one source, or all; ordered by key."""
        if not self._remembering:
            return self._read(keys, source)
        with self._lock:
            if self._known:
                wanted = self._known.values() if keys is None else (s for k in set(keys) if (s := self._known.get(k)) is not None)
                return sorted((s for s in wanted if source in (None, s.source)), key=_by_key)
            states = self._read(keys, source)
            if keys is None and source is None:
                self._known.update((state.key, state) for state in states)
            return states

    def _read(self, keys: Sequence[str] | None, source: str | None) -> list[DocumentState]:
        query: Row = {"index": self._index}
        if source is not None:
            query["source"] = encode_text(source)
        if keys is None:
            queries = [query]
        else:
            ids = [f"{self._index}/{key}" for key in dict.fromkeys(keys)]
            queries = [{"_id": {"$in": list(part)}} for part in batches(ids, READ_BATCH)]
        with translated(self._database, "reading the documents"):
            # Rows become states as they come, while the server looks for the next: all at once are three times what states are.
            rows = (row for asked in queries for row in self._rows.find(asked).batch_size(READ_BATCH))
            found = [
                from_row(DocumentState, row)
                for part in read_ahead(groups(rows, READ_BATCH))
                for row in part
                if source is None or row["source"] == query["source"]
            ]
        return sorted(found, key=_by_key)

    def write(self, states: Iterable[DocumentState]) -> None:
        """Insert or replace whole rows; idempotent; in batches of 1000."""
        written = {state.key: to_row(state) for state in states}
        # Never ReplaceOne: with upsert, the embedded server loses the _id.
        changes = [
            UpdateOne({"_id": f"{self._index}/{key}"}, {"$set": {"index": self._index, **row}}, upsert=True)
            for key, row in written.items()
        ]
        with self._changing(), translated(self._database, "writing the documents"):
            for part in batches(changes, WRITE_BATCH):
                self._rows.bulk_write(list(part), ordered=False)
            if self._known:
                self._known.update((key, from_row(DocumentState, row)) for key, row in written.items())

    def holding(self, content_hashes: Collection[str]) -> list[DocumentState]:
        """The documents whose bytes fetched last are these; ordered by key."""
        with translated(self._database, "looking for who has these bytes"):
            rows = [
                row
                for part in batches(sorted(content_hashes), WRITE_BATCH)
                for row in self._rows.find({"index": self._index, "content_hash": {"$in": list(part)}}).batch_size(READ_BATCH)
            ]
        return sorted((from_row(DocumentState, row) for row in rows), key=_by_key)

    def delete(self, keys: Iterable[str]) -> None:
        """Erase rows for good (a deletion at the source is a status, not this)."""
        keys = list(keys)
        ids = [f"{self._index}/{key}" for key in keys]
        with self._changing(), translated(self._database, "erasing documents"):
            for part in batches(ids, WRITE_BATCH):
                self._rows.delete_many({"_id": {"$in": list(part)}})
            for key in keys:
                self._known.pop(key, None)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What is remembered is the same as what is there, or nothing."""
        with self._lock:
            try:
                yield
            except BaseException:
                self._known.clear()
                raise


def _by_key(state: DocumentState) -> str:
    return state.key


class MongoVersions:
    """Parsed documents of one index: `versions`, one row per `ids.version_id(...)`; large ones lie in the blobs."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["versions"], index
        self._blobs = MongoBlobs(database)

    def put(self, version_id: str, document: Document) -> None:
        """Keep a parsed document; idempotent."""
        self.put_all({version_id: document})

    def put_all(self, documents: Mapping[str, Document]) -> None:
        """Keep parsed documents; idempotent; one that is there already is replaced; a request for each 200."""
        made = ({"_id": f"{self._index}/{name}", **self._row(name, document)} for name, document in documents.items())
        with translated(self._database, "writing versions"):
            for part in by_size(made, lambda row: len(row["packed"] or b""), most=VERSIONS_BATCH, most_bytes=REQUEST_BYTES):
                replace_rows(self._rows, insert_new(self._rows, part))

    def _row(self, version_id: str, document: Document) -> Row:
        """A version as its row; a large one's bytes go to the blobs first."""
        packed = pack(document)
        row: Row = {
            "index": self._index,
            "version_id": version_id,
            "document_key": document.key,
            "content_hash": document.version,
            "title": encode_text(document.title),
            "language": document.language,
            "characters": len(document.text),
            "elements": len(document.elements),
            "packed": None,
            "blob": None,
        }
        if len(packed) > INLINE_BYTES:
            row["blob"] = self._blobs.put(packed)
        else:
            row["packed"] = Binary(packed)
        return row

    def get(self, version_ids: Sequence[str]) -> dict[str, Document]:
        """Those of the ids that exist."""
        found: dict[str, Document] = {}
        ids = [f"{self._index}/{version_id}" for version_id in dict.fromkeys(version_ids)]
        for part in batches(ids, VERSIONS_BATCH):
            with translated(self._database, "reading versions"):
                rows = list(self._rows.find({"_id": {"$in": list(part)}}).batch_size(VERSIONS_BATCH))
            for row in rows:
                packed = self._blobs.get(row["blob"]) if row["blob"] else row["packed"]
                found[row["version_id"]] = unpack(packed)
        return found

    def ids(self, document_keys: Iterable[str] | None = None) -> dict[str, str]:
        """Version id to document key: all of the index, or of these documents."""
        filters: list[Row] = [{"index": self._index}]
        if document_keys is not None:
            filters = [filters[0] | {"document_key": {"$in": list(p)}} for p in batches(sorted(set(document_keys)), WRITE_BATCH)]
        with translated(self._database, "listing versions"):
            rows = [
                row
                for chosen in filters
                for row in self._rows.find(chosen, {"version_id": 1, "document_key": 1}).batch_size(READ_BATCH)
            ]
        return {row["version_id"]: row["document_key"] for row in rows}

    def delete(self, version_ids: Iterable[str]) -> None:
        """Remove versions; their large texts with them, unless another version's is the same."""
        ids = [f"{self._index}/{version_id}" for version_id in version_ids]
        with translated(self._database, "removing versions"):
            for part in batches(ids, WRITE_BATCH):
                rows = list(self._rows.find({"_id": {"$in": list(part)}}, {"blob": 1}).batch_size(WRITE_BATCH))
                self._rows.delete_many({"_id": {"$in": list(part)}})
                blobs = sorted({row["blob"] for row in rows if row.get("blob")})
                if blobs:
                    used = {row["blob"] for row in self._rows.find({"blob": {"$in": blobs}}, {"blob": 1})}
                    self._blobs.delete_all(blob for blob in blobs if blob not in used)


class MongoQuarantine:
    """What failed in one index: `quarantine`, one row per document and stage."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["quarantine"], index

    def add(self, entry: QuarantineEntry) -> None:
        """Insert, or replace while keeping `first_seen` and counting `attempts` up."""
        self.add_all([entry])

    def add_all(self, entries: Iterable[QuarantineEntry]) -> None:
        """The same for many, each of another document or stage; in batches of 1000."""
        rows = [
            {"_id": f"{self._index}/{entry.stage}/{entry.document_key}", "index": self._index, **to_row(entry)}
            for entry in entries
        ]
        with translated(self._database, "writing to the quarantine"):
            for part in batches(rows, WRITE_BATCH):
                self._add(part)

    def _add(self, rows: Sequence[Row]) -> None:
        for _ in range(3):  # another process may clear an entry in between
            rows = insert_new(self._rows, rows)
            if not rows:
                return
            again = [UpdateOne({"_id": row["_id"]}, {"$set": _seen_again(row), "$inc": {"attempts": 1}}) for row in rows]
            if self._rows.bulk_write(again, ordered=False).matched_count == len(rows):
                return
            there = {row["_id"] for row in self._rows.find({"_id": {"$in": [row["_id"] for row in rows]}}, {"stage": 1})}
            rows = [row for row in rows if row["_id"] not in there]
            if not rows:
                return
        raise IntegrityError(f"the quarantine entry of document {rows[0]['document_key']} keeps changing under this process")

    def entries(self, *, stage: str | None = None, keys: Collection[str] | None = None) -> list[QuarantineEntry]:
        """All of them, or of one stage, or of these documents in that stage; ordered by source, uri and stage."""
        if keys is not None and stage is not None:
            ids = [f"{self._index}/{stage}/{key}" for key in sorted(set(keys))]
            queries: list[Row] = [{"_id": {"$in": list(part)}} for part in batches(ids, READ_BATCH)]
        else:
            queries = [{"index": self._index} | ({} if stage is None else {"stage": stage})]
        with translated(self._database, "reading the quarantine"):
            rows = [row for query in queries for row in self._rows.find(query).batch_size(READ_BATCH)]
        entries = [from_row(QuarantineEntry, row) for row in rows if keys is None or row["document_key"] in keys]
        return sorted(entries, key=lambda entry: (entry.source, entry.uri, entry.stage))

    def clear(self, document_key: str, stage: str) -> None:
        """Forget an entry; no error when there is none."""
        self.clear_all([document_key], stage)

    def clear_all(self, document_keys: Iterable[str], stage: str) -> None:
        """Forget the entries of these documents in one stage; no error where there is none."""
        ids = [f"{self._index}/{stage}/{key}" for key in document_keys]
        with translated(self._database, "clearing quarantine entries"):
            for part in batches(ids, WRITE_BATCH):
                self._rows.delete_many({"_id": {"$in": list(part)}})


def _seen_again(row: Row) -> Row:
    """What replaces an entry that is there: all but when it was first seen and how often."""
    return {name: value for name, value in row.items() if name not in ("_id", "attempts", "first_seen")}

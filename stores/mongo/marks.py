"""What is remembered beside documents and releases: what was forgotten, events to be delivered, changes of access."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from sluice.access import TagChange
from sluice.groups import batches
from sluice.ids import digest
from sluice.releases import ReleaseEvent
from stores.mongo.codec import decode_time, encode_time, from_row, to_row
from stores.mongo.connection import MongoDatabase, replace_rows, translated

WRITE_BATCH = 1000
EVENTS_BATCH = 100


class MongoForgotten:
    """The documents of one index that were erased on demand: `forgotten`, one row per document key and nothing else."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["forgotten"], index

    def add(self, document_key: str, at: datetime, actor: str) -> None:
        """Remember that a document must not come back; idempotent."""
        self.add_all([document_key], at, actor)

    def add_all(self, document_keys: Iterable[str], at: datetime, actor: str) -> None:
        """The same for many, in few requests."""
        row = {"index": self._index, "at": encode_time(at), "actor": actor}
        changes = [
            UpdateOne({"_id": f"{self._index}/{key}"}, {"$set": {**row, "document_key": key}}, upsert=True)
            for key in document_keys
        ]
        with translated(self._database, "remembering what was forgotten"):
            for part in batches(changes, WRITE_BATCH):
                self._rows.bulk_write(list(part), ordered=False)

    def keys(self) -> set[str]:
        """Every document that must not come back."""
        with translated(self._database, "reading what was forgotten"):
            return {row["document_key"] for row in self._rows.find({"index": self._index}).batch_size(5000)}

    def since(self) -> dict[str, datetime]:
        """The same, and when each was erased, or taken over from an export."""
        with translated(self._database, "reading what was forgotten"):
            rows = self._rows.find({"index": self._index}).batch_size(5000)
            return {row["document_key"]: decode_time(row["at"]) for row in rows}

    def remove(self, document_key: str) -> None:
        """Let a document come back with the next run; no error when nothing is remembered of it."""
        with translated(self._database, "allowing a document again"):
            self._rows.delete_one({"_id": f"{self._index}/{document_key}"})


class MongoOutbox:
    """Events of one index: `events`, one row per event; delivered ones stay as a record."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["events"], index

    def put(self, event: ReleaseEvent) -> None:
        """Insert or replace by id; durable when it returns; idempotent."""
        self.put_all([event])

    def put_all(self, events: Sequence[ReleaseEvent]) -> None:
        """The same for many; in batches of 100: an event may list thousands of documents."""
        rows = [{"_id": f"{self._index}/{event.id}", **to_row(event), "index": self._index} for event in events]
        with translated(self._database, "recording events"):
            for part in batches(rows, EVENTS_BATCH):
                replace_rows(self._rows, part)

    def open(self) -> list[ReleaseEvent]:
        """Those that are not delivered, oldest first."""
        with translated(self._database, "reading the events"):
            states = ("intended", "confirmed")
            rows = [row for state in states for row in self._rows.find({"index": self._index, "state": state})]
        return sorted((from_row(ReleaseEvent, row) for row in rows), key=lambda event: (event.at, event.id))

    def read(self) -> list[ReleaseEvent]:
        """All of them, delivered or not, oldest first."""
        with translated(self._database, "reading the events"):
            rows = list(self._rows.find({"index": self._index}).batch_size(5000))
        return sorted((from_row(ReleaseEvent, row) for row in rows), key=lambda event: (event.at, event.id))

    def remove(self, event_id: str) -> None:
        """Forget an event that did not happen; no error when there is none."""
        with translated(self._database, "dropping an event"):
            self._rows.delete_one({"_id": f"{self._index}/{event_id}"})


class MongoAccessAudit:
    """Whose readers changed, in one index: `access_audit`, one row per document and change, named by keys only."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["access_audit"], index

    def record(self, changes: Sequence[TagChange], at: datetime, actor: str) -> None:
        """A line for each document; durable when it returns; the same change at the same time is one line."""
        lines = []
        for change in changes:
            row = to_row(change) | {"index": self._index, "at": encode_time(at), "actor": actor}
            identity = digest(change.document_key, *sorted(change.before), None, *sorted(change.after), None, row["at"])
            lines.append(UpdateOne({"_id": f"{self._index}/{identity}"}, {"$set": row}, upsert=True))
        with translated(self._database, "writing the access audit"):
            for part in batches(lines, WRITE_BATCH):
                self._rows.bulk_write(list(part), ordered=False)

    def read(self, document_key: str | None = None) -> list[dict[str, Any]]:
        """Lines in the order of time, of one document or of all; tags as sorted lists."""
        query = {"index": self._index} | ({} if document_key is None else {"document_key": document_key})
        with translated(self._database, "reading the access audit"):
            rows = sorted(self._rows.find(query).batch_size(5000), key=lambda row: (row["at"], row["document_key"]))
        found = ((from_row(TagChange, row), row) for row in rows)
        return [
            {
                "document_key": change.document_key,
                "before": sorted(change.before),
                "after": sorted(change.after),
                "at": decode_time(row["at"]),
                "actor": row["actor"],
            }
            for change, row in found
        ]

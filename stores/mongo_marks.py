"""What is remembered beside documents and releases: what was forgotten, and events that wait to be delivered."""

from __future__ import annotations

from datetime import datetime

from sluice.releases import ReleaseEvent
from stores.codec import encode_time, from_row, to_row
from stores.mongo import MongoDatabase, translated


class MongoForgotten:
    """The documents of one index that were erased on demand: `forgotten`, one row per document key and nothing else."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["forgotten"], index

    def add(self, document_key: str, at: datetime, actor: str) -> None:
        """Remember that a document must not come back; idempotent."""
        row = {"index": self._index, "document_key": document_key, "at": encode_time(at), "actor": actor}
        with translated(self._database, "remembering what was forgotten"):
            self._rows.update_one({"_id": f"{self._index}/{document_key}"}, {"$set": row}, upsert=True)

    def keys(self) -> set[str]:
        """Every document that must not come back."""
        with translated(self._database, "reading what was forgotten"):
            return {row["document_key"] for row in self._rows.find({"index": self._index}).batch_size(5000)}

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
        row = to_row(event) | {"index": self._index}
        with translated(self._database, f"recording the event of release {event.release}"):
            self._rows.update_one({"_id": f"{self._index}/{event.id}"}, {"$set": row}, upsert=True)

    def open(self) -> list[ReleaseEvent]:
        """Those that are not delivered, oldest first."""
        with translated(self._database, "reading the events"):
            states = ("intended", "confirmed")
            rows = [row for state in states for row in self._rows.find({"index": self._index, "state": state})]
        return sorted((from_row(ReleaseEvent, row) for row in rows), key=lambda event: (event.at, event.id))

    def remove(self, event_id: str) -> None:
        """Forget an event that did not happen; no error when there is none."""
        with translated(self._database, "dropping an event"):
            self._rows.delete_one({"_id": f"{self._index}/{event_id}"})

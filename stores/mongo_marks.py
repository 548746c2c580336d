"""What must be remembered of documents that are gone: keys and tags, never a uri or a text."""

from __future__ import annotations

from datetime import datetime

from stores.codec import encode_time
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

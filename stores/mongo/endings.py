"""When the time of documents is up, in MongoDB: `endings`, one row per index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sluice.ids import digest
from stores.mongo.codec import decode_time, encode_time
from stores.mongo.connection import MongoDatabase, translated


class MongoEndings:
    """Document keys by when they end, the next one first; replaced whole."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["endings"], index

    def write(self, endings: Sequence[tuple[datetime, str]]) -> None:
        """Keep these in the place of what is kept; nothing is written where that is the same."""
        kept = json.dumps([[encode_time(at), key] for at, key in endings], separators=(",", ":")) if endings else ""
        name = digest("endings", kept) if endings else ""
        if self._name() != name:
            row = {"index": self._index, "name": name, "endings": kept}
            with translated(self._database, "keeping when documents end"):
                self._rows.update_one({"_id": self._index}, {"$set": row}, upsert=True)

    def read(self, known: str = "") -> tuple[str, list[tuple[datetime, str]]]:
        """A name of what is kept, and that; what is kept under the known name is not read: nothing then."""
        if (name := self._name()) == known:
            return name, []
        with translated(self._database, "reading when documents end"):
            row = self._rows.find_one({"_id": self._index}) or {}
        kept = row.get("endings")
        return row.get("name", ""), [(decode_time(at), key) for at, key in json.loads(kept)] if kept else []

    def _name(self) -> str:
        with translated(self._database, "reading when documents end"):
            row = self._rows.find_one({"_id": self._index}, {"name": 1})
        return str(row["name"]) if row else ""

"""What releases answered when they were judged, in MongoDB: `judgements`, one row for each release and name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bson.binary import Binary

from sluice.groups import batches, by_size
from sluice.ids import digest
from stores.mongo.connection import MongoDatabase, replace_rows, translated

_BATCH = 50
_REQUEST_BYTES = 16_000_000


class MongoJudgements:
    """Bytes of one index, which the gates make and read."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["judgements"], index

    def keep(self, release: str, name: str, content: bytes) -> None:
        """Keep this under a name, in the place of what was kept under it."""
        row = {"index": self._index, "release": release, "added": time.time_ns(), "content": Binary(content)}
        with translated(self._database, f"keeping what release {release} answered"):
            identity = f"{self._index}/{release}/{digest('judgement', name)[:32]}"
            self._rows.update_one({"_id": identity}, {"$set": row}, upsert=True)

    def read(self, releases: Sequence[str]) -> dict[str, list[bytes]]:
        """Everything kept of these releases, oldest first."""
        found: dict[str, list[tuple[int, bytes]]] = {}
        with translated(self._database, "reading what releases answered"):
            for part in batches(list(dict.fromkeys(releases)), _BATCH):
                for row in self._rows.find({"index": self._index, "release": {"$in": list(part)}}):
                    found.setdefault(row["release"], []).append((row["added"], bytes(row["content"])))
        return {release: [content for _, content in sorted(rows)] for release, rows in found.items()}

    def rewrite(self, change: Callable[[bytes], bytes]) -> int:
        """Put what `change` makes of each in its place; how many differ."""
        with translated(self._database, "rewriting what releases answered"):
            found = ((row["_id"], bytes(row["content"])) for row in list(self._rows.find({"index": self._index})))
            made = [(name, content, change(content)) for name, content in found]
            changed = [{"_id": name, "content": Binary(new)} for name, content, new in made if new != content]
            for part in by_size(changed, lambda row: len(row["content"]), most=1000, most_bytes=_REQUEST_BYTES):
                replace_rows(self._rows, part)
        return len(changed)

"""How documents were cut, in MongoDB: `cuts`, one row per document version and chunker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from bson.binary import Binary

from sluice.groups import batches
from sluice.ids import IdSum
from sluice.records import Cut
from stores.mongo.codec import Row
from stores.mongo.connection import MongoDatabase, insert_new, replace_rows, translated

BATCH = 500
_LIGHT = {"name": 1, "document_key": 1, "version": 1, "ids": 1, "tokens": 1, "texts": 1}


class MongoCuts:
    """The cuts of one index, by name."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["cuts"], index

    def get(self, names: Sequence[str], *, whole: bool = False) -> dict[str, Cut]:
        """Those that are there; `rest` only when `whole`. A request for each 500."""
        found: dict[str, Cut] = {}
        ids = [f"{self._index}/{name}" for name in dict.fromkeys(names)]
        with translated(self._database, "reading how documents were cut"):
            for part in batches(ids, BATCH):
                for row in self._rows.find({"_id": {"$in": list(part)}}, None if whole else _LIGHT).batch_size(BATCH):
                    found[row["name"]] = _cut(row)
        return found

    def sums(self, names: Sequence[str]) -> dict[str, IdSum]:
        """What stands for the chunk ids of those that are there; a request for each 500, and nothing else is sent."""
        found: dict[str, IdSum] = {}
        ids = [f"{self._index}/{name}" for name in dict.fromkeys(names)]
        with translated(self._database, "reading how documents were cut"):
            for part in batches(ids, BATCH):
                for row in self._rows.find({"_id": {"$in": list(part)}}, {"name": 1, "ids": 1}).batch_size(BATCH):
                    kept, total = bytes(row["ids"]), 0
                    for i in range(0, len(kept), 16):
                        total ^= int.from_bytes(kept[i : i + 16], "big")
                    found[row["name"]] = (len(kept) // 16, total)
        return found

    def put(self, cuts: Mapping[str, Cut]) -> None:
        """Keep cuts; written when it returns; idempotent; one that is there already is replaced."""
        rows = [{"_id": f"{self._index}/{name}", **self._row(name, cut)} for name, cut in cuts.items()]
        with translated(self._database, "keeping how documents were cut"):
            for part in batches(rows, BATCH):
                replace_rows(self._rows, insert_new(self._rows, part))

    def delete(self, versions: Iterable[str]) -> None:
        """Forget the cuts of these versions, by whatever chunker."""
        with translated(self._database, "forgetting how documents were cut"):
            for part in batches(list(versions), BATCH):
                self._rows.delete_many({"index": self._index, "version": {"$in": list(part)}})

    def erase(self, document_keys: Iterable[str]) -> None:
        """Forget how these documents were cut, in all of their versions."""
        with translated(self._database, "forgetting how documents were cut"):
            for part in batches(list(document_keys), BATCH):
                self._rows.delete_many({"index": self._index, "document_key": {"$in": list(part)}})

    def count(self, document_key: str) -> int:
        """How many cuts of a document are kept."""
        with translated(self._database, "counting how a document was cut"):
            return len(list(self._rows.find({"index": self._index, "document_key": document_key}, {"version": 1})))

    def versions(self) -> set[str]:
        """The versions of which a cut is kept."""
        with translated(self._database, "listing what was cut"):
            return {row["version"] for row in self._rows.find({"index": self._index}, {"version": 1}).batch_size(5000)}

    def _row(self, name: str, cut: Cut) -> Row:
        return {
            "index": self._index,
            "name": name,
            "document_key": cut.document_key,
            "version": cut.version,
            "ids": Binary(b"".join(UUID(id).bytes for id in cut.ids)),
            "tokens": list(cut.tokens),
            "texts": Binary(bytes.fromhex("".join(cut.texts))),
            "rest": Binary(cut.rest),
        }


def _uuid(digits: str) -> str:
    """As str(UUID(…)) writes it, in a fifth of the time."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _cut(row: Row) -> Cut:
    ids, texts = bytes(row["ids"]), bytes(row["texts"])
    return Cut(
        document_key=row["document_key"],
        version=row["version"],
        ids=tuple(_uuid(ids[i : i + 16].hex()) for i in range(0, len(ids), 16)),
        tokens=tuple(row["tokens"]),
        texts=tuple(texts[i : i + 32].hex() for i in range(0, len(texts), 32)),
        rest=bytes(row.get("rest") or b""),
    )

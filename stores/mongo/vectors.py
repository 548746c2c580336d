"""The cache of vectors, in MongoDB: what was embedded once is never embedded again.

Vectors are kept as float32. Half of that (float16) would do for search, but not for the law that a delta release equals a
full build to 1e-6: its rounding is 3e-5 in a unit vector of 384 dimensions, and a text just embedded has none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from bson.binary import Binary

from sluice.groups import batches
from sluice.points import Vector
from stores.mongo.codec import Row
from stores.mongo.connection import MongoDatabase, insert_new, translated

BATCH = 1000
"""1.5 MB of vectors of 384 dimensions: one request, and one reply."""
STREAMS = 4
"""Requests that wait for a server at the same time."""


@dataclass(frozen=True, slots=True)
class Evicted:
    """What went from the cache, and what stayed."""

    vectors: int
    bytes: int
    kept_vectors: int
    kept_bytes: int


class MongoVectorCache:
    """Vectors by model fingerprint and text hash: `embeddings`, shared by the indexes of a database."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database, self._rows = database, database["embeddings"]

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:
        """Those that are there, float32 of shape (dimension,), bit for bit as they were put; read-only views.

        One request for each thousand, four of them under way at a time.
        """
        parts = list(batches([f"{model}/{text}" for text in dict.fromkeys(hashes)], BATCH))
        if len(parts) < 2:
            return self._read(parts[0]) if parts else {}
        with ThreadPoolExecutor(min(STREAMS, len(parts))) as streams:
            found: dict[str, Vector] = {}
            for part in streams.map(self._read, parts):
                found |= part
            return found

    def _read(self, ids: Sequence[str]) -> dict[str, Vector]:
        with translated(self._database, "reading cached vectors"):
            rows = self._rows.find({"_id": {"$in": list(ids)}}).batch_size(BATCH)
            return {row["hash"]: np.frombuffer(row["vector"], dtype="<f4").astype(np.float32, copy=False) for row in rows}

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors; written when it returns; idempotent: one that is there stays as it is."""
        rows: list[Row] = [
            {
                "_id": f"{model}/{text}",
                "model": model,
                "hash": text,
                "vector": Binary(np.asarray(vector, dtype="<f4").tobytes()),
            }
            for text, vector in vectors.items()
        ]
        with translated(self._database, "writing vectors to the cache"):
            for part in batches(rows, BATCH):
                insert_new(self._rows, part)

    def hashes(self) -> set[str]:
        """The texts of all vectors there are, of every model."""
        with translated(self._database, "reading the keys of cached vectors"):
            return {row["hash"] for row in self._rows.find({}, {"hash": 1}).batch_size(5000)}

    def delete(self, hashes: Iterable[str]) -> None:
        """Erase the vectors of these texts, of every model."""
        with translated(self._database, "erasing cached vectors"):
            for part in batches(list(hashes), BATCH):
                self._rows.delete_many({"hash": {"$in": list(part)}})

    def evict(self, used: Iterable[str], *, max_bytes: int = 0) -> Evicted:
        """Erase vectors of texts that are not `used`, of any model, until the cache holds at most `max_bytes` or only used ones.

        With 0, all of them. The caller knows what releases and experiments of every index of this database use.
        """
        wanted, spare, lengths = set(used), list[tuple[str, int]](), dict[str, int]()
        vectors = size = 0
        with translated(self._database, "looking for cached vectors that nothing uses"):
            for row in self._rows.find({}, {"hash": 1, "model": 1}).batch_size(5 * BATCH):
                model = row["model"]
                if model not in lengths:  # those of a model are all of one length
                    one = self._rows.find_one({"_id": row["_id"]})
                    lengths[model] = len(one["vector"]) if one else 0
                vectors, size = vectors + 1, size + lengths[model]
                if row["hash"] not in wanted:
                    spare.append((row["_id"], lengths[model]))
            gone: list[str] = []
            freed = 0
            for name, length in spare:
                if size - freed <= max_bytes:
                    break
                gone.append(name)
                freed += length
            for part in batches(gone, BATCH):
                self._rows.delete_many({"_id": {"$in": list(part)}})
        return Evicted(len(gone), freed, vectors - len(gone), size - freed)

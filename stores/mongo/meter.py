"""What a run has spent so far, counted by all of its processes: `meters`, one row per run."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from sluice.errors import IntegrityError
from stores.mongo.connection import MongoDatabase, translated

_ATTEMPTS = 50


class MongoMeter:
    """Counts against a limit, by compare-and-set: the sum that was allowed never passes it, whoever asks at once."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["meters"], index

    def spent(self, run: str) -> tuple[int, int]:
        """The units that are counted so far, and for how many texts."""
        with translated(self._database, f"reading what run {run} spent"):
            row = self._rows.find_one({"_id": f"{self._index}/{run}"})
        return (int(row["spent"]), int(row.get("texts", 0))) if row else (0, 0)

    def spend(self, run: str, units: int, limit: int, texts: int = 0) -> int | None:
        """Count these units of so many texts and return None; where they would pass the limit, count nothing and return what
        is spent."""
        identity = {"_id": f"{self._index}/{run}"}
        with translated(self._database, f"counting what run {run} spends"):
            for _ in range(_ATTEMPTS):
                row = self._rows.find_one(identity)
                spent = int(row["spent"]) if row else 0
                if spent + units > limit:
                    return spent
                if row is None:
                    try:
                        self._rows.insert_one({**identity, "index": self._index, "spent": units, "texts": texts})
                    except DuplicateKeyError:
                        continue
                    return None
                counted = {"spent": spent + units, "texts": int(row.get("texts", 0)) + texts}
                if self._rows.update_one({**identity, "spent": spent}, {"$set": counted}).matched_count:
                    return None
        raise IntegrityError(f"what run {run} spends keeps changing under this process", hint="run again")

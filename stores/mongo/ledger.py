"""What a run leaves behind, in MongoDB: releases, runs and decisions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from sluice.errors import ReleaseError
from sluice.groups import batches
from sluice.releases import Release, State
from stores.mongo.codec import Row, encode, from_row, to_json, to_row
from stores.mongo.connection import MongoDatabase, replace_rows, translated

_BATCH = 1000
_FIELDS = frozenset(f.name for f in fields(Release))


class MongoReleaseLedger:
    """The releases of one index: `releases`, one row per release."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["releases"], index
        self._known: dict[str, tuple[Row, Release]] = {}
        """What each row last was, and its release: a run reads the whole ledger a dozen times, and a year's verdicts are long."""

    def add(self, release: Release) -> None:
        """Insert; raises ReleaseError when the id exists."""
        with translated(self._database, f"recording release {release.id}"):
            try:
                # The row's place comes last: a release never moves to another index.
                self._rows.insert_one({**to_row(release), "_id": f"{self._index}/{release.id}", "index": self._index})
            except DuplicateKeyError:
                raise ReleaseError(f"release {release.id} of index '{self._index}' exists already", hint="run again") from None

    def read(self) -> list[Release]:
        """All of them, oldest first."""
        with translated(self._database, "reading the releases"):
            rows = list(self._rows.find({"index": self._index}))
        return sorted(map(self._release, rows), key=lambda release: (release.created, release.id))

    def update(self, release_id: str, changes: Mapping[str, Any], *, expect: State | None = None) -> Release:
        """Set fields of one release and return it; with `expect`, only if it is in that state, else ReleaseError.

        One atomic compare-and-set: of any number of processes that expect the same state and change it, one succeeds.
        """
        unknown = changes.keys() - _FIELDS | changes.keys() & {"id", "index"}
        if unknown:
            raise ReleaseError(f"release {release_id}: these fields cannot be set: {', '.join(sorted(unknown))}")
        identity = {"_id": f"{self._index}/{release_id}"}
        condition = identity if expect is None else identity | {"state": expect}
        with translated(self._database, f"updating release {release_id}"):
            row = self._rows.find_one_and_update(
                condition,
                {"$set": {name: encode(value) for name, value in changes.items()}},
                return_document=ReturnDocument.AFTER,
            )
            if row is not None:
                return self._release(row)
            present = self._rows.find_one(identity)
        if present is None:
            raise ReleaseError(f"index '{self._index}' has no release {release_id}", hint="sluice releases lists them")
        raise ReleaseError(
            f"release {release_id} is {present['state']}, not {expect}: another process changed it, or the step does not apply",
            hint="look at 'sluice releases' and run again",
        )

    def _release(self, row: Row) -> Release:
        """The release of a row: the one that was made of it before, while nobody has changed the row."""
        known = self._known.get(row["_id"])
        if known is None or known[0] != row:
            known = self._known[row["_id"]] = (row, from_row(Release, row))
        return known[1]


class MongoRuns:
    """The runs of one index: `runs`, one row per run, as plain values (times come back as ISO 8601 text)."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["runs"], index

    def record(self, run_id: str, values: Mapping[str, Any]) -> None:
        """Insert the run, or set these of its values and keep the others."""
        identity = {"_id": f"{self._index}/{run_id}"}
        with translated(self._database, f"recording run {run_id}"):
            present = self._rows.find_one(identity)
            merged = (json.loads(present["values"]) if present else {}) | dict(values)
            added = present["added"] if present else time.time_ns()
            row = {"index": self._index, "run": run_id, "added": added, "values": to_json(merged)}
            self._rows.update_one(identity, {"$set": row}, upsert=True)

    def rewrite(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Set these values of runs that there are (run id → values) and keep their others; in batches of 1000."""
        with translated(self._database, "rewriting runs"):
            for part in batches(sorted(changes), _BATCH):
                found = self._rows.find({"_id": {"$in": [f"{self._index}/{run}" for run in part]}}).batch_size(_BATCH)
                rows = [{**row, "values": to_json(json.loads(row["values"]) | dict(changes[row["run"]]))} for row in found]
                replace_rows(self._rows, rows)

    def get(self, run_id: str) -> dict[str, Any] | None:
        """One run's values, with its id as `run`; None when there is none."""
        with translated(self._database, f"reading run {run_id}"):
            row = self._rows.find_one({"_id": f"{self._index}/{run_id}"})
        return None if row is None else {"run": run_id, **json.loads(row["values"])}

    def read(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The latest `limit` runs, or all, newest first."""
        with translated(self._database, "reading the runs"):
            rows = list(self._rows.find({"index": self._index}))
        newest_first = sorted(rows, key=lambda row: (row["added"], row["run"]), reverse=True)
        return [{"run": row["run"], **json.loads(row["values"])} for row in newest_first[:limit]]

    def indexes(self) -> set[str]:
        """Every index of this database that was ever changed."""
        with translated(self._database, "reading whose the database is"):
            return {row["index"] for row in self._rows.find({}, {"index": 1}).batch_size(5000)}


class MongoDecisions:
    """What is decided once for an index and holds from then on: `decisions`, one row per name."""

    def __init__(self, database: MongoDatabase, index: str) -> None:
        self._database, self._rows, self._index = database, database["decisions"], index

    def decide(self, name: str, value: Any) -> Any:
        """Record a plain value unless something was decided before; what holds now, whoever came first."""
        identity = {"_id": f"{self._index}/{name}"}
        with translated(self._database, f"deciding {name}"), suppress(DuplicateKeyError):
            self._rows.insert_one({**identity, "index": self._index, "name": name, "value": to_json(value)})
        return self.get(name)

    def get(self, name: str) -> Any:
        """What was decided; None when nothing was."""
        with translated(self._database, f"reading the decision on {name}"):
            row = self._rows.find_one({"_id": f"{self._index}/{name}"})
        return None if row is None else json.loads(row["value"])

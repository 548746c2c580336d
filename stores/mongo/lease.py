"""One writer per index: a lease in MongoDB that a dead holder cannot keep."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from sluice.errors import IndexBusy, SluiceError
from stores.mongo.codec import decode_time, encode_time
from stores.mongo.connection import MongoDatabase, translated
from stores.processes import ProcessId

HEARTBEAT_S = 10.0
EXPIRY_S = 60.0
_ATTEMPTS = 5


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an index: the process, for what, since when, and when it was last heard of."""

    process: ProcessId
    actor: str
    since: datetime
    heartbeat: datetime

    def __str__(self) -> str:
        return f"{self.process} ({self.actor}), since {self.since:%Y-%m-%d %H:%M:%S} UTC"


class MongoLease:
    """The lease of one index: `leases`, one row while someone holds it.

    A holder on this machine is dead when its process is (pid and start time), at once; one elsewhere when it has not been
    heard of for `expiry_s`, so clocks of the machines that share an index must agree to within some seconds. Not
    reentrant: whoever holds it hands the `Lease` on.
    """

    def __init__(
        self,
        database: MongoDatabase,
        index: str,
        clock: Callable[[], datetime] = _utc_now,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        expiry_s: float = EXPIRY_S,
        process: ProcessId | None = None,
    ) -> None:
        self._database, self._rows, self._index, self._clock = database, database["leases"], index, clock
        self._heartbeat_s, self._expiry_s = heartbeat_s, expiry_s
        self._process = process

    def acquire(self, actor: str) -> Lease:
        """Take the lease, from a dead holder if need be; raises IndexBusy naming the one who lives."""
        mine = self._row(actor)
        with translated(self._database, f"taking the lease of index '{self._index}'"):
            for _ in range(_ATTEMPTS):
                try:
                    self._rows.insert_one({"_id": self._index, **mine})
                except DuplicateKeyError:
                    theirs = self._rows.find_one({"_id": self._index})
                    if theirs is None:  # released in between
                        continue
                    if self._lives(theirs):
                        raise self._busy(theirs) from None
                    seen = {"_id": self._index, "token": theirs["token"], "heartbeat": theirs["heartbeat"]}
                    if not self._rows.update_one(seen, {"$set": mine}).matched_count:
                        continue
                return Lease(self._database, self._index, str(mine["token"]), self._clock, self._heartbeat_s, self._expiry_s)
        raise IndexBusy(f"the lease of index '{self._index}' changes hands too fast to be taken", hint="run again in a moment")

    def holder(self) -> Holder | None:
        """Who holds the index now, dead or alive; None when nobody does."""
        with translated(self._database, f"reading the lease of index '{self._index}'"):
            row = self._rows.find_one({"_id": self._index})
        return None if row is None else _holder(row)

    def living(self) -> Holder | None:
        """Who holds the index now and is alive, as far as can be told from here."""
        with translated(self._database, f"reading the lease of index '{self._index}'"):
            row = self._rows.find_one({"_id": self._index})
        return _holder(row) if row is not None and self._lives(row) else None

    def _row(self, actor: str) -> dict[str, Any]:
        process, now = self._process or ProcessId.current(), encode_time(self._clock())
        return {
            "token": os.urandom(12).hex(),
            "actor": actor,
            "host": process.host,
            "namespace": process.namespace,
            "pid": process.pid,
            "started_ms": round(process.started * 1000),
            "since": now,
            "heartbeat": now,
        }

    def _lives(self, row: dict[str, Any]) -> bool:
        holder = _holder(row)
        alive = holder.process.alive()
        return alive if alive is not None else (self._clock() - holder.heartbeat).total_seconds() <= self._expiry_s

    def _busy(self, row: dict[str, Any]) -> IndexBusy:
        holder = _holder(row)
        silent_s = max(0.0, (self._clock() - holder.heartbeat).total_seconds())
        return IndexBusy(
            f"index '{self._index}' is held by {holder}; last heard of {silent_s:.0f} s ago",
            hint=f"wait until it has ended; a dead holder is replaced at once, on another machine after {self._expiry_s:.0f} s",
        )


class Lease:
    """A lease that is held: close it, or use it as a context manager. A thread tells every 10 s that the holder lives."""

    def __init__(
        self, database: MongoDatabase, index: str, token: str, clock: Callable[[], datetime], heartbeat_s: float, expiry_s: float
    ) -> None:
        self._database, self._rows, self._index, self._clock = database, database["leases"], index, clock
        self._mine = {"_id": index, "token": token}
        self._heartbeat_s, self._expiry_s = heartbeat_s, expiry_s
        self._lost = False
        self._heard = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease of {index}", daemon=True)
        self._thread.start()

    def holds(self) -> bool:
        """Whether it is still held, asked of the store."""
        if self._lost or self._stop.is_set():
            return False
        with translated(self._database, f"checking the lease of index '{self._index}'"):
            return self._rows.find_one(self._mine) is not None

    def check(self) -> None:
        """The fence before what must not be done twice; raises IndexBusy when another process has taken over."""
        if not self.holds():
            with translated(self._database, f"reading the lease of index '{self._index}'"):
                row = self._rows.find_one({"_id": self._index})
            now = f"held by {_holder(row)}" if row else "free"
            raise IndexBusy(
                f"the lease of index '{self._index}' was lost; it is now {now}",
                hint="this process was silent for too long (suspended, or cut off); run again",
            )

    def close(self) -> None:
        """Give it back; nobody else's is ever removed. Safe to call again, and when the store is gone."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            with suppress(SluiceError), translated(self._database, f"releasing the lease of index '{self._index}'"):
                self._rows.delete_one(self._mine)

    def _beat(self) -> None:
        while not self._stop.wait(self._heartbeat_s):
            try:
                with translated(self._database, "renewing a lease"):
                    beat = {"heartbeat": encode_time(self._clock())}
                    if not self._rows.update_one(self._mine, {"$set": beat}).matched_count:
                        self._lost = True
                        return
                self._heard = time.monotonic()
            except SluiceError:
                if time.monotonic() - self._heard > self._expiry_s:  # others may take it for dead by now
                    self._lost = True
                    return

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _holder(row: dict[str, Any]) -> Holder:
    process = ProcessId(row["host"], row["namespace"], row["pid"], row["started_ms"] / 1000)
    return Holder(process, row["actor"], decode_time(row["since"]), decode_time(row["heartbeat"]))

"""Every MongoDB operation that Sluice uses, each with its proof: the one list of what a server must be able to do.

`sluice doctor` runs the proofs on the configured server, and so do the conformance tests. An operation that is not in
`OPERATIONS` may not be used in `stores/`; FACTS about servers that look like MongoDB and are not are why.

Over 300 lines: a list, each with its proof.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import gridfs
from bson.binary import Binary
from gridfs.errors import NoFile
from pymongo import ReturnDocument, UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, DuplicateKeyError

from sluice.errors import SluiceError
from stores.mongo.connection import MongoDatabase, translated

Rows = Collection[dict[str, Any]]
Proof = Callable[[MongoDatabase, Rows], str]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, whether this server does it right, and what it did instead."""

    name: str
    ok: bool
    detail: str = ""


def probe(database: MongoDatabase, operations: Mapping[str, Proof] | None = None) -> list[Operation]:
    """Prove every operation (`OPERATIONS`) on scratch collections of their own, which are dropped afterwards.

    Raises StoreUnavailable when the server does not answer at all; what it answers wrongly is in the list.
    """
    found = []
    with translated(database, "probing"):
        database.client.admin.command("ping")
    for name, proof in (OPERATIONS if operations is None else operations).items():
        scratch = f"sluice_probe_{os.urandom(6).hex()}"
        try:
            with translated(database, f"proving '{name}'"):
                wrong = proof(database, database[scratch])
            found.append(Operation(name, not wrong, wrong))
        except SluiceError as error:
            found.append(Operation(name, False, error.message))
        finally:
            for collection in (scratch, f"{scratch}.files", f"{scratch}.chunks"):
                with translated(database, "cleaning up after a proof"):
                    database.drop_collection(collection)
    return found


def _differs(seen: Any, expected: Any) -> str:
    return "" if seen == expected else f"expected {expected!r:.120}, got {seen!r:.120}"


# No float, boolean or date: the embedded server changes them in updates (see codec.py).
_VALUES: dict[str, Any] = {
    "text": "ä 😀 \u2028 a\0b",
    "dollar": "$set",
    "number": 2**53 - 1,
    "nothing": None,
    "list": ["a", "b"],
    "bytes": bytes(range(256)),
    "escaped": {"json": '"\\udc80"'},
    "empty": "",
}


def _insert_one(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "a/1", **_VALUES})
    row = rows.find_one({"_id": "a/1"})
    if row != {"_id": "a/1", **_VALUES}:
        return _differs(row, _VALUES)
    try:
        rows.insert_one({"_id": "a/1", "text": "other"})
    except DuplicateKeyError:
        return _differs(rows.count_documents({}), 1)
    return "a second row with the same _id was accepted"


def _bulk_upsert(_: MongoDatabase, rows: Rows) -> str:
    for value in ("first", "second"):
        rows.bulk_write(
            [UpdateOne({"_id": f"a/{i}"}, {"$set": {**_VALUES, "text": value, "n": i}}, upsert=True) for i in range(300)],
            ordered=False,
        )
    if rows.count_documents({}) != 300:
        return _differs(rows.count_documents({}), 300)
    return _differs(rows.find_one({"_id": "a/7"}), {"_id": "a/7", **_VALUES, "text": "second", "n": 7})


def _insert_many(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "a/3", "n": 3})
    try:
        rows.insert_many([{"_id": f"a/{n}", "n": -n} for n in range(300)], ordered=False)
    except BulkWriteError as error:
        codes = [entry["code"] for entry in (error.details or {})["writeErrors"]]
        found = rows.find_one({"_id": "a/3"})
        return _differs((codes, rows.count_documents({}), found), ([11000], 300, {"_id": "a/3", "n": 3}))
    return "a row with an _id that exists was accepted"


def _update_upsert(_: MongoDatabase, rows: Rows) -> str:
    rows.update_one({"_id": "a"}, {"$set": {"v": 1, "w": 1}}, upsert=True)
    rows.update_one({"_id": "a"}, {"$set": {"v": Binary(b"\0")}}, upsert=True)
    return _differs(list(rows.find({})), [{"_id": "a", "v": b"\0", "w": 1}])


def _compare_and_set(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "i", "token": "old", "heartbeat": "1"})
    rows.insert_one({"_id": "j", "token": "old", "heartbeat": "1"})
    won = rows.update_one(
        {"_id": "i", "token": "old", "heartbeat": "1"}, {"$set": {"token": "new", "ms": 1763727000123}}
    ).matched_count
    lost = rows.update_one({"_id": "i", "token": "old", "heartbeat": "1"}, {"$set": {"token": "late"}}).matched_count
    tokens = sorted((row["_id"], row["token"], row.get("ms")) for row in rows.find({}))
    return _differs((won, lost, tokens), (1, 0, [("i", "new", 1763727000123), ("j", "old", None)]))


def _find_and_update(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "i/1", "state": "staged", "n": 0})
    rows.insert_one({"_id": "i/2", "state": "staged", "n": 0})
    won = rows.find_one_and_update(
        {"_id": "i/2", "state": "staged"}, {"$set": {"state": "promoted"}}, return_document=ReturnDocument.AFTER
    )
    lost = rows.find_one_and_update(
        {"_id": "i/2", "state": "staged"}, {"$set": {"state": "rejected"}}, return_document=ReturnDocument.AFTER
    )
    other = rows.find_one({"_id": "i/1"})
    return _differs((won, lost, other and other["state"]), ({"_id": "i/2", "state": "promoted", "n": 0}, None, "staged"))


def _increment(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "a", "attempts": 1})
    rows.update_one({"_id": "a"}, {"$set": {"v": 2}, "$inc": {"attempts": 1}})
    none = rows.update_one({"_id": "b"}, {"$set": {"v": 2}, "$inc": {"attempts": 1}}).matched_count
    again = [UpdateOne({"_id": id}, {"$set": {"v": 3}, "$inc": {"attempts": 1}}) for id in ("a", "b")]
    many = rows.bulk_write(again, ordered=False).matched_count
    return _differs((rows.find_one({"_id": "a"}), none, many), ({"_id": "a", "attempts": 3, "v": 3}, 0, 1))


def _find_by_field(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_many([{"_id": f"{'ij'[n % 2]}/{n}", "index": "ij"[n % 2], "source": f"s{n % 4}"} for n in range(400)])
    both = {row["_id"] for row in rows.find({"index": "i", "source": "s2"}).batch_size(30)}
    return _differs(both, {f"i/{n}" for n in range(400) if n % 4 == 2})


def _find_many_ids(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_many([{"_id": f"a/{n}", "n": n} for n in range(3000)])
    wanted = [f"a/{n}" for n in range(0, 3000, 2)] + ["a/none"]
    return _differs(sum(row["n"] for row in rows.find({"_id": {"$in": wanted}}).batch_size(500)), sum(range(0, 3000, 2)))


def _project(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_one({"_id": "a", "one": 1, "two": 2, "three": 3})
    return _differs(list(rows.find({}, {"one": 1, "two": 1})), [{"_id": "a", "one": 1, "two": 2}])


def _delete(_: MongoDatabase, rows: Rows) -> str:
    rows.insert_many([{"_id": f"a/{n}", "token": "mine" if n < 5 else "theirs"} for n in range(10)])
    one = rows.delete_one({"_id": "a/9", "token": "mine"}).deleted_count
    own = rows.delete_one({"_id": "a/1", "token": "mine"}).deleted_count
    many = rows.delete_many({"_id": {"$in": ["a/2", "a/3", "a/none"]}}).deleted_count
    field = rows.delete_many({"token": {"$in": ["theirs"]}}).deleted_count
    return _differs((one, own, many, field, rows.count_documents({})), (0, 1, 2, 5, 2))


def _large_row(_: MongoDatabase, rows: Rows) -> str:
    content = os.urandom(1_500_000)
    rows.update_one({"_id": "a"}, {"$set": {"content": Binary(content)}}, upsert=True)
    row = rows.find_one({"_id": "a"})
    return "" if row and row["content"] == content else "1.5 MB of bytes came back changed"


def _create_index(_: MongoDatabase, rows: Rows) -> str:
    for _again in range(2):
        rows.create_index([("index", 1), ("source", 1)])
    rows.insert_one({"_id": "i/a", "index": "i", "source": "s"})
    rows.insert_one({"_id": "j/a", "index": "j", "source": "s"})
    return _differs([row["_id"] for row in rows.find({"index": "i"})], ["i/a"])


def _databases_are_apart(database: MongoDatabase, rows: Rows) -> str:
    other = database.client[f"{database.name[:40]}_{os.urandom(4).hex()}"]
    try:
        rows.insert_one({"_id": "a"})
        return _differs(other[rows.name].find_one({"_id": "a"}), None)
    finally:
        database.client.drop_database(other.name)


def _gridfs(database: MongoDatabase, rows: Rows) -> str:
    bucket, content = gridfs.GridFSBucket(database, rows.name), os.urandom(700_000)
    for _again in range(2):
        bucket.upload_from_stream("name", content)
    files = database[f"{rows.name}.files"]
    if bucket.open_download_stream_by_name("name").read() != content:
        return "700 kB came back changed"
    if len(list(files.find({"filename": "name"}, {"_id": 1}))) != 2:
        return "two files of one name are not two"
    for file in list(files.find({}, {"filename": 1})):
        bucket.delete(file["_id"])
    try:
        bucket.open_download_stream_by_name("name")
    except NoFile:
        return _differs(files.find_one({"filename": "name"}), None)
    return "a deleted file is still there"


RACERS, ROUNDS = 8, 12
"""Threads that want the same row, and how often: FerretDB 1.24 lets two win in the first rounds."""

BATCH_ROWS, BATCH_S = 1000, 30.0
"""A full batch of upserts, and how long it may take: some servers take a connection for each and hang."""


def _winners(rows: Rows, attempt: Callable[[str, int], bool]) -> str:
    """Have threads race for a row, several times; exactly one may win each."""
    barrier = threading.Barrier(RACERS)

    def race(racer: int) -> list[bool]:
        won = []
        for number in range(ROUNDS):
            barrier.wait(timeout=BATCH_S)
            won.append(attempt(f"r/{number}", racer))
        return won

    rows.insert_many([{"_id": f"r/{number}", "state": "free"} for number in range(ROUNDS)])
    with ThreadPoolExecutor(RACERS) as pool:
        results = list(pool.map(race, range(RACERS)))
    wins = [sum(won) for won in zip(*results, strict=True)]
    wrong = [count for count in wins if count != 1]
    return f"of {RACERS} racing threads {max(wrong)} won at once: two runs could hold one lease" if wrong else ""


def _race_find_and_update(_: MongoDatabase, rows: Rows) -> str:
    def attempt(row: str, racer: int) -> bool:
        return rows.find_one_and_update({"_id": row, "state": "free"}, {"$set": {"state": "taken", "by": racer}}) is not None

    return _winners(rows, attempt)


def _race_update(_: MongoDatabase, rows: Rows) -> str:
    def attempt(row: str, racer: int) -> bool:
        return rows.update_one({"_id": row, "state": "free"}, {"$set": {"state": "taken", "by": racer}}).matched_count == 1

    return _winners(rows, attempt)


def _race_insert(_: MongoDatabase, rows: Rows) -> str:
    def attempt(row: str, racer: int) -> bool:
        try:
            rows.insert_one({"_id": f"{row}/lease", "by": racer})
        except DuplicateKeyError:
            return False
        return True

    return _winners(rows, attempt)


def _full_batch(_: MongoDatabase, rows: Rows) -> str:
    started = time.monotonic()
    batch = [
        UpdateOne({"_id": f"b/{n}"}, {"$set": {"index": "i", "text": "x" * 200, "n": n}}, upsert=True) for n in range(BATCH_ROWS)
    ]
    rows.bulk_write(batch, ordered=False)
    took = time.monotonic() - started
    return f"{BATCH_ROWS} upserts took {took:.0f} s; {BATCH_S:.0f} s are allowed" if took > BATCH_S else ""


OPERATIONS: Mapping[str, Proof] = {
    "insert_one, refused for an _id that exists": _insert_one,
    "bulk_write of UpdateOne $set with upsert, twice": _bulk_upsert,
    "insert_many unordered: those that exist are refused, the others stored": _insert_many,
    "update_one $set with upsert, by _id": _update_upsert,
    "update_one as compare-and-set on several fields": _compare_and_set,
    "find_one_and_update as compare-and-set, returning the new row": _find_and_update,
    "find_one_and_update by racing threads: one wins": _race_find_and_update,
    "update_one as compare-and-set by racing threads: one wins": _race_update,
    "insert_one of one _id by racing threads: one wins": _race_insert,
    "bulk_write of a full batch of upserts, in time": _full_batch,
    "$set with $inc, one and in a bulk_write": _increment,
    "find by equality of two fields, over several batches": _find_by_field,
    "find by _id $in, thousands": _find_many_ids,
    "find with a projection of top-level fields": _project,
    "delete_one by two fields, delete_many by $in": _delete,
    "1.5 MB of bytes in a row": _large_row,
    "create_index on two fields, again": _create_index,
    "databases do not share collections": _databases_are_apart,
    "GridFS: put, get by name, list, delete": _gridfs,
}
"""What it is called in a report, and its proof: an empty text, or what was wrong."""

"""Bytes by their content hash, in MongoDB, shared by the indexes of a database."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence

import gridfs
from bson.binary import Binary
from gridfs.errors import CorruptGridFile, NoFile

from sluice.errors import IntegrityError
from sluice.groups import batches, by_size
from stores.mongo.connection import MongoDatabase, insert_new, replace_rows, translated

ROW_BYTES = 1_000_000
"""Up to here bytes are one row of `blobs`, and many of them one request; larger ones cost GridFS requests of their own."""
ROWS = 1000
REQUEST_BYTES = 16_000_000
"""Where a request is full; MongoDB takes 48 MB."""


class MongoBlobs:
    """Bytes kept once per content hash: rows of `blobs`, and beyond 1 MB files of the GridFS bucket `blobs`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database, self._rows = database, database["blobs"]
        self._files = database["blobs.files"]
        self._bucket = gridfs.GridFSBucket(database, "blobs")

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their content hash; idempotent, also when two processes put the same at once."""
        return self.put_all([content])[0]

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keep all of these bytes; their content hashes, in order. A request carries 1000 of them, or 16 MB.

        What was there and no longer hashes to its name is made whole. A GridFS file has an id of its own and the hash as its
        name: a put that was killed half-way leaves chunks that no file names, and does not stand in the way of the next.
        """
        names = [hashlib.sha256(content).hexdigest() for content in contents]
        distinct = dict(zip(names, contents, strict=True))
        small = ({"_id": name, "content": Binary(content)} for name, content in distinct.items() if len(content) <= ROW_BYTES)
        with translated(self._database, f"storing the bytes {', '.join(name[:12] for name in names[:3])}"):
            for part in by_size(small, lambda row: len(row["content"]), most=ROWS, most_bytes=REQUEST_BYTES):
                known = {row["_id"]: row for row in insert_new(self._rows, part)}
                whole = self._rows.find({"_id": {"$in": list(known)}}).batch_size(ROWS) if known else ()
                sound = {row["_id"] for row in whole if row["content"] == known[row["_id"]]["content"]}
                replace_rows(self._rows, [row for name, row in known.items() if name not in sound])
            for name, content in distinct.items():
                if len(content) > ROW_BYTES and self._large(name) != content:
                    self._bucket.upload_from_stream(name, content)
        return names

    def get_all(self, content_hashes: Iterable[str]) -> dict[str, bytes]:
        """Those of these bytes that lie in rows and are whole, in a request for each 1000; `get` says what the others are."""
        found: dict[str, bytes] = {}
        with translated(self._database, "reading stored bytes"):
            for part in batches(sorted(set(content_hashes)), ROWS):
                for row in self._rows.find({"_id": {"$in": list(part)}}).batch_size(ROWS):
                    content = bytes(row["content"])
                    if hashlib.sha256(content).hexdigest() == row["_id"]:
                        found[row["_id"]] = content
        return found

    def get(self, content_hash: str) -> bytes:
        """The bytes; raises IntegrityError when they are missing or no longer hash to this."""
        with translated(self._database, f"reading the bytes {content_hash[:12]}"):
            row = self._rows.find_one({"_id": content_hash})
            content = bytes(row["content"]) if row is not None else self._large(content_hash)
        if content is None:
            raise IntegrityError(
                f"the stored bytes {content_hash} are missing", hint="fetch them again: sluice backfill --from fetch"
            )
        found = hashlib.sha256(content).hexdigest()
        if found != content_hash:
            raise IntegrityError(
                f"the stored bytes {content_hash} are damaged: they hash to {found}",
                hint="fetch them again: sluice backfill --from fetch",
            )
        return content

    def _large(self, name: str) -> bytes | None:
        """The newest GridFS file of this name; None where there is none, or not all of it."""
        try:
            return bytes(self._bucket.open_download_stream_by_name(name).read())
        except (NoFile, CorruptGridFile):
            return None

    def delete(self, content_hash: str) -> None:
        """Erase the bytes; no error when there are none. The caller knows that nothing needs them (`references`)."""
        self.delete_all([content_hash])

    def delete_all(self, content_hashes: Iterable[str]) -> None:
        """Erase all of these; rows in batches of 1000, each file of GridFS by itself."""
        names = set(content_hashes)
        with translated(self._database, "erasing stored bytes"):
            for part in batches(sorted(names), ROWS):
                self._rows.delete_many({"_id": {"$in": list(part)}})
            if names:  # the embedded server finds no file by $in
                one = {"filename": next(iter(names))} if len(names) == 1 else {}
                for file in list(self._files.find(one, {"filename": 1}).batch_size(5000)):
                    if file["filename"] in names:
                        self._bucket.delete(file["_id"])

    def hashes(self) -> set[str]:
        """Every content hash that is kept."""
        with translated(self._database, "listing the stored bytes"):
            rows = {row["_id"] for row in self._rows.find({}, {"_id": 1}).batch_size(5000)}
            return rows | {row["filename"] for row in self._files.find({}, {"filename": 1}).batch_size(5000)}

    def references(self, *, without: Collection[str] = ()) -> set[str]:
        """Every content hash that a document or a version of any index of this database needs, but for some of them.

        `without` names those as `index/document key` and `index/version id`.
        """
        needed: set[str] = set()
        with translated(self._database, "listing the bytes in use"):
            for row in self._database["documents"].find({}, {"content_hash": 1, "version": 1, "raw": 1}).batch_size(5000):
                if row.get("raw", True) and row["_id"] not in without:
                    needed |= {row["content_hash"], row["version"]}
            for row in self._database["versions"].find({}, {"content_hash": 1, "blob": 1}).batch_size(5000):
                if row["_id"] not in without:
                    needed |= {row["content_hash"], row["blob"] or ""}
        return needed - {""}

"""Bytes by their content hash, in MongoDB, shared by the indexes of a database."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import suppress

import gridfs
from bson.binary import Binary
from gridfs.errors import CorruptGridFile, NoFile
from pymongo.errors import DuplicateKeyError

from sluice.errors import IntegrityError
from stores.mongo import MongoDatabase, translated

ROW_BYTES = 255 * 1024
"""What fits in one GridFS chunk is one row of `blobs` instead: 1 ms to put, where GridFS takes 6 (measured, embedded)."""


class MongoBlobs:
    """Bytes kept once per content hash: rows of `blobs`, and beyond 255 KiB files of the GridFS bucket `blobs`."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database, self._rows, self._files = database, database["blobs"], database["blobs.files"]
        self._bucket = gridfs.GridFSBucket(database, "blobs")

    def put(self, content: bytes) -> str:
        """Keep the bytes and return their content hash; idempotent, also when two processes put the same at once.

        A GridFS file has an id of its own and the hash as its name: a put that was killed half-way leaves chunks that no
        file names, and does not stand in the way of the next.
        """
        name = hashlib.sha256(content).hexdigest()
        with translated(self._database, f"storing the bytes {name[:12]}"):
            if len(content) > ROW_BYTES:
                if self._large(name) != content:
                    self._bucket.upload_from_stream(name, content)
                return name
            with suppress(DuplicateKeyError):  # another process put the same bytes a moment ago
                self._rows.update_one({"_id": name}, {"$set": {"content": Binary(content)}}, upsert=True)
        return name

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
        with translated(self._database, f"erasing the bytes {content_hash[:12]}"):
            self._rows.delete_one({"_id": content_hash})
            for file in self._files.find({"filename": content_hash}, {"_id": 1}):
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

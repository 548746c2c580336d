"""Items kept as they were listed, for protocols whose listing is their content: rows, pages of an API, lines, feeds.

A listing is read to its end before the first item is given, so that a part is never passed off as the whole. Bodies
that are not known yet lie in a temporary database file that nobody else sees, and that goes when the snapshot does:
memory stays bounded, whatever the source holds.
"""

from __future__ import annotations

import pickle
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sluice.errors import DocumentError
from sluice.records import ItemRef, RawItem


@dataclass(frozen=True, slots=True)
class Listed:
    """One item of a listing: what to know about it, and its content, or why it has none.

    `item` may be None where the reader saw, from what is known, that nothing changed.
    """

    ref: ItemRef
    item: RawItem | DocumentError | None = None


Read = Callable[[Mapping[str, str]], Iterable[Listed]]
"""Reads a source's whole listing, told which validators are known; of a uri given twice, the last counts."""


class Snapshot:
    """The last listing of a source; safe to use from several threads."""

    def __init__(self, source: str, read: Read) -> None:
        self._source = source
        self._read = read
        self._lock = threading.RLock()
        self._kept: _Kept | None = None

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Read the listing to its end, then give each uri once, in the order of the listing."""
        kept = self._made(known)
        return kept.refs()

    def fetch(self, ref: ItemRef) -> RawItem:
        """The item as it was listed last; without a listing, or when its body was not kept, the source is read again.

        Raises DocumentError: the item's own, or `gone` when it is not listed.
        """
        with self._lock:
            kept = self._kept or self._made({})
            found = kept.item(ref.uri)
            if found is None and not kept.whole:
                found = self._made({}).item(ref.uri)
        if isinstance(found, RawItem):
            return found
        if found is not None:
            raise found
        raise DocumentError(
            "gone", f"source '{self._source}': {ref.uri}: is not listed any more", hint="the next run takes it out of the index"
        )

    def _made(self, known: Mapping[str, str]) -> _Kept:
        with self._lock:
            kept = _Kept(whole=not known)
            for listed in self._read(known):
                kept.add(listed, body=known.get(listed.ref.uri) != listed.ref.validator)
            self._kept = kept
            return kept


class _Kept:
    """A listing in a private database on disk."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        # An empty name is a temporary file of SQLite's own: unnamed, and gone with the connection.
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._database.close)
        self._lock = threading.Lock()
        self._run("PRAGMA journal_mode=OFF")
        self._run("BEGIN")
        self._run("CREATE TABLE kept (uri TEXT UNIQUE, ref BLOB, item BLOB)")

    def add(self, listed: Listed, *, body: bool) -> None:
        item = pickle.dumps(listed.item) if body and listed.item is not None else None
        self._run("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", _key(listed.ref.uri), pickle.dumps(listed.ref), item)

    def refs(self) -> Iterator[ItemRef]:
        last = 0
        while rows := self._run("SELECT rowid, ref FROM kept WHERE rowid > ? ORDER BY rowid LIMIT 500", last):
            for last, ref in rows:  # noqa: B007 (the next page starts after it)
                yield pickle.loads(ref)

    def item(self, uri: str) -> RawItem | DocumentError | None:
        rows = self._run("SELECT item FROM kept WHERE uri = ?", _key(uri))
        found: RawItem | DocumentError | None = pickle.loads(rows[0][0]) if rows and rows[0][0] is not None else None
        return found

    def _run(self, statement: str, *values: object) -> list[Any]:
        with self._lock, closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()


def _key(uri: str) -> bytes:
    return uri.encode("utf-8", "surrogatepass")

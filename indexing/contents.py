"""What a collection holds of each document, read from its points in one scan: light fields, never texts or vectors.

A run asks this of two collections, the live one and its candidate, and of each more than once: what differs, which versions
there are, who may read them, what readers are told of. What is remembered holds of a sealed collection for as long as one
process alone may change it; access tags, which may change in any collection, are read anew by whoever asks for those.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from sys import intern
from threading import RLock
from typing import Any

from indexing.payload import CONTEXT_CUT, SERVED, TOKENS
from indexing.protocols import Points
from sluice.access import NOBODY, AccessTags
from sluice.groups import groups
from sluice.ids import IdSum, digest, id_sum_of, version_id
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, MODIFIED

FIELDS = (
    DOCUMENT_KEY, "uri", "source", "version", "parse_fingerprint", SERVED, MODIFIED, TOKENS, CONTEXT_CUT, ACCESS_TAGS,
)  # fmt: skip

NOTES = "held"
"""The name of what is kept of it beside the points."""
MOST = 2
"""Collections that are remembered: the live one and its candidate. Who looks at more of them reads each anew."""


@dataclass(slots=True)
class Holding:
    """What a collection holds of one document; what its points say of it is that of the first, by id."""

    uri: str
    source: str
    version: str
    parse_fingerprint: str
    served: str | None
    modified: str | None
    tags: set[AccessTags]
    """Every set of tags that one of its points carries, as it was when they were read."""
    alike: bool = True
    """Whether all its points say the same of it."""
    chunks: int = 0
    tokens: int = 0
    cut: int = 0
    ids: int = 0
    """As in `ids.id_sum`."""

    @property
    def id_sum(self) -> IdSum:
        """What stands for the ids of its chunks."""
        return self.chunks, self.ids

    def is_copy_of(self, other: Holding | None) -> bool:
        """Whether both are of the same chunks, whose points say the same of the document, whoever may read it."""
        return other is not None and self.alike and other.alike and self._said() == other._said()

    def _said(self) -> tuple[object, ...]:
        return self.version, self.parse_fingerprint, self.served, self.modified, self.chunks, self.tokens, self.cut, self.ids


Holdings = Mapping[str, Holding]
"""By document key."""


def holdings(points: Points, collection: str, documents: Collection[str] | None = None) -> dict[str, Holding]:
    """One scan of light fields: of all points, or of those of these documents."""
    found: dict[str, Holding] = {}
    tag_sets: dict[tuple[str, ...], tuple[AccessTags, set[AccessTags]]] = {}  # one copy of each, however many documents
    for point in points.scan(collection, FIELDS, documents=documents):
        payload = point.payload
        key = payload[DOCUMENT_KEY]
        carried = tuple(payload.get(ACCESS_TAGS) or ())
        if (known := tag_sets.get(carried)) is None:
            tags = AccessTags(carried)
            known = tag_sets[carried] = (tags, {tags})
        holding = found.get(key)
        if holding is None:
            holding = found[intern(key)] = _first(payload, known[1])
        else:
            if holding.tags is not known[1] and known[0] not in holding.tags:
                holding.tags = holding.tags | known[1]  # another set: the one that others share stays as it is
            if holding.alike and not _says_the_same(holding, payload):
                holding.alike = False
        holding.chunks += 1
        holding.tokens += int(payload.get(TOKENS) or 0)
        holding.cut += bool(payload.get(CONTEXT_CUT))
        holding.ids ^= int(point.id.replace("-", ""), 16)
    return found


def _first(payload: Mapping[str, Any], tags: set[AccessTags]) -> Holding:
    """Equal strings are one: the live collection and its candidate hold nearly the same."""
    said = (payload.get(name) for name in ("uri", "source", "version", "parse_fingerprint"))
    uri, source, version, parsed = (intern(str(value or "")) for value in said)
    served, modified = payload.get(SERVED), payload.get(MODIFIED)
    return Holding(uri, source, version, parsed, served and intern(served), modified and intern(modified), tags)


def _says_the_same(holding: Holding, payload: Mapping[str, Any]) -> bool:
    return (
        payload.get(SERVED) == holding.served
        and payload.get(MODIFIED) == holding.modified
        and payload.get("version") == holding.version
        and payload.get("parse_fingerprint") == holding.parse_fingerprint
    )


@dataclass(frozen=True, slots=True)
class VersionsHeld(Mapping[str, str]):
    """Document key → version id, of what a collection holds; worked out when asked, for most are never asked for."""

    held: Holdings

    def __getitem__(self, key: str) -> str:
        found = self.held[key]
        return version_id(key, found.version, found.parse_fingerprint)

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


class Contents:
    """What collections hold; within `remembered` each is read once. Threads may share it."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self._lock = RLock()
        self._time, self._times = 0, itertools.count(1)
        """Which `remembered` this is, 0: none. What was read in another one is not what is there now."""
        self._known: dict[str, Holdings] = {}
        self._with_tags = set[str]()

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """For who alone changes collections (a holder of the lease), and asks this of sealed ones only."""
        with self._lock:
            self._time = next(self._times)
        try:
            yield
        finally:
            with self._lock:
                self._time = 0
                self._known.clear()
                self._with_tags.clear()

    def of(self, collection: str) -> Holdings:
        """All but the tags (which may be there, as they were once): as it was read before, by this process or by one that kept
        what it read beside the points, or is read now. Who waits for another thread's reading is given that.
        """
        with self._lock:
            return self._believed(collection) or self.now(collection)

    def _believed(self, collection: str) -> Holdings | None:
        if (known := self._known.get(collection)) is not None:
            return known
        found = unpacked(kept) if (kept := self._points.notes(collection, NOTES)) is not None else None
        if found is not None:
            self._remember(collection, found, with_tags=False)
        return found

    def cloned(self, base: str, clone: str, *, without: Collection[str], written: Collection[str]) -> None:
        """Believe of a clone that it holds what its base does, but for documents whose points were removed or written; only
        these are read. Nothing is believed where a store keeps no notes: it could not tell whether it is so.
        """
        if self._points.notes(base, NOTES) is None:
            return
        gone = frozenset(without)
        found = {key: held for key, held in self.of(base).items() if key not in gone}
        found |= holdings(self._points, clone, written)
        with self._lock:
            self._remember(clone, found, with_tags=False)

    def agree(self, collection: str, tags: Mapping[str, AccessTags], texts: Mapping[str, tuple[str, str]]) -> bool:
        """Whether the points that are believed to be there are there, with these tags (by document key; else nobody's), as far
        as the store can tell without reading them, and are of no other texts than these. That is remembered then as if they had
        been read.
        """
        with self._lock:
            believed = self._believed(collection)
            if believed is None:
                return False
            sums: dict[AccessTags, IdSum] = {}
            for key, held in believed.items():
                if key in texts and texts[key] != (held.version, held.parse_fingerprint):
                    return False
                wanted = tags.get(key, NOBODY)
                sums[wanted] = id_sum_of(sums.get(wanted, (0, 0)), held.id_sum)
            if not self._points.holds(collection, sums):
                return False
            now = {wanted: {wanted} for wanted in sums}
            found = {key: replace(held, tags=now[tags.get(key, NOBODY)]) for key, held in believed.items()}
            self._read(collection, found, self._time)
            return True

    def whole(self, collection: str) -> Holdings:
        """With the tags that its points carry, which nobody has changed since it was read."""
        with self._lock:
            known = self.known(collection)
            return self.now(collection) if known is None else known

    def known(self, collection: str) -> Holdings | None:
        """As it was read, or found to agree, in this `remembered`; None where it was not."""
        with self._lock:
            return self._known[collection] if collection in self._with_tags else None

    def changed(self, collection: str) -> None:
        """The tags that are remembered of it do not hold any more."""
        with self._lock:
            self._with_tags.discard(collection)

    def now(self, collection: str) -> Holdings:
        """As it is read now: with the tags that its points carry."""
        time = self._time
        found = holdings(self._points, collection)
        with self._lock:
            self._read(collection, found, time)
        return found

    def _read(self, collection: str, found: Holdings, time: int) -> None:
        if time and time == self._time:
            self._remember(collection, found, with_tags=True)
            self._points.note(collection, NOTES, packed(found))

    def _remember(self, collection: str, found: Holdings, *, with_tags: bool) -> None:
        if not self._time:
            return
        self._known.pop(collection, None)
        self._known[collection] = found
        (self._with_tags.add if with_tags else self._with_tags.discard)(collection)
        if len(self._known) > MOST:
            first = next(iter(self._known))
            del self._known[first]
            self._with_tags.discard(first)


def ids_root(found: Holdings) -> str:
    """Stands for which chunks a collection holds of each document, whoever may read them."""
    return digest("ids", "\n".join(sorted(f"{key} {held.chunks} {held.ids:x}" for key, held in found.items())))


_COLUMNS = ("uri", "source", "version", "parse_fingerprint", "served", "modified", "alike", "chunks", "tokens", "cut")
FORM = 2
"""Raised with every change of what is packed."""
PACKED_AT_ONCE = 5_000
"""Documents of a line: as one text, those of a large collection are several times what is packed."""


def packed(found: Holdings) -> bytes:
    """All but the tags, to be kept beside the points, as JSON Lines: how many there are, then 250 bytes a document."""
    lines = [json.dumps({"form": FORM, "documents": len(found)}).encode()]
    for part in groups(found.items(), PACKED_AT_ONCE):
        columns: dict[str, Any] = {name: [getattr(held, name) for _, held in part] for name in _COLUMNS}
        columns |= {"key": [key for key, _ in part], "ids": [f"{held.ids:x}" for _, held in part]}
        lines.append(json.dumps(columns, separators=(",", ":")).encode())
    return b"\n".join(lines)


def unpacked(notes: bytes) -> dict[str, Holding] | None:
    """What was packed, without tags; None where another version packed it, or it is not whole."""
    found, nobody = dict[str, Holding](), set[AccessTags]()  # one for all: where tags are read, others take its place
    try:
        lines = io.BytesIO(notes)
        head = json.loads(next(lines, b""))
        if head["form"] != FORM:
            return None
        for line in lines:
            kept = json.loads(line)
            rows = zip(*(kept[name] for name in (*_COLUMNS, "ids", "key")), strict=True)
            for uri, source, version, parsed, served, modified, alike, chunks, tokens, cut, ids, key in rows:
                found[intern(key)] = Holding(
                    intern(uri),
                    intern(source),
                    intern(version),
                    intern(parsed),
                    served and intern(served),
                    modified and intern(modified),
                    nobody,
                    alike,
                    chunks,
                    tokens,
                    cut,
                    int(ids, 16),
                )
        return found if len(found) == head["documents"] else None
    except (ValueError, KeyError, TypeError):
        return None

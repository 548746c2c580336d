"""The embedded vector store: Qdrant's own engine in the process, one folder a collection.

Many processes search while one writes. A build writes into a collection of its own, which nobody else reads before it is
sealed: when an alias comes to name it, or the store is closed. Sealed points are never written again. Changed access tags
lie beside them as an overlay, which every search heeds, until there are so many that a copy with the tags written into
its points takes their place; removing documents (an erasure) writes the points anew, so that no byte of them stays.
Aliases are one file, replaced whole. `docs/adr/0007-embedded-vectors.md` has why.

Over 300 lines: it implements every method of one Protocol; what is below it is in the other modules of this room.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from qdrant_edge import Filter

from sluice.access import NOBODY, AccessTags
from sluice.ahead import read_ahead
from sluice.display import counted
from sluice.errors import IndexBusy, IntegrityError, ReleaseError
from sluice.groups import batches
from sluice.ids import IdSum, id_sum_of
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, Filters, Point, ScoredPoint, StoredPoint, VectorQuery
from stores import private
from stores.edge import files, making, mapped, search, shards, writing
from stores.edge.errors import translated
from stores.edge.queries import any_of
from stores.edge.reading import Reader, View, busy
from stores.edge.writing import Writer
from stores.features import Feature, embedded
from stores.locks import FileLock
from stores.ranked import Ranked
from stores.ranking import Wanted

T = TypeVar("T")

Page = tuple[list[StoredPoint], search.PointId | None]
"""Points, and where the next page starts."""

UPSERT_BATCH = 256
MANY_TAGS = 4
"""Tags a point above which points are read, and not asked for by tag: to list an id takes a fifth of reading its point."""
MANY_LISTS = 32
"""Different tags above which the same holds: each is a list of its own."""
OVERLAY_LIMIT = 1000
"""Documents with tags beside their points; 1,000 of them cost a filtered search about 1 ms."""


class EdgeStore(Ranked):
    """Collections, aliases, points and search below a folder. Nothing is opened before it is used; threads may share it.

    Points become finished segments by `segment_points`, in what is created from here on.
    """

    def __init__(self, path: Path, *, wait_s: float = 30, segment_points: int = shards.SEGMENT_POINTS) -> None:
        self._path, self._wait_s, self._segment = Path(path).absolute(), wait_s, segment_points
        self._collections = self._path / "collections"
        self._lock = threading.RLock()
        self._ready = False
        self._writers: dict[str, Writer] = {}
        self._reader = Reader(self._collections, self._recover, wait_s)

    @property
    def embedded(self) -> bool:
        """Whether the store lives in this process."""
        return True

    def close(self) -> None:
        """Seal what this process was writing and let go of all files; the next use opens again."""
        with self._lock:
            for name in list(self._writers):
                self._seal(name)
            self._reader.close()

    # ── collections ──────────────────────────────────────────────────────────────────────────────────────────────

    def create(self, collection: str, *, dimension: int, sparse: bool) -> None:
        """Create with its payload indexes; no error when it exists with this shape, IntegrityError with another."""
        with self._exclusive("creating", collection):
            folder = self._folder(collection)
            if folder.exists():
                self._same_shape(collection, dimension, sparse)
                return
            self._writers[folder.name] = making.created(folder, dimension, sparse=sparse, segment=self._segment)

    def _same_shape(self, collection: str, dimension: int, sparse: bool) -> None:
        state = files.read_state(self._folder(collection))[1]
        if (state.dimension, state.sparse) != (dimension, sparse):
            raise IntegrityError(
                f"collection {collection} exists with another shape: dimension {state.dimension} and sparse {state.sparse}, "
                f"not {dimension} and {sparse}",
                hint="it was not made by this configuration; remove it or choose another index name",
            )

    def clone(self, source: str, target: str) -> None:
        """A collection with the same points, tags and shape, to be changed apart from it: whole, or not there at all."""
        self._settled(source)
        with self._exclusive("cloning", source):
            name, folder = self._existing(source), self._folder(target)
            if folder.exists():
                raise ReleaseError(f"collection {target} exists already", hint="drop it, or choose another name")
            self._seal(name)
            self._writers[folder.name] = making.cloned(folder, self._collections / name, lambda: self._reader.view(name))

    def describe(self) -> str:
        """What there is, for `sluice doctor`; opens every collection, so that a damaged one is an IntegrityError."""
        with translated(self._path, "looking at"):
            aliases, names = self.read(), self.names()
            for name in names:
                state = files.read_state(self._folder(name))[1]
                if not state.writing:
                    self._reader.view(self._folder(name).name)
            there = f"{counted(len(names), 'collection')}, {counted(len(aliases), 'alias')}"
            return f"{there}; clones by a copy of files; search is exact"

    def settle(self, collection: str) -> None:
        """Nothing to wait for: search is exact."""

    def features(self) -> list[Feature]:
        """What is lost without a server; everything else is there."""
        return embedded("qdrant", "embedded: this machine's processes")

    def names(self) -> list[str]:
        """Every collection of the store, sorted."""
        self._begin()
        return sorted(unquote(entry.name) for entry in self._collections.iterdir() if not entry.name.startswith("."))

    def tidy(self) -> None:
        """Remove what a process was killed in taking away."""
        with self._exclusive("tidying"):
            pass  # whoever comes through that door does it

    def drop(self, collection: str) -> None:
        """Remove a collection and its points; no error when there is none."""
        with self._exclusive("removing", collection):
            folder = self._folder(collection)
            writer = self._writers.pop(folder.name, None)
            if writer is not None:
                writer.abandon()
            self._reader.forget(folder.name)
            if not folder.exists():
                return
            with FileLock(folder / files.LOCK) as lock:
                if not lock.acquire():
                    raise busy(folder, 0)
                left = {alias: name for alias, name in self.read().items() if name != collection}
                if left != self.read():
                    self._write_aliases(left)
                files.remove(folder)

    # ── aliases ──────────────────────────────────────────────────────────────────────────────────────────────────

    def read(self) -> dict[str, str]:
        """Alias to collection, all of them."""
        self._begin()
        file = self._path / "aliases.json"
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return {str(alias): str(collection) for alias, collection in json.loads(content).items()}
        except (ValueError, AttributeError):
            raise IntegrityError(
                f"the aliases of the embedded vector store are damaged: {file} is not readable ({len(content)} bytes)",
                hint="restore it from a backup; or remove it and run again: a release is built and goes live through its gates",
            ) from None

    def switch(self, changes: Mapping[str, str | None]) -> None:
        """Point aliases to collections (None removes the alias): all at once, or none."""
        if not changes:
            return
        with self._exclusive("switching aliases"):
            for name in sorted({name for name in changes.values() if name is not None}):
                self._seal(self._existing(name, alias=False))
            before = self.read()
            after = {alias: name for alias, name in {**before, **changes}.items() if name is not None}
            if after != before:
                self._write_aliases(after)

    def _write_aliases(self, aliases: Mapping[str, str]) -> None:
        private.replace(self._path / "aliases.json", json.dumps(dict(sorted(aliases.items()))).encode())

    # ── points ───────────────────────────────────────────────────────────────────────────────────────────────────

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Durable when it returns; idempotent; in batches of 256, each of which is refused whole or stored."""
        if not points:
            return
        with translated(self._path, "writing points to", collection):
            writer = self._writer(collection)
            for start in range(0, len(points), UPSERT_BATCH):
                private.room_for(self._path, 0)
                writer.upsert(points[start : start + UPSERT_BATCH])

    def set_tags(self, collection: str, tags: AccessTags, document_keys: Iterable[str]) -> None:
        """Replace the access tags of every point of these documents; holds for every process's next answer, and durable."""
        self.retag(collection, dict.fromkeys(document_keys, tags))

    def retag(self, collection: str, wanted: Mapping[str, AccessTags]) -> None:
        """The same for documents of different tags, all at once: one change of the collection, however many."""
        self._settled(collection)
        with self._exclusive("changing access tags in", collection):
            name = self._existing(collection)
            if name in self._writers:
                self._writers[name].set_tags(wanted)
                return
            view = self._reader.view(name)
            changed = self._with_other_tags(view, wanted)
            if not changed:
                return
            overlay = {**view.overlay, **{key: wanted[key] for key in changed}}
            folder, generation = self._collections / name, view.state.generation + 1
            files.write_overlay(folder, generation, overlay)
            state = replace(view.state, overlay=generation, generation=generation)
            files.write_state(folder, state)
            if len(overlay) > OVERLAY_LIMIT:
                writer = writing.reopen(folder, state, self._held(folder))
                self._reader.adopt(folder, writer.seal(), writer.shard)

    @staticmethod
    def _with_other_tags(view: View, wanted: Mapping[str, AccessTags]) -> set[str]:
        """Those of the documents that are there and carry other tags."""
        found: set[str] = set()
        for part in batches(sorted(wanted), shards.BATCH):
            for record in shards.records(
                view.shard, Filter(must=[any_of(DOCUMENT_KEY, part)]), [DOCUMENT_KEY, ACCESS_TAGS], False
            ):
                payload = record.payload or {}
                key = str(payload[DOCUMENT_KEY])
                held = view.overlay[key] == wanted[key] if key in view.overlay else shards.same_tags(payload, wanted[key])
                if not held:
                    found.add(key)
        return found

    def delete(self, collection: str, document_keys: Iterable[str]) -> None:
        """Remove every point of these documents; durable when it returns; no error where there is none.

        From what is being built, in place. From a sealed collection, by writing it anew: no byte of them stays in its
        files, nor of what was replaced before.
        """
        keys = sorted(set(document_keys))
        self._settled(collection)
        with self._exclusive("removing documents from", collection):
            name = self._existing(collection)
            if name in self._writers:
                self._writers[name].delete(keys)
            elif keys:
                view = self._reader.view(name)
                there = any(True for _ in shards.records(view.shard, Filter(must=[any_of(DOCUMENT_KEY, keys)]), False, False))
                folder = self._collections / name
                with self._held(folder):
                    if there or view.state.dead:
                        state, shard = writing.renew(folder, view.state, without=keys, shard=view.shard)
                        self._reader.adopt(folder, state, shard)
                    else:
                        files.sweep(folder, view.state)  # what is left of them where a process was killed that removed them

    def scan(
        self,
        collection: str,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        """Every point once, ordered by id, with these payload fields; with `readable_by`, only those its filter admits; with
        `documents`, only theirs, ordered within each 50 of these.
        """
        with translated(self._path, "reading", collection):
            name = unquote(self._existing(collection))
            if readable_by is not None and not readable_by:
                return
            bound = mapped.Bound(self._collections) if fields or vectors else None
            for part in (None,) if documents is None else batches(sorted(set(documents)), shards.READ_DOCUMENTS):
                yield from self._points(partial(self._page, name, fields, vectors, readable_by, part), bound)
            if bound is not None:
                bound.keep(mapped.LITTLE)

    @staticmethod
    def _points(read: Callable[[search.PointId | None], Page], bound: mapped.Bound | None) -> Iterator[StoredPoint]:
        """What is read in pages, each while the one before it is looked at."""
        first, after = read(None)
        for page in itertools.chain([first], read_ahead(_pages(read, after)) if after is not None else ()):
            yield from page
            if bound is not None:
                bound.keep()

    def _page(
        self,
        name: str,
        fields: Sequence[str],
        vectors: bool,
        readable_by: AccessTags | None,
        documents: Sequence[str] | None,
        start: search.PointId | None,
    ) -> Page:
        return self._read(name, partial(search.page, start, fields, vectors, readable_by, documents))

    def holds(self, collection: str, expected: Mapping[AccessTags, IdSum]) -> bool:
        """By ids and the filters that searches use, a fifth of the time that reading the points takes; False where each carries
        so many tags that this is no shorter.
        """
        with translated(self._path, "comparing", collection):
            by_tag: dict[str | None, IdSum] = dict.fromkeys(self._read(collection, search.tags_of), (0, 0))
            by_tag[None] = expected.get(NOBODY, (0, 0))
            for tags, ids in expected.items():
                for tag in tags:
                    by_tag[tag] = id_sum_of(by_tag.get(tag, (0, 0)), ids)
            count = sum(count for count, _ in expected.values())
            listed = sum(count for count, _ in by_tag.values())
            if len(by_tag) > MANY_LISTS or listed > MANY_TAGS * count:
                return False
            tags_there, bound = [tag for tag in by_tag if tag is not None], mapped.Bound(self._collections)
            found = self._read(collection, partial(search.id_sums, tags=tags_there))
            bound.keep(mapped.LITTLE)
            return by_tag == found

    def note(self, collection: str, name: str, notes: bytes) -> None:
        """Keep this beside sealed points until others take their place; where there is no room for it, not."""
        folder = self._collections / self._existing(collection)
        with suppress(OSError):
            files.write_notes(folder, name, notes)

    def notes(self, collection: str, name: str) -> bytes | None:
        """What was kept beside the points that hold now."""
        return files.read_notes(self._collections / self._existing(collection), name)

    def count(self, collection: str) -> int:
        """How many points there are; of a sealed collection without opening it: its files are as they were noted then."""
        with translated(self._path, "counting the points of", collection):
            name = self._existing(collection)
            if name not in self._writers:
                sealed = files.sealed_points(self._collections / name)
                if sealed is not None:
                    return sealed
            return self._read(collection, lambda view: shards.counted(view.shard))

    # ── search ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _ranked(
        self, collection: str, query: VectorQuery, tags: AccessTags, wanted: Sequence[Wanted], filters: Filters
    ) -> list[list[ScoredPoint]]:
        with translated(self._path, "searching", collection):
            if not tags or all(each.k < 1 for each in wanted):
                self._existing(collection)
                return [[] for _ in wanted]
            return self._read(collection, partial(search.ranked, query, tags, wanted, filters))

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        """Every point with one of these texts that `tags` may read, by id, at most `COPIES`; empty without tags or texts."""
        if not tags or not texts:
            return []
        with translated(self._path, "reading", collection):
            return self._read(collection, partial(search.with_texts, texts, tags, filters, fields))

    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, collection: str, work: Callable[[View], T]) -> T:
        """The result of this work; what an alias named a moment ago may have been dropped since."""
        tried = ""
        while True:
            name = self._existing(collection)
            writer = self._writers.get(name)
            if writer is not None:
                return writer.read(work)
            try:
                return self._reader.read(name, work)
            except FileNotFoundError:
                if name == tried:
                    raise
                tried = name

    def _existing(self, collection: str, *, alias: bool = True) -> str:
        """The folder's name of a collection, or of what an alias of this name points to."""
        named = self.read().get(collection, collection) if alias else collection
        folder = self._folder(named)
        if not folder.is_dir():
            raise ReleaseError(f"there is no collection {collection}", hint="sluice releases lists what can be searched")
        return folder.name

    def _folder(self, collection: str) -> Path:
        self._begin()
        name = quote(collection, safe="")
        return self._collections / (name if not name.startswith(".") else f"%2E{name[1:]}")

    def _writer(self, collection: str) -> Writer:
        """The one that writes into this collection; a sealed one is opened again, as a copy."""
        name = self._existing(collection)
        if name not in self._writers:
            self._reader.view(name)  # waits for another process, outside the lock that it needs to end
            with self._exclusive("writing to", collection):
                if name not in self._writers:
                    folder, state = self._collections / name, self._reader.view(name).state
                    self._writers[name] = writing.reopen(folder, state, self._held(folder))
                    self._reader.forget(name)
        return self._writers[name]

    def _seal(self, name: str) -> None:
        writer = self._writers.get(name)
        if writer is not None:
            self._reader.adopt(writer.folder, writer.seal(), writer.shard)
            del self._writers[name]

    def _recover(self, folder: Path) -> bool:
        """Put in order what a killed process left half-written; False when the process lives."""
        with FileLock(folder / files.LOCK, create=False) as lock:
            if not lock.acquire():
                return False
            state = files.read_state(folder)[1]
            if state.writing:
                writing.renew(folder, state)[1].close()
            return True

    def _held(self, folder: Path) -> FileLock:
        """The lock of a collection that nobody writes into."""
        lock = FileLock(folder / files.LOCK, create=False)
        if not lock.acquire():
            lock.close()
            raise busy(folder, self._wait_s)
        return lock

    def _settled(self, collection: str) -> None:
        """Wait for another process that writes into a collection, before a lock is taken that it needs to end."""
        name = self._existing(collection)
        if name not in self._writers and files.read_state(self._collections / name)[1].writing:
            self._reader.view(name)

    @contextmanager
    def _exclusive(self, doing: str, collection: str = "") -> Iterator[None]:
        """This thread alone changes which collections there are, their tags and aliases."""
        with translated(self._path, doing, collection), self._lock:
            self._begin()
            with FileLock(self._path / "store.lock") as lock:
                if not lock.acquire(wait_s=self._wait_s):
                    raise IndexBusy(
                        f"the embedded vector store {self._path} is being changed by {lock.read() or 'another process'} "
                        f"(waited {self._wait_s:g} s)",
                        hint="try again when that has ended, or raise stores.qdrant.wait_s",
                    )
                lock.write(f"process {os.getpid()}")
                files.clear(self._collections)
                yield

    def _begin(self) -> None:
        if self._ready:
            return
        with self._lock:
            if not self._ready:
                private.protect(self._path)
                private.make(self._collections)
                if (self._path / "meta.json").exists():
                    self._take_over()
                self._ready = True

    def _take_over(self) -> None:
        """A store of the old kind becomes one of this kind, once."""
        from stores.edge import takeover  # it needs qdrant-client, which is half a second

        def write(name: str, dimension: int, sparse: bool, batches: Iterator[list[Point]]) -> None:
            folder = self._collections / quote(name, safe="")
            files.discard(folder)
            writer = making.created(folder, dimension, sparse=sparse)
            for batch in batches:
                writer.upsert(batch)
            writer.seal()

        with FileLock(self._path / "store.lock") as lock:
            if not lock.acquire(wait_s=self._wait_s):
                raise busy(self._path, self._wait_s)
            if takeover.is_old(self._path):  # and no other process was faster
                takeover.take_over(self._path, write, self._write_aliases)


def _pages(read: Callable[[search.PointId | None], Page], start: search.PointId | None) -> Iterator[list[StoredPoint]]:
    """The pages from this id on."""
    while start is not None:
        page, start = read(start)
        yield page

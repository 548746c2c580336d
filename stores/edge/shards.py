"""One shard of Qdrant Edge, a folder of points: how it is made, opened, filled and read.

Points are appended to one segment, whose payload indexes lie in memory (0.9 GB for 1.1 million points, in every process that
opens it). So appended ones become a segment of their own from time to time, which is not written any more: its indexes are read
where they lie, as its vectors are (8 MB of memory for the same points), and segments are searched on all cores.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

from qdrant_edge import (
    CountRequest,
    DatetimeIndexParams,
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    Filter,
    HnswIndexConfig,
    KeywordIndexParams,
    Memory,
    Modifier,
    Point,
    Record,
    ScrollRequest,
    UpdateOperation,
)

from sluice.access import AccessTags
from sluice.errors import IntegrityError
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, LANGUAGE, MODIFIED, SOURCE, TEXT_ID
from stores import private
from stores.edge import mapped, memory
from stores.edge.files import State, damaged, sizes, whole
from stores.edge.queries import DENSE, SPARSE, Overlay, any_of
from stores.scratch import scratch

PAGE = 1000
READ_DOCUMENTS = 50
"""Documents whose points are asked for at once. Points come by id, which is in no order, and each brings 64 KB of the files
around it into memory: of a few documents, whose points may lie side by side, others of them are there by then."""
ID_PAGE = 10_000
BATCH = 500
SEGMENT_POINTS = 100_000
"""Making a segment of so many takes 4 to 6 s, in which nothing else of the process gets on."""

NEVER = 1 << 62
"""In the place of that for collections with sparse vectors: with sparse indexes that are read from the disk, as those of finished
segments are, changed points ranked otherwise than in a build from nothing (seen with 0.9.0). They stay one segment."""

_KEYWORDS = (ACCESS_TAGS, DOCUMENT_KEY, SOURCE, LANGUAGE, TEXT_ID)
_MANY = 1_000_000
_APPENDED, _FINISHED = "vectors/chunk_*.mmap", "matrix.dat"
"""Where the vectors of a segment lie."""
_ONLY_READ = (_FINISHED, "page_*.dat", "*.bin")
"""Vectors, payloads and payload indexes of a finished segment: that something was removed or moved on is noted in other files."""
_BARRED = re.compile(rf"os error ({errno.EACCES}|{errno.EPERM}|{errno.EROFS}|{errno.ENOSPC}|{errno.EMFILE})\b")
"""What the engine says where files are whole and may not be opened."""
_NO_GRAPH = HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=1_000_000_000, max_indexing_threads=1)
"""Search is exact (ADR 7): a segment has a place for a graph, and none is built."""


def segment_of(state: State, points: int = SEGMENT_POINTS) -> int:
    """How many points are appended before they become a segment of their own: as its collection says, else so many."""
    return state.segment or (NEVER if state.sparse else points)


def create_shard(path: Path, state: State) -> EdgeShard:
    """An empty shard with its payload indexes, in a folder that does not exist; `private.sync_tree` makes it durable.

    Without its write-ahead log, which is also the lock that would let only one process look: what a flush (3 ms a batch
    of 256) has returned for is durable. Made where files are memory, and copied: the engine syncs the disk some 50 times
    while it makes one, 0.1 s where the disk is idle and 1 s where it is not. Vectors are read when they are asked for: opening
    it would otherwise take all of them into this process, also for who only reads payloads. Searching them is as fast.
    """
    memory.need(memory.MAKING_BYTES, "making a collection of the embedded vector store")
    private.make(path.parent)
    with memory.not_for_ever():
        _make(path, state)
        return EdgeShard.load(str(path))


def _make(path: Path, state: State) -> None:
    with scratch(path.parent) as making:
        shard = EdgeShard.create(
            str(making),
            EdgeConfig(
                vectors={DENSE: EdgeVectorParams(size=state.dimension, distance=Distance.Dot, memory=Memory.Cold)},
                sparse_vectors={SPARSE: EdgeSparseVectorParams(modifier=Modifier.Idf)} if state.sparse else None,
                hnsw_config=_NO_GRAPH,
                # Of any size; merged, and written anew for what was removed, by `compact` only.
                optimizers=EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=_MANY, deleted_threshold=1),
                id_tracker_memory=Memory.Cold,
                wal_enabled=False,
            ),
        )
        for field in _KEYWORDS:
            together = field == ACCESS_TAGS or None  # in a finished segment, the points of the same readers lie side by side
            kind = KeywordIndexParams(memory=Memory.Cold, is_tenant=together)
            shard.update(UpdateOperation.create_field_index(field, kind))
        shard.update(UpdateOperation.create_field_index(MODIFIED, DatetimeIndexParams(memory=Memory.Cold)))
        shard.flush()
        shard.close()
        private.copy(making, path)


def copy_shard(source: Path, target: Path) -> None:
    """A sealed shard in a place where nothing is, to be changed apart from it. What the engine only reads of finished segments is
    the same files in both: 19 of 20 bytes.
    """
    private.copy(source, target, shared=only_read)


def only_read(file: Path) -> bool:
    """Whether the engine never writes this file of a shard again."""
    if not any(fnmatch(file.name, pattern) for pattern in _ONLY_READ):
        return False
    segment = next((above for above in file.parents if above.parent.name == "segments"), None)
    return segment is not None and (segment / "id_tracker.i2e").exists()


def appended(path: Path) -> int:
    """How many points were written to no finished segment, moved and replaced ones too: by the 8 bytes that the engine keeps of
    each in a file. What it says of itself counts vectors, of which a point of a hybrid collection has two, and no moved ones.
    """
    return sum(file.stat().st_size // 8 for file in path.glob("segments/*/mutable_id_tracker.versions"))


def tidied(shard: EdgeShard, path: Path, state: State) -> EdgeShard:
    """The same points, flushed, to be written no more for a while: appended ones in a segment of their own where they are worth
    one.
    """
    return finished(shard, path) if state.segment and appended(path) >= max(state.segment // 2, 1) else shard


def finished(shard: EdgeShard, path: Path) -> EdgeShard:
    """The same points, those that were appended in a segment that is not written any more; flushed. The one given is closed.

    It is opened anew and memory that is free given back, for the engine keeps what making a segment took (0.2 GB) otherwise.
    """
    shard.optimize()
    shard.flush()
    shard.close()
    del shard
    with suppress(OSError, AttributeError):  # no GNU C library: it gives memory back by itself
        ctypes.CDLL(None).malloc_trim(0)
    return EdgeShard.load(str(path))


def open_shard(folder: Path, number: int) -> EdgeShard:
    """FileNotFoundError when a newer state has taken over, IntegrityError when it is damaged."""
    path = folder / str(number)
    if not path.is_dir():
        raise FileNotFoundError(path)
    try:
        whole(folder, number)
        memory.need(memory.OPENING_BYTES, "opening a collection of the embedded vector store")
        shard = EdgeShard.load(str(path))
        vectors = [file for form in (_APPENDED, _FINISHED) for file in path.glob(f"segments/*/vector_storage-dense/{form}")]
        if len(vectors) > 1:
            mapped.let_go(folder)  # to open a large collection reads a tenth of it
        mapped.wanted_soon(vectors)
        return shard
    except (KeyboardInterrupt, SystemExit, IntegrityError, MemoryError):
        raise
    except BaseException as error:  # the engine raises Exception, and where it panics a BaseException
        if not path.is_dir():
            raise FileNotFoundError(path) from None
        if memory.lacks(str(error)):
            raise MemoryError(f"opening a collection of the embedded vector store: {str(error)[:200]}") from error
        if barred := _BARRED.search(str(error)):  # the engine writes where it opens, also for who only reads
            raise OSError(int(barred[1]), os.strerror(int(barred[1])), str(path)) from error
        raise damaged(folder, f"its points in {number}/ cannot be opened ({str(error)[:200]})") from None


def settled(folder: Path, number: int) -> EdgeShard:
    """A flushed shard as every process will find it, and its files noted.

    The first to open a shard that was written takes its journals in; the files stay as they are from then on.
    """
    shard = open_shard(folder, number)
    private.replace(folder / f"files-{number}.json", json.dumps(sizes(folder / str(number))).encode())
    return shard


def counted(shard: EdgeShard) -> int:
    """How many points a shard holds."""
    return int(shard.count(CountRequest(exact=True)))


def records(
    shard: EdgeShard, filter: Filter | None = None, fields: list[str] | bool = True, vectors: list[str] | bool = True
) -> Iterator[Record]:
    """Every point, or those that a filter admits, ordered by id."""
    offset = None
    while True:
        page, offset = shard.scroll(
            ScrollRequest(limit=PAGE, offset=offset, filter=filter, with_payload=fields, with_vector=vectors)
        )
        yield from page
        if offset is None:
            return


def rewrite(shard: EdgeShard, path: Path, state: State, overlay: Overlay, without: Collection[str] = ()) -> EdgeShard:
    """The same points in a new folder, nothing else in it: current tags, and no byte of these documents; flushed."""
    gone = frozenset(without)
    fresh = create_shard(path, state)
    batch: list[Point] = []
    waiting, bound = 0, mapped.Bound(path.parent)
    for record in records(shard):
        payload = dict(record.payload or {})
        key = str(payload.get(DOCUMENT_KEY))
        if key in gone:
            continue
        if key in overlay:
            payload[ACCESS_TAGS] = sorted(overlay[key])
        batch.append(Point(id=record.id, vector=record.vector or {}, payload=payload))
        if len(batch) == PAGE:
            fresh.update(UpdateOperation.upsert_points(batch))
            waiting, batch = waiting + PAGE, []
            bound.keep()
            if waiting >= state.segment:
                fresh, waiting = finished(fresh, path), 0
    if batch:
        fresh.update(UpdateOperation.upsert_points(batch))
    fresh.flush()
    return tidied(fresh, path, state)


def write_tags(shard: EdgeShard, overlay: Overlay) -> None:
    """Put the tags of these documents into their points; flushed."""
    groups: dict[AccessTags, list[str]] = {}
    for key, tags in overlay.items():
        groups.setdefault(tags, []).append(key)
    for tags, keys in groups.items():
        for start in range(0, len(keys), BATCH):
            of_these = Filter(must=[any_of(DOCUMENT_KEY, keys[start : start + BATCH])])
            shard.update(UpdateOperation.set_payload_by_filter(of_these, {ACCESS_TAGS: sorted(tags)}))
    if groups:
        shard.flush()


def same_tags(seen: Mapping[str, object], tags: AccessTags) -> bool:
    """Whether a point's payload carries exactly these tags."""
    held = seen.get(ACCESS_TAGS)
    return isinstance(held, list) and held == sorted(tags)

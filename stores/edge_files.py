"""What a collection of the embedded vector store is on disk.

    NAME/state.json      what holds now, replaced whole: which folder of points, which overlay, of what shape
    NAME/overlay-7.json  tags changed since those points were written: document key -> tags; never changed itself
    NAME/3/              the points: a shard of Qdrant Edge
    NAME/files-3.json    its files and their sizes when it was sealed: a truncated one opens, and holds fewer points
    NAME/notes-3         what somebody read from these points and keeps beside them; nobody misses it
    NAME/write.lock      held for as long as a process writes into the points

A folder of points is written by one process and never again once `writing` is false: Qdrant Edge rewrites headers of its
files when a shard is closed, also one that was only read, so that a reader would undo what a writer did meanwhile (seen
with 0.9.0); and a process killed between two flushes leaves payloads and payload indexes that disagree.

Over 300 lines: every file of a collection, and each way in which one is written, read and removed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    Filter,
    Memory,
    Modifier,
    PayloadSchemaType,
    Point,
    Record,
    ScrollRequest,
    UpdateOperation,
)

from sluice.access import AccessTags
from sluice.errors import IntegrityError
from sluice.points import ACCESS_TAGS, DOCUMENT_KEY, LANGUAGE, MODIFIED, SOURCE, TEXT_ID
from stores import edge_memory, mapped, private
from stores.edge_queries import DENSE, SPARSE, Overlay, any_of
from stores.scratch import scratch

PAGE = 1000
MAPPED_PAGES = 5
"""Pages read, or batches written, after which the files that were touched are let go of (2 ms): points come by id, which is in no
order, so that a page touches its size many times over."""
BATCH = 500
LOCK = "write.lock"
GONE = ".gone-"

_INDEXES = {
    ACCESS_TAGS: PayloadSchemaType.Keyword,
    DOCUMENT_KEY: PayloadSchemaType.Keyword,
    SOURCE: PayloadSchemaType.Keyword,
    LANGUAGE: PayloadSchemaType.Keyword,
    TEXT_ID: PayloadSchemaType.Keyword,
    MODIFIED: PayloadSchemaType.Datetime,
}


@dataclass(frozen=True, slots=True)
class State:
    """What holds of a collection. Every change raises `generation`; `shard` and `overlay` (0: none) name its files.

    `dead`: points that were replaced or removed in place, whose bytes are still in the files. `points`: how many there are, in
    what was sealed by a version that noted it.
    """

    dimension: int
    sparse: bool
    generation: int = 1
    shard: int = 1
    overlay: int = 0
    writing: bool = True
    dead: int = 0
    points: int | None = None


_STATE = tuple(field.name for field in fields(State))


def read_state(folder: Path) -> tuple[bytes, State]:
    """The state and its very bytes; FileNotFoundError where there is no collection, IntegrityError when it is damaged."""
    content = (folder / "state.json").read_bytes()
    try:
        said = json.loads(content)
        return content, State(**{name: said[name] for name in _STATE if name in said})  # a later version may say more
    except (ValueError, TypeError):
        raise damaged(folder, f"its state.json is not readable ({len(content)} bytes)") from None


def write_state(folder: Path, state: State) -> None:
    """Let this hold from now on, in every process."""
    private.replace(folder / "state.json", json.dumps(asdict(state)).encode())
    sweep(folder, state)


def read_overlay(folder: Path, state: State) -> dict[str, AccessTags]:
    """The tags that hold in the place of those of the points; FileNotFoundError when a newer state has taken over."""
    if not state.overlay:
        return {}
    content = (folder / f"overlay-{state.overlay}.json").read_bytes()
    try:
        return {str(key): AccessTags(tags) for key, tags in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError):
        raise damaged(folder, f"its overlay-{state.overlay}.json is not readable ({len(content)} bytes)") from None


def write_overlay(folder: Path, generation: int, overlay: Overlay) -> None:
    """Beside the one that holds; it holds when a state says so."""
    tags = {key: sorted(now) for key, now in sorted(overlay.items())}
    private.replace(folder / f"overlay-{generation}.json", json.dumps(tags).encode())


def create_shard(path: Path, dimension: int, *, sparse: bool) -> EdgeShard:
    """An empty shard with its payload indexes, in a folder that does not exist; `private.sync_tree` makes it durable.

    Without its write-ahead log, which is also the lock that would let only one process look: what a flush (3 ms a batch
    of 256) has returned for is durable. Made where files are memory, and copied: the engine syncs the disk some 50 times
    while it makes one, 0.1 s where the disk is idle and 1 s where it is not. Vectors are read when they are asked for: opening
    it would otherwise take all of them into this process, also for who only reads payloads. Searching them is as fast.
    """
    edge_memory.need(edge_memory.MAKING_BYTES, "making a collection of the embedded vector store")
    private.make(path.parent)
    with edge_memory.not_for_ever():
        _make(path, dimension, sparse)
        return EdgeShard.load(str(path))


def _make(path: Path, dimension: int, sparse: bool) -> None:
    with scratch(path.parent) as making:
        shard = EdgeShard.create(
            str(making),
            EdgeConfig(
                vectors={DENSE: EdgeVectorParams(size=dimension, distance=Distance.Dot, memory=Memory.Cold)},
                sparse_vectors={SPARSE: EdgeSparseVectorParams(modifier=Modifier.Idf)} if sparse else None,
                wal_enabled=False,
            ),
        )
        for field, kind in _INDEXES.items():
            shard.update(UpdateOperation.create_field_index(field, kind))
        shard.flush()
        shard.close()
        private.copy(making, path)


def open_shard(folder: Path, number: int) -> EdgeShard:
    """FileNotFoundError when a newer state has taken over, IntegrityError when it is damaged."""
    path = folder / str(number)
    if not path.is_dir():
        raise FileNotFoundError(path)
    try:
        _whole(folder, number)
        edge_memory.need(edge_memory.OPENING_BYTES, "opening a collection of the embedded vector store")
        shard = EdgeShard.load(str(path))
        mapped.wanted_soon(path.glob("segments/*/vector_storage-dense/vectors/chunk_*.mmap"))
        return shard
    except (KeyboardInterrupt, SystemExit, IntegrityError, MemoryError):
        raise
    except BaseException as error:  # the engine raises Exception, and where it panics a BaseException
        if not path.is_dir():
            raise FileNotFoundError(path) from None
        if edge_memory.lacks(str(error)):
            raise MemoryError(f"opening a collection of the embedded vector store: {str(error)[:200]}") from error
        raise damaged(folder, f"its points in {number}/ cannot be opened ({str(error)[:200]})") from None


def settled(folder: Path, number: int) -> EdgeShard:
    """A flushed shard as every process will find it, and its files noted.

    The first to open a shard that was written takes its journals in; the files stay as they are from then on.
    """
    shard = open_shard(folder, number)
    private.replace(folder / f"files-{number}.json", json.dumps(_sizes(folder / str(number))).encode())
    return shard


def sealed_points(folder: Path) -> int | None:
    """How many points a sealed collection holds, its files being as large as they were then; None where that was not noted."""
    state = read_state(folder)[1]
    if state.writing or state.points is None or not (folder / f"files-{state.shard}.json").exists():
        return None
    _whole(folder, state.shard)
    return state.points


def write_notes(folder: Path, notes: bytes) -> None:
    """Beside points that are sealed; beside others nothing is kept."""
    state = read_state(folder)[1]
    if not state.writing:
        private.replace(folder / f"notes-{state.shard}", notes)


def read_notes(folder: Path) -> bytes | None:
    """What is kept beside the points that hold now."""
    state = read_state(folder)[1]
    try:
        return (folder / f"notes-{state.shard}").read_bytes() if not state.writing else None
    except FileNotFoundError:
        return None


def counted(shard: EdgeShard) -> int:
    """How many points a shard holds."""
    return int(shard.count(CountRequest(exact=True)))


def _whole(folder: Path, number: int) -> None:
    noted = folder / f"files-{number}.json"
    if not noted.exists():
        return  # not sealed yet
    try:
        expected: dict[str, int] = json.loads(noted.read_bytes())
        seen = _sizes(folder / str(number))
        wrong = sorted(name for name, bytes in expected.items() if seen.get(name) != bytes)
    except (ValueError, AttributeError):
        raise damaged(folder, f"{noted.name} is not readable") from None
    if wrong:
        raise damaged(
            folder,
            f"{len(wrong)} of its {len(expected)} files are missing or truncated, as {number}/{wrong[0]} "
            f"({seen.get(wrong[0], 'no')} bytes, not {expected[wrong[0]]})",
        )


def _sizes(path: Path) -> dict[str, int]:
    return {
        str(Path(where, name).relative_to(path)): os.stat(Path(where, name)).st_size
        for where, _, names in os.walk(path)
        for name in names
    }


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
    fresh = create_shard(path, state.dimension, sparse=state.sparse)
    batch: list[Point] = []
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
            batch = []
    if batch:
        fresh.update(UpdateOperation.upsert_points(batch))
    fresh.flush()
    return fresh


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


def size(path: Path) -> int:
    """Bytes on the disk below a folder."""
    return sum(os.stat(Path(where, name)).st_blocks * 512 for where, _, names in os.walk(path) for name in names)


def discard(path: Path) -> None:
    """Remove what a killed process had begun; no error where there is nothing."""
    shutil.rmtree(path, ignore_errors=True)


def remove(folder: Path) -> None:
    """Take a folder away at once for everybody who looks, then remove what is in it."""
    gone = folder.with_name(f"{GONE}{folder.name}-{os.urandom(4).hex()}")
    folder.rename(gone)
    private.sync(gone.parent)
    shutil.rmtree(gone)


def clear(collections: Path) -> None:
    """Remove the rest of what a process was killed in taking away: words of documents, too. For who changes the store alone."""
    for left in collections.glob(f"{GONE}*"):
        shutil.rmtree(left, ignore_errors=True)


def damaged(folder: Path, why: str) -> IntegrityError:
    """A collection that cannot be read, and the way back."""
    return IntegrityError(
        f"collection {folder.name} of the embedded vector store is damaged: {why}",
        hint=f"restore {folder} from a backup; or remove that folder and run again: it is built from MongoDB and cached vectors",
    )


def sweep(folder: Path, state: State) -> None:
    """Remove what this state does not name; who has it open keeps it until they look again."""
    of_these = {str(state.shard), f"files-{state.shard}.json", f"notes-{state.shard}"}
    kept = {*of_these, f"overlay-{state.overlay}.json", "state.json", LOCK}
    for entry in folder.iterdir():
        if entry.name not in kept:
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)


def same_tags(seen: Mapping[str, object], tags: AccessTags) -> bool:
    """Whether a point's payload carries exactly these tags."""
    held = seen.get(ACCESS_TAGS)
    return isinstance(held, list) and held == sorted(tags)

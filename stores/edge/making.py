"""Making collections of the embedded vector store: under another name until they are whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from stores import private
from stores.edge import compacting, files, shards, writing
from stores.edge.files import State
from stores.edge.reading import View
from stores.edge.shards import SEGMENT_POINTS
from stores.edge.writing import Writer
from stores.locks import FileLock

DEAD_SHARE = 0.2
"""Of a collection's points, or of a segment's; with more that are replaced or removed, a clone has them written anew."""


def created(folder: Path, dimension: int, *, sparse: bool, segment: int = SEGMENT_POINTS) -> Writer:
    """An empty collection where none is, to be written into."""
    state = State(dimension, sparse)
    state = replace(state, segment=shards.segment_of(state, segment))
    with _begun(folder) as (fresh, lock):
        shards.create_shard(fresh / str(state.shard), state).close()
        return _placed(fresh, folder, state, lock)


def cloned(folder: Path, source: Path, opened: Callable[[], View]) -> Writer:
    """A collection like a sealed one, with its tags written into the points, to be changed; that one is opened only if it must
    be: what an older version made has its payload indexes in memory, and is written anew, once.
    """
    count, was = files.sealed_points(source), files.read_state(source)[1]
    if count is None:
        count = shards.counted(opened().shard)
    state = replace(was, shard=1, overlay=0, writing=True, generation=1, points=None, segment=shards.segment_of(was))
    points = source / str(was.shard)
    anew = not was.segment or (was.dead > DEAD_SHARE * max(1, count) and not compacting.dead_of(points))
    private.room_for(source, files.size(points) if anew else files.size(points, without=shards.only_read))
    with _begun(folder) as (fresh, lock):
        overlay = files.read_overlay(source, was)
        if anew:
            shards.rewrite(opened().shard, fresh / "1", state, overlay).close()
            state = replace(state, dead=0)
        else:
            shards.copy_shard(points, fresh / "1")
            if overlay:
                shard = shards.open_shard(fresh, 1)
                shards.write_tags(shard, overlay)
                shard.close()
            gone = compacting.compact(fresh / "1", state, count, DEAD_SHARE)
            state = replace(state, dead=max(min(1, was.dead), was.dead - gone))  # some may be among what was appended since
        return _placed(fresh, folder, state, lock)


@contextmanager
def _begun(folder: Path) -> Iterator[tuple[Path, FileLock]]:
    """A place for a collection in the making, and its lock; nothing is left of it when making it fails."""
    fresh = folder.with_name(f"{files.NEW}{folder.name}")
    files.discard(fresh)
    private.make(fresh)
    lock = FileLock(fresh / files.LOCK)
    try:
        lock.acquire()
        yield fresh, lock
    except BaseException:
        files.discard(fresh)
        lock.close()
        raise


def _placed(fresh: Path, folder: Path, state: State, lock: FileLock) -> Writer:
    """Give what was made its name, and go on writing into it."""
    files.write_state(fresh, state)
    fresh.rename(folder)
    private.sync(folder.parent)
    return writing.begin(folder, state, lock)

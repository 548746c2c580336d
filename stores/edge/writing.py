"""One process writing into a collection's points: a build, or a clone on its way to being a release."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from qdrant_edge import CountRequest, EdgeShard, Filter, Point, UpdateOperation

from sluice import points as ours
from sluice.errors import IntegrityError
from sluice.points import DOCUMENT_KEY
from stores import private
from stores.edge import files, mapped, shards
from stores.edge.files import State
from stores.edge.queries import Overlay, any_of, as_point
from stores.edge.reading import View
from stores.locks import FileLock

T = TypeVar("T")


class Writer:
    """Holds `write.lock` of a collection and its shard; threads may share it. What a method returned for is durable."""

    def __init__(self, folder: Path, state: State, shard: EdgeShard, lock: FileLock) -> None:
        self.folder, self.state, self.shard, self._held = folder, state, shard, lock
        self._lock, self._bound = threading.Lock(), mapped.Bound(folder)
        self._appended = shards.appended(self._path)

    def upsert(self, points: Sequence[ours.Point]) -> None:
        """All of these points, or none."""
        batch = [self._checked(point) for point in points]
        with self._lock:
            dead = len(self.shard.retrieve([point.id for point in batch], with_payload=False, with_vector=False))
            self.shard.update(UpdateOperation.upsert_points(batch))
            self.shard.flush()
            self._dead(dead)
            self._appended += len(batch)
            if self.state.segment and self._appended >= self.state.segment:
                self.shard, self._appended = shards.finished(self.shard, self._path), 0
            self._bound.keep()

    @property
    def _path(self) -> Path:
        return self.folder / str(self.state.shard)

    def read(self, work: Callable[[View], T]) -> T:
        """The result of this work on the points as they are now."""
        with self._lock:
            return work(View(b"", self.state, self.shard, {}))

    def _checked(self, point: ours.Point) -> Point:
        shape = np.shape(point.dense)
        if shape != (self.state.dimension,):
            raise IntegrityError(
                f"point {point.id} has a vector of shape {shape}; the dimension of collection {self.folder.name} is "
                f"{self.state.dimension}"
            )
        return as_point(point)

    def set_tags(self, wanted: Overlay) -> None:
        """Replace the tags of the points of these documents."""
        with self._lock:
            shards.write_tags(self.shard, wanted)

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the points of these documents; their bytes stay in the files until they are written anew."""
        with self._lock:
            for start in range(0, len(keys), shards.BATCH):
                of_these = Filter(must=[any_of(DOCUMENT_KEY, keys[start : start + shards.BATCH])])
                dead = self.shard.count(CountRequest(exact=True, filter=of_these))
                if dead:
                    self.shard.update(UpdateOperation.delete_points_by_filter(of_these))
                    self._dead(dead)
            self.shard.flush()
            self._bound.keep()

    def seal(self) -> State:
        """From now on nobody writes into these points, and every process may read them; what holds."""
        with self._lock:
            self.shard.flush()
            self.shard = shards.tidied(self.shard, self._path, self.state)
            private.sync_tree(self._path)
            self.shard = shards.settled(self.folder, self.state.shard)
            self.state = replace(
                self.state, writing=False, generation=self.state.generation + 1, points=shards.counted(self.shard)
            )
            files.write_state(self.folder, self.state)
            self._held.close()
            return self.state

    def abandon(self) -> None:
        """Let go of a collection that is to be dropped."""
        with self._lock:
            self.shard.close()
            self._held.close()

    def _dead(self, count: int) -> None:
        if count:
            self.state = replace(self.state, dead=self.state.dead + count)


def begin(folder: Path, state: State, lock: FileLock) -> Writer:
    """Write into a collection whose lock is held and whose state says so."""
    return Writer(folder, state, shards.open_shard(folder, state.shard), lock)


def reopen(folder: Path, state: State, lock: FileLock) -> Writer:
    """Write into a sealed collection again: into a copy, for others may have the points open."""
    overlay = files.read_overlay(folder, state)
    fresh = replace(state, shard=state.shard + 1, overlay=0, writing=True, generation=state.generation + 1, points=None)
    path = folder / str(fresh.shard)
    private.room_for(folder, files.size(folder / str(state.shard), without=shards.only_read))
    files.discard(path)
    shards.copy_shard(folder / str(state.shard), path)
    writer = begin(folder, fresh, lock)
    shards.write_tags(writer.shard, overlay)
    files.write_state(folder, fresh)
    return writer


def renew(folder: Path, state: State, *, without: Sequence[str] = (), shard: EdgeShard | None = None) -> tuple[State, EdgeShard]:
    """Write a collection's points anew, with current tags and without these documents; what holds, and the shard.

    After a process was killed that wrote into them (what it acknowledged is there), and where bytes must not stay.
    """
    overlay = files.read_overlay(folder, state)
    fresh = replace(
        state,
        shard=state.shard + 1,
        overlay=0,
        writing=False,
        dead=0,
        generation=state.generation + 1,
        points=None,
        segment=shards.segment_of(state),
    )
    path = folder / str(fresh.shard)
    private.room_for(folder, files.size(folder / str(state.shard)))
    files.discard(path)
    old = shards.open_shard(folder, state.shard) if shard is None else shard
    shards.rewrite(old, path, fresh, overlay, without)
    private.sync_tree(path)
    made = shards.settled(folder, fresh.shard)
    fresh = replace(fresh, points=shards.counted(made))
    files.write_state(folder, fresh)
    return fresh, made

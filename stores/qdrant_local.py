"""Qdrant's local mode, made fit for a batch job: one process at a time, that waits its turn; batches in one commit.

Local mode is qdrant-client's own `QdrantLocal`, used through what it declares public (`collections`, and their `storage`,
`vectors`, `close`), with two changes to how it does its work, neither to what it does:
- It commits to SQLite, and syncs the disk, once a point: 1,100 points/s. Here a batch is one transaction, by a connection
  class (sqlite3's own `factory` hook) that leaves the commit to the batch: 8,000 points/s, and a killed batch leaves nothing.
- It evaluates a filter in Python for every point and query: 105 of 112 ms at 11,000 points. Here the mask of a filter is
  kept until the next write. This overrides one private method; `tests/conformance/test_vector_store.py` would notice.
"""

from __future__ import annotations

import json
import os
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qdrant_client.http import models
from qdrant_client.local.local_collection import LocalCollection
from qdrant_client.local.qdrant_local import QdrantLocal

from sluice.errors import ConfigurationError, IndexBusy
from stores.locks import FileLock

_MASKS = 256


class LocalQdrant:
    """The embedded store of a state directory, opened and held by this process alone until it is closed.

    Raises IndexBusy when another process holds it for longer than `wait_s`, ConfigurationError when the directory
    cannot be written.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        path = Path(path).absolute()
        # A lock of our own, taken before opening: QdrantLocal reads everything first and locks then, so that a process
        # that waited for its lock would work on what was there before the other one wrote.
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        try:
            if not self._lock.acquire(wait_s=wait_s):
                raise _busy(path, self._lock.read(), wait_s)
            self._lock.write(f"process {os.getpid()}")
            # It warns above 20,000 points that a server would be faster; the documentation of Sluice says so, once.
            warnings.filterwarnings("ignore", message="Local mode is not recommended", category=UserWarning)
            try:
                _begin(path)
                self.client = QdrantLocal(str(path), force_disable_check_same_thread=True)
            except RuntimeError:
                raise _busy(path, "a program other than Sluice", 0) from None
            except OSError as error:
                raise ConfigurationError(
                    f"the embedded vector store cannot be opened: {path}: {error.strerror}", hint="choose another state_dir"
                ) from None
            for collection in self.client.collections.values():
                _adopt(collection)
        except BaseException:
            self._lock.close()
            raise

    def adopt(self, name: str) -> None:
        """Take a collection that was just created into care."""
        _adopt(self.client.collections[name])

    def release(self, name: str) -> None:
        """Close a collection's file before it is deleted."""
        if name in self.client.collections:
            self.client.collections[name].close()

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """One transaction: durable at the end; on an error nothing of it is stored, and this store must be closed."""
        collection = self.client.collections.get(self.client.aliases.get(name, name))
        if collection is None:
            raise ValueError(f"Collection {name} not found")  # as the client itself says it
        if not isinstance(collection, _Collection) or collection.storage is None:
            raise TypeError(f"collection {name} was not adopted")
        connection = collection.storage.storage
        if not isinstance(connection, _Connection):
            raise TypeError(f"collection {name} was not adopted")
        collection.masks.clear()
        connection.batching = True
        try:
            yield
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.batching = False
            collection.masks.clear()

    def close(self) -> None:
        """Let the next process in."""
        self.client.close()
        self._lock.close()


class _Connection(sqlite3.Connection):
    """A connection whose `with` blocks do not commit while a batch is open."""

    batching = False

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> Any:
        return False if self.batching and kind is None else super().__exit__(kind, value, traceback)


class _Collection(LocalCollection):
    """A collection that remembers which points a filter admits, until `masks` is cleared by a write."""

    masks: dict[tuple[str, str | None], NDArray[np.bool_]]

    def _payload_and_non_deleted_mask(
        self, payload_filter: models.Filter | None, vector_name: str | None = None
    ) -> NDArray[np.bool_]:
        key = ("" if payload_filter is None else payload_filter.model_dump_json(exclude_none=True), vector_name)
        mask = self.masks.get(key)
        if mask is None:
            if len(self.masks) >= _MASKS:
                self.masks.clear()
            mask = self.masks[key] = super()._payload_and_non_deleted_mask(payload_filter, vector_name)
        return mask


def _begin(path: Path) -> None:
    """An empty store's own file, whole or not at all: QdrantLocal empties it, then writes it, and dies of an empty one."""
    meta = path / "meta.json"
    if not meta.exists() or not (meta.stat().st_size or any(path.glob("collection/*"))):
        path.mkdir(parents=True, exist_ok=True)
        fresh = path / "meta.json.tmp"
        fresh.write_text(json.dumps({"collections": {}, "aliases": {}}), encoding="utf-8")
        fresh.replace(meta)


def _adopt(collection: LocalCollection) -> None:
    storage = collection.storage
    if storage is not None and not isinstance(storage.storage, _Connection):
        storage.storage.close()
        storage.storage = sqlite3.connect(str(storage.location), check_same_thread=False, factory=_Connection)
        storage.storage.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten, not only unlinked
    # After reopening they are float64, at twice the memory and time; they were float32 when they were written.
    collection.vectors = {name: np.asarray(vectors, dtype=np.float32) for name, vectors in collection.vectors.items()}
    collection.__class__ = _Collection
    if isinstance(collection, _Collection):
        collection.masks = {}


def _busy(path: Path, holder: str, wait_s: float) -> IndexBusy:
    return IndexBusy(
        f"the embedded vector store {path} is in use by {holder or 'another process'} (waited {wait_s:g} s)",
        hint="it admits one process at a time: try again when that one has ended, raise stores.qdrant.wait_s, or use a server",
    )

"""An embedded store of the old kind (qdrant-client's local mode: SQLite files of pickled points) becomes one of this kind.

Its points, tags and aliases are read and written anew, so that what is live stays live and what could be rolled back to
still can; it is removed when all of that is done, and begun again from the start where a process was killed on the way.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from qdrant_client.http import models
from qdrant_client.local.qdrant_local import QdrantLocal

from sluice.errors import IndexBusy, IntegrityError
from sluice.points import Point, SparseVector
from stores.edge.shards import BATCH
from stores.qdrant.queries import DENSE, SPARSE

_logger = logging.getLogger(__name__)

Write = Callable[[str, int, bool, Iterator[list[Point]]], None]
"""A collection's name, dimension, whether it has sparse vectors, and its points in batches: written and sealed."""


def is_old(path: Path) -> bool:
    """Whether a store of the old kind lies here."""
    return (path / "meta.json").exists()


def take_over(path: Path, write: Write, alias: Callable[[dict[str, str]], None]) -> None:
    """Move everything, and say so in one line. Raises IndexBusy while an older Sluice has it open."""
    started, hint = time.monotonic(), f"remove {path} and run again: it is built from MongoDB and cached vectors"
    try:
        old = QdrantLocal(str(path), force_disable_check_same_thread=True)
    except RuntimeError:
        raise IndexBusy(
            f"the embedded vector store {path} is in use by an older version of Sluice", hint="try again when that has ended"
        ) from None
    except Exception as error:
        raise IntegrityError(
            f"the embedded vector store {path}, of an older version, cannot be read: {error}", hint=hint
        ) from error
    count = 0
    try:
        for name in sorted(old.collections):
            params = old.get_collection(name).config.params
            if not isinstance(params.vectors, dict) or DENSE not in params.vectors:
                raise IntegrityError(f"collection {name} in {path} was not made by Sluice", hint=hint)
            write(name, params.vectors[DENSE].size, SPARSE in (params.sparse_vectors or {}), _batches(old, name))
            count += old.count(name).count
        alias({found.alias_name: found.collection_name for found in old.get_aliases().aliases})
        names = len(old.collections)
    finally:
        old.close()
    (path / "meta.json").unlink()  # from here on it is the new one that counts
    shutil.rmtree(path / "collection", ignore_errors=True)
    (path / ".lock").unlink(missing_ok=True)
    _logger.warning(
        "the embedded vector store %s was of an older kind: %d collections with %d points were taken over in %.1f s",
        path,
        names,
        count,
        time.monotonic() - started,
    )


def _batches(old: QdrantLocal, name: str) -> Iterator[list[Point]]:
    offset: models.ExtendedPointId | None = None
    while True:
        records, offset = old.scroll(name, limit=10 * BATCH, offset=offset, with_payload=True, with_vectors=True)
        points = []
        for record in records:
            vectors = record.vector if isinstance(record.vector, dict) else {}
            sparse = vectors.get(SPARSE)
            weights = (
                SparseVector(tuple(sparse.indices), tuple(sparse.values)) if isinstance(sparse, models.SparseVector) else None
            )
            points.append(Point(str(record.id), np.asarray(vectors[DENSE], dtype=np.float32), record.payload or {}, weights))
        yield points
        if offset is None:
            return

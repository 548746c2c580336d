"""Resources over stores that a test hands in: a database, and an embedded vector store or a server's code path."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from pipeline.resources import Resources
from sluice.settings import load
from stores import Stores
from stores.edge.shards import SEGMENT_POINTS
from stores.edge.store import EdgeStore
from stores.mongo.connection import MongoDatabase
from stores.qdrant.store import QdrantStore

NOWHERE = "http://nowhere:1"
URLS = {"embedded": "embedded", "large": "embedded", "server": NOWHERE}
"""What `stores.qdrant.url` says for each kind of vector store."""


def vector_store(kind: str, folder: Path) -> EdgeStore | QdrantStore:
    """An empty one: the embedded one below this folder, as it is when it is large, or a server's code path over qdrant-client's
    local mode.
    """
    if kind == "server":
        return QdrantStore(NOWHERE, client=QdrantClient(":memory:"))
    return EdgeStore(folder / "qdrant", segment_points=8 if kind == "large" else SEGMENT_POINTS)


class OnTheseStores(Resources):
    """Resources over a database and a vector store that are handed in, and stay open."""

    def __init__(self, config: Path, database: MongoDatabase, vectors: Any) -> None:
        super().__init__(load(config))
        self._database, self._vectors = database, vectors

    @cached_property
    def stores(self) -> Stores:
        made = Stores(self._database, self.settings, ExitStack())
        made.__dict__["_qdrant"] = self._vectors
        return made

"""A served vector store that is not there is said to be so; a clone leaves nothing behind on a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from qdrant_client import QdrantClient
from qdrant_client.http import models
from qdrant_client.http.exceptions import ResponseHandlingException

from sluice.errors import StoreUnavailable
from stores.qdrant.clone import BY_HAND, SNAPSHOT, clone
from stores.qdrant.store import QdrantStore


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Host and port are named."""
    store = QdrantStore("http://127.0.0.1:9", timeout_s=2)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        store.names()
    store.close()


@dataclass
class Server:
    """What a server does with snapshots: local mode for the rest. It may be unable to reach itself, or recover a part only."""

    reaches_itself: bool = True
    recovers: int = 3
    snapshots: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    inner: QdrantClient = field(default_factory=lambda: QdrantClient(":memory:"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def create_snapshot(self, collection: str, *, wait: bool) -> Any:
        assert wait
        self.snapshots.add("s1")
        return SimpleNamespace(name="s1")

    def recover_snapshot(self, collection: str, location: str, *, api_key: str | None, priority: Any, wait: bool) -> None:
        assert wait
        assert priority == models.SnapshotPriority.SNAPSHOT
        self.asked.append(f"{location} {api_key}")
        if not self.reaches_itself:
            raise ResponseHandlingException(ConnectionError("no way"))
        fill(self.inner, collection, self.recovers)

    def delete_snapshot(self, collection: str, name: str, *, wait: bool) -> None:
        self.snapshots.remove(name)


def fill(client: QdrantClient, name: str, count: int) -> None:
    client.create_collection(name, vectors_config={"dense": models.VectorParams(size=2, distance=models.Distance.DOT)})
    client.upsert(name, [models.PointStruct(id=n, vector={"dense": [1.0, 0.0]}, payload={"n": n}) for n in range(count)])


@pytest.mark.parametrize(
    ("server", "how"),
    [
        (Server(), SNAPSHOT),
        (Server(reaches_itself=False), BY_HAND),
        (Server(recovers=2), BY_HAND),
    ],
)
def test_a_clone_is_whole_however_it_was_made_and_the_snapshot_is_gone(server: Server, how: str) -> None:
    """By snapshot where the server reaches its own address and recovers every point; else by hand; the key goes along."""
    fill(server.inner, "i__1", 3)
    found = clone(server, "i__1", "i__2", url="http://q:6333/", api_key="k")  # type: ignore[arg-type]
    assert found == how
    assert server.inner.count("i__2").count == 3
    assert server.snapshots == set()
    assert server.asked == ["http://q:6333/collections/i__1/snapshots/s1 k"]


def test_a_clone_that_fails_is_not_there() -> None:
    """The server goes away in the middle of a copy by hand: no target, no snapshot."""

    class Failing(Server):
        def upsert(self, *_: Any, **__: Any) -> None:
            raise ResponseHandlingException(ConnectionError("gone"))

    server = Failing(reaches_itself=False)
    fill(server.inner, "i__1", 3)
    with pytest.raises(ResponseHandlingException):
        clone(server, "i__1", "i__2", url="http://q:6333", api_key=None)  # type: ignore[arg-type]
    assert not server.inner.collection_exists("i__2")
    assert server.snapshots == set()


def test_how_a_server_clones_is_found_out_by_doing_it() -> None:
    """Local mode knows no snapshots; nothing is left of the trial."""
    store = QdrantStore("local mode", client=QdrantClient(":memory:"))
    assert store.clone_method() == BY_HAND
    assert store.describe() == f"Qdrant local mode: 0 collections; clones by {BY_HAND}"
    assert store.names() == []

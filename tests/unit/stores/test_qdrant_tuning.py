"""How a collection is made on a server, and when it is ready to be judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.errors import StoreUnavailable
from sluice.settings import QdrantSettings
from stores.qdrant_tuning import creation, search_params, settle


def made(**settings: Any) -> models.CreateCollection:
    """What the client would send, checked by its own model."""
    told = creation(QdrantSettings(**settings), 384, "dense", "sparse")
    return models.CreateCollection(
        **{name.removesuffix("s_config") + "s" if "vectors" in name else name: told[name] for name in told}
    )


def test_by_default_a_collection_is_loaded_without_a_graph_and_keeps_the_servers_defaults() -> None:
    """One shard, one replica, whole vectors in memory, payload on disk."""
    plain = made()
    assert plain.hnsw_config == models.HnswConfigDiff(m=0)
    assert (plain.shard_number, plain.replication_factor, plain.write_consistency_factor) == (None, None, None)
    assert (plain.quantization_config, plain.on_disk_payload) == (None, True)
    assert plain.vectors == {"dense": models.VectorParams(size=384, distance=models.Distance.DOT)}
    assert search_params(QdrantSettings()) is None


@pytest.mark.parametrize(("replicas", "writes"), [(2, 2), (3, 2), (5, 3)])
def test_a_write_is_acknowledged_by_the_majority_of_replicas(replicas: int, writes: int) -> None:
    """A revocation that a minority has would hold for some searches only."""
    found = made(shards=6, replicas=replicas)
    assert (found.shard_number, found.replication_factor, found.write_consistency_factor) == (6, replicas, writes)


def test_quantised_vectors_choose_and_whole_ones_rank() -> None:
    """int8 in memory, the whole ones on disk where asked, and a search that ranks by them."""
    found = made(quantization="int8", vectors_on_disk=True)
    assert isinstance(found.quantization_config, models.ScalarQuantization)
    assert found.quantization_config.scalar.type == models.ScalarType.INT8
    assert isinstance(found.vectors, dict)
    assert found.vectors["dense"].on_disk
    params = search_params(QdrantSettings(quantization="int8"))
    assert params is not None
    assert params.quantization == models.QuantizationSearchParams(rescore=True, oversampling=2.0)


@dataclass
class Server:
    """Goes through these statuses, one a look, once it was told what graph to build."""

    statuses: list[str]
    m: int = 0
    told: list[int] = field(default_factory=list)
    now: float = 0.0

    def get_collection(self, _name: str) -> Any:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        config = SimpleNamespace(hnsw_config=SimpleNamespace(m=self.m))
        return SimpleNamespace(status=models.CollectionStatus(status), optimizer_status="no room", config=config)

    def update_collection(self, _name: str, *, hnsw_config: models.HnswConfigDiff) -> None:
        self.m = hnsw_config.m or 0
        self.told.append(self.m)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def settled(self, **settings: Any) -> None:
        settle(cast(QdrantBase, self), "c", QdrantSettings(**settings), clock=lambda: self.now, sleep=self.sleep)


def test_a_loaded_collection_is_waited_for_until_it_is_green() -> None:
    """The graph is asked for once; a collection that has it and is green costs one look."""
    server = Server(["green", "yellow", "grey", "yellow", "green"])
    server.settled()
    assert (server.told, server.m) == ([16], 16)
    before = server.now
    server.settled()
    assert (server.told, server.now) == ([16], before)
    exact = Server(["green"])
    exact.settled(hnsw_m=0)
    assert exact.told == []


@pytest.mark.parametrize(("statuses", "says"), [(["yellow"], "still indexing"), (["yellow", "yellow", "red"], "no room")])
def test_what_is_not_indexed_is_not_judged(statuses: list[str], says: str) -> None:
    """Too slow, or broken: the run fails and can be done again; no gate measures a part."""
    server = Server(statuses)
    with pytest.raises(StoreUnavailable, match=says):
        server.settled(index_wait_s=60)
    assert server.now < 65

"""How a collection is made on a server, and when it is ready to be judged."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import uuid4

import numpy as np
import pytest
from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.errors import StoreUnavailable
from sluice.points import Point
from sluice.settings import QdrantSettings
from stores.qdrant.store import QdrantStore
from stores.qdrant.tuning import creation, search_params, settle


def made(**settings: Any) -> models.CreateCollection:
    """What the client would send, checked by its own model."""
    told = creation(QdrantSettings(**settings), 384, "dense", "sparse")
    return models.CreateCollection(
        **{name.removesuffix("s_config") + "s" if "vectors" in name else name: told[name] for name in told}
    )


class Recorder(BaseHTTPRequestHandler):
    """Answers as a server that does what it is told, and keeps what that was."""

    told: ClassVar[list[tuple[str, str, Any]]] = []
    m = 0

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        self.told.append((f"{self.command} {path}", query, json.loads(body) if body else None))
        if self.command == "PATCH":
            type(self).m = self.told[-1][2]["hnsw_config"]["m"]
        result: Any = True
        if path.endswith("/exists"):
            result = {"exists": False}
        elif self.command == "GET":
            result = RESULT | {"config": {**RESULT["config"], "hnsw_config": {**RESULT["config"]["hnsw_config"], "m": self.m}}}
        elif "/points" in path or path.endswith("/index"):
            result = {"operation_id": 0, "status": "completed"}
        answer = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PATCH = do_POST = do_PUT

    def log_message(self, format: str, *args: Any) -> None:
        pass


RESULT: dict[str, Any] = {
    "status": "green",
    "optimizer_status": "ok",
    "segments_count": 1,
    "payload_schema": {},
    "config": {
        "params": {},
        "hnsw_config": {"m": 0, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        },
    },
}


def test_every_setting_is_in_what_is_sent() -> None:
    """Read off the wire, from making a collection to its being ready: each key of `stores.qdrant` that a server must know."""
    tuning = QdrantSettings(
        shards=6,
        replicas=3,
        quantization="int8",
        vectors_on_disk=True,
        payload_on_disk=False,
        strict=True,
        batch=2,
        hnsw_m=24,
    )
    server = HTTPServer(("127.0.0.1", 0), Recorder)
    Recorder.told.clear()
    Recorder.m = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        store = QdrantStore(f"http://127.0.0.1:{server.server_address[1]}", tuning=tuning)
        store.create("c", dimension=2, sparse=True)
        store.upsert("c", [Point(str(uuid4()), np.array([1, 0], np.float32), {}) for _ in range(5)])
        store.settle("c")
        store.close()
    finally:
        server.shutdown()
        server.server_close()
    sent = {what: body for what, _, body in Recorder.told}
    made = sent["PUT /collections/c"]
    assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (6, 3, 2)
    assert made["vectors"]["dense"] == {"size": 2, "distance": "Dot", "on_disk": True}
    assert made["quantization_config"] == {"scalar": {"type": "int8", "always_ram": True}}
    assert (made["on_disk_payload"], made["hnsw_config"]) == (False, {"m": 0})
    assert made["strict_mode_config"] == {
        "enabled": True,
        "unindexed_filtering_retrieve": False,
        "unindexed_filtering_update": False,
    }
    assert [what for what, _, _ in Recorder.told].index("PUT /collections/c/index") == 2, "before any point is written"
    indexed = {body["field_name"] for what, _, body in Recorder.told if what.endswith("/index")}
    assert {"access_tags", "document_key", "source", "language"} <= indexed
    loads = [
        body["points"] for what, query, body in Recorder.told if what == "PUT /collections/c/points" and "wait=true" in query
    ]
    assert [len(points) for points in loads] == [2, 2, 1]
    assert sent["PATCH /collections/c"] == {"hnsw_config": {"m": 24}}
    assert Recorder.told[-1][0] == "GET /collections/c", "green is looked for after the graph was asked for"


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

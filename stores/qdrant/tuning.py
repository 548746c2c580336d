"""How a Qdrant server keeps a collection: what matters at size, and when a loaded collection may be judged.

A collection is made without an HNSW graph (`m` 0), so that loading does not build it again and again; once it is loaded, `m` is
set and the server's optimiser waited for: a search while it works is slower and may see a part. As Qdrant's documentation says;
run here against its client's models and a stand-in, not against a server's engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qdrant_client.client_base import QdrantBase
from qdrant_client.http import models

from sluice.errors import StoreUnavailable
from sluice.settings import QdrantSettings

LOOK_S = (0.05, 0.2, 0.5, 2.0)
"""Between two looks; the last for as long as it takes."""


def creation(tuning: QdrantSettings, dimension: int, dense: str, sparse: str | None) -> dict[str, Any]:
    """What `create_collection` is told beside the name."""
    told: dict[str, Any] = {
        "vectors_config": {
            dense: models.VectorParams(
                size=dimension, distance=models.Distance.DOT, on_disk=True if tuning.vectors_on_disk else None
            )
        },
        "sparse_vectors_config": {sparse: models.SparseVectorParams(modifier=models.Modifier.IDF)} if sparse else None,
        "on_disk_payload": tuning.payload_on_disk,
        "hnsw_config": models.HnswConfigDiff(m=0),
    }
    if tuning.shards is not None:
        told["shard_number"] = tuning.shards
    if tuning.replicas > 1:
        told["replication_factor"] = tuning.replicas
        told["write_consistency_factor"] = tuning.replicas // 2 + 1  # a revocation holds wherever the next search lands
    if tuning.strict:  # every field that Sluice filters by has its index: `stores.qdrant._INDEXES`
        told["strict_mode_config"] = models.StrictModeConfig(
            enabled=True, unindexed_filtering_retrieve=False, unindexed_filtering_update=False
        )
    if tuning.quantization == "int8":
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        told["quantization_config"] = models.ScalarQuantization(scalar=scalar)
    return told


def search_params(tuning: QdrantSettings) -> models.SearchParams | None:
    """How dense vectors are searched: quantised ones are only the first choice, and ranked by the whole ones."""
    if tuning.quantization == "none":
        return None
    return models.SearchParams(quantization=models.QuantizationSearchParams(rescore=True, oversampling=2.0))


def settle(
    client: QdrantBase,
    collection: str,
    tuning: QdrantSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Have the graph built that was put off while loading, and wait until the optimiser is done.

    Raises StoreUnavailable when it is not within `index_wait_s`, or the server says that something is wrong.
    """
    until = clock() + tuning.index_wait_s
    info = client.get_collection(collection)
    if info.config.hnsw_config.m != tuning.hnsw_m:
        client.update_collection(collection, hnsw_config=models.HnswConfigDiff(m=tuning.hnsw_m))
        info = client.get_collection(collection)
    looked = 0
    while info.status != models.CollectionStatus.GREEN:
        if info.status == models.CollectionStatus.RED:
            raise StoreUnavailable(
                f"Qdrant cannot index collection {collection}: {info.optimizer_status}",
                hint="see the server's log, then run again",
            )
        if clock() >= until:
            raise StoreUnavailable(
                f"Qdrant is still indexing collection {collection} after {tuning.index_wait_s:.0f} s ({info.status.value})",
                hint="run again: nothing is built twice; or raise stores.qdrant.index_wait_s",
            )
        sleep(LOOK_S[min(looked, len(LOOK_S) - 1)])
        looked += 1
        info = client.get_collection(collection)

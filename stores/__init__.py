"""Where everything is kept: MongoDB and Qdrant, served or embedded. `open_stores` is the way in."""

from __future__ import annotations

from stores.embedded import EmbeddedMongo
from stores.mongo_lease import Lease
from stores.opening import Stores, open_stores, open_vector_store, reach_mongodb
from stores.operations import Operation, probe

__all__ = ["EmbeddedMongo", "Lease", "Operation", "Stores", "open_stores", "open_vector_store", "probe", "reach_mongodb"]

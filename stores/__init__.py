"""Where everything is kept: MongoDB and Qdrant, served or embedded. `open_stores` is the way in."""

from __future__ import annotations

import sys

# The driver takes PyOpenSSL wherever it is installed, and Scrapy brings it along: 0.2 s of imports in every command, for what
# Python's own `ssl` does as well. (What it would add, OCSP, is an extra of the driver that Sluice does not ask for.)
sys.modules.setdefault("pymongo.pyopenssl_context", None)  # type: ignore[arg-type]

from stores.mongo.embedded import EmbeddedMongo  # noqa: E402
from stores.mongo.lease import Lease  # noqa: E402
from stores.mongo.operations import Operation, probe  # noqa: E402
from stores.opening import Stores, begin, let_go, open_stores, open_vector_store, reach_mongodb  # noqa: E402

__all__ = [
    "EmbeddedMongo",
    "Lease",
    "Operation",
    "Stores",
    "begin",
    "let_go",
    "open_stores",
    "open_vector_store",
    "probe",
    "reach_mongodb",
]

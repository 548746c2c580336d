"""What a served MongoDB can do, and what is lost where it cannot."""

from __future__ import annotations

from contextlib import suppress

from pymongo.errors import PyMongoError

from sluice.display import counted
from stores.features import Feature, feature
from stores.mongo.connection import MongoDatabase, translated


def features(database: MongoDatabase) -> list[Feature]:
    """Of a served MongoDB; StoreUnavailable when it does not answer."""
    with translated(database, "asking for its features"):
        hello = database.client.admin.command("hello")
        version = ""
        with suppress(PyMongoError, KeyError):
            version = str(database.client.server_info()["version"])
    name, sharded = hello.get("setName"), hello.get("msg") == "isdbgrid"
    kind = f"replica set '{name}'" if name else "sharded cluster" if sharded else "stand-alone"
    members = len(hello.get("hosts", ())) or 1
    retried = bool((name or sharded) and hello.get("logicalSessionTimeoutMinutes"))
    return [
        feature("mongodb", "version", bool(version), version or "not said", "nothing: operations are proved above"),
        feature("mongodb", "replica set", bool(name or sharded), kind, "majority writes and change streams: add ?replicaSet=…"),
        feature("mongodb", "retryable writes", retried, "yes" if retried else "no", "a connection that is cut fails a run"),
        feature(
            "mongodb", "a member to spare", members > 2 or sharded, counted(members, "member"), "no run while the one is away"
        ),
    ]

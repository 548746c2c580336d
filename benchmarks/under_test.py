"""The servers that suites are run on where two variables name them, in names of a suite's own, all of them gone afterwards.

SLUICE_TEST_MONGODB_URI and SLUICE_TEST_QDRANT_URL (with SLUICE_TEST_QDRANT_API_KEY, where it asks for a key), each by itself or
both. What is not named is embedded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymongo
from qdrant_client import QdrantClient
from qdrant_client.http import models

MONGODB_URI, QDRANT_URL, QDRANT_API_KEY = "SLUICE_TEST_MONGODB_URI", "SLUICE_TEST_QDRANT_URL", "SLUICE_TEST_QDRANT_API_KEY"
PAGE = 500

Kept = tuple[dict[str, tuple[models.CollectionParams, list[models.PointStruct]]], dict[str, str]]
"""Collections with their points, and aliases."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where indexes and databases whose names begin with `prefix` are kept."""

    prefix: str
    mongodb_uri: str | None
    qdrant_url: str | None
    qdrant_api_key: str | None

    @property
    def any(self) -> bool:
        return self.mongodb_uri is not None or self.qdrant_url is not None

    def on(self, settings: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The same configuration with an index and a database of this name behind the prefix; as it is without servers."""
        if not self.any:
            return dict(settings)
        own = self.prefix + re.sub(r"\W", "_", name)
        stores = {"mongodb": {"uri": self.mongodb_uri or "embedded", "database": own}, "qdrant": self.qdrant}
        return {**settings, "index": own, "stores": stores}

    @property
    def qdrant(self) -> dict[str, Any]:
        """`stores.qdrant` of a configuration."""
        if self.qdrant_url is None:
            return {"url": "embedded"}
        return {"url": self.qdrant_url} | ({"api_key": self.qdrant_api_key} if self.qdrant_api_key else {})

    def clean(self) -> None:
        """Every database, collection and alias with this prefix is gone."""
        if self.mongodb_uri is not None:
            with pymongo.MongoClient[Any](self.mongodb_uri) as mongo:
                for name in mongo.list_database_names():
                    if name.startswith(self.prefix):
                        mongo.drop_database(name)
        self.clean_qdrant()

    def clean_qdrant(self) -> None:
        """The same of the vector store alone."""
        if self.qdrant_url is None:
            return
        with closing(self._client()) as qdrant:
            gone = [a.alias_name for a in qdrant.get_aliases().aliases if a.alias_name.startswith(self.prefix)]
            operations = [models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=name)) for name in gone]
            if operations:
                qdrant.update_collection_aliases(operations)
            for found in qdrant.get_collections().collections:
                if found.name.startswith(self.prefix):
                    qdrant.delete_collection(found.name)

    def kept(self) -> Kept:
        """What the vector store holds under this prefix: small collections, in memory."""
        if self.qdrant_url is None:
            return {}, {}
        with closing(self._client()) as qdrant:
            names = [c.name for c in qdrant.get_collections().collections if c.name.startswith(self.prefix)]
            collections = {name: (qdrant.get_collection(name).config.params, list(_points(qdrant, name))) for name in names}
            aliases = qdrant.get_aliases().aliases
        return collections, {a.alias_name: a.collection_name for a in aliases if a.alias_name.startswith(self.prefix)}

    def put_back(self, kept: Kept) -> None:
        """The vector store holds this and nothing else under this prefix."""
        if self.qdrant_url is None:
            return
        self.clean_qdrant()
        collections, aliases = kept
        with closing(self._client()) as qdrant:
            for name, (params, points) in collections.items():
                qdrant.create_collection(name, vectors_config=params.vectors or {}, sparse_vectors_config=params.sparse_vectors)
                if points:
                    qdrant.upsert(name, points, wait=True)
            for alias, name in aliases.items():
                made = models.CreateAlias(alias_name=alias, collection_name=name)
                qdrant.update_collection_aliases([models.CreateAliasOperation(create_alias=made)])

    def _client(self) -> QdrantClient:
        return QdrantClient(url=self.qdrant_url, api_key=self.qdrant_api_key, check_compatibility=False, timeout=60)


def _points(qdrant: QdrantClient, name: str) -> Iterator[models.PointStruct]:
    offset: models.ExtendedPointId | None = None
    while True:
        records, offset = qdrant.scroll(name, limit=PAGE, offset=offset, with_payload=True, with_vectors=True)
        yield from (models.PointStruct(id=r.id, vector=r.vector or {}, payload=r.payload) for r in records)
        if offset is None:
            return


@contextmanager
def servers() -> Iterator[Servers]:
    """Those that are named, under a prefix that nobody else has; `clean` afterwards."""
    found = Servers(
        f"sluice_test_{os.urandom(5).hex()}_",
        os.environ.get(MONGODB_URI) or None,
        os.environ.get(QDRANT_URL) or None,
        os.environ.get(QDRANT_API_KEY) or None,
    )
    try:
        yield found
    finally:
        found.clean()


EMBEDDED = Servers("", None, None, None)

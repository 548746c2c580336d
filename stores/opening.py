"""All stores of one index, opened together from its settings."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from sluice.settings import Settings
from stores.blobs import MongoBlobs
from stores.embedded import EmbeddedMongo
from stores.mongo import MongoDatabase, connect, translated
from stores.mongo_documents import MongoDocumentStates, MongoQuarantine, MongoVersions
from stores.mongo_lease import MongoLease
from stores.mongo_ledger import MongoDecisions, MongoReleaseLedger, MongoRuns, MongoVectorCache
from stores.qdrant import QdrantStore

_INDEXES = {
    "documents": ("index", "source"),
    "versions": ("index", "document_key"),
    "quarantine": ("index", "stage"),
    "releases": ("index", "id"),
    "runs": ("index", "run"),
    "embeddings": ("hash", "model"),
}


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one index; close it, or use it as a context manager. Qdrant is opened when first used."""

    database: MongoDatabase
    documents: MongoDocumentStates
    blobs: MongoBlobs
    versions: MongoVersions
    quarantine: MongoQuarantine
    vectors: MongoVectorCache
    ledger: MongoReleaseLedger
    runs: MongoRuns
    decisions: MongoDecisions
    lease: MongoLease
    qdrant: QdrantStore
    _closing: ExitStack = field(repr=False)

    def close(self) -> None:
        """Let go of the servers; an embedded one stops when nobody else uses it. Safe to call again."""
        self._closing.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_stores(settings: Settings) -> Stores:
    """Connect to the configured MongoDB, or start or join the embedded one; raises StoreUnavailable."""
    with ExitStack() as opened:
        uri = settings.stores.mongodb.uri
        if uri == "embedded":
            uri = opened.enter_context(EmbeddedMongo(settings.state_dir))
        database, index = connect(uri, settings.database), settings.index
        opened.callback(database.client.close)
        with translated(database, "creating the indexes"):
            for collection, keys in _INDEXES.items():
                database[collection].create_index([(key, 1) for key in keys])
        chosen = settings.stores.qdrant
        qdrant = QdrantStore(
            chosen.url,
            path=settings.state_dir / "qdrant",
            wait_s=chosen.wait_s,
            api_key=chosen.api_key,
            timeout_s=chosen.timeout_s,
        )
        opened.callback(qdrant.close)
        return Stores(
            database,
            MongoDocumentStates(database, index),
            MongoBlobs(database),
            MongoVersions(database, index),
            MongoQuarantine(database, index),
            MongoVectorCache(database),
            MongoReleaseLedger(database, index),
            MongoRuns(database, index),
            MongoDecisions(database, index),
            MongoLease(database, index),
            qdrant,
            opened.pop_all(),
        )

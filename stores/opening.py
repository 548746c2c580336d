"""All stores of one index, opened together from its settings."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from sluice.settings import Settings
from stores import private
from stores.mongo import embedded_files
from stores.mongo.blobs import MongoBlobs
from stores.mongo.connection import DEFAULTS, MongoDatabase, connect, translated
from stores.mongo.cuts import MongoCuts
from stores.mongo.documents import MongoDocumentStates, MongoQuarantine, MongoVersions
from stores.mongo.embedded import EmbeddedMongo
from stores.mongo.endings import MongoEndings
from stores.mongo.judgements import MongoJudgements
from stores.mongo.lease import MongoLease
from stores.mongo.ledger import MongoDecisions, MongoReleaseLedger, MongoRuns
from stores.mongo.marks import MongoAccessAudit, MongoForgotten, MongoOutbox
from stores.mongo.meter import MongoMeter
from stores.mongo.vectors import MongoVectorCache

if TYPE_CHECKING:
    from stores.edge.store import EdgeStore
    from stores.qdrant.store import QdrantStore

_INDEXES = (
    ("documents", "index", "source"),
    ("documents", "index", "content_hash"),
    ("versions", "index", "document_key"),
    ("cuts", "index", "document_key"),
    ("quarantine", "index", "stage"),
    ("releases", "index", "id"),
    ("runs", "index", "run"),
    ("judgements", "index", "release"),
    ("embeddings", "hash", "model"),
)


class Stores:
    """The stores of one index; close it, or use it as a context manager.

    Qdrant is imported (its client 0.5 s, its engine 0.03 s) and the vector store opened when first used: a run without work
    needs neither.
    """

    def __init__(self, database: MongoDatabase, settings: Settings, closing: ExitStack) -> None:
        index = settings.index
        self.database = database
        self.documents = MongoDocumentStates(database, index)
        self.blobs = MongoBlobs(database)
        self.versions = MongoVersions(database, index)
        self.quarantine = MongoQuarantine(database, index)
        self.cuts = MongoCuts(database, index)
        self.vectors = MongoVectorCache(database)
        self.ledger = MongoReleaseLedger(database, index)
        self.runs = MongoRuns(database, index)
        self.judgements = MongoJudgements(database, index)
        self.decisions = MongoDecisions(database, index)
        self.forgotten = MongoForgotten(database, index)
        self.outbox = MongoOutbox(database, index)
        self.audit = MongoAccessAudit(database, index)
        self.endings = MongoEndings(database, index)
        self.meters = MongoMeter(database, index)
        self.lease = MongoLease(database, index)
        self._settings, self._closing = settings, closing
        self._lock = threading.Lock()

    @property
    def qdrant(self) -> QdrantStore | EdgeStore:
        """The vector store: one object for all threads."""
        with self._lock:
            return self._qdrant

    @cached_property
    def _qdrant(self) -> QdrantStore | EdgeStore:
        store = open_vector_store(self._settings)
        self._closing.callback(store.close)
        return store

    def room_for(self, points: int, dimension: int) -> None:
        """Raises DiskFull, with the numbers, when the disk of embedded stores has no room for so many more points.

        A point takes its vector twice (collection and cache) and about 4 kB of text, payload and indexes: 5 kB were
        measured with 384 dimensions. What a server's disk holds is the server's to say.
        """
        if "embedded" in (self._settings.stores.mongodb.uri, self._settings.stores.qdrant.url):
            private.room_for(self._settings.state_dir, points * (dimension * 8 + 4_000))

    def write_out(self) -> None:
        """Have no file of the embedded MongoDB keep the words of rows that were deleted; what a server keeps is its own."""
        if self._settings.stores.mongodb.uri == "embedded":
            embedded_files.write_out(self._settings.state_dir, self._settings.database)

    def close(self) -> None:
        """Let go of the servers; an embedded one stops when nobody else uses it. Safe to call again."""
        self._closing.close()

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_vector_store(settings: Settings) -> QdrantStore | EdgeStore:
    """The configured vector store by itself; nothing is asked of it yet. Close it."""
    chosen = settings.stores.qdrant
    if chosen.url == "embedded":
        from stores.edge.store import EdgeStore

        return EdgeStore(settings.state_dir / "qdrant", wait_s=chosen.wait_s)
    from stores.qdrant.store import QdrantStore

    return QdrantStore(chosen.url, api_key=chosen.api_key, timeout_s=chosen.timeout_s, tuning=chosen)


def reach_mongodb(settings: Settings, patience_s: float) -> None:
    """Whether the configured MongoDB answers within so long; raises StoreUnavailable. An embedded one is always there."""
    if settings.stores.mongodb.uri != "embedded":
        patience = dict.fromkeys(DEFAULTS, int(patience_s * 1000))
        connect(settings.stores.mongodb.uri, settings.database, patience).client.close()


_ahead: dict[Path, Future[EmbeddedMongo]] = {}


def begin(settings: Settings) -> None:
    """Start the embedded MongoDB, if one is configured, while this process goes on importing: half a second of waiting less.

    `open_stores` takes it from there, and meets what went wrong; where nobody opens the stores it ends with this process.
    """
    if settings.stores.mongodb.uri != "embedded" or settings.state_dir in _ahead:
        return
    embedded_files.refuse_emptied(settings.state_dir, settings.database)
    started: Future[EmbeddedMongo] = Future()

    def start() -> None:
        try:
            started.set_result(EmbeddedMongo(settings.state_dir))
        except BaseException as error:
            started.set_exception(error)

    Thread(target=start, name="embedded MongoDB", daemon=True).start()
    _ahead[settings.state_dir] = started  # after it: what could not be started is not waited for


def let_go() -> None:
    """End what was begun and nobody took."""
    while _ahead:
        _, started = _ahead.popitem()
        with suppress(BaseException):
            started.result().close()


def _embedded(state_dir: Path) -> EmbeddedMongo:
    started = _ahead.pop(state_dir, None)
    return started.result() if started is not None else EmbeddedMongo(state_dir)


def open_stores(settings: Settings) -> Stores:
    """Connect to the configured MongoDB, or start or join the embedded one; raises StoreUnavailable.

    From here on the state directory, and whatever this process writes, is its owner's alone.
    """
    private.protect(settings.state_dir)
    with ExitStack() as opened:
        uri = settings.stores.mongodb.uri
        if embedded := uri == "embedded":
            embedded_files.refuse_emptied(settings.state_dir, settings.database)
            uri = opened.enter_context(_embedded(settings.state_dir))
        database = connect(uri, settings.database)
        opened.callback(database.client.close)
        with translated(database, "creating the indexes"):
            for collection, *keys in _INDEXES:
                database[collection].create_index([(key, 1) for key in keys])
        if embedded:
            embedded_files.begin(settings.state_dir, settings.database)
        return Stores(database, settings, opened.pop_all())

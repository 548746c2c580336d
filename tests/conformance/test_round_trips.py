"""n things are asked of MongoDB in at most 1 + n/100 requests, in every stage of a build: counted, as a server counts them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pymongo
import pytest
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from indexing.build import Builder
from indexing.cuts import Cutter
from indexing.embed import CachedEmbedder
from pipeline.executors import PARTITION_DOCUMENTS
from sluice.access import AccessTags
from sluice.ids import content_hash, document_key, version_id
from sluice.records import Document, DocumentState
from stores.mongo.connection import MongoDatabase
from stores.mongo.cuts import MongoCuts
from stores.mongo.documents import MongoDocumentStates, MongoVersions
from stores.mongo.vectors import MongoVectorCache
from tests.fakes import MemoryVectorStore
from tests.unit.indexing.test_build import RELEASE, Sentences
from tests.unit.indexing.test_build import Counting as Angles


class Counting(CommandListener):
    """What is asked of each collection, by command."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        collection = event.command.get("collection") if event.command_name == "getMore" else event.command.get(event.command_name)
        self.asked[str(collection), event.command_name] += 1

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def counted(mongo_uri: str) -> Iterator[tuple[MongoDatabase, Counting]]:
    listener = Counting()
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(mongo_uri, event_listeners=[listener], tz_aware=True)
    database = client[f"test_{os.urandom(6).hex()}"]
    yield database, listener
    client.drop_database(database.name)
    client.close()


@pytest.mark.parametrize("count", [20, 400])
def test_a_build_of_n_documents(counted: tuple[MongoDatabase, Counting], count: int) -> None:
    """Parsed, cut, embedded, and all of it once more from what is kept: each collection is read and written in bulk."""
    database, listener = counted
    versions, states = MongoVersions(database, "ix"), MongoDocumentStates(database, "ix")
    vectors, store, cuts = MongoVectorCache(database), MemoryVectorStore(), MongoCuts(database, "ix")
    store.create(RELEASE.collection, dimension=2, sparse=False)
    documents = []
    for n in range(count):
        key, text = document_key("s", f"{n}.md"), f"Document number {n} says this. And so do all of them."
        documents.append(Document(key, "s", f"{n}.md", content_hash(text.encode()), "t", "en", text))
    made = [
        DocumentState(d.key, "s", d.uri, version=d.version, parse_fingerprint="p", tags=AccessTags({"staff"})) for d in documents
    ]
    keys = [state.key for state in made]
    stages: dict[str, Callable[[], object]] = {
        "write": lambda: (
            versions.put_all({version_id(d.key, d.version, "p"): d for d in documents}),
            states.write(made),
        ),
        "build": lambda: build(keys),
        "build again": lambda: build(keys),
        "what is known": lambda: Cutter(Sentences(), cuts).sums(made),
    }

    def build(keys: list[str]) -> None:
        embedder = CachedEmbedder(Angles(), vectors)
        builder = Builder(versions, Cutter(Sentences(), cuts), embedder, store)
        for start in range(0, len(keys), PARTITION_DOCUMENTS):
            builder.build(RELEASE, states.read(keys[start : start + PARTITION_DOCUMENTS]))

    for stage, work in stages.items():
        listener.asked.clear()
        work()
        for (collection, command), times in listener.asked.items():
            assert times <= 1 + count / 100, (stage, collection, command, times)
        assert listener.asked, stage
    assert len(store.collections[RELEASE.collection].points) == count * 2

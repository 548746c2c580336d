"""n things are asked of a store in at most 1 + n/100 requests, in every stage, gate and command: counted at 20 and 400 documents.

MongoDB is counted by its driver's own monitoring, a server's vector store by the calls of its client (local mode), the
embedded one by the calls of its methods.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
import yaml
from qdrant_client import QdrantClient

from pipeline.erasure import forgetting
from pipeline.operations import collecting, nightly, syncing
from pipeline.reading import differing, evaluating
from pipeline.resources import Resources
from pipeline.runs import holding
from stores.edge.store import EdgeStore
from stores.qdrant.store import QdrantStore
from tests.conformance.test_round_trips import Counting
from tests.flows.at_hand import NOWHERE, URLS, OnTheseStores

pytestmark = pytest.mark.slow

SIZES = (20, 400)
SEARCHES = {"nearest", "nearest_documents", "query_points"}
"""A question is asked again, for more, where scores are equal: that depends on texts, and there are five questions."""
STAGES = {"cold": 3, "changed": 3, "refused": 2, "mended, half of them deleted": 3, "evaluate": 2}
"""Stages of a command that each go through all documents, one after the other: fetching, parsing, building. `evaluate`
asks the questions, and then why at most five of them were missed."""


class Calls:
    """An object whose method calls are counted."""

    def __init__(self, inner: Any, asked: Counter[tuple[str, str]], name: str) -> None:
        self._inner, self._asked, self._name = inner, asked, name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self._asked[self._name, name] += 1
            return found(*arguments, **named)

        return call


class Nights:
    """An index of `count` documents, whose requests are counted by command."""

    def __init__(self, folder: Path, uri: str, kind: str, count: int) -> None:
        self.folder, self.count, self.by_command = folder, count, dict[str, Counter[tuple[str, str]]]()
        self.corpus = folder / "corpus"
        self.corpus.mkdir(parents=True)
        listener = Counting()
        self.asked = listener.asked
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(uri, event_listeners=[listener], tz_aware=True)
        self.database: Any = client[f"test_{os.urandom(6).hex()}"]
        self.vectors: Any
        if kind == "embedded":
            self.vectors = Calls(EdgeStore(folder / "state" / "qdrant"), self.asked, "vectors")
        else:
            self.vectors = QdrantStore(NOWHERE, client=Calls(QdrantClient(":memory:"), self.asked, "vectors"))  # type: ignore[arg-type]
        golden = [
            {"id": f"q{n}", "query": f"who says w{n}x", "relevant": [{"uri": f"{n:03}.md", "quote": f"word w{n}x"}]}
            for n in range(5)
        ]
        (folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in golden), encoding="utf-8")
        self.settings: dict[str, Any] = {
            "index": "counted",
            "state_dir": "state",
            "stores": {"mongodb": {"uri": uri}, "qdrant": {"url": URLS[kind]}},
            "sources": [
                {
                    "name": "notes",
                    "type": "files",
                    "root": "corpus",
                    "include": ["**/*.md"],
                    "parse": "verbatim",
                    "limits": {"sandbox": False},
                }
            ],
            "chunking": {"strategy": "recursive", "max_tokens": 100, "overlap_tokens": 0},
            "embedding": {"model": "hashing:256", "precision": "fp32"},
            "gates": [
                {"type": "retrieval", "golden": "golden.jsonl", "k": 3, "min_recall": 0.0, "max_drop": 1.0, "max_stale": 1.0},
                {"type": "data_quality", "max_boilerplate": 1.0},
            ],
            "retention": {"keep": 2},
        }
        self.readers(("**", "staff"))

    def readers(self, *rules: tuple[str, str]) -> None:
        """Who may read what: pattern and tag."""
        ruled = [{"match": pattern, "tags": ["all", tag]} for pattern, tag in rules]
        config = self.settings | {"access": {"rules": ruled}}
        (self.folder / "sluice.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def write(self, text: str) -> None:
        """All documents anew, each another one; in Greek, whose script tells the language: statistics take half of the time."""
        for n in range(self.count):
            content = f"# Note {n}\n\nΤο έγγραφο λέει και γράφει πάντα: word w{n}x. {text}\n"
            (self.corpus / f"{n:03}.md").write_text(content, encoding="utf-8")

    def spoil(self) -> None:
        """All documents anew, each as bytes that are no text."""
        for n in range(self.count):
            (self.corpus / f"{n:03}.md").write_bytes(bytes(range(256)) * 4 + str(n).encode())

    @contextmanager
    def counted(self, command: str) -> Iterator[Resources]:
        self.asked.clear()
        with OnTheseStores(self.folder / "sluice.yaml", self.database, self.vectors) as r:
            yield r
        self.by_command[command] = Counter(self.asked)

    def night(self, command: str, outcome: str = "promoted") -> str | None:
        with self.counted(command) as r, holding(r, "run") as run:
            report = nightly.reindex(r, run, allow_deletions=["notes"])
        assert report.outcome == outcome, [verdict.reason for verdict in report.verdicts]
        return report.release

    def close(self) -> None:
        self.database.client.drop_database(self.database.name)
        self.database.client.close()


def lived(nights: Nights) -> dict[str, Counter[tuple[str, str]]]:
    """Nights and commands that each touch every document."""
    nights.write("Όπως ήταν στην αρχή.")
    first = nights.night("cold")
    nights.write("Όπως είναι τώρα.")
    second = nights.night("changed")
    nights.readers(*((f"{n:03}.md", f"reader-{n}") for n in range(nights.count)))
    with nights.counted("access sync") as r, holding(r, "access sync") as run:
        assert syncing.sync_access(r, run).access_changed == nights.count
    nights.readers(("**", "staff"))
    with nights.counted("evaluate") as r:
        evaluating.evaluate(r, None, None, 5, gate=True)
    with nights.counted("releases diff") as r:
        assert len(differing.difference(r, str(first), str(second)).changed) == nights.count
    nights.spoil()
    with nights.counted("refused") as r, holding(r, "run") as run:
        assert sum(nightly.reindex(r, run).counts["parse"].failed.values()) == nights.count
    nights.write("Διορθωμένο.")
    for n in range(nights.count // 2, nights.count):
        (nights.corpus / f"{n:03}.md").unlink()
    nights.night("mended, half of them deleted")
    with nights.counted("gc") as r, holding(r, "gc") as run:
        removed = collecting.collect_garbage(r, run).removed
        assert min(len(removed[kind]) for kind in ("versions", "blobs", "vectors")) >= nights.count / 2
    with nights.counted("forget") as r, holding(r, "forget") as run:
        forgetting.forget(r, run, "000.md")
    return nights.by_command


@pytest.mark.parametrize("kind", ["embedded", "server"])
def test_requests_grow_by_one_for_a_hundred_documents_at_most(tmp_path: Path, mongo_uri: str, kind: str) -> None:
    """From 20 to 400 documents no command asks a store more than 3.8 times more a stage, whatever it asks for.

    (A lease's heartbeat goes by the clock.)
    """
    asked: dict[int, dict[str, Counter[tuple[str, str]]]] = {}
    for count in SIZES:
        nights = Nights(tmp_path / str(count), mongo_uri, kind, count)
        try:
            asked[count] = lived(nights)
        finally:
            nights.close()
    few, many = (asked[count] for count in SIZES)
    more = {
        (command, *what): (few[command][what], times)
        for command, counted in many.items()
        for what, times in counted.items()
        if what[0] != "leases"
        and what[1] not in SEARCHES
        and times - few[command][what] > STAGES.get(command, 1) * (SIZES[1] - SIZES[0]) / 100
    }
    assert more == {}
    assert few.keys() == many.keys() == {*STAGES, "access sync", "evaluate", "releases diff", "gc", "forget"}
    assert {what for counted in many.values() for store, what in counted if store == "vectors"} >= {"upsert"}

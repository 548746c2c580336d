"""10,000 searches in 1,500 chunks of a handbook with twelve departments as tags, against a model that looks at every chunk.

Asked at rest, and between any two writes of an access sync, of a build and of a rollback, on the embedded stores; and by a
thread that searches all the while. What is held to be right at a moment: in each collection a document has the tags from
before a change until they are written there, and the new ones from then on; in each collection every revocation is written
before any grant; and a release goes live only when its documents have the tags of now.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml

from benchmarks.tampering import Tampering
from indexing.search import Searcher
from pipeline.executors import Inline
from pipeline.operations import going_live, nightly, syncing
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.access import Principal
from sluice.records import Hit
from sluice.releases import Release
from sluice.settings import load
from tests.flows.brute_force import K, Model, WatchedResources

CORPORA = Path(__file__).resolve().parents[2] / "../shared/corpora"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.exists(), reason="../shared/corpora is absent"),
]

PAIRS, CHUNKS = 10_000, 1_500
BYTES = 71_000
"""Of each department, about 115 chunks (one has less than half of that)."""


class Killed(BaseException):
    """The process ends here."""


def department(uri: str) -> str:
    parts = uri.split("/")
    return parts[2] if parts[:2] == ["content", "departments"] and parts[2] in DEPARTMENTS else "public"


DEPARTMENTS = (
    tuple(
        rule["match"].split("/")[2]
        for rule in yaml.safe_load((CORPORA / "handbook.yaml").read_text(encoding="utf-8"))["access"]["rules"]
        if "departments" in rule["match"]
    )
    if CORPORA.exists()
    else ()
)
TAGS = (*DEPARTMENTS, "public")


@dataclass
class World:
    """The handbook's part, its configuration, and the rules as they are meant: department → tags."""

    folder: Path
    rules: dict[str, set[str]] = field(default_factory=lambda: {tag: {tag} for tag in TAGS})
    gone: set[str] = field(default_factory=set)

    @property
    def config(self) -> Path:
        return self.folder / "sluice.yaml"

    def meant(self, uri: str) -> set[str]:
        return set() if uri in self.gone else self.rules[department(uri)]

    def configure(self) -> None:
        globs = {tag: f"content/departments/{tag}/**" for tag in DEPARTMENTS} | {"public": "content/**"}
        self.config.write_text(
            yaml.safe_dump(
                {
                    "index": "handbook",
                    "state_dir": "state",
                    "sources": [
                        {"name": "handbook", "type": "files", "root": "corpus", "include": ["**/*.md"], "parse": "verbatim"}
                    ],
                    "access": {"rules": [{"match": globs[tag], "tags": sorted(self.rules[tag])} for tag in TAGS]},
                    "chunking": {"strategy": "recursive", "max_tokens": 200, "overlap_tokens": 20, "context": "none"},
                    "embedding": {"model": "hashing:256", "precision": "fp32"},
                    "gates": [],
                }
            ),
            encoding="utf-8",
        )

    def files(self, tag: str) -> list[Path]:
        return sorted((self.folder / "corpus/content/departments" / tag).rglob("*.md"))

    def edit(self, tag: str, count: int) -> None:
        for file in self.files(tag)[:count]:
            file.write_text(file.read_text(encoding="utf-8") + "\nThis was added to the page.\n", encoding="utf-8")

    def delete(self, tag: str, count: int) -> None:
        for file in self.files(tag)[-count:]:
            self.gone.add(str(file.relative_to(self.folder / "corpus")))
            file.unlink()


def handbook(folder: Path) -> World:
    """A folder with about as much of every department, and of what everyone may read."""
    content = CORPORA / "handbook/content"
    parts = [(content / "departments" / tag, 1) for tag in DEPARTMENTS] + [(content / "company-info-and-process", 2)]
    for part, share in parts:
        size = 0
        for file in sorted(part.rglob("*.md")):
            if size < BYTES * share:
                target = folder / "corpus/content" / file.relative_to(content)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                size += file.stat().st_size
    world = World(folder)
    world.configure()
    return world


class Examiner:
    """Asks, compares with the model, and counts; told of every write, it asks again."""

    def __init__(self, world: World) -> None:
        lines = (CORPORA / "handbook.golden.jsonl").read_text(encoding="utf-8").splitlines()
        self.queries = [json.loads(line)["query"] for line in lines]
        self.rng = np.random.default_rng(12)
        self.readers = [Principal.of(self.some(3)) for _ in range(16)]
        self.world = world
        self.w: WatchedResources | None = None
        self.live: Any = None
        self.model: Model | None = None
        self.asked, self.moments, self.phase = 0, Counter[str](), ""
        self.wrong: list[str] = []
        self.each = (2, 10)
        """At each moment: how many readers, and how many questions of each of them."""
        self.kill_at_upsert = 0

    def told(self, name: str, arguments: tuple[Any, ...]) -> None:
        """A store has written: the model follows, and then somebody searches."""
        if self.model is None:
            return
        if name in ("set_tags", "retag"):
            self.model.wrote_tags(arguments[0], arguments[2] if name == "set_tags" else arguments[1])
        elif name == "switch":
            self.model.switched(arguments[0])
        elif name == "upsert" and self.kill_at_upsert:
            self.kill_at_upsert -= 1
            if not self.kill_at_upsert:
                raise Killed
        self.moments[self.phase] += 1
        self.ask(*self.each)

    def some(self, most: int) -> set[str]:
        """At most so many tags, by chance."""
        chosen = self.rng.choice(len(TAGS), size=self.rng.integers(0, most + 1), replace=False)
        return {TAGS[number] for number in chosen}

    @property
    def wiring(self) -> WatchedResources:
        assert self.w is not None
        return self.w

    def hold(self, release_id: str) -> None:
        """The model takes a release in, once it is complete."""
        assert self.model is not None
        collection = self.wiring.releases.get(release_id).collection
        found = self.wiring.stores.target.qdrant.scan(collection, ["document_key", "uri", "text"])
        self.model.hold(collection, found, self.wiring.model.encoder)

    def ask(self, readers: int, questions: int) -> None:
        """The live release, and with every third reader any release that there is, as a person who looks into an older one."""
        model, w = self.model, self.wiring
        if model is None or model.now.live is None:
            return
        for _ in range(readers):
            reader = self.readers[self.rng.integers(len(self.readers))]
            name = model.now.live
            searcher: Any = self.live
            if self.rng.integers(3) == 0:
                name = sorted(model.now.masks)[self.rng.integers(len(model.now.masks))]
                searcher = Searcher(w.stores.target.qdrant, name, w.model.encoder, w.recipe.search)
            for query in self.rng.integers(len(self.queries), size=questions):
                hits = searcher.search(self.queries[query], reader, K)
                self.asked += 1
                if not model.agrees(hits, reader, int(query), name, model.now.masks[name]):
                    self.wrong.append(f"{self.phase}: {sorted(reader.tags)} asked {name}: {self.queries[query][:40]}")

    def _takes_in(self, _r: Resources, release: Release) -> None:
        """The model takes a candidate in before anyone is shown it."""
        self.hold(release.id)

    @contextmanager
    def during(self, phase: str) -> Iterator[WatchedResources]:
        """A process that holds the index, with somebody else searching all the while; afterwards everything is as meant."""
        self.phase = phase
        with WatchedResources(load(self.world.config), self.told) as w:
            self.w = w
            how, size = (Inline(), 64) if self.model is None else (Tampering(self._takes_in), 16)
            with holding(w, phase, executor=how, partition_documents=size) as self.by:
                self.live = w.live_searcher()
                thread = Reading(self, phase) if self.model is not None else None
                try:
                    yield w
                finally:
                    if thread is not None:
                        thread.end()
        assert self.wrong == [], f"{len(self.wrong)} of {self.asked} differ: {self.wrong[:5]}"
        if self.model is not None:
            assert self.model.behind() == []


@dataclass(frozen=True, slots=True)
class Answer:
    """What the thread was answered, and between which states of the model that was."""

    first: int
    last: int
    reader: Principal
    query: int
    hits: list[Hit]


class Reading:
    """A thread that searches what is live all the while; each answer is right for one moment while it was asked."""

    def __init__(self, examiner: Examiner, phase: str) -> None:
        self.examiner, self.phase = examiner, phase
        self.answers: list[Answer] = []
        self.errors: list[BaseException] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        rng, examiner = np.random.default_rng(5), self.examiner
        assert examiner.model is not None
        while not self.stop.is_set():
            reader = examiner.readers[rng.integers(len(examiner.readers))]
            query, first = int(rng.integers(len(examiner.queries))), len(examiner.model.states)
            try:
                hits = examiner.live.search(examiner.queries[query], reader, K)
            except BaseException as error:
                self.errors.append(error)
                return
            self.answers.append(Answer(first, len(examiner.model.states), reader, query, hits))
            time.sleep(0.08)

    def end(self) -> None:
        self.stop.set()
        self.thread.join()
        assert self.errors == []
        self.examiner.wrong += [f"{self.phase}, thread: {a.reader}" for a in self.answers if not self._is_right(a)]
        self.examiner.moments[f"{self.phase}, thread"] += len(self.answers)

    def _is_right(self, answer: Answer) -> bool:
        """A write may be seen a little before the model is told of it: one state more on that side."""
        model = self.examiner.model
        assert model is not None
        states = model.states[answer.first - 1 : answer.last + 1]
        return any(
            model.agrees(answer.hits, answer.reader, answer.query, live, state.masks[live])
            for live in {state.live for state in states if state.live is not None}
            for state in states
            if live in state.masks
        )


def revoked_first(written: list[tuple[str, str]]) -> bool:
    """In each collection, whatever grants comes after whatever revokes."""
    return all(
        [kind for name, kind in written if name == collection]
        == sorted((kind for name, kind in written if name == collection), reverse=True)
        for collection in {name for name, _ in written}
    )


def test_ten_thousand_searches_agree_with_looking_at_every_chunk(tmp_path: Path) -> None:
    """0 differences at rest, and in the middle of access syncs, builds, rollbacks and a build that was killed."""
    world = handbook(tmp_path)
    examiner = Examiner(world)

    with examiner.during("first build") as w:
        first = nightly.reindex(w, examiner.by)
        assert first.chunks >= CHUNKS, first.chunks
        assert first.release is not None
        vectors = np.stack([w.model.encoder.encode_query(query) for query in examiner.queries])
        examiner.model = Model(world.meant, TAGS, vectors, "handbook")
        examiner.hold(first.release)
        examiner.model.switched({"handbook": w.releases.get(first.release).collection})
        examiner.phase = "at rest"
        examiner.ask(16, 60)
    model = examiner.model

    world.edit("engineering", 4)
    world.edit("product", 3)
    world.delete("sales", 2)
    world.rules |= {"security": {"legal"}, "finance": set(), "marketing": {"marketing", "sales"}}
    world.configure()
    with examiner.during("build") as w:
        second = nightly.reindex(w, examiner.by)
        assert (second.outcome, second.documents_deleted) == ("promoted", 2)
        assert second.release is not None
    assert model.now.live == f"handbook__{second.release}"
    assert revoked_first(model.written)

    model.written.clear()
    world.rules |= {"people-talent": {"tech-ops"}}
    world.configure()
    with examiner.during("access sync of one department") as w:
        synced = syncing.sync_access(w, examiner.by)
        lags = [w.releases.get(id).access["revocation_lag_s"] for id in (first.release, second.release)]
        assert cast(Any, w.embedder.encoder).texts == 0
    departed = sum(1 for file in world.files("people-talent"))
    assert (synced.access_changed, synced.embedded, synced.chunks) == (departed, 0, 0)
    assert synced.revocation_lag_s is not None
    assert all(0 < lag <= synced.revocation_lag_s < 30 for lag in lags), (lags, synced)
    assert [kind for _, kind in model.written] == ["revoked", "revoked"]

    for wider in ("legal", "finance"):
        model.written.clear()
        widened = {"cloud": world.rules.get("cloud", {"cloud"}) | {wider}}  # whatever chance does, one department gains readers
        world.rules = {tag: examiner.some(3) for tag in TAGS} | widened
        world.configure()
        with examiner.during("access sync of every department") as w:
            syncing.sync_access(w, examiner.by)
        assert revoked_first(model.written)
        assert {kind for _, kind in model.written} == {"revoked", "granted"}

    for back in (first, second):
        world.rules = {tag: {tag} | examiner.some(1) for tag in TAGS}
        world.configure()
        with examiner.during("rollback") as w:
            assert going_live.rollback(w, examiner.by, back.release).release == back.release
        assert model.now.live == f"handbook__{back.release}"

    world.edit("cloud", 5)
    examiner.kill_at_upsert = 1
    with pytest.raises(Killed), examiner.during("build that is killed") as w:
        nightly.reindex(w, examiner.by)
    world.rules |= {"cloud": {"finance"}, "product": set()}
    world.configure()
    with examiner.during("access sync of a build") as w:
        syncing.sync_access(w, examiner.by)
        (building,) = [release for release in w.releases.all() if release.state == "building"]
        found = list(w.stores.target.qdrant.scan(building.collection, ["uri", "access_tags"]))
        assert len(found) > 100
        assert [p for p in found if set(p.payload["access_tags"]) != world.meant(p.payload["uri"])] == []
    with examiner.during("build that goes on") as w:
        third = nightly.reindex(w, examiner.by)
    assert (third.outcome, third.release) == ("promoted", building.id)

    with examiner.during("at rest again"):
        while examiner.asked < PAIRS:
            examiner.ask(1, 40)
    told = f"{first.chunks} chunks, {examiner.asked} pairs; moments: {dict(examiner.moments)}"
    assert model.too_early == []
    assert examiner.wrong == [], told
    for phase in ("build", "rollback", "access sync of every department", "build that goes on"):
        assert examiner.moments[phase] > 12, told  # a delta writes little, so it has few
        assert examiner.moments[f"{phase}, thread"] > 5, told

"""Documents to points: whatever is done twice is done once, and everything adds up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.build import Builder, Built
from indexing.cuts import Cutter
from indexing.embed import CachedEmbedder
from indexing.payload import hit
from ingest.testing.stores import MemoryVersions
from sluice.access import AccessTags
from sluice.errors import IntegrityError, StoreUnavailable
from sluice.ids import chunk_id, content_hash, document_key, text_hash, version_id
from sluice.points import ScoredPoint, SparseVector, Vector
from sluice.records import Chunk, Document, DocumentState
from sluice.releases import Release
from tests.fakes import MemoryVectorCache, MemoryVectorStore

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
RELEASE = Release("r1", "ix", "ix__r1", "building", "fp", "root", NOON)

# What a reader needs to cite and filter.
PROMISED = {
    "uri",
    "source",
    "title",
    "heading_path",
    "page",
    "start",
    "end",
    "text",
    "language",
    "access_tags",
    "metadata",
    "document_key",
    "version",
}


@dataclass
class Counting:
    """Embeds a text as a unit vector of its own, and remembers what it was asked to."""

    asked: list[str] = field(default_factory=list)
    fingerprint: str = "counting"
    dimension: int = 2

    def encode(self, texts: Sequence[str]) -> Vector:
        self.asked += texts
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> Vector:
        angle = int(text_hash(text)[:8], 16)
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


class Sentences:
    """One chunk for each sentence, its heading path the title; the title is its context too."""

    fingerprint = "sentences"

    def chunk(self, document: Document) -> list[Chunk]:
        return [
            Chunk(
                id=chunk_id(document.key, self.fingerprint, m.start(), m[0]),
                document_key=document.key,
                start=m.start(),
                end=m.end(),
                text=m[0],
                tokens=len(m[0].split()),
                context=document.title,
                context_cut=len(document.title) > 20,
                heading_path=(document.title,),
                page=1,
            )
            for m in re.finditer(r"[^.\s][^.]*\.", document.text)
        ]


class Lengths:
    """A sparse vector that says which text it is of."""

    fingerprint = "lengths"

    def documents(self, texts: Sequence[str]) -> list[SparseVector]:
        return [SparseVector((len(text),), (1.0,)) for text in texts]

    def query(self, text: str) -> SparseVector:
        return self.documents([text])[0]


class Words:
    """Counts words."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@dataclass
class House:
    """Parsed documents on one side, a collection on the other."""

    versions: MemoryVersions = field(default_factory=MemoryVersions)
    cache: MemoryVectorCache = field(default_factory=MemoryVectorCache)
    store: Any = field(default_factory=MemoryVectorStore)
    encoder: Counting = field(default_factory=Counting)
    told: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.create(RELEASE.collection, dimension=2, sparse=False)

    def document(self, uri: str, text: str, *, title: str = "", **more: Any) -> DocumentState:
        key, version = document_key("s", uri), content_hash(text.encode())
        given: dict[str, Any] = {"language": "en", "metadata": {"author": "Ada"}}
        self.versions.put(version_id(key, version, "p1"), Document(key, "s", uri, version, title, text=text, **given))
        state = DocumentState(key, "s", uri, version=version, content_hash=version, parse_fingerprint="p1")
        changed: dict[str, Any] = {"tags": AccessTags({"staff", "hr"}), "modified": NOON} | more
        return replace(state, **changed)

    def builder(self, **more: Any) -> Builder:
        embedder = CachedEmbedder(self.encoder, self.cache, tokenizer=Words(), batch_texts=2)
        return Builder(self.versions, Cutter(Sentences()), embedder, self.store, progress=self.told.append, **more)

    def build(self, states: Iterable[DocumentState], **more: Any) -> Built:
        built = self.builder(**more).build(RELEASE, list(states))
        for stage, counts in built.counts.items():
            counts.checked(stage)
        return built

    @property
    def points(self) -> dict[str, Any]:
        return {id: p.payload for id, p in self.store.collections[RELEASE.collection].points.items()}


@pytest.fixture
def house() -> House:
    return House()


def test_a_payload_holds_all_that_the_design_promises(house: House) -> None:
    """Every key of section 3, and a hit can be made of it: what is cited is what was cut."""
    state = house.document("a.md", "One. Two is longer.", title="Title")
    house.build([state])
    for id, payload in house.points.items():
        assert payload.keys() >= PROMISED
        assert (payload["uri"], payload["version"]) == ("a.md", state.version)
        assert "r1" not in payload.values(), "a point is the same point in every release"
        assert payload["access_tags"] == ["hr", "staff"]
        assert payload["modified"] == "2026-11-21T12:00:00+00:00"
        found = hit(ScoredPoint(id, 1.0, payload), "r1")
        assert "One. Two is longer."[found.start : found.end] == found.text
    assert {p["text"] for p in house.points.values()} == {"One.", "Two is longer."}
    assert all(p["title"] not in p["text"] for p in house.points.values()), "context is never inside text"


def test_each_point_has_its_own_chunk_s_vectors(house: House) -> None:
    """Id, dense and sparse vector are of one chunk, in whatever order they were embedded."""
    states = [house.document("a.md", "One. Two is longer.", title="T"), house.document("b.md", "Three is the longest of all.")]
    house.build(states, sparse=Lengths())
    for state in states:
        for chunk in Sentences().chunk(house.versions.rows[version_id(state.key, state.version, "p1")]):
            point = house.store.collections[RELEASE.collection].points[chunk.id]
            assert np.array_equal(point.dense, house.encoder.encode_query(chunk.embedded_text))
            assert point.sparse == Lengths().query(chunk.embedded_text)
            assert point.payload["text_hash"] == text_hash(chunk.embedded_text)


def test_a_partition_done_twice_leaves_the_same_and_embeds_nothing(house: House) -> None:
    """A task that is retried, or a build that was interrupted, costs no embedding the second time."""
    states = [house.document("a.md", "One. Two."), house.document("b.md", "Two. Three.")]
    first = house.build(states)
    before, asked = house.points, list(house.encoder.asked)
    again = house.build(states)
    assert house.points == before
    assert house.encoder.asked == asked
    assert (again.embedded, again.cached, again.tokens_embedded) == (0, first.chunks, 0)


def test_equal_texts_share_vectors_and_never_points(house: House) -> None:
    """Two documents with one text: embedded once, stored twice, each with its own tags."""
    secret = house.document("a.md", "The same.", tags=AccessTags({"hr"}))
    built = house.build([secret, house.document("b.md", "The same.", tags=AccessTags({"staff"}))])
    assert (built.chunks, built.embedded, built.cached) == (2, 1, 1)
    assert sorted(p["access_tags"] for p in house.points.values()) == [["hr"], ["staff"]]
    assert len(house.points) == 2


def test_the_context_is_embedded_and_not_part_of_the_identity(house: House) -> None:
    """Another title gives the same ids and other vectors."""
    house.build([house.document("a.md", "One.", title="Old")])
    ids = set(house.points)
    built = house.build([house.document("a.md", "One.", title="New")])
    assert set(house.points) == ids
    assert built.embedded == 1
    assert house.encoder.asked == ["Old\n\nOne.", "New\n\nOne."]


def untimed(built: Built) -> Built:
    return replace(built, seconds={}, sources={name: {**found, "seconds": 0} for name, found in built.sources.items()})


TEXT = st.lists(st.sampled_from(["One.", "Two.", "Three.", "Four words are here."]), max_size=4).map(" ".join)


@given(texts=st.lists(TEXT, max_size=6), known=TEXT, cut=st.integers(0, 6))
def test_everything_adds_up_whatever_the_partitions(texts: list[str], known: str, cut: int) -> None:
    """Accounts balance; embedded + cached are the chunks; partitions sum to the whole, and leave the same points."""
    whole, parts = House(), House()
    for house in (whole, parts):
        house.build([house.document("known.md", known)])
        house.encoder.asked.clear()
    states = [whole.document(f"{i}.md", text) for i, text in enumerate(texts)]
    built = whole.build(states)
    assert built.embedded + built.cached == built.chunks == built.counts["embed"].seen == built.counts["stage"].kept
    assert built.embedded == len(whole.encoder.asked) == len(set(whole.encoder.asked))
    assert built.tokens == sum(len(text.split()) for text in texts)
    assert built.tokens_embedded == sum(len(text.split()) for text in whole.encoder.asked)
    assert built.counts["chunk"].seen == len(texts)
    assert built.counts["chunk"].dropped.get("no_text", 0) == texts.count("")

    again = [parts.document(f"{i}.md", text) for i, text in enumerate(texts)]
    summed = reduce(Built.__add__, [parts.build(again[:cut]), parts.build(again[cut:])], Built())
    assert untimed(summed) == untimed(built)
    assert parts.points == whole.points


def test_what_it_did_is_told(house: House) -> None:
    """Documents for the progress bar, seconds for each stage, contexts that had to be cut."""
    built = house.build(
        [house.document("a.md", "One. Two.", title="a title that is far too long"), house.document("b.md", "One.")]
    )
    assert house.told == [2]
    assert built.contexts_cut == 2
    assert built.seconds.keys() == {"chunk", "embed", "stage"}
    assert all(seconds >= 0 for seconds in built.seconds.values())


def test_a_missing_version_is_an_error_that_says_how_to_get_it_back(house: House) -> None:
    """A release without a document that it should hold is never written as if it were whole."""
    good, lost = house.document("a.md", "One."), house.document("b/c.md", "Two.")
    house.versions.delete([version_id(lost.key, lost.version, "p1")])
    with pytest.raises(IntegrityError, match=r"'b/c.md' \(source 's'\) is missing") as error:
        house.build([good, lost])
    assert "--match 'b/c.md' --from parse" in error.value.hint
    assert house.points == {}


def test_a_failure_half_way_keeps_what_was_embedded(house: House) -> None:
    """The store does not answer: it is raised, and the next attempt embeds nothing again."""

    class Deaf(MemoryVectorStore):
        def upsert(self, *_: Any) -> None:
            raise StoreUnavailable("Qdrant does not answer")

    states = [house.document("a.md", "One. Two. Three.")]
    good, house.store = house.store, Deaf()
    with pytest.raises(StoreUnavailable):
        house.build(states)
    house.store = good
    assert house.build(states).embedded == 0
    assert len(house.points) == 3


def test_what_each_source_cost_adds_up_to_what_all_cost(house: House) -> None:
    """A text of two sources is embedded for the first, cached for the other; also where vectors were made before (a cluster)."""
    one, other = house.document("a.md", "One. Two is longer."), replace(house.document("b.md", "One. Three."), source="t")
    built = house.build([one, other])
    figures = {
        source: tuple(found[name] for name in ("documents", "chunks", "embedded", "cached", "tokens_embedded"))
        for source, found in built.sources.items()
    }
    assert figures == {"s": (1, 2, 2, 0, 4), "t": (1, 2, 1, 1, 1)}
    assert (built.embedded, built.tokens_embedded) == (3, 5)
    assert sum(found["seconds"] for found in built.sources.values()) == pytest.approx(sum(built.seconds.values()))
    again = House(versions=house.versions)
    early = again.builder().embed([one, other])
    late = again.build([one, other]).embedded_before(early)
    assert (late.embedded, late.cached) == (built.embedded, built.cached)
    assert untimed(late).sources == untimed(built).sources


def test_no_documents_are_no_work(house: House) -> None:
    """An empty partition balances, too."""
    built = house.build([])
    assert (built.chunks, built.embedded, house.points) == (0, 0, {})

"""The read side: nothing without a principal, nothing twice, nothing readable hidden."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.payload import payload
from indexing.search import Searcher
from sluice.access import AccessTags, Principal
from sluice.errors import ConfigurationError
from sluice.points import Filters, Point, SparseVector, Vector, VectorQuery
from sluice.records import Chunk, Document, DocumentState
from sluice.settings import SearchSettings
from tests.fakes import MemoryVectorStore
from tests.unit.indexing.fakes import Tap

HR, STAFF = Principal.of(["hr"]), Principal.of(["staff"])


class Angle:
    """Embeds a number of degrees as the unit vector at that angle: nearer numbers are nearer vectors."""

    fingerprint, dimension = "angle", 2

    def encode(self, texts: Any) -> Vector:
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> Vector:
        angle = np.radians(float(text))
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)


class Still(Angle):
    """Every query is at 10 degrees."""

    def encode_query(self, text: str) -> Vector:
        return super().encode_query("10")


class Words:
    """Term weights: the words' hashes, each once."""

    fingerprint = "words"

    def documents(self, texts: Any) -> list[SparseVector]:
        return [self.query(text) for text in texts]

    def query(self, text: str) -> SparseVector:
        indices = tuple(sorted({sum(map(ord, word)) for word in text.split()}))
        return SparseVector(indices, (1.0,) * len(indices))


@dataclass
class Index:
    """A collection of short chunks, each at an angle."""

    store: MemoryVectorStore = field(default_factory=MemoryVectorStore)
    log: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.create("c", dimension=2, sparse=True)

    def add(self, key: str, angle: float, text: str, tags: Any = ("staff",), **state: Any) -> None:
        given = {"source": "s", "uri": f"{key}.md", "version": "v"} | state
        about = DocumentState(key, tags=AccessTags(tags), **given)
        document = Document(key, about.source, about.uri, "v", f"title of {key}", "en", text, metadata={"author": "Ada"})
        chunk = Chunk(f"{key}-{angle:07.2f}", key, 0, len(text), text, 1, heading_path=("A", "B"), page=3)
        body = payload(chunk, document, about)
        self.store.upsert("c", [Point(chunk.id, Angle().encode_query(str(angle)), body, Words().query(text))])

    def searcher(self, sparse: Words | None = None, **how: Any) -> Searcher:
        return Searcher(Tap(self.store, self.log), "c", Angle(), SearchSettings(**how), sparse, release="r1")


@pytest.fixture
def index() -> Index:
    return Index()


def test_a_hit_names_every_place_of_its_text_that_may_be_read_and_no_other(index: Index) -> None:
    """However far down the ranking they lie; without what the reader may not see, and within what they narrowed to."""
    index.add("a", 1, "boilerplate")
    index.add("b", 170, "boilerplate", source="t")
    index.add("secret", 2, "boilerplate", ("hr",))
    index.add("c", 3, "own words")
    for searched in (index.searcher().search, index.searcher().search_documents):
        hits = {hit.uri: hit for hit in searched("0", STAFF, 2)}
        assert [place.uri for place in hits["a.md"].copies] == ["b.md"]
        assert hits["c.md"].copies == ()
        (both,) = (hit for hit in searched("0", Principal.of(["hr", "staff"]), 1))
        assert len(both.copies) == 2
        assert both.uri not in {place.uri for place in both.copies}
        (narrowed,) = searched("0", STAFF, 1, Filters(sources=("s",)))
        assert narrowed.copies == ()
    (place,) = index.searcher().search("0", STAFF, 1)[0].copies
    assert (place.document_key, place.source, place.start, place.end) == ("b", "t", 0, len("boilerplate"))


@settings(max_examples=80)
@given(
    chunks=st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(0, 90), st.sampled_from(["one", "two", "three"])), min_size=1
    ),
    asked=st.tuples(st.integers(1, 6), st.integers(1, 8)),
    mode=st.sampled_from(["dense", "hybrid"]),
)
def test_both_at_once_is_what_each_gives(chunks: list[tuple[str, int, str]], asked: tuple[int, int], mode: str) -> None:
    """Hits, scores and copies, where texts repeat and documents hold many chunks; one request where nothing repeats."""
    index = Index()
    for key, angle, text in chunks:
        index.add(key, angle, text, ("staff",) if key < "e" else ("hr",))
    searcher = index.searcher(Words() if mode == "hybrid" else None, mode=mode)
    searcher = replace(searcher, encoder=Still())
    documents, found = searcher.search_both("one", STAFF, *asked)
    assert documents == searcher.search_documents("one", STAFF, asked[0])
    assert found == searcher.search("one", STAFF, asked[1])


def test_points_from_before_there_were_copies_are_found_as_ever(index: Index) -> None:
    """Their release was built by an earlier version: no place is named, nothing fails."""
    index.add("a", 1, "text")
    points = index.store.collections["c"].points
    for id, point in points.items():
        points[id] = replace(point, payload={k: v for k, v in point.payload.items() if k not in ("text_id", "served")})
    (hit,) = index.searcher().search("0", STAFF, 1)
    assert (hit.text, hit.copies) == ("text", ())


def test_a_hit_has_what_is_needed_to_cite_it(index: Index) -> None:
    """Every field of the contract, as it was stored."""
    index.add("d1", 10, "text", modified=datetime(2026, 1, 1, tzinfo=UTC))
    (hit,) = index.searcher().search("10", STAFF, 5)
    assert (hit.chunk_id, hit.document_key, hit.uri, hit.source, hit.title) == ("d1-0010.00", "d1", "d1.md", "s", "title of d1")
    assert (hit.start, hit.end, hit.text, hit.heading_path, hit.page) == (0, 4, "text", ("A", "B"), 3)
    assert (hit.language, hit.access_tags, hit.metadata, hit.release) == ("en", ("staff",), {"author": "Ada"}, "r1")
    assert hit.score == pytest.approx(1)


def test_best_first_and_no_more_than_k(index: Index) -> None:
    """Scores grow with similarity."""
    for angle in (40, 10, 30, 20):
        index.add(f"d{angle}", angle, f"text {angle}")
    hits = index.searcher().search("0", STAFF, 3)
    assert [hit.text for hit in hits] == ["text 10", "text 20", "text 30"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_equal_texts_are_collapsed_and_k_stays_k(index: Index) -> None:
    """Fifty copies of one text before the others: the reader gets k different texts all the same."""
    for copy in range(50):
        index.add(f"copy{copy:02}", 1, "boilerplate")
    for angle in (10, 20, 30):
        index.add(f"d{angle}", angle, f"text {angle}")
    assert [hit.text for hit in index.searcher().search("0", STAFF, 3)] == ["boilerplate", "text 10", "text 20"]
    assert [hit.text for hit in index.searcher().search("0", STAFF, 9)] == ["boilerplate", "text 10", "text 20", "text 30"]


def test_a_copy_that_one_may_read_is_not_hidden_by_one_that_one_may_not(index: Index) -> None:
    """Filtered first, collapsed then: each principal gets the copy of their own."""
    index.add("secret", 1, "the same text", ["hr"])
    index.add("open", 2, "the same text", ["staff"])
    assert [hit.document_key for hit in index.searcher().search("0", HR, 5)] == ["secret"]
    assert [hit.document_key for hit in index.searcher().search("0", STAFF, 5)] == ["open"]
    assert [hit.document_key for hit in index.searcher().search("0", Principal.of(["hr", "staff"]), 5)] == ["secret"]


@given(
    points=st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from("tuvwx"), st.frozensets(st.sampled_from(["hr", "staff", "boss"]))),
        max_size=20,
    ),
    held=st.frozensets(st.sampled_from(["hr", "staff", "boss"])),
    k=st.integers(1, 6),
)
def test_search_equals_reading_everything(points: list[tuple[int, str, frozenset[str]]], held: frozenset[str], k: int) -> None:
    """The k nearest different texts among what the principal may read, found by looking at every point."""
    index = Index()
    for number, (angle, text, tags) in enumerate(points):
        index.add(f"d{number:02}", angle, text, tags)
    nearest: dict[str, float] = {}
    for angle, text, tags in points:
        if tags & held:
            nearest[text] = min(angle, nearest.get(text, 91))
    hits = index.searcher().search("0", Principal.of(held), k)
    assert len(hits) == min(k, len(nearest))
    assert [nearest[hit.text] for hit in hits] == sorted(nearest.values())[:k]
    assert all(held & set(hit.access_tags) for hit in hits)


def test_a_principal_without_tags_finds_nothing(index: Index) -> None:
    """Nobody is not everybody: neither chunks nor documents, not even what has no tags itself."""
    index.add("d1", 1, "text", ["staff"])
    index.add("d2", 1, "untagged", [])
    for principal in (Principal.of([]), Principal.of(["", " "]), Principal.of(["unknown"])):
        assert index.searcher().search("0", principal, 5) == []
        assert index.searcher().search_documents("0", principal, 5) == []


def test_the_filter_is_part_of_the_request(index: Index) -> None:
    """The store is asked for what the principal may read; nothing is asked for and then thrown away."""
    index.add("d1", 1, "text")
    wanted = Filters(sources=("s",), languages=("en",))
    index.searcher().search("0", STAFF, 5, wanted)
    index.searcher().search_documents("0", STAFF, 5, wanted)
    assert [call[0] for call in index.log] == ["nearest_texts", "with_texts", "nearest_documents", "with_texts"]
    for name, collection, query, *admitted in index.log:
        assert collection == "c"
        assert isinstance(query, list if name == "with_texts" else VectorQuery)
        assert (AccessTags({"staff"}) in admitted, wanted in admitted) == (True, True)


def test_documents_are_ranked_by_their_best_chunk(index: Index) -> None:
    """One hit a document, its best, and different documents with equal texts are different documents."""
    index.add("d1", 1, "near")
    index.add("d1", 2, "also near")
    index.add("d2", 3, "near")
    index.add("d3", 4, "far")
    found = index.searcher().search_documents("0", STAFF, 2)
    assert [(hit.document_key, hit.text) for hit in found] == [("d1", "near"), ("d2", "near")]


@pytest.mark.parametrize(("mode", "forms"), [("dense", (True, False)), ("sparse", (False, True)), ("hybrid", (True, True))])
def test_a_query_takes_the_forms_of_its_mode(index: Index, mode: str, forms: tuple[bool, bool]) -> None:
    """Both forms are fused in the store, one is not computed in vain."""
    index.add("d1", 1, "1 2")
    assert index.searcher(mode=mode, sparse=Words()).search("1", STAFF, 5)
    ((_, _, query, *_), _copies) = index.log
    assert (query.dense is not None, query.sparse is not None) == forms


@pytest.mark.parametrize("query", ["", "  ", "\n\t"])
def test_an_empty_query_is_refused(index: Index, query: str) -> None:
    """Exit code 2, with or without hits to find."""
    for search in (index.searcher().search, index.searcher().search_documents):
        with pytest.raises(ConfigurationError, match="the query is empty"):
            search(query, STAFF, 5)


@pytest.mark.parametrize("k", [0, -1])
def test_asking_for_nothing_is_refused(index: Index, k: int) -> None:
    """Rather than answering nothing, which would look like an empty index."""
    for search in (index.searcher().search, index.searcher().search_documents):
        with pytest.raises(ConfigurationError, match=f"k is {k}"):
            search("0", STAFF, k)

"""Where a document stands in an answer, and which stage lost it: each stage planted in a small collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from indexing.search import Searcher
from indexing.standing import Standing, standing
from sluice.access import AccessTags, Principal
from sluice.points import DOCUMENT_KEY, Filters, Point, ScoredPoint, SparseVector, Vector, VectorQuery
from sluice.settings import SearchSettings
from tests.fakes import MemoryVectorStore

ALL = Principal.of(["all"])
DENSE, HYBRID = SearchSettings(mode="dense"), SearchSettings(mode="hybrid")


class Angles:
    """An encoder whose queries all look the same way; points lie at angles from it."""

    fingerprint, dimension = "angles", 2

    def encode(self, texts: Sequence[str]) -> Vector:
        raise AssertionError("nothing is embedded to explain an answer")

    def encode_query(self, text: str) -> Vector:
        return np.array([1, 0], dtype=np.float32)


class OneWord:
    """A sparse encoder that asks for term 7."""

    fingerprint = "one word"

    def documents(self, texts: Sequence[str]) -> list[SparseVector]:
        raise AssertionError("nothing is embedded to explain an answer")

    def query(self, text: str) -> SparseVector:
        return SparseVector((7,), (1.0,))


class Backwards:
    """A reranker that likes best what comes last in the alphabet."""

    def scores(self, query: str, texts: Sequence[str]) -> Sequence[float]:
        return [float(ord(text[0])) for text in texts]


class Forgetful(MemoryVectorStore):
    """An approximate index that does not find one document."""

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        return [p for p in super().nearest(collection, query, tags, k + 1, filters) if p.payload[DOCUMENT_KEY] != "a"][:k]

    nearest_texts = nearest


def point(key: str, text: str, degrees: float, words: int = 0) -> Point:
    """A document of one chunk, at this angle from the query, with so many occurrences of its word."""
    angle = np.radians(degrees)
    payload: dict[str, Any] = {
        "document_key": key, "uri": f"{key}.md", "source": "s", "title": key, "heading_path": [], "page": None, "start": 0,
        "end": len(text), "text": text, "text_id": text, "language": "en", "access_tags": ["all"], "metadata": {},
    }  # fmt: skip
    sparse = SparseVector((7,), (float(words),)) if words else SparseVector((), ())
    return Point(f"id-{key}", np.array([np.cos(angle), np.sin(angle)], dtype=np.float32), payload, sparse)


def asked(points: Sequence[Point], key: str, k: int, how: SearchSettings = DENSE, *, store: MemoryVectorStore | None = None,
          rerank: bool = False) -> Standing:  # fmt: skip
    store = store or MemoryVectorStore()
    store.create("c", dimension=2, sparse=True)
    store.upsert("c", points)
    searcher = Searcher(store, "c", Angles(), how, OneWord(), Backwards() if rerank else None)
    return standing(searcher, store, "q", ALL, key, k)


LINE = [point(name, f"{name} says something of its own", 10 * n) for n, name in enumerate("abcdefgh")]


def test_a_document_among_the_hits_is_found_at_its_rank() -> None:
    """`found` names the rank, the best chunk and what stands above it."""
    found = asked(LINE, "c", 3)
    assert (found.reason, found.ranks.answered, found.ranks.dense, found.ranks.dense_exact) == ("found", 3, 3, 3)
    assert [rival.uri for rival in found.outranked_by] == ["a.md", "b.md"]
    assert found.chunk is not None
    assert found.chunk.text.startswith("c says")


def test_a_document_below_k_is_outranked_by_the_hits() -> None:
    """`outranked` says the rank of its best chunk, and names every hit above it."""
    found = asked(LINE, "e", 2)
    assert (found.reason, found.ranks.searched, found.ranks.answered) == ("outranked", 5, None)
    assert [rival.uri for rival in found.outranked_by] == ["a.md", "b.md"]


def test_a_text_that_another_document_shows_is_a_copy() -> None:
    """The same text in two documents is one hit: the other one is `shown_as_copy`, at that rank."""
    twin = replace(LINE[0], id="id-z", payload={**LINE[0].payload, "document_key": "z", "uri": "z.md"})
    found = asked([*LINE, twin], "z", 2)
    assert (found.reason, found.ranks.answered) == ("shown_as_copy", 1)


def test_near_copies_that_take_the_places_are_named() -> None:
    """Three hits that differ in a word push a document out: `outranked_by_copies`, and each says which one it repeats."""
    words = "we keep the ledger under the stairs of the old house near the river and the mill and the square"
    copies = [point(f"copy{n}", f"{words} {n}", n) for n in range(3)]
    found = asked([*copies, point("a", "something else altogether", 20)], "a", 3)
    assert (found.reason, found.ranks.searched) == ("outranked_by_copies", 4)
    assert [rival.near for rival in found.outranked_by] == [(), (1,), (1, 2)]


def test_a_document_first_in_one_ranking_may_be_lost_to_fusion() -> None:
    """Second by words and eighth by meaning, behind those that are in both: `lost_to_fusion`, with all three ranks."""
    points = [point(name, f"{name} of its own", 10 * n, words=w) for n, (name, w) in enumerate(
        [("b", 3), ("c", 9), ("d", 5), ("e", 4), ("f", 2), ("g", 1), ("a", 6)])]  # fmt: skip
    found = asked(points, "a", 2, HYBRID)
    assert (found.reason, found.ranks.dense, found.ranks.sparse) == ("lost_to_fusion", 7, 2)
    assert found.ranks.searched is not None
    assert found.ranks.searched > 2


def test_a_document_that_the_reranker_puts_down_is_lost_to_it() -> None:
    """First in the search, last for the reranker: `lost_to_reranker`, with both ranks."""
    found = asked(LINE, "a", 2, SearchSettings(rerank="x", rerank_k=8), rerank=True)
    assert (found.reason, found.ranks.searched, found.ranks.reranked) == ("lost_to_reranker", 1, 8)


def test_a_document_that_an_approximate_index_misses_has_its_exact_rank_beside() -> None:
    """First by every vector, nowhere in the store's answer: `lost_to_approximation`."""
    found = asked(LINE, "a", 3, store=Forgetful())
    assert (found.reason, found.ranks.dense, found.ranks.dense_exact) == ("lost_to_approximation", None, 1)


def test_sparse_search_without_a_common_word_says_so() -> None:
    """`no_term_in_common` where words are all there is."""
    found = asked([point("a", "a text", 0), point("b", "b text", 5, words=2)], "a", 3, SearchSettings(mode="sparse"))
    assert (found.reason, found.ranks.sparse, found.ranks.searched) == ("no_term_in_common", None, None)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_what_is_found_agrees_with_the_search(k: int) -> None:
    """A document is `found` exactly when the reader's search gives it, for every document and k."""
    assert [asked(LINE, name, k).reason == "found" for name in "abcdefgh"] == [n < k for n in range(8)]

"""Search in memory: an experiment ranks as the live store would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexing.exact import PREFETCH, ExactSearch
from indexing.payload import payload
from indexing.search import Searcher
from indexing.sparse import Bm25Encoder
from sluice.access import AccessTags, Principal
from sluice.errors import ConfigurationError
from sluice.ids import chunk_id, document_key
from sluice.points import Filters, Point, Vector, VectorQuery
from sluice.records import Chunk, Document, DocumentState
from sluice.settings import SearchSettings
from stores import ranking
from stores.edge.store import EdgeStore

WORDS = [
    "gateway",
    "lease",
    "invoice",
    "parental",
    "badge",
    "release",
    "staging",
    "argon",
    "hotline",
    "budget",
    "deploy",
    "alias",
    "vector",
    "holiday",
    "review",
]
NOWHERE = Filters()


def points(count: int = 500, seed: int = 7) -> list[Point]:
    """Points of 120 documents under three tags, with different lengths and vectors, so that no two scores are equal."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    made = []
    for i in range(count):
        words = [*random.choice(WORDS, size=int(random.integers(3, 30))), *(f"filler{j}" for j in range(i % 97))]
        uri = f"d{i % 120}.md"
        made.append(point(uri, " ".join(words), i, vectors[i], AccessTags({("red", "green", "blue")[i % 120 % 3]})))
    weights = Bm25Encoder().documents([p.payload["text"] for p in made])
    return [Point(p.id, p.dense, p.payload, w) for p, w in zip(made, weights, strict=True)]


def point(
    uri: str,
    text: str,
    start: int,
    vector: np.ndarray,
    tags: AccessTags,
    *,
    parent: tuple[int, int] | None = None,
    whole: str = "",
) -> Point:
    key = document_key("s", uri)
    state = DocumentState(key, "s", uri, version="v", tags=tags)
    document = Document(key, "s", uri, "v", uri, "en", whole or "x" * start + text)
    chunk = Chunk(chunk_id(key, "f", start, text), key, start, start + len(text), text, len(text.split()), parent=parent)
    return Point(chunk.id, vector, payload(chunk, document, state))


@pytest.mark.parametrize(("mode", "weight"), [("dense", 0.5), ("sparse", 0.5), ("hybrid", 0.5), ("hybrid", 0.8)])
def test_it_ranks_as_the_vector_store_does(tmp_path: Path, mode: str, weight: float) -> None:
    """Chunks and documents, with their scores, in every mode, behind the same access filter."""
    held = points()
    store = EdgeStore(tmp_path / "qdrant")
    store.create("c", dimension=16, sparse=True)
    store.upsert("c", held)
    exact, tags = ExactSearch(held), AccessTags({"red", "blue"})
    random = np.random.default_rng(1)
    for _ in range(6):
        dense = random.normal(size=16).astype(np.float32)
        dense /= np.linalg.norm(dense)
        sparse = Bm25Encoder().query(" ".join(random.choice(WORDS, size=4)))
        query = VectorQuery(dense if mode != "sparse" else None, sparse if mode != "dense" else None, weight)
        for search in ("nearest", "nearest_documents"):
            mine = getattr(exact, search)("c", query, tags, 10, NOWHERE)
            theirs = getattr(store, search)("c", query, tags, 10, NOWHERE)
            assert [p.id for p in mine] == [p.id for p in theirs]
            assert np.allclose([p.score for p in mine], [p.score for p in theirs], atol=1e-5)
            assert all(set(p.payload["access_tags"]) <= tags for p in mine)
    store.close()
    assert PREFETCH == ranking.PREFETCH


def test_without_a_shared_tag_nothing_is_found() -> None:
    """Neither for a principal without tags nor for one whose tags no document carries."""
    exact, query = ExactSearch(points(30)), VectorQuery(dense=np.ones(16, dtype=np.float32))
    assert exact.nearest("c", query, AccessTags(), 5, NOWHERE) == []
    assert exact.nearest("c", query, AccessTags({"mauve"}), 5, NOWHERE) == []
    with pytest.raises(ConfigurationError, match="without filters"):
        exact.nearest("c", query, AccessTags({"red"}), 5, Filters(sources=("s",)))


class OneHot:
    """An encoder for which every text is the first axis."""

    fingerprint, dimension = "one-hot", 4

    def encode_query(self, text: str) -> Vector:
        vector: Vector = np.eye(4, dtype=np.float32)[0]
        return vector

    def encode(self, texts: Sequence[str]) -> Vector:
        return np.stack([self.encode_query(text) for text in texts])


def test_children_are_searched_and_their_parent_is_returned_once() -> None:
    """Ranked by its best child; the hit's span and text are the parent's, which a reader is given."""
    tags, text = AccessTags({"red"}), "first child. second child."
    axis = np.array([[0.9, 0.1, 0, 0], [0.7, 0.1, 0, 0], [0.8, 0, 0, 0]], dtype=np.float32)
    held = [
        point("a.md", "first child.", 0, axis[0], tags, parent=(0, 26), whole=text),
        point("b.md", "another document", 0, axis[2], tags),
        point("a.md", "second child.", 13, axis[1], tags, parent=(0, 26), whole=text),
    ]
    hits = Searcher(ExactSearch(held), "c", OneHot(), SearchSettings()).search("anything", Principal(tags), 3)
    assert [(hit.uri, hit.start, hit.end, hit.text) for hit in hits] == [
        ("a.md", 0, 26, text),
        ("b.md", 0, 16, "another document"),
    ]

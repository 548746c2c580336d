"""Nothing that a reader may not read changes what they get, in 1,000 pairs of reader and question, and the gate sees it."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from evaluation.gates.inference import InferenceGate, InferenceOptions
from indexing.exact import ExactSearch
from indexing.models.files import ModelFiles
from indexing.models.hashing import HashingEncoder
from indexing.search import Searcher
from indexing.sparse import Bm25Encoder as Bm25
from sluice.access import AccessTags
from sluice.ids import chunk_id, text_hash
from sluice.points import Filters, Point, ScoredPoint, StoredPoint, VectorQuery
from sluice.settings import SearchSettings
from tests.unit.evaluation.fakes import Release, context

EVERYBODY = AccessTags({"*"})
DEPARTMENTS = ("hr", "legal", "it", "board")
ENCODER = HashingEncoder(ModelFiles("hashing:64", "hashing", 64, 256))
WORDS = [f"word{i}" for i in range(60)]


@dataclass(frozen=True)
class Statistics:
    """A store of these points: `scoped`, a term counts among what the reader may read; else among all there is."""

    points: Sequence[Point]
    scoped: bool

    def nearest(self, collection: str, query: VectorQuery, tags: AccessTags, k: int, filters: Filters) -> list[ScoredPoint]:
        mine = [p for p in self.points if not tags.isdisjoint(p.payload["access_tags"])]
        if self.scoped:
            return ExactSearch(mine).nearest(collection, query, tags, k, filters)
        readable = {p.id for p in mine}
        own = {p.id: p for p in mine}
        opened = [replace(p, payload={**p.payload, "access_tags": ["*"]}) for p in self.points]
        found = ExactSearch(opened).nearest(collection, query, EVERYBODY, len(opened), filters)
        return [replace(p, payload=own[p.id].payload) for p in found if p.id in readable][:k]

    nearest_documents = nearest_texts = nearest

    def nearest_both(
        self, collection: str, query: VectorQuery, tags: AccessTags, documents: int, texts: int, filters: Filters
    ) -> tuple[list[ScoredPoint], list[ScoredPoint]]:
        return self.nearest(collection, query, tags, documents, filters), self.nearest(collection, query, tags, texts, filters)

    def with_texts(
        self, collection: str, texts: Sequence[str], tags: AccessTags, filters: Filters, fields: Sequence[str]
    ) -> list[StoredPoint]:
        return []


@dataclass(frozen=True)
class Points:
    points: Sequence[Point]

    def scan(
        self,
        fields: Sequence[str] = (),
        *,
        vectors: bool = False,
        readable_by: AccessTags | None = None,
        documents: Collection[str] | None = None,
    ) -> Iterator[StoredPoint]:
        return (StoredPoint(p.id, p.payload, p.dense) for p in self.points)


def made(count: int = 250) -> list[Point]:
    """Chunks whose words are common in one department and rare in the others."""
    randomly, sparse = random.Random(7), Bm25()
    points = []
    for i in range(count):
        at = i % len(DEPARTMENTS)
        text = " ".join(randomly.choices(WORDS[at * 15 : at * 15 + 20], k=12) + randomly.choices(WORDS, k=4))
        payload = {
            "document_key": f"d{i}", "uri": f"d{i}.md", "source": "s", "title": "", "start": 0, "end": len(text), "text": text,
            "heading_path": [], "page": None, "language": "en", "access_tags": [DEPARTMENTS[at]], "metadata": {},
            "text_id": text_hash(text),
        }  # fmt: skip
        dense = np.asarray(ENCODER.encode([text])[0], dtype=np.float32)
        [weights] = sparse.documents([text])
        points.append(Point(chunk_id(f"d{i}", "s", 0, text), dense, payload, weights))
    return points


def judged(mode: str, *, scoped: bool) -> tuple[bool, int, int]:
    points = made()
    how = SearchSettings.model_validate({"mode": mode})
    sparse = None if mode == "dense" else Bm25()

    def over(store: Statistics) -> Searcher:
        return Searcher(store, "c", ENCODER, how, sparse)

    def alone(tags: AccessTags) -> Searcher:
        return over(Statistics([p for p in points if not tags.isdisjoint(p.payload["access_tags"])], scoped=True))

    release = Release([])
    view = replace(release.view(), searcher=over(Statistics(points, scoped)), tags=AccessTags(DEPARTMENTS))
    given = replace(context(release, points=Points(points), alone=alone), candidate=view)
    verdict = InferenceGate(InferenceOptions(pairs=1000)).judge(given)
    return verdict.passed, verdict.evidence["pairs"], verdict.evidence["differences"]


@pytest.mark.parametrize("mode", ["dense", "sparse", "hybrid"])
def test_scoped_statistics_give_nothing_away(mode: str) -> None:
    """Readers and questions in every mode: no difference of hits, order or scores."""
    passed, pairs, differences = judged(mode, scoped=True)
    assert (passed, differences) == (True, 0)
    assert pairs == 1000


@pytest.mark.parametrize("mode", ["sparse", "hybrid"])
def test_statistics_over_everything_are_seen(mode: str) -> None:
    """A term that is common where one may not read has another weight: the gate fails."""
    passed, _, differences = judged(mode, scoped=False)
    assert not passed
    assert differences > 0


def test_dense_search_needs_no_statistics() -> None:
    """What is hidden cannot show through a dot product."""
    assert judged("dense", scoped=False)[0]


def test_a_release_that_is_too_large_says_that_nobody_looked() -> None:
    """Not a pass in silence."""
    points = made(30)
    given = context(Release([]), points=Points(points), alone=lambda tags: Release([]))
    verdict = InferenceGate(InferenceOptions(max_points=10)).judge(given)
    assert verdict.passed
    assert "nobody looked" in verdict.warnings[0]

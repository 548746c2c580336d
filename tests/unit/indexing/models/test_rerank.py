"""The second look and the other ways in: what is read again, by whom, and searches that wait without blocking."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from indexing.models.reranker import CrossEncoderReranker
from indexing.search import AsyncSearcher, Searcher
from sluice.access import Principal
from sluice.settings import SearchSettings
from tests.fakes import MemoryVectorStore
from tests.unit.indexing.fakes import point
from tests.unit.indexing.test_canary import North

STAFF = Principal.of(["staff"])


@dataclass
class Longest:
    """The longer, the better; remembers what it was shown."""

    shown: list[str] = field(default_factory=list)

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.shown = list(texts)
        return [float(len(text)) for text in texts]


@pytest.fixture
def searcher() -> Searcher:
    store = MemoryVectorStore()
    store.create("c", dimension=2, sparse=False)
    about: dict[str, Any] = {"uri": "u", "source": "s", "title": "", "start": 0, "end": 1, "heading_path": [], "page": None}
    about |= {"language": "en", "metadata": {}, "release": "r"}
    made = [point("r", f"d{n % 4}", ["staff"] if n < 8 else ["hr"], "x" * (n + 1)) for n in range(10)]
    store.upsert("c", [replace(p, payload={**p.payload, **about}) for p in made])
    return Searcher(store, "c", North(), SearchSettings(rerank="longest", rerank_k=8), reranker=Longest())


def test_the_reranker_decides_among_what_the_principal_may_read(searcher: Searcher) -> None:
    """It is shown the texts that the principal may read and no others; its scores are the hits' scores, best first."""
    hits = searcher.search("query", STAFF, 3)
    assert [(hit.text, hit.score) for hit in hits] == [("x" * 8, 8.0), ("x" * 7, 7.0), ("x" * 6, 6.0)]
    assert isinstance(searcher.reranker, Longest)
    assert sorted(map(len, searcher.reranker.shown)) == list(range(1, 9))
    documents = searcher.search_documents("query", STAFF, 2)
    assert len({hit.document_key for hit in documents}) == 2
    assert [hit.score for hit in documents] == sorted((hit.score for hit in documents), reverse=True)


def test_it_reads_only_as_many_as_it_is_told_and_at_least_those_that_are_asked_for(searcher: Searcher) -> None:
    """`rerank_k` bounds the cost; more hits than that are read when more are wanted."""
    reranker = Longest()
    two = replace(searcher, reranker=reranker, how=SearchSettings(rerank="longest", rerank_k=2))
    two.search("query", STAFF, 1)
    assert len(reranker.shown) == 2
    assert len(two.search("query", STAFF, 5)) == len(reranker.shown) == 5


def test_asynchronous_searches_run_side_by_side_and_answer_the_same(searcher: Searcher) -> None:
    """Twenty at once give what one gives, chunks and documents."""

    async def all_of_them() -> list[Any]:
        waiting = AsyncSearcher(searcher)
        return [
            await asyncio.gather(*(waiting.search("query", STAFF, 3) for _ in range(20))),
            await waiting.search_documents("query", STAFF, 3),
        ]

    chunks, documents = asyncio.run(all_of_them())
    assert chunks == [searcher.search("query", STAFF, 3)] * 20
    assert documents == searcher.search_documents("query", STAFF, 3)


def test_a_cross_encoder_costs_nothing_before_it_is_used_and_nothing_for_no_texts() -> None:
    """A name is all that is needed to make one."""
    assert CrossEncoderReranker("no/such/model").scores("query", []) == []

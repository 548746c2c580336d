"""Vectors in fewer dimensions or bits: what is kept, what is lost, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from indexing.compression import Stored, overlap, shortened
from indexing.exact import ExactSearch
from indexing.search import Searcher
from sluice.access import AccessTags
from sluice.points import Filters, Point, Vector, VectorQuery
from sluice.settings import SearchSettings

ALL = AccessTags({"a", "b"})


def unit(n: int, dimension: int = 64, seed: int = 3) -> Vector:
    found = np.random.default_rng(seed).normal(size=(n, dimension)).astype(np.float32)
    vectors: Vector = found / np.linalg.norm(found, axis=1, keepdims=True)
    return vectors


def points(vectors: Vector) -> list[Point]:
    return [
        Point(f"{n:04}", vector, {
            "document_key": str(n), "uri": str(n), "source": "s", "title": "", "heading_path": [], "page": None,
            "start": 0, "end": 1, "text": f"text {n}", "text_id": str(n), "language": "en",
            "access_tags": ["a" if n % 10 else "b"], "metadata": {},
        })
        for n, vector in enumerate(vectors)
    ]  # fmt: skip


def best(search: ExactSearch, query: Vector, k: int = 10) -> list[str]:
    return [point.id for point in search.nearest("", VectorQuery(query), ALL, k, Filters())]


def test_a_shortened_vector_is_a_unit_vector_of_its_first_dimensions() -> None:
    """Truncation keeps directions within the first dimensions; as many dimensions as there are change nothing."""
    whole = unit(20)
    cut = shortened(whole, 16)
    assert cut.shape == (20, 16)
    assert np.allclose(np.linalg.norm(cut, axis=1), 1, atol=1e-6)
    assert np.allclose(cut[0] / cut[0, 0], whole[0, :16] / whole[0, 0], rtol=1e-4)
    assert shortened(whole, 64) is whole


@pytest.mark.parametrize(("storage", "error"), [("float16", 1e-3), ("int8", 0.06), ("binary", 1.0)])
def test_rounding_changes_a_score_by_no_more_than_its_bits(storage: str, error: float) -> None:
    """Dot products with whole queries: off by less than the format allows, and by something."""
    whole, query = unit(200), unit(1, seed=9)[0]
    off = np.abs(Stored(storage=storage).vectors(whole) @ query - whole @ query)  # type: ignore[arg-type]
    assert 0 < off.max() < error


@pytest.mark.parametrize("stored", [Stored(), Stored(storage="float32", rescore=4), Stored(dimensions=64)])
def test_whole_vectors_by_another_name_answer_alike(stored: Stored) -> None:
    """What keeps everything gives the exact ids, in order."""
    found, query = points(unit(300)), unit(1, seed=9)[0]
    assert best(ExactSearch(found, stored=stored), query) == best(ExactSearch(found), query)


def test_rescoring_brings_back_what_signs_alone_lose() -> None:
    """Binary finds some of the exact top 10; with 8 times as many candidates ranked again, nearly all; with all, all."""
    found = points(unit(300))
    exact, recalls = ExactSearch(found), {}
    for rescore in (0, 8, 30):
        search = ExactSearch(found, stored=Stored(storage="binary", rescore=rescore))
        queries = unit(20, seed=11)
        recalls[rescore] = np.mean([len({*best(search, q)} & {*best(exact, q)}) / 10 for q in queries])
    assert recalls[0] < 0.9 < recalls[8] <= recalls[30] == 1


class ByNumber:
    """An encoder whose query N is the Nth vector of a list."""

    fingerprint, dimension = "by number", 64

    def encode(self, texts: Sequence[str]) -> Vector:
        raise AssertionError("nothing is embedded")

    def encode_query(self, text: str) -> Vector:
        vector: Vector = unit(20, seed=11)[int(text)]
        return vector


def test_answers_are_compared_for_each_set_of_tags_the_worst_first() -> None:
    """A tenth of the documents is one department's: each set of tags and their union has its own recall and share."""
    found = points(unit(300))
    whole, kept = (
        Searcher(ExactSearch(found, stored=s), "c", ByNumber(), SearchSettings()) for s in (None, Stored(dimensions=16))
    )
    seen = overlap(kept, whole, [str(n) for n in range(20)], [AccessTags(p.payload["access_tags"]) for p in found], 5)
    assert {one.tags: one.share for one in seen} == {("a",): 0.9, ("b",): 0.1, ("a", "b"): 1.0}
    assert [one.recall for one in seen] == sorted(one.recall for one in seen)
    assert all(0 < one.recall < 1 and one.least <= one.recall for one in seen)
    same = overlap(whole, whole, ["0", "1"], [AccessTags({"a"}), AccessTags({"b"})], 5)
    assert {one.recall for one in same} == {1.0}

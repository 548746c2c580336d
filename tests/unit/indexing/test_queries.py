"""Queries that are known ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from indexing.queries import KnownQueries
from sluice.ids import text_hash
from sluice.points import Vector


class Counting:
    """An encoder that tells each text from each other, and what it was asked for."""

    fingerprint, dimension = "counting", 2

    def __init__(self) -> None:
        self.together: list[list[str]] = []
        self.alone: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vector:
        self.together.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    def encode_query(self, text: str) -> Vector:
        self.alone.append(text)
        return np.array([len(text), 2.0], np.float32)


class Cache(dict[str, Vector]):
    """Vectors of one model."""

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:  # type: ignore[override]
        assert model == "counting"
        return {key: self[key] for key in hashes if key in self}

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        assert model == "counting"
        self.update(vectors)


class Words:
    """A token is a word; six of them and two more are the window."""

    window, special_tokens = 8, 2

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def test_queries_known_ahead_are_embedded_together_and_once() -> None:
    """Ten questions ahead are one batch, whoever asks them afterwards, and however often."""
    encoder = Counting()
    known = KnownQueries(encoder, Cache(), Words(), as_documents=True)
    asked = [f"question {'x' * n}" for n in range(10)]
    known.ahead(asked)
    known.ahead([*asked, "one more"])
    assert [vector.tolist() for vector in map(known.encode_query, asked)] == [[len(text), 1.0] for text in asked]
    assert encoder.together == [asked, ["one more"]]
    assert encoder.alone == []


def test_what_is_kept_is_known_to_the_next_run_and_words_of_documents_are_not_kept() -> None:
    """`keep` writes to the cache; without it nothing is written, so nothing outlives the document it was taken from."""
    cache = Cache()
    known = KnownQueries(Counting(), cache, Words(), as_documents=True)
    known.ahead(["a question"], keep=True)
    known.ahead(["a chunk's own words"])
    assert cache.keys() == {text_hash("a question")}
    later = Counting()
    KnownQueries(later, cache, Words(), as_documents=True).ahead(["a question"])
    assert (later.together, later.alone) == ([], [])


def test_a_chunk_that_was_embedded_is_not_embedded_again_as_a_query() -> None:
    """Where the model is given the same for both, the vector of the text is that of the query."""
    encoder, cache = Counting(), Cache({text_hash("own words"): np.array([7.0, 7.0], np.float32)})
    known = KnownQueries(encoder, cache, Words(), as_documents=True)
    known.ahead(["own words"])
    assert known.encode_query("own words").tolist() == [7.0, 7.0]
    assert (encoder.together, encoder.alone) == ([], [])


def test_a_model_that_is_told_queries_from_documents_embeds_them_as_queries() -> None:
    """Another prompt is another vector: the text's own is never taken, and both are kept apart."""
    encoder, cache = Counting(), Cache({text_hash("own words"): np.array([7.0, 7.0], np.float32)})
    known = KnownQueries(encoder, cache, Words(), as_documents=False)
    known.ahead(["own words"], keep=True)
    assert known.encode_query("own words").tolist() == [9.0, 2.0]
    assert (encoder.together, encoder.alone) == ([], ["own words"])
    assert len(cache) == 2


@pytest.mark.parametrize("length", [6, 7])
def test_a_query_beyond_the_window_is_cut_as_it_always_was(length: int) -> None:
    """What does not fit goes the way of queries, which cuts; documents are never cut."""
    encoder = Counting()
    query = " ".join("w" * length)
    KnownQueries(encoder, Cache(), Words(), as_documents=True).ahead([query])
    assert (encoder.together, encoder.alone) == (([[query]], []) if length <= 6 else ([], [query]))


def test_a_query_nobody_told_of_is_embedded_when_it_is_asked() -> None:
    """As without any of this."""
    encoder = Counting()
    assert KnownQueries(encoder, Cache(), Words(), as_documents=True).encode_query("abc").tolist() == [3.0, 2.0]
    assert encoder.alone == ["abc"]

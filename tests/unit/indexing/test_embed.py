from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.embed import CachedEmbedder
from indexing.models.hashing import HashingEncoder, HashingTokenizer
from sluice.errors import IntegrityError
from sluice.ids import text_hash
from sluice.points import Vector
from tests.model_dirs import hashing


class Killed(BaseException):
    """The process dies here."""


class RecordingCache:
    """A cache in a dict that remembers each put, and may be told to die during one."""

    def __init__(self, before_put: Callable[[int], None] = lambda _number: None) -> None:
        self.rows: dict[tuple[str, str], Vector] = {}
        self.puts: list[list[str]] = []
        self.before_put = before_put

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:
        return {h: self.rows[model, h] for h in hashes if (model, h) in self.rows}

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        self.before_put(len(self.puts))
        self.puts.append(list(vectors))
        self.rows |= {(model, h): v for h, v in vectors.items()}


class CountingEncoder(HashingEncoder):
    """Remembers what it embedded, and how many threads were inside at once."""

    def __init__(self, dimension: int = 16) -> None:
        super().__init__(hashing(dimension))
        self.texts: list[str] = []
        self.inside = self.most_inside = 0
        self._count = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vector:
        with self._count:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.texts += texts
        vectors = super().encode(texts)
        with self._count:
            self.inside -= 1
        return vectors


def test_each_distinct_text_is_embedded_once_and_then_never_again() -> None:
    """Repeated texts cost once; the second call costs nothing and gives the same vectors, bit for bit."""
    encoder, cache = CountingEncoder(), RecordingCache()
    embedder = CachedEmbedder(encoder, cache, tokenizer=HashingTokenizer())
    first = embedder.vectors(["a b", "c", "a b", "c"])
    again = embedder.vectors(["c", "a b"])
    assert (first.embedded, first.cached, first.tokens) == (2, 0, 3)
    assert (again.embedded, again.cached, again.tokens) == (0, 2, 0)
    assert sorted(encoder.texts) == ["a b", "c"]
    assert all(np.array_equal(first.vectors[text_hash(t)], again.vectors[text_hash(t)]) for t in ("a b", "c"))


def test_another_model_shares_nothing() -> None:
    """The cache is keyed by the encoder's fingerprint."""
    cache = RecordingCache()
    CachedEmbedder(CountingEncoder(16), cache).vectors(["a"])
    assert CachedEmbedder(CountingEncoder(32), cache).vectors(["a"]).embedded == 1


def test_batches_go_from_long_to_short_and_each_is_reported() -> None:
    """Texts alike in length are batched together; progress adds up to what was embedded."""
    cache, told = RecordingCache(), list[int]()
    texts = ["x" * n for n in (3, 50, 7, 100, 1)]
    CachedEmbedder(CountingEncoder(), cache, batch_texts=2, on_progress=told.append).vectors(texts)
    order = [text_hash("x" * n) for n in (100, 50, 7, 3, 1)]
    assert [h for put in cache.puts for h in put] == order
    assert told == [2, 2, 1]


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.text(max_size=12), max_size=40),
    batch=st.integers(1, 7),
    dies_at=st.integers(0, 12),
)
def test_after_a_crash_nothing_that_was_flushed_is_embedded_again(texts: list[str], batch: int, dies_at: int) -> None:
    """Wherever the process dies, the next one embeds again at most the one batch that was not flushed."""

    def before_put(number: int) -> None:
        if number == dies_at:
            raise Killed

    first, second, cache = CountingEncoder(), CountingEncoder(), RecordingCache(before_put)
    with suppress(Killed):
        CachedEmbedder(first, cache, batch_texts=batch).vectors(texts)
    cache.before_put = lambda _number: None
    result = CachedEmbedder(second, cache, batch_texts=batch).vectors(texts)
    assert set(result.vectors) == {text_hash(t) for t in texts}
    assert len(set(first.texts) & set(second.texts)) <= batch
    assert len(first.texts) == len(set(first.texts))


def test_threads_share_one_unflushed_batch_and_embed_nothing_twice() -> None:
    """Partitions at work at once, in two embedders, hold one batch in work between them."""
    encoder, cache = CountingEncoder(), RecordingCache()
    embedders = [CachedEmbedder(encoder, cache, batch_texts=8) for _ in range(2)]
    texts = [f"text {n}" for n in range(120)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda n: embedders[n % 2].vectors(texts[n * 10 :]), range(6)))
    assert encoder.most_inside == 1
    assert sorted(encoder.texts) == sorted(texts)
    assert sum(result.embedded for result in results) == 120


def test_a_call_is_embedded_to_its_end_before_another_begins() -> None:
    """Partitions take turns whole: while one is embedded the other is cut or written, and not both of them at once."""
    encoder, cache = CountingEncoder(), RecordingCache()
    begun = threading.Event()
    first = CachedEmbedder(encoder, cache, batch_texts=2, on_progress=lambda _: (begun.set(), time.sleep(0.01))[1])
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first.vectors, [f"first {n}" for n in range(12)])
        begun.wait()
        other = pool.submit(CachedEmbedder(encoder, cache, batch_texts=2).vectors, [f"second {n}" for n in range(12)])
        assert one.result().embedded == other.result().embedded == 12
    assert [text.split()[0] for text in encoder.texts] == ["first"] * 12 + ["second"] * 12


def test_a_fast_encoder_is_flushed_less_often() -> None:
    """A flush batch grows with what was embedded in the time of the one before: 9,000 texts take a few, not 36."""
    cache = RecordingCache()
    CachedEmbedder(CountingEncoder(), cache).vectors(f"text {n}" for n in range(9000))
    sizes = [len(put) for put in cache.puts]
    assert sizes[0] == 256
    assert sum(sizes) == 9000
    assert max(sizes) > 4 * 256


def test_missing_tells_what_would_be_embedded() -> None:
    """An estimate: distinct texts in order, nothing embedded."""
    encoder, cache = CountingEncoder(), RecordingCache()
    embedder = CachedEmbedder(encoder, cache)
    embedder.vectors(["known"])
    assert embedder.missing(["new", "known", "newer", "new"]) == ["new", "newer"]
    assert encoder.texts == ["known"]


def test_a_text_beyond_the_window_stops_the_batch_and_keeps_what_was_flushed() -> None:
    """Nothing is cut in silence; the error says how long the text is."""
    embedder = CachedEmbedder(CountingEncoder(), RecordingCache(), batch_texts=1)
    with pytest.raises(IntegrityError, match="300 tokens"):
        embedder.vectors(["fine", "x " * 300])


def test_as_an_encoder_it_keeps_the_order_and_the_repetitions() -> None:
    """Semantic chunking sees an Encoder, whose texts are embedded once for whoever needs them."""
    encoder, cache = CountingEncoder(), RecordingCache()
    caching = CachedEmbedder(encoder, cache).as_encoder()
    texts = ["b", "a", "b"]
    assert np.array_equal(caching.encode(texts), HashingEncoder(hashing(16)).encode(texts))
    assert np.array_equal(caching.encode_query("a"), encoder.encode_query("a"))
    assert caching.encode([]).shape == (0, 16)
    assert (caching.fingerprint, caching.dimension) == (encoder.fingerprint, 16)
    assert sorted(encoder.texts) == ["a", "b"]

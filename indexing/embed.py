"""Embed what was never embedded, and nothing twice.

Vectors are kept by encoder fingerprint and text hash, so a text that any release, strategy or run has embedded costs a
look-up. A flush batch is durable before the next one begins, and a process has one in work at a time: whatever kills it,
at most that one is embedded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol

import numpy as np

from indexing.protocols import Encoder, VectorCache
from sluice.errors import BudgetSpent
from sluice.ids import text_hash
from sluice.points import Vector

FLUSH_TEXTS = 256
"""Texts in the first flush batch: about 2 s of work on two cores with bf16, and one write."""
FLUSH_S = 2.0
"""What a flush batch should take, and so what a crash costs: where a model is faster its batches grow, to fewer writes."""
MOST_TEXTS = 8192
"""Texts in a flush batch at most: 12 MB of vectors of 384 dimensions."""

# Of the process, not of an object: a run and its semantic chunking have an embedder each. And of a whole call, not of a batch:
# taking turns by batch, two partitions would be embedded side by side, and then cut and written side by side while no model runs.
_turn = Lock()


@dataclass(slots=True)
class _Flushes:
    """How often this process has written vectors: who saw all of them need not look again."""

    count: int = 0


_flushes = _Flushes()


class TokenCounter(Protocol):
    """Counts tokens, without special tokens."""

    def counts(self, texts: Sequence[str]) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors by text hash, and what they cost: distinct texts embedded now and found in the cache, tokens embedded."""

    vectors: dict[str, Vector]
    embedded: int
    cached: int
    tokens: int
    spent: Mapping[str, int] = field(default_factory=dict)
    """Tokens of each text that was embedded now, by its hash."""


class CachedEmbedder:
    """An encoder behind the cache. Thread-safe; threads that need the same text embed it once.

    A flush batch holds `batch_texts`; without, 256 at first and then what the encoder was seen to do in `FLUSH_S`, between
    256 and 8,192. `on_progress` is told after each flush how many texts it embedded. Tokens are counted where a tokenizer is
    given; `ask` is told of those of each batch, and of its texts, before it is embedded, and raises to refuse it.
    """

    def __init__(
        self,
        encoder: Encoder,
        cache: VectorCache,
        *,
        tokenizer: TokenCounter | None = None,
        batch_texts: int | None = None,
        on_progress: Callable[[int], None] = lambda _texts: None,
        ask: Callable[[int, int], None] | None = None,
    ) -> None:
        self.encoder = encoder
        self.cache = cache
        self.tokenizer = tokenizer
        self.batch_texts = batch_texts or FLUSH_TEXTS
        self._adapts = batch_texts is None
        self.on_progress = on_progress
        self.ask = ask

    def vectors(self, texts: Iterable[str]) -> Embedded:
        """A vector for each distinct text; longest texts are embedded first.

        Raises what the encoder raises (IntegrityError for a text beyond the window) and StoreUnavailable; what was flushed
        until then stays, and the next call goes on from there.
        """
        wanted = {text_hash(text): text for text in texts}
        seen = _flushes.count
        vectors = self.cache.get(self.encoder.fingerprint, list(wanted))
        missing = sorted((key for key in wanted if key not in vectors), key=lambda key: (-len(wanted[key]), key))
        counts = self._counted({key: wanted[key] for key in missing})
        embedded: list[str] = []
        if missing:
            with _turn:
                if _flushes.count != seen:  # another thread was here
                    vectors |= self.cache.get(self.encoder.fingerprint, missing)
                waiting = [key for key in missing if key not in vectors]
                while waiting:
                    batch = self._allowed(waiting[: self.batch_texts], counts)
                    vectors |= self._flushed({key: wanted[key] for key in batch})
                    embedded += batch
                    del waiting[: len(batch)]
                    self.on_progress(len(batch))
        spent = {key: counts[key] for key in embedded}
        return Embedded(vectors, len(spent), len(wanted) - len(spent), sum(spent.values()), spent)

    def _allowed(self, batch: list[str], counts: Mapping[str, int]) -> list[str]:
        """As many of these as may be embedded, the first ones, at least one; raises BudgetSpent where not even that may."""
        if self.ask is None or self.tokenizer is None:
            return batch
        while True:
            try:
                self.ask(sum(counts[key] for key in batch), len(batch))
            except BudgetSpent:
                if len(batch) == 1:
                    raise
                batch = batch[: len(batch) // 2]
            else:
                return batch

    def _flushed(self, batch: Mapping[str, str]) -> dict[str, Vector]:
        """The vectors of a flush batch, kept."""
        started = time.perf_counter()
        new = dict(zip(batch, self.encoder.encode(list(batch.values())), strict=True))
        self.cache.put(self.encoder.fingerprint, new)
        _flushes.count += 1
        if self._adapts:
            self.batch_texts = _in_time(len(batch), time.perf_counter() - started)
        return new

    def _counted(self, texts: Mapping[str, str]) -> dict[str, int]:
        """Tokens of each; 0 without a tokenizer."""
        if self.tokenizer is None:
            return dict.fromkeys(texts, 0)
        return dict(zip(texts, self.tokenizer.counts(list(texts.values())), strict=True))

    def missing(self, texts: Iterable[str]) -> list[str]:
        """The distinct texts that `vectors` would have to embed, in the order given."""
        wanted = {text_hash(text): text for text in texts}
        known = self.cache.get(self.encoder.fingerprint, list(wanted))
        return [text for key, text in wanted.items() if key not in known]

    def as_encoder(self) -> CachingEncoder:
        """The same, for who knows encoders only (semantic chunking)."""
        return CachingEncoder(self)


def _in_time(texts: int, seconds: float) -> int:
    """How many texts of this speed make a flush batch."""
    return int(min(max(texts * FLUSH_S / max(seconds, 1e-6), FLUSH_TEXTS), MOST_TEXTS))


class CachingEncoder:
    """An Encoder whose document vectors come through the cache; queries do not."""

    def __init__(self, embedder: CachedEmbedder) -> None:
        self._embedder = embedder

    @property
    def fingerprint(self) -> str:
        return self._embedder.encoder.fingerprint

    @property
    def dimension(self) -> int:
        return self._embedder.encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension), in the order given; repeated texts cost once."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        vectors = self._embedder.vectors(texts).vectors
        return np.stack([vectors[text_hash(text)] for text in texts])

    def encode_query(self, text: str) -> Vector:
        return self._embedder.encoder.encode_query(text)

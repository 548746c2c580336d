"""Queries that are known before they are asked: gates and evaluations put the same ones to release after release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from indexing.protocols import Encoder, VectorCache
from sluice.ids import digest, text_hash
from sluice.points import Vector


class Tokenizer(Protocol):
    """How long texts are for the model."""

    window: int
    special_tokens: int

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""


class KnownQueries:
    """An Encoder that embeds queries ahead, many at once, and keeps those it is told to with the vectors of texts.

    With `as_documents` the model is given the same for a query as for a document: then what is kept of either serves both, a
    chunk's own words cost a look-up, and what is missing is embedded in batches. A query that was not made known ahead is
    embedded when it is asked.
    """

    def __init__(self, encoder: Encoder, cache: VectorCache, tokenizer: Tokenizer, *, as_documents: bool) -> None:
        self._encoder, self._cache, self._tokenizer, self._as_documents = encoder, cache, tokenizer, as_documents
        self._known: dict[str, Vector] = {}
        self.fingerprint, self.dimension = encoder.fingerprint, encoder.dimension

    def ahead(self, queries: Sequence[str], *, keep: bool = False) -> None:
        """Make these known. With `keep` those that had to be embedded are known to the next run, too: not for words taken
        from documents, which would outlive them."""
        keys = {query_key(text, as_documents=self._as_documents): text for text in queries if text not in self._known}
        found = self._cache.get(self.fingerprint, list(keys)) if keys else {}
        missing = {key: text for key, text in keys.items() if key not in found}
        made = dict(zip(missing, self._embedded(list(missing.values())), strict=True))
        if keep and made:
            self._cache.put(self.fingerprint, made)
        vectors = {**found, **made}
        self._known |= {text: vectors[key] for key, text in keys.items()}

    def encode(self, texts: Sequence[str]) -> Vector:
        """As the encoder's."""
        return self._encoder.encode(texts)

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); a query longer than the window is cut."""
        known = self._known.get(text)
        return self._encoder.encode_query(text) if known is None else known

    def _embedded(self, texts: Sequence[str]) -> list[Vector]:
        room = self._tokenizer.window - self._tokenizer.special_tokens
        short = [n <= room for n in self._tokenizer.counts(texts)] if texts and self._as_documents else [False] * len(texts)
        together = [text for text, fits in zip(texts, short, strict=True) if fits]
        batch = iter(self._encoder.encode(together) if together else ())
        return [next(batch) if fits else self._encoder.encode_query(text) for text, fits in zip(texts, short, strict=True)]


def query_key(text: str, *, as_documents: bool) -> str:
    """Under which hash the vector of a query is kept."""
    return text_hash(text) if as_documents else digest("query", text)

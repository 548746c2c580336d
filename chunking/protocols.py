"""What chunking needs from others, and what it promises.

Tokenizer ─▶ Strategy ─▶ Chunker (strategy + context + ids) ─▶ chunks
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sluice.records import Chunk, Document


class Tokenizer(Protocol):
    """The embedding model's tokenizer. `window` counts special tokens in; the other counts leave them out.

    An implementation may also carry `splits_at_whitespace = True`: the tokens of a text are those of its parts on
    either side of a space, tab or line break (BERT's pre-tokenizer). Then chunks cut there need not be counted again.
    """

    fingerprint: str
    window: int
    special_tokens: int

    def spans(self, text: str) -> NDArray[np.int32]:
        """Character spans of the tokens of `text`, shape (n, 2), in order, non-overlapping, untruncated."""

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, untruncated, without special tokens."""


class Encoder(Protocol):
    """Texts to unit vectors, float32 of shape (n, d), in the order given (semantic strategies use it)."""

    @property
    def fingerprint(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Strategy(Protocol):
    """Where to cut: spans of `document.text`, ordered by start, each of at most `max_tokens` tokens.

    Together they cover every non-whitespace character (overlaps allowed). Pure and deterministic.
    `fingerprint` covers the strategy's name, version and every parameter that can change a span.
    """

    fingerprint: str

    def split(self, document: Document) -> list[tuple[int, int]]: ...


@runtime_checkable
class HasParents(Protocol):
    """A strategy whose chunks stand for something larger: what a reader is shown instead.

    Parents are in order and do not overlap; every span of `split` lies within one. They are never embedded, so no
    window limits them.
    """

    def parents(self, document: Document) -> list[tuple[int, int]]: ...


@runtime_checkable
class HasHeaders(Protocol):
    """A strategy that repeats something of the document in each chunk's context (a table's header); "" for nothing."""

    def headers(self, document: Document, spans: Sequence[tuple[int, int]]) -> list[str]: ...


class Chunker(Protocol):
    """A document's chunks, with ids, tokens, headings and context; what indexing is handed."""

    fingerprint: str

    def chunk(self, document: Document) -> list[Chunk]: ...

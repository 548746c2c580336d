"""What an experiment needs of a variant: to be searched, and to tell what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from evaluation.protocols import Searcher


class PreparedVariant(Protocol):
    """A variant whose documents are cut and embedded, ready to be searched."""

    @property
    def searcher(self) -> Searcher: ...

    def spans(self, document_key: str) -> Sequence[tuple[int, int]]:
        """What a reader can be given of a document: the spans of its chunks, of their parents where they have one."""

    def by_chance(self, chunk_id: str) -> bool:
        """Whether only chance put this chunk into what was measured; always false where everything is."""

    def cost(self) -> Mapping[str, Any]:
        """What it took.

        `documents`, `chunks`, `contexts_cut`, `vector_bytes` (dense and sparse); `texts` and their `tokens` (context
        included) are all that must be embedded from nothing, to find the cuts too; `embedded` is what no earlier variant or
        release had; `seconds` by stage (`chunk`, `embed`).
        """


class Texts(Protocol):
    """The documents' texts, and their size in the embedding model's tokens."""

    def passage(self, document_key: str, start: int, end: int) -> str:
        """A span of a document; empty where the document is gone."""

    def tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """Tokens of each text, special tokens not counted."""

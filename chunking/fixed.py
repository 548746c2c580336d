"""Windows of tokens: the baseline that ignores everything but size."""

from __future__ import annotations

from chunking.spans import Span
from chunking.strategy import Given
from sluice.records import Document


class Fixed:
    """Windows of `max_tokens` tokens, each sharing up to `overlap_tokens` with the one before; cut before a word."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.fingerprint = given.fingerprint("fixed", 1)

    def split(self, document: Document) -> list[Span]:
        tokens = self._given.ruler.tokens(document.text)
        return tokens.windows(0, len(document.text), self._given.max_tokens, self._given.overlap_tokens)

"""Windows of whole sentences."""

from __future__ import annotations

from itertools import pairwise

from chunking.fitting import fitted
from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.sentences import sentence_edges
from chunking.spans import Ruler, Span
from chunking.strategy import Given
from sluice.records import Document


class Sentence:
    """As many whole sentences as fit `max_tokens`; neighbours share whole sentences of up to `overlap_tokens`.

    A sentence larger than that is split like `recursive`.
    """

    def __init__(self, given: Given) -> None:
        self._ruler = given.ruler
        self._max = given.max_tokens
        self._pack = Packing(given.max_tokens, given.overlap_tokens, separators(PROSE))
        self.fingerprint = given.fingerprint("sentence", 1)

    def split(self, document: Document) -> list[Span]:
        tokens = self._ruler.tokens(document.text)
        return self._pack.joined(tokens, sentence_edges(document.text, 0, len(document.text)))


def units(ruler: Ruler, text: str, max_tokens: int) -> list[Span]:
    """The sentences of a text, trimmed, those larger than `max_tokens` in pieces: what `semantic` compares."""
    tokens = ruler.tokens(text)
    pack = Packing(max_tokens, 0, separators(PROSE))
    sentences = pairwise(sentence_edges(text, 0, len(text)))
    pieces = [piece for start, end in sentences for piece in pack.split(tokens, start, end)]
    return [span for span, _ in fitted(ruler, text, pieces, max_tokens)]

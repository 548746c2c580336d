"""The recursion and the merging of langchain's RecursiveCharacterTextSplitter, on offsets instead of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chunking.spans import Span, Tokens


class Packing:
    """Cuts a span at the coarsest separator in it, and packs the pieces into spans of at most `max_tokens` tokens.

    A piece starts with its separator. One of `max_tokens` or more is cut at the next finer separator, and where none
    is left into windows of tokens. `overlap_tokens` bounds what two neighbours share: whole pieces only.
    """

    def __init__(self, max_tokens: int, overlap_tokens: int, separators: Sequence[re.Pattern[str]]) -> None:
        self._max = max_tokens
        self._overlap = overlap_tokens
        self._separators = separators

    def split(self, tokens: Tokens, start: int, end: int, depth: int = 0) -> list[Span]:
        for level in range(depth, len(self._separators)):
            marks = [match.start() for match in self._separators[level].finditer(tokens.text, start, end)]
            if marks:
                break
        else:
            return tokens.windows(start, end, self._max, self._overlap)
        return self.joined(tokens, [start, *(mark for mark in marks if mark > start), end], level + 1)

    def joined(self, tokens: Tokens, edges: Sequence[int], depth: int = 0) -> list[Span]:
        """The pieces between neighbouring edges, joined while they fit; those too large split from separator `depth` on."""
        sizes: list[int] = tokens.counts(edges).tolist()
        spans: list[Span] = []
        run = 0
        for i, size in enumerate(sizes):
            if size >= self._max:
                spans += self._merged(edges[run : i + 1], sizes[run:i])
                spans += self.split(tokens, edges[i], edges[i + 1], depth)
                run = i + 1
        return spans + self._merged(edges[run:], sizes[run:])

    def _merged(self, edges: Sequence[int], sizes: Sequence[int]) -> list[Span]:
        """Neighbouring pieces, piece i between edges i and i + 1, each smaller than `max_tokens`, joined while they fit."""
        spans: list[Span] = []
        first = total = 0
        for i, size in enumerate(sizes):
            if total + size > self._max and i > first:
                spans.append((edges[first], edges[i]))
                while total > self._overlap or (total + size > self._max and total > 0):
                    total -= sizes[first]
                    first += 1
            total += size
        if first < len(sizes):
            spans.append((edges[first], edges[-1]))
        return spans

"""Token positions of a document, found once, and the arithmetic on spans that every strategy shares.

A document is tokenised once. A strategy sizes any span from the positions by binary search; the chunker counts again
only those chunks whose own tokens could differ from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import regex
from numpy.typing import NDArray

from chunking.protocols import Tokenizer

Span = tuple[int, int]

_SAFE = frozenset(" \t\n\r")
_GRAPHEME = regex.compile(r"\X")
_REGIONAL = range(0x1F1E6, 0x1F200)
_LONGEST_GRAPHEME = 64


class Tokens:
    """Where the tokens of a text start, in characters: int64, ascending."""

    __slots__ = ("starts", "text")

    def __init__(self, text: str, spans: NDArray[np.int32]) -> None:
        self.text = text
        positions = np.asarray(spans, dtype=np.int64).reshape(-1, 2)
        # The second token of one character (a Hangul letter, a byte of an emoji) may have an empty span behind the first:
        # it counts where that one starts. And a tokenizer that reorders marks may step back by a character.
        owner = np.maximum.accumulate(np.where(positions[:, 0] < positions[:, 1], np.arange(len(positions)), 0))
        self.starts = np.maximum.accumulate(positions[owner, 0])

    def __len__(self) -> int:
        return len(self.starts)

    def first(self, position: int) -> int:
        """Index of the first token that starts at or after a character position."""
        return int(np.searchsorted(self.starts, position))

    def count(self, start: int, end: int) -> int:
        """Tokens that start within the span: additive over any partition of the text."""
        return self.first(end) - self.first(start)

    def counts(self, edges: Sequence[int]) -> NDArray[np.int64]:
        """Tokens between each two neighbouring edges, shape (len(edges) - 1,)."""
        return np.diff(np.searchsorted(self.starts, np.asarray(edges, dtype=np.int64)))

    def before(self, token: int, floor: int) -> int:
        """A character position to cut at, so that `token` and those after it lie behind the cut; above `floor`."""
        position = len(self.text) if token >= len(self) else int(self.starts[token])
        return whole_grapheme(self.text, position, floor)

    def begins_word(self, token: int) -> bool:
        """Whether white space, or the text's edge, lies before this token."""
        start = len(self.text) if token >= len(self) else int(self.starts[token])
        return start in (0, len(self.text)) or self.text[start - 1].isspace()

    def windows(self, start: int, end: int, size: int, overlap: int = 0) -> list[Span]:
        """The span as windows of at most `size` tokens, each beginning at most `overlap` tokens before the last one's end.

        Cuts fall before a word where one begins in the window's second half, else between tokens; never inside a
        grapheme, unless a single one is larger than the window.
        """
        spans: list[Span] = []
        last, reached = self.first(end), -1
        while start < end:
            token = self.first(start)
            # Above what is reached already, so that an overlap never makes a window within the last one.
            lowest = max(token + (size + 1) // 2, reached + 1)
            cut = self._word_at_or_before(token + size, lowest) if token + size < last else last
            stop = end if cut >= last else min(end, self.before(cut, start))
            if stop <= start:  # tokens that share one character: it stays whole
                stop = min(end, _next_character(self, start))
            spans.append((start, stop))
            if stop >= end:
                break
            reached = self.first(stop)
            start = self._step_back(start, stop, overlap)
        return spans

    def _word_at_or_before(self, token: int, lowest: int) -> int:
        return next((t for t in range(token, lowest - 1, -1) if self.begins_word(t)), token)

    def _step_back(self, start: int, stop: int, overlap: int) -> int:
        token = self.first(stop)
        if not overlap:
            return stop
        lowest = token - overlap
        back = next((t for t in range(lowest, token) if self.begins_word(t)), lowest)
        position = self.before(max(back, 0), start)
        return position if start < position < stop else stop


def _next_character(tokens: Tokens, position: int) -> int:
    text, following = tokens.text, position + 1
    while following < len(text) and whole_grapheme(text, following, position) <= position:
        following += 1
    return following


class Ruler:
    """A tokenizer as a measure of length: the positions of the last few texts are kept, so that strategy and
    chunker share one pass.

    `tokens(text)` are those positions, `count(text)` the tokens of a short text that comes again and again (a heading).
    `exact` says that the tokenizer splits at white space, so that the counts of spans cut there are exact.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.exact = bool(getattr(tokenizer, "splits_at_whitespace", False))
        self.tokens = lru_cache(maxsize=4)(self._tokens)
        self.count = lru_cache(maxsize=4096)(self._count)

    def _tokens(self, text: str) -> Tokens:
        return Tokens(text, self.tokenizer.spans(text))

    def _count(self, text: str) -> int:
        return self.tokenizer.counts([text])[0]

    def sizes(self, text: str, spans: Sequence[Span]) -> list[int]:
        """Tokens of each span of the text on its own: read off the positions where that is exact, else counted, in one batch."""
        sizes = [self.read(text, span) for span in spans]
        unsure = [text[slice(*span)] for span, size in zip(spans, sizes, strict=True) if size is None]
        counted = iter(self.tokenizer.counts(unsure) if unsure else [])
        return [next(counted) if size is None else size for size in sizes]

    def read(self, text: str, span: Span) -> int | None:
        """Tokens of the span on its own as read off the text's positions; None where it would have to be counted."""
        start, end = span
        if not self.exact or (start > 0 and text[start - 1] not in _SAFE) or (end < len(text) and text[end] not in _SAFE):
            return None
        return self.tokens(text).count(start, end)


def trimmed(text: str, span: Span) -> Span:
    """The span without white space at its edges; empty (start == end) when there is nothing else."""
    start, end = span
    piece = text[start:end]
    inner = piece.lstrip()
    start += len(piece) - len(inner)
    return start, start + len(inner.rstrip())


def whole_grapheme(text: str, position: int, floor: int) -> int:
    """The nearest position at or before this one that does not cut a character from its marks; `position` if none is
    above `floor`.

    What people see as one character is Unicode's extended grapheme cluster (UAX 29), of at most 64 code points.
    """
    if not 0 < position < len(text) or _begins_anew(text, position):
        return position
    lowest = max(0, position - _LONGEST_GRAPHEME)
    start = position - 1
    while start > lowest and not _begins_anew(text, start):
        start -= 1
    is_boundary = start == 0 or _begins_anew(text, start)
    start -= _flags_before(text, start) % 2  # flags are pairs, counted from the first
    before = start
    # A slice, not a place to start from: the library looks back over all flags before it.
    for cluster in _GRAPHEME.finditer(text[start : position + _LONGEST_GRAPHEME]):
        if start + cluster.end() > position:
            break
        before, is_boundary = start + cluster.end(), True
    return before if is_boundary and before > floor else position


def _begins_anew(text: str, position: int) -> bool:
    """Whether a character begins here whatever stands before: two of ASCII are two, but for CRLF."""
    return text[position].isascii() and text[position] != "\n" and text[position - 1].isascii()


def _flags_before(text: str, position: int) -> int:
    """How many regional indicators stand right before a position that holds one, up to 256."""
    run = 0
    while run < min(position, 256) and ord(text[position - run]) in _REGIONAL and ord(text[position - run - 1]) in _REGIONAL:
        run += 1
    return run

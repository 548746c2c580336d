"""The law on spans: trimmed, unique, in order, and none larger than the limit when counted on its own."""

from __future__ import annotations

from collections.abc import Iterable

from chunking.spans import Ruler, Span, Tokens, trimmed, whole_grapheme
from sluice.errors import DocumentError

CHARACTERS_PER_TOKEN = 32
"""A chunk is also at most `max_tokens` times this long: WordPiece makes one token of a word of any length over 100,
and a megabyte of hexadecimal digits is no passage for a reader. Prose has 4 to 5 characters a token."""


def fitted(ruler: Ruler, text: str, spans: Iterable[Span], max_tokens: int) -> list[tuple[Span, int]]:
    """The spans, ordered, with the tokens of each counted on its own; those too large are split further.

    A span without a token of its own (white space, zero-width and control characters alone) is left out: there is
    nothing in it that the model could see. Raises DocumentError for a single character above the limit.
    """
    tokens = ruler.tokens(text)
    longest = max_tokens * CHARACTERS_PER_TOKEN
    kept: dict[Span, int] = {}
    pending = _unique(text, spans)
    while pending:
        smaller: list[Span] = []
        for span, count in zip(pending, ruler.sizes(text, pending), strict=True):
            if count > max_tokens or span[1] - span[0] > longest:
                smaller += _smaller(tokens, span, count, max_tokens)
            elif count:
                kept[span] = count
        pending = _unique(text, smaller)
    return sorted(kept.items())


def _unique(text: str, spans: Iterable[Span]) -> list[Span]:
    return [span for span in dict.fromkeys(trimmed(text, span) for span in spans) if span[0] < span[1]]


def _smaller(tokens: Tokens, span: Span, count: int, max_tokens: int) -> list[Span]:
    start, end = span
    inside = tokens.count(start, end)
    if inside > max_tokens:
        size = max_tokens
    elif count > max_tokens:  # on its own it has more tokens than within the text: aim lower, by as much
        size = min(inside - 1, max_tokens * inside // count)
    else:
        size = inside // 2
    pieces = tokens.windows(start, end, size) if size > 0 else [span]
    if len(pieces) > 1:
        return pieces
    if end - start < 2:
        raise DocumentError(
            "unsplittable",
            f"the character U+{ord(tokens.text[start]):04X} at offset {start} alone has {count} tokens, {max_tokens} are allowed",
            hint="raise chunking.max_tokens, or use a model whose tokenizer knows this script",
        )
    middle = (start + end) // 2
    middle = max(whole_grapheme(tokens.text, middle, start), start + 1)
    return [(start, middle), (middle, end)]

"""A document's own structure first: whole sections, small neighbours together, long ones split like `recursive`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

from chunking.outline import Outline, Part
from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.spans import Span, Tokens
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section


class Options(Section):
    """`merge`: join neighbouring small sections that have the same parent, up to `max_tokens`."""

    merge: bool = True


class Heading:
    """Sections under their headings: a chunk never reaches across a section that is larger than `max_tokens`.

    From the top down: a section that fits, subsections and all, is one chunk. One that does not is its opening text
    and its subsections, each by the same rule, neighbours that fit together joined. A heading with nothing below it
    goes with what follows. `overlap_tokens` applies within a long section only.
    """

    Options = Options

    def __init__(self, given: Given) -> None:
        self._ruler = given.ruler
        self._max = given.max_tokens
        self._merge = cast(Options, given.options).merge
        self._pack = Packing(given.max_tokens, given.overlap_tokens, separators(PROSE))
        self.fingerprint = given.fingerprint("heading", 1)

    def split(self, document: Document) -> list[Span]:
        parts = Outline(document).parts
        return self._section(self._ruler.tokens(document.text), parts, 0, 0) if parts else []

    def _section(self, tokens: Tokens, parts: Sequence[Part], depth: int, start: int) -> list[Span]:
        """Spans of the parts below one heading; the first begins at `start`, which may lie before the first part."""
        end = parts[-1].end
        if tokens.count(start, end) <= self._max and (self._merge or len(parts) == 1):
            return [(start, end)]
        if len(parts) == 1:
            return self._long(tokens, parts[0], start)
        spans: list[Span] = []
        filled = False  # whether the open span, from `start` to here, holds more than headings
        for unit in _units(parts, depth):
            here, there = unit[0].start, unit[-1].end
            body = any(part.content < part.end for part in unit)
            fits = tokens.count(start, there) <= self._max
            if not (fits and (self._merge or not filled)):
                if filled:
                    spans.append((start, here))
                    start, filled = here, False
                fits = tokens.count(start, there) <= self._max
            if fits and (self._merge or len(unit) == 1):
                filled = filled or body
            else:
                spans += self._section(tokens, unit, depth + 1, start)
                start, filled = there, False
        return [*spans, (start, end)] if start < end else spans

    def _long(self, tokens: Tokens, part: Part, start: int) -> list[Span]:
        """A section too large for a chunk, split; its headings are never a chunk of their own, as they say nothing."""
        spans = [span for span in self._pack.split(tokens, start, part.end) if tokens.text[slice(*span)].strip()]
        if len(spans) > 1 and spans[0][1] <= part.content:
            joined = start, spans[1][1]  # too large together, or the splitter had joined them: cut further down
            spans[:2] = tokens.windows(*joined, min(self._max, tokens.count(*joined) * 3 // 5))
        return spans


def _units(parts: Sequence[Part], depth: int) -> list[list[Part]]:
    """The parts by their heading at this depth; one that ends above it is a unit of its own."""
    keys = [part.path[: depth + 1] if len(part.path) > depth else (str(i),) * (depth + 2) for i, part in enumerate(parts)]
    return [[parts[i] for i in group] for _, group in groupby(range(len(parts)), key=keys.__getitem__)]

"""Tables by rows, each chunk under its table's header."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.spans import Ruler, Span
from chunking.strategy import Given
from sluice.records import Document

DELIMITED = (".csv", ".tsv")

_PIPES = re.compile(r"^[ \t]*\|.*\n[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*(?:\n[ \t]*\|.*)*", re.MULTILINE)
_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}[-:| \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table in a text: its span, and its rows' starts; the first row is its header."""

    start: int
    end: int
    rows: tuple[int, ...]


class Table:
    """Whole rows, as many as fit `max_tokens`; the header's row is repeated in the context of those that follow it.

    Tables are the document's table elements; of a document read verbatim, a CSV or TSV file as a whole, and Markdown's
    pipe tables. A row above `max_tokens`, and all text between tables, is split like `recursive`. `overlap_tokens`
    repeats whole rows.
    """

    def __init__(self, given: Given) -> None:
        self._ruler: Ruler = given.ruler
        self._pack = Packing(given.max_tokens, given.overlap_tokens, separators(PROSE))
        self.fingerprint = given.fingerprint("table", 1)

    def split(self, document: Document) -> list[Span]:
        text = document.text
        tokens = self._ruler.tokens(text)
        spans: list[Span] = []
        here = 0
        for grid in tables(document):
            spans += self._pack.split(tokens, here, grid.start) if text[here : grid.start].strip() else []
            spans += self._pack.joined(tokens, [*grid.rows, grid.end])
            here = grid.end
        return spans + (self._pack.split(tokens, here, len(text)) if text[here:].strip() else [])

    def headers(self, document: Document, spans: Sequence[Span]) -> list[str]:
        """For each span the header of the table that it begins in, on one line; empty where that header is in it already."""
        grids = tables(document)
        starts = [grid.start for grid in grids]
        return [_header(document.text, grids[max(bisect_right(starts, span[0]) - 1, 0)], span) if grids else "" for span in spans]


def tables(document: Document) -> list[Grid]:
    """The tables of a document, in order."""
    text = document.text
    found = [(e.start, e.end) for e in document.elements if e.kind == "table"]
    quotes = not found and document.uri.lower().endswith(DELIMITED)
    if quotes:
        found = [(0, len(text))]
    elif not found:
        found = [match.span() for match in _PIPES.finditer(text)]
    return [Grid(start, end, tuple(_rows(text, start, end, quotes=quotes))) for start, end in found if start < end]


def _header(text: str, grid: Grid, span: Span) -> str:
    if len(grid.rows) < 2 or not grid.rows[1] <= span[0] < grid.end:
        return ""
    return " ".join(_RULE.sub("", text[grid.start : grid.rows[1]]).split())


def _rows(text: str, start: int, end: int, *, quotes: bool) -> Iterator[int]:
    """Where rows start: after each line break (outside quotes); a Markdown rule below the header belongs to it."""
    yield start
    line, number, quoted = start, 0, False
    while 0 < (following := text.find("\n", line, end) + 1) < end:
        number += 1
        quoted ^= quotes and text.count('"', line, following) % 2 == 1
        if not quoted and not (number == 1 and _RULE.match(text, following)):
            yield following
        line = following

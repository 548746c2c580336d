"""A document's own structure: contiguous sections under heading paths, and pages."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chunking.spans import Span
from sluice.records import Document

_MARKDOWN = (".md", ".markdown", ".mdx")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(\S.*)$|^ {0,3}(`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text under one heading; what follows that heading begins at `content` (`end` when nothing does)."""

    start: int
    content: int
    end: int
    path: tuple[str, ...]


class Outline:
    """The parts of a document, in order, without gaps, from 0 to the end of its text.

    They come from the document's elements; a Markdown document read verbatim (at most one element, plain text) is
    searched for its `#` headings; any other is one part.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.parts = _parts(document)
        self._starts = [part.start for part in self.parts]
        self._paged = [e for e in document.elements if e.page is not None]
        self._page_starts = [e.start for e in self._paged]

    def within(self, span: Span) -> Iterator[tuple[Part, int]]:
        """The parts that a span touches, with the characters it has in each."""
        index = max(bisect_right(self._starts, span[0]) - 1, 0)
        while index < len(self.parts) and self.parts[index].start < span[1]:
            part = self.parts[index]
            yield part, min(span[1], part.end) - max(span[0], part.start)
            index += 1

    def path(self, span: Span) -> tuple[str, ...]:
        """The deepest heading under which more than half of the span's characters lie, with those above it.

        So a chunk of one long section and the tail of another belongs to the first, and a chunk of ten small
        sections to the heading above them.
        """
        touched = list(self.within(span))
        if len(touched) == 1:
            return touched[0][0].path
        covered: Counter[tuple[str, ...]] = Counter()
        for part, size in touched:
            for depth in range(1, len(part.path) + 1):
                covered[part.path[:depth]] += size
        most = [path for path, size in covered.items() if 2 * size > span[1] - span[0]]
        return max(most, key=len, default=())

    def page(self, span: Span) -> int | None:
        """The page on which the span starts."""
        if not self._paged:
            return None
        index = bisect_right(self._page_starts, span[0]) - 1
        return self._paged[max(index, 0)].page


def _parts(document: Document) -> list[Part]:
    verbatim = not document.elements or (len(document.elements) == 1 and document.elements[0].kind == "text")
    if verbatim and document.uri.lower().endswith(_MARKDOWN):
        marks = list(_from_markdown(document.text))
    else:
        marks = list(_from_elements(document))
    if not marks or marks[0][0] > 0:
        marks.insert(0, (0, (), 0))
    ends = [start for start, _, _ in marks[1:]] + [len(document.text)]
    return [
        Part(start, _visible(document.text, max(start, content), end), end, path)
        for (start, path, content), end in zip(marks, ends, strict=True)
        if start < end
    ]


def _visible(text: str, start: int, end: int) -> int:
    """The first position that is not white space."""
    return start + len(text[start:end]) - len(text[start:end].lstrip())


def _from_elements(document: Document) -> Iterator[tuple[int, tuple[str, ...], int]]:
    """Where each part starts, its path, and where its heading ends."""
    last: tuple[str, ...] = ()
    for element in document.elements:
        if element.kind == "title" or element.heading_path != last:
            last = element.heading_path
            yield element.start, last, element.end if element.kind == "title" else element.start


def _from_markdown(text: str) -> Iterator[tuple[int, tuple[str, ...], int]]:
    levels: list[tuple[int, str]] = []
    fence = ""
    for match in _HEADING.finditer(text):
        marks, title, ticks = match.groups()
        if ticks:
            if not fence:
                fence = ticks
            elif ticks.startswith(fence):
                fence = ""
        elif not fence:
            levels = [level for level in levels if level[0] < len(marks)] + [(len(marks), _unclosed(title))]
            yield match.start(), tuple(name for _, name in levels), match.end()


def _unclosed(title: str) -> str:
    """A heading without its closing marks: `Setup ##` is Setup, `C#` is C#."""
    title = title.rstrip()
    bare = title.rstrip("#")
    return bare.rstrip() if bare[-1:] in ("", " ", "\t") else title

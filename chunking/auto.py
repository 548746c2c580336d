"""One strategy per document, by what the document is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from chunking.code import Code, language_of
from chunking.heading import Heading
from chunking.outline import Outline
from chunking.recursive import Recursive
from chunking.spans import Span
from chunking.strategy import Given
from chunking.table import Table, tables
from sluice.records import Document


class Auto:
    """The first of these rules that holds decides:

    1. the uri's extension names a programming language: `code`;
    2. more than half of the text lies in tables: `table`;
    3. it has two headings or more: `heading`;
    4. else: `recursive`.

    A rule looks at one document alone, so that a document's chunks never depend on the others.
    """

    def __init__(self, given: Given) -> None:
        self._code = Code(replace(given, options=Code.Options()))
        self._table = Table(given)
        self._heading = Heading(replace(given, options=Heading.Options()))
        self._recursive = Recursive(replace(given, options=Recursive.Options()))
        members = (self._code, self._table, self._heading, self._recursive)
        self.fingerprint = given.fingerprint("auto", 1, members=" ".join(member.fingerprint for member in members))

    def split(self, document: Document) -> list[Span]:
        match choice(document):
            case "code":
                return self._code.split(document)
            case "table":
                return self._table.split(document)
            case "heading":
                return self._heading.split(document)
            case "recursive":
                return self._recursive.split(document)

    def headers(self, document: Document, spans: Sequence[Span]) -> list[str]:
        """A table's header, as `table` repeats it; nothing for the others."""
        return self._table.headers(document, spans) if choice(document) == "table" else [""] * len(spans)


def choice(document: Document) -> Literal["code", "table", "heading", "recursive"]:
    """The strategy that the rules of `Auto` give this document."""
    if language_of(document) is not None:
        return "code"
    if 2 * sum(grid.end - grid.start for grid in tables(document)) > len(document.text):
        return "table"
    if len({part.path for part in Outline(document).parts if part.path}) >= 2:
        return "heading"
    return "recursive"

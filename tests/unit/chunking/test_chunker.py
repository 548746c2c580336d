"""Chunks: identity, headings, context."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pytest

from chunking import DocumentChunker, Ruler
from chunking.testing import BundledTokenizer, build, document
from sluice.errors import DocumentError
from sluice.records import Document, Element

GUIDE = "# Pump\n\nIntroduction.\n\n## Starting\n\nOpen the valve.\n\n### In winter\n\nWarm the oil first, for an hour.\n"


@dataclass
class Lines:
    """A user's strategy: lines; `beyond` makes it leave the document."""

    beyond: int = 0
    fingerprint: str = "lines"

    def split(self, document: Document) -> list[tuple[int, int]]:
        edges = [0, *(i + 1 for i, c in enumerate(document.text) if c == "\n"), len(document.text)]
        return [(a, b + self.beyond) for a, b in pairwise(edges)]


def chunks_of(
    text: str, *elements: Element, title: str = "Pump", window: int = 256, context: str = "headings"
) -> list[tuple[str, str]]:
    chunker = DocumentChunker(Lines(), Ruler(BundledTokenizer(window)), max_tokens=20, context=context)  # type: ignore[arg-type]
    return [(chunk.text, chunk.context) for chunk in chunker.chunk(document(text, *elements, title=title))]


def test_context_is_title_and_headings() -> None:
    """Title and headings from the outermost in; a heading that repeats the title is said once."""
    contexts = dict(chunks_of(GUIDE))
    assert contexts["Introduction."] == "Pump"
    assert contexts["Open the valve."] == "Pump > Starting"
    assert contexts["Warm the oil first, for an hour."] == "Pump > Starting > In winter"


def test_context_title() -> None:
    """`title` adds the title and nothing else."""
    assert {context for _, context in chunks_of(GUIDE, context="title")} == {"Pump"}


def test_context_is_cut_from_the_outermost() -> None:
    """Where the window is small, the deepest heading stays and the text is whole."""
    chunker = DocumentChunker(Lines(), Ruler(BundledTokenizer(2 + 9 + 2)), max_tokens=10, context="headings")
    chunk = next(c for c in chunker.chunk(document(GUIDE, title="Pump")) if c.text.startswith("Warm"))
    assert (chunk.text, chunk.context, chunk.context_cut) == ("Warm the oil first, for an hour.", "In winter", True)


def test_context_without_room() -> None:
    """No room, no context; that it was cut is recorded."""
    chunker = DocumentChunker(Lines(), Ruler(BundledTokenizer(2 + 9)), max_tokens=9, context="headings")
    chunk = next(c for c in chunker.chunk(document(GUIDE, title="Pump")) if c.text.startswith("Warm"))
    assert (chunk.tokens, chunk.context, chunk.context_cut) == (9, "", True)


def test_long_heading_keeps_its_beginning() -> None:
    """A heading too long for the window is cut at its end, between tokens."""
    [(_, context), *_] = chunks_of("a line", title="alpha beta gamma delta epsilon " * 10, window=2 + 2 + 4)
    assert context == "alpha beta gamma delta"


def test_ids_follow_the_strategy() -> None:
    """A chunk's id is its document, strategy, start and text; context and tokenizer are not part of it."""
    cases: tuple[tuple[int, Literal["none", "headings"]], ...] = ((256, "none"), (100, "headings"))
    plain, rich = (
        DocumentChunker(Lines(), Ruler(BundledTokenizer(window)), max_tokens=20, context=mode) for window, mode in cases
    )
    assert [c.id for c in plain.chunk(document(GUIDE))] == [c.id for c in rich.chunk(document(GUIDE))]
    other = DocumentChunker(Lines(fingerprint="other"), Ruler(BundledTokenizer()), max_tokens=20)
    assert not {c.id for c in plain.chunk(document(GUIDE))} & {c.id for c in other.chunk(document(GUIDE))}


def test_heading_path_is_of_most_of_the_chunk() -> None:
    """A chunk across sections is under the deepest heading that covers more than half of it."""
    text = "aaaa bbbb cccccccccccc"
    elements = (
        Element("text", 0, 4, ("T", "A"), 1),
        Element("text", 5, 9, ("T", "B"), 2),
        Element("text", 10, 22, ("T", "C"), 3),
    )
    chunker = build(strategy="recursive", max_tokens=30)
    [chunk] = chunker.chunk(document(text, *elements))
    assert (chunk.heading_path, chunk.page) == (("T", "C"), 1)
    [chunk] = chunker.chunk(document(text[:9], *elements[:2]))
    assert chunk.heading_path == ("T", "A")
    [chunk] = chunker.chunk(document("aaaa bbbb cccc", *elements[:2], Element("text", 10, 14, ("T", "C"))))
    assert chunk.heading_path == ("T",)


def test_strategy_that_leaves_the_document() -> None:
    """A span outside the text is the strategy's defect, and the message says whose and where."""
    chunker = DocumentChunker(Lines(beyond=5), Ruler(BundledTokenizer()), max_tokens=20)
    with pytest.raises(DocumentError, match=r"Lines cut a/document.md at \(0, 12\), but its text has 10 characters"):
        chunker.chunk(document("a line\nbcd"))
